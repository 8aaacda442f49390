"""Pods that wait: who is looked at when there are too many, and what it costs."""

import time
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.scheduler import window
from shipslog.reconcilers.scheduler.queue import QUEUE
from shipslog.store.commands import Bind, Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectModified
from shipslog.store.objects.types import core_v1

from ..views import NOW, add, created, node, pod, rc, view_of, woken, woken_by_end

SECOND = 1_000_000_000


def decided(view: MemoryView, now: int = NOW) -> Decision:
    return scheduler.decide(view, "pending", now=now)


def follow(view: MemoryView, decision: Decision) -> None:
    """The view takes in what was decided."""
    for command in decision.commands:
        if isinstance(command, Update):
            take(view, command.object)
        elif isinstance(command, Delete):  # it ends later
            held = view.get(core_v1.Pod, command.name, command.namespace)
            assert held is not None
            take(view, replace(held, metadata=replace(held.metadata, deletion_timestamp="2027-01-15T09:00:00Z")))
        else:
            assert isinstance(command, Bind)
            held = view.get(core_v1.Pod, command.name, command.namespace)
            assert held is not None
            status = replace(held.status, nominated_node_name="")
            take(view, replace(held, spec=replace(held.spec, node_name=command.node), status=status))


def take(view: MemoryView, obj: Any) -> None:
    fact = created(obj)
    fate = ObjectModified(resource=fact.resource, namespace=fact.namespace, name=fact.name, uid=fact.uid, object=fact.object)
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=fate))


def settled(view: MemoryView, now: int = NOW) -> int:
    """-> how many decisions it took until there was nothing more to do at once."""
    for times in range(1, 500):
        decision = decided(view, now)
        follow(view, decision)
        if decision.requeue_after is None or decision.requeue_after > 0.1:
            return times
    raise AssertionError("it never comes to rest")


def test_pods_that_are_alike_are_told_together_and_a_few_at_a_time() -> None:
    view = view_of(node("a", cpu="1"), *[pod(f"p{i}", cpu="2") for i in range(600)])
    assert settled(view) == 3
    (said,) = {p.status.conditions[0].message for p in view.list(core_v1.Pod)}
    assert said.startswith("0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption")
    assert len(view.projected(QUEUE).of["default-scheduler"].classes) == 1
    assert decided(view).commands == () and decided(view).requeue_after is None


def test_room_for_some_of_a_class_is_taken_by_those_that_wait_longest() -> None:
    pods = [pod(f"p{i}", cpu="600m", creation_timestamp=f"2027-01-15T08:00:0{9 - i}Z") for i in range(9)]
    view = view_of(node("a", ready=False), *pods)
    settled(view)
    add(view, node("b", cpu="2"))
    settled(view)
    assert sorted(p.metadata.name for p in view.list(core_v1.Pod) if p.spec.node_name) == ["p6", "p7", "p8"]


def test_a_new_pod_is_bound_at_once_whatever_waits() -> None:
    view = view_of(*[node(f"n{i}", cpu="2") for i in range(100)], *[pod(f"big{i}", cpu=f"{3000 + i}m") for i in range(700)])
    settled(view)
    assert len(view.projected(QUEUE).of["default-scheduler"].heads) == 700
    add(view, pod("new", cpu="1"))
    assert [c.name for c in decided(view).commands if isinstance(c, Bind)] == ["new"]


def test_the_more_important_is_not_passed_by_what_is_new() -> None:
    important = pod("z", cpu="1", spec=core_v1.PodSpec(priority=10))
    view = view_of(node("a", ready=False), important)
    settled(view)
    add(view, pod("new", cpu="1"), node("b", cpu="1"))
    assert [c.name for c in decided(view).commands if isinstance(c, Bind)] == ["z"]


