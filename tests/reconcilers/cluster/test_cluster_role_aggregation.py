"""Cluster roles that are put together from others."""

from typing import Any

import msgspec

from shipslog.reconcilers.cluster.cluster_role_aggregation import RECONCILER, decide
from shipslog.store.commands import Apply
from shipslog.store.objects.types.meta_v1 import LabelSelector, LabelSelectorRequirement, ObjectMeta
from shipslog.store.objects.types.rbac_v1 import AggregationRule, ClusterRole, PolicyRule
from shipslog.testing import TestCluster
from tests.reconcilers.views import NOW, add, view_of, woken


def rule(*verbs: str) -> PolicyRule:
    return PolicyRule(verbs=verbs, api_groups=("",), resources=("pods",))


def role(name: str, *rules: PolicyRule, chooses: Any = None, **labels: str) -> ClusterRole:
    together = AggregationRule(cluster_role_selectors=chooses) if chooses else None
    return ClusterRole(metadata=ObjectMeta(name=name, labels=labels), rules=rules, aggregation_rule=together)


TO_VIEW = LabelSelector(match_labels={"to": "view"})
BY_KEY = LabelSelector(match_expressions=(LabelSelectorRequirement(key="more", operator="Exists"),))


def test_it_has_the_rules_of_all_that_it_chooses_each_once() -> None:
    view = view_of(
        role("all", rule("old"), chooses=(TO_VIEW, BY_KEY), to="view"),
        role("b", rule("get"), rule("list"), to="view"),
        role("a", rule("watch"), rule("get"), to="view"),
        role("c", rule("delete"), more=""),
        role("d", rule("never")),
    )
    (apply,) = decide(view, "all", now=NOW).commands
    assert isinstance(apply, Apply) and apply.force
    rules = msgspec.json.decode(apply.body, type=ClusterRole).rules
    assert [r.verbs[0] for r in rules] == ["watch", "get", "list", "delete"]
    add(view, role("all", *rules, chooses=(TO_VIEW, BY_KEY), to="view"))
    assert not decide(view, "all", now=NOW).commands and not decide(view, "a", now=NOW).commands


def test_any_role_wakes_those_that_are_put_together() -> None:
    view = view_of(role("all", chooses=(TO_VIEW,)))
    assert woken(RECONCILER.wakes, view, role("new")) == ["new", "all"]


async def test_the_rules_are_its_own_and_nothing_else_is(cluster: TestCluster) -> None:
    await cluster.create(role("a", rule("get"), to="view"))
    await cluster.create(role("all", rule("old"), chooses=(TO_VIEW,)))
    held = await cluster.wait(ClusterRole, "all", until=lambda found: found.rules == (rule("get"),), timeout_s=30)
    (mine,) = [one for one in held.metadata.managed_fields if one.manager == "clusterrole-aggregation-controller"]
    assert (mine.operation, mine.fields_v1) == ("Apply", {"f:rules": {}})
