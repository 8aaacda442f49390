"""Cluster roles that are put together from others."""

from typing import Any

from shipslog.reconcilers.cluster.cluster_role_aggregation import RECONCILER, decide
from shipslog.store.commands import Update
from shipslog.store.objects.types.meta_v1 import LabelSelector, LabelSelectorRequirement, ObjectMeta
from shipslog.store.objects.types.rbac_v1 import AggregationRule, ClusterRole, PolicyRule
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
    (update,) = decide(view, "all", now=NOW).commands
    assert isinstance(update, Update)
    assert [r.verbs[0] for r in update.object.rules] == ["watch", "get", "list", "delete"]
    add(view, update.object)
    assert not decide(view, "all", now=NOW).commands and not decide(view, "a", now=NOW).commands


def test_any_role_wakes_those_that_are_put_together() -> None:
    view = view_of(role("all", chooses=(TO_VIEW,)))
    assert woken(RECONCILER.wakes, view, role("new")) == ["new", "all"]
