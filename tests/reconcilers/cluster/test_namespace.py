"""Namespaces that end: what is left is said in Kubernetes' words."""

from shipslog.reconcilers.cluster import namespace as rule
from shipslog.store.commands import Update
from shipslog.store.objects.types import coordination_v1, core_v1
from tests.reconcilers.views import NOW, meta, view_of, woken, woken_by_end

GOING = core_v1.Namespace(metadata=meta("n", namespace="", deletion_timestamp="2027-01-15T08:00:00Z"))


def test_what_remains_is_named_with_its_group() -> None:
    lease = coordination_v1.Lease(metadata=meta("l", namespace="n"))
    commands = rule.decide(view_of(GOING, core_v1.ConfigMap(metadata=meta("c", namespace="n")), lease), "n", now=NOW).commands
    (update,) = [c for c in commands if isinstance(c, Update)]
    said = {c.type: c.message for c in update.object.status.conditions}
    remain = "configmaps. has 1 resource instances, leases.coordination.k8s.io has 1 resource instances"
    assert said["NamespaceContentRemaining"] == f"Some resources are remaining: {remain}"


def test_who_is_woken() -> None:
    view = view_of(GOING)
    inside = core_v1.Secret(metadata=meta("s", namespace="n"))
    assert woken(rule.WAKES, view, inside) == woken_by_end(rule.WAKES, view, inside) == ["n"]
    assert woken(rule.WAKES, view, core_v1.Secret(metadata=meta("s"))) == [], "nothing is asked of a namespace that stays"
    assert rule.WAKES.all_keys(view)[:1] == ["default"] and "n" in rule.WAKES.all_keys(view)