def test_who_waits_comes_in_turn() -> None:
    view = view_of(*[node(f"n{i}", cpu="2") for i in range(100)], *[pod(f"big{i}", cpu=f"{3000 + i}m") for i in range(700)])
    settled(view)
    take(view, node("n7", cpu="3690m"))  # there are 691 that fit now, each a class of its own
    bound = set()
    for second in range(12):
        decision = decided(view, NOW + second * SECOND)
        assert decision.requeue_after is not None and decision.requeue_after <= 1
        bound |= {c.name for c in decision.commands if isinstance(c, Bind)}
        follow(view, decision)
    assert len(bound) == 1, "it has room for one"
    view = view_of(*[node(f"n{i}", cpu="2") for i in range(100)], *[pod(f"big{i}", cpu=f"{3000 + i}m") for i in range(700)])
    settled(view)
    take(view, node("n7", cpu="3000m"))  # one fits, one among seven hundred
    seen = [s for s in range(12) if any(isinstance(c, Bind) for c in decided(view, NOW + s * SECOND).commands)]
    assert seen, "it was passed over for twelve seconds"


@pytest.mark.parametrize("period", [1, 2, 3, 5])
@pytest.mark.parametrize("many", [3, 40, 41, 59, 100, 397])
def test_nobody_is_passed_over_for_ever(many: int, period: int) -> None:
    """However often it is looked at, and however many wait."""
    heads: Any = [((0, "", "", str(i)), ()) for i in range(many)]
    seen = {head[0][3] for second in range(0, 400 * period, period) for head in window(heads, 40, second * SECOND)}
    assert len(seen) == many
    assert all(heads[0] in window(heads, 40, second * SECOND) for second in range(50))
    assert all(len(window(heads, 40, second * SECOND)) <= 40 for second in range(50))


def test_thousands_that_do_not_fit_hold_up_nobody() -> None:
    view = view_of(*[node(f"n{i}", cpu="2") for i in range(100)])
    for i in range(3000):
        add(view, pod(f"big{i:05}", cpu=f"{3000 + i}m"))
    took = []
    for second in range(30):
        begun = time.process_time()
        decision = decided(view, NOW + second * SECOND)
        took.append(time.process_time() - begun)
        follow(view, decision)
    assert sorted(took)[len(took) // 2] < 0.15, f"{max(took)} s; it is a quarter of that on an idle machine"


def test_what_a_pod_that_waits_says_of_itself_wakes_nobody() -> None:
    view = view_of(node("a", ready=False))
    assert woken(scheduler.WAKES, view, pod("p")) == ["pending"]
    (update,) = decided(view).commands
    assert isinstance(update, Update)
    assert woken(scheduler.WAKES, view, update.object) == []
    assert woken(scheduler.WAKES, view, rc("r", 1)) == []


def test_room_wakes_those_that_wait_for_it_and_nobody_else() -> None:
    gated = pod("gated", spec=core_v1.PodSpec(scheduling_gates=(core_v1.PodSchedulingGate(name="g"),)))
    view = view_of(
        node("a", cpu="1"), pod("big", node="a", cpu="1"), gated, pod("theirs", spec=core_v1.PodSpec(scheduler_name="t"))
    )
    assert woken(scheduler.WAKES, view, node("b", cpu="1")) == []
    add(view, pod("p", cpu="2"))
    assert woken(scheduler.WAKES, view, node("b", cpu="2")) == ["pending"]
    assert woken(scheduler.WAKES, view, pod("q", node="a")) == []
    assert woken_by_end(scheduler.WAKES, view, pod("big", node="a", cpu="1")) == ["pending"]


def test_a_gate_is_told_once_and_what_passed_it_is_new() -> None:
    gated = pod("p", spec=core_v1.PodSpec(scheduling_gates=(core_v1.PodSchedulingGate(name="g"),)))
    view = view_of(node("a"), gated)
    decision = decided(view)
    (update,) = decision.commands
    assert isinstance(update, Update) and not decision.says
    assert update.object.status.conditions[0].reason == "SchedulingGated"
    follow(view, decision)
    assert decided(view).commands == ()
    take(view, replace(update.object, spec=replace(update.object.spec, scheduling_gates=())))
    assert [c.node for c in decided(view).commands if isinstance(c, Bind)] == ["a"]
