"""Cluster roles that are put together from others, whose labels they choose. Source: Kubernetes' aggregation controller."""

from collections.abc import Iterable

import msgspec

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Apply
from shipslog.store.objects.selector import of_label_selector
from shipslog.store.objects.types.rbac_v1 import ClusterRole, PolicyRule
from shipslog.store.projections import index
from shipslog.store.view import View

TOGETHER = index(
    "cluster roles that are put together", ("clusterroles.rbac.authorization.k8s.io",),
    lambda role: ("",) if role.aggregation_rule is not None else (),
)  # fmt: skip


def _all_put_together(view: View, role: ClusterRole) -> Iterable[str]:
    return [entry.object.metadata.name for entry in view.find(TOGETHER, "")]


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Have in it the rules of all that it chooses, each once, in the order of their names."""
    role = view.get(ClusterRole, key)
    if role is None or role.aggregation_rule is None:
        return Decision(reason="it is not put together from others")
    rules: dict[PolicyRule, None] = {}
    for chosen in role.aggregation_rule.cluster_role_selectors:
        selector = of_label_selector(chosen)
        for other in view.select(ClusterRole, "", selector.exact):
            if other.metadata.name != key and selector.matches(other.metadata.labels):
                rules |= dict.fromkeys(other.rules)
    if tuple(rules) == tuple(role.rules):
        return Decision(reason="it has the rules of all that it chooses")
    return Decision(reason="others have changed", commands=(_applied(role, tuple(rules)),))


def _applied(role: ClusterRole, rules: tuple[PolicyRule, ...]) -> Apply:
    """The rules are this controller's own, and all else of the role is whoever's it was."""
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": role.metadata.name, "uid": role.metadata.uid},  # it makes none anew
        "rules": rules,
    }
    return Apply(
        resource="clusterroles.rbac.authorization.k8s.io", name=role.metadata.name, body=msgspec.json.encode(body),
        field_manager="clusterrole-aggregation-controller", force=True,
    )  # fmt: skip


RECONCILER = Reconciler(
    name="cluster-role-aggregation", actor="system:controller:clusterrole-aggregation-controller",
    wakes=rule(ClusterRole).watches(ClusterRole, to=_all_put_together), decide=decide, projections=(TOGETHER,),
    version=2,
)  # fmt: skip
