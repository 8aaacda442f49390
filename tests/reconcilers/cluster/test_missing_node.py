"""Pods of a node that is not there: they wait for it a while, then they have failed and go."""

from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.cluster import node_lifecycle
from shipslog.store.commands import Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted
from tests.reconcilers.views import NOW, add, created, node, observed, pod, view_of

SECOND = 10**9


def decide(view: MemoryView, after_s: int) -> list[str]:
    decision = node_lifecycle.decide(view, "n", now=NOW + after_s * SECOND)
    assert decision.commands or decision.requeue_after == 40 - after_s
    for command in decision.commands:
        if isinstance(command, Update):
            (why,) = [c for c in command.object.status.conditions if c.type == "DisruptionTarget"]
            assert (command.object.status.phase, why.reason) == ("Failed", "DeletionByPodGC")
        elif isinstance(command, Delete):
            assert command.grace_period_s == 0
    return [type(c).__name__ for c in decision.commands]


def evolve(view: MemoryView, fact: ObjectDeleted) -> None:
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=fact))


def test_a_pod_bound_to_nowhere_waits_for_its_node() -> None:
    view = view_of(pod("p", node="n"))
    assert decide(view, 0) == decide(view, 39) == []
    assert decide(view, 40) == ["Update", "Delete"]
    add(view, node("n"))
    assert node_lifecycle.decide(view, "n", now=NOW).reason != "there is no such node"


def test_after_a_node_was_deleted_it_is_looked_for_again() -> None:
    old = pod("p", node="n", creation_timestamp="2026-01-01T00:00:00Z")
    fact = created(node("n"))
    view = view_of(node("n"), old)
    evolve(view, ObjectDeleted(resource="nodes", name="n", uid=fact.uid, object=fact.object))
    for seen in (view, view.copy(), snapshots.restore(snapshots.take(view))):
        assert decide(seen, 39) == [] and decide(seen, 40) == ["Update", "Delete"]
    taken = created(old)
    evolve(view, ObjectDeleted(resource="pods", namespace="default", name="p", uid=taken.uid, object=taken.object))
    assert view.node_gone_at("n") == 0


def test_one_that_was_heard_of_and_does_not_come_back_is_waited_for_no_longer() -> None:
    view = view_of(observed("n"), pod("p", node="n"))
    assert decide(view, 39) == [] and decide(view, 40) == ["Update", "Delete"]
