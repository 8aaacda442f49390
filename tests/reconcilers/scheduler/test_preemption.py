"""Pods that give way to more important ones: who, on which node, and what is said of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.commands import Bind, Delete, Update
from shipslog.store.objects.types import core_v1, meta_v1, policy_v1

from ..views import NOW, node, pod, view_of
from .test_queue import follow, take
from .test_same_decisions import drop
from .test_topology import evenly, place, term, wants

SECOND = 1_000_000_000


def runs(
    name: str, on: str, priority: int = 0, cpu: str = "1", began: str = "2027-01-15T08:00:00Z", **more: Any
) -> core_v1.Pod:
    made = pod(name, node=on, cpu=cpu, spec=core_v1.PodSpec(priority=priority), **more)
    return replace(made, status=replace(made.status, start_time=began))


def waits(name: str, priority: int = 100, cpu: str = "1", nominated: str = "", **more: Any) -> core_v1.Pod:
    spec = replace(more.pop("spec", core_v1.PodSpec()), priority=priority, preemption_policy=more.pop("policy", None))
    made = pod(name, cpu=cpu, spec=spec, **more)
    return replace(made, status=replace(made.status, nominated_node_name=nominated))


def budget(allowed: int, **labels: str) -> policy_v1.PodDisruptionBudget:
    chosen = meta_v1.LabelSelector(match_labels=labels)
    return policy_v1.PodDisruptionBudget(
        metadata=meta_v1.ObjectMeta(name="b" + "".join(labels.values()), namespace="default"),
        spec=policy_v1.PodDisruptionBudgetSpec(selector=chosen),
        status=policy_v1.PodDisruptionBudgetStatus(disruptions_allowed=allowed),
    )


def decided(*things: Any) -> Decision:
    return scheduler.decide(view_of(*things), "pending", now=NOW)


def taken(decision: Decision) -> list[str]:
    return [c.name for c in decision.commands if isinstance(c, Delete)]


def nominations(decision: Decision) -> dict[str, str]:
    updates = [c.object for c in decision.commands if isinstance(c, Update)]
    return {p.metadata.name: p.status.nominated_node_name for p in updates if not p.spec.node_name}


def told(decision: Decision) -> list[str]:
    updates = [c.object for c in decision.commands if isinstance(c, Update) and not c.object.spec.node_name]
    return [c.message for p in updates for c in p.status.conditions if c.type == "PodScheduled"]


def test_the_less_important_gives_way() -> None:
    decision = decided(node("a", cpu="1"), runs("low", "a"), waits("high"))
    assert nominations(decision) == {"high": "a"} and taken(decision) == ["low"]
    assert told(decision) == ["0/1 nodes are available: 1 Insufficient cpu."]
    (marked,) = [c.object for c in decision.commands if isinstance(c, Update) and c.object.spec.node_name]
    condition = marked.status.conditions[-1]
    assert (condition.type, condition.status, condition.reason) == ("DisruptionTarget", "True", "PreemptionByScheduler")
    assert condition.message == "default-scheduler: preempting to accommodate a higher priority pod"
    (delete,) = [c for c in decision.commands if isinstance(c, Delete)]
    assert delete.uid == "uid-pods-low" and delete.grace_period_s is None, "it ends with its own grace"
    said = {say.reason: (say.type, say.about.name, say.message) for say in decision.says}
    assert said["Preempted"] == ("Normal", "low", "Preempted by pod uid-pods-high on node a")
    assert said["FailedScheduling"][:2] == ("Warning", "high")


def test_then_its_end_is_waited_for_and_the_node_is_its_own() -> None:
    view = view_of(node("a", cpu="1"), runs("low", "a"), waits("high"))
    follow(view, scheduler.decide(view, "pending", now=NOW))
    held = view.get(core_v1.Pod, "low", "default")
    assert held is not None and held.metadata.deletion_timestamp
    again = scheduler.decide(view, "pending", now=NOW + SECOND)
    assert told(again) == [
        "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node."
    ]
    assert not taken(again) and nominations(again) == {"high": "a"}
    follow(view, again)
    assert scheduler.decide(view, "pending", now=NOW + SECOND).commands == ()
    take(view, waits("equal"))
    drop(view, held)
    binds = [(c.name, c.node) for c in scheduler.decide(view, "pending", now=NOW + 2 * SECOND).commands if isinstance(c, Bind)]
    assert binds == [("high", "a")]


@pytest.mark.parametrize("other", [0, 100])
def test_a_node_that_is_kept_free_is_nobody_elses(other: int) -> None:
    nominated = waits("high", nominated="a", creation_timestamp="2027-01-15T09:00:00Z")
    decision = decided(node("a", cpu="1"), node("b", cpu="1"), waits("new", other), nominated)
    assert {c.name: c.node for c in decision.commands if isinstance(c, Bind)} == {"high": "a", "new": "b"}


def test_the_more_important_takes_a_node_that_is_kept_free_for_another() -> None:
    decision = decided(
        node("a", cpu="1"), runs("low", "a", deletion_timestamp="2027-01-15T08:00:00Z"), waits("high", nominated="a"),
        waits("higher", 200),
    )  # fmt: skip
    assert nominations(decision) == {"higher": "a", "high": ""} and not taken(decision), "low ends already"


def test_one_that_may_not_take_anybodys_place_waits() -> None:
    decision = decided(node("a", cpu="1"), runs("low", "a"), waits("high", policy="Never"))
    assert taken(decision) == [] and told(decision) == [
        "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."
    ]


def test_what_would_not_help_is_said() -> None:
    taint = core_v1.Taint(key="k", value="v", effect="NoSchedule")
    nodes = node("a", cpu="1"), node("b", taints=(taint,)), node("c", unschedulable=True), node("d", cpu="500m")
    decision = decided(*nodes, runs("equal", "a", 100), waits("high"))
    assert told(decision) == [
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu. "
        "preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, "
        "3 Preemption is not helpful for scheduling."
    ]
    crowd = decided(node("a", cpu="2"), runs("equal", "a", 100, "1500m"), runs("low", "a", 0, "500m"), waits("high"))
    assert taken(crowd) == [] and told(crowd)[0].endswith("preemption: 0/1 nodes are available: 1 Insufficient cpu.")


@pytest.mark.parametrize(
    ("things", "on", "who"),
    [
        pytest.param((runs("a1", "a", 5), runs("b1", "b", 1)), "b", ["b1"], id="the least important"),
        pytest.param(
            (runs("a1", "a", labels={"app": "x"}), budget(0, app="x"), runs("b1", "b", 50)), "b", ["b1"], id="budgets first"
        ),
        pytest.param(
            (runs("a1", "a", 1), runs("b1", "b", 1, "500m"), runs("b2", "b", 1, "500m")), "a", ["a1"], id="the fewest"
        ),
        pytest.param(
            (runs("a1", "a", 9, "500m"), runs("a2", "a", 1, "500m"), runs("b1", "b", 9, "500m"), runs("b2", "b", 9, "500m")),
            "a",
            ["a1", "a2"],
            id="the sum",
        ),
        pytest.param((runs("a1", "a"), runs("b1", "b", began="2027-01-15T09:00:00Z")), "b", ["b1"], id="who began last"),
    ],
)
def test_on_which_node(things: tuple[Any, ...], on: str, who: list[str]) -> None:
    decision = decided(node("a", cpu="1"), node("b", cpu="1"), *things, waits("high"))
    assert nominations(decision) == {"high": on} and taken(decision) == who


def test_as_few_as_make_room_and_the_least_important_of_them() -> None:
    held = [runs("p1", "a", 1), runs("p2", "a", 2), runs("p3", "a", 3), runs("late", "a", 3, began="2027-01-16T08:00:00Z")]
    assert taken(decided(node("a"), *held, waits("high", cpu="1"))) == ["p1"]
    assert taken(decided(node("a"), *held, waits("high", cpu="3"))) == ["late", "p2", "p1"]
    guarded = replace(held[0], metadata=replace(held[0].metadata, labels={"app": "x"}))
    assert taken(decided(node("a"), guarded, *held[1:], budget(0, app="x"), waits("high"))) == ["p2"]
    assert taken(decided(node("a"), guarded, *held[1:], budget(1, app="x"), waits("high"))) == ["p1"]


def test_a_budget_is_spent_once_in_a_decision() -> None:
    guarded = [runs(f"g{i}", f"n{i}", 0, labels={"app": "x"}) for i in range(3)]
    free = [runs(f"f{i}", f"m{i}", 50) for i in range(3)]
    nodes = [node(f"{letter}{i}", cpu="1") for letter in "nm" for i in range(3)]
    decision = decided(*nodes, *guarded, *free, budget(1, app="x"), waits("h1"), waits("h2"), waits("h3"))
    assert sorted(name[0] for name in taken(decision)) == ["f", "f", "g"]
    assert len(set(nominations(decision).values())) == 3


def test_a_budget_that_was_spent_a_moment_ago_is_not_spent_again() -> None:
    """The controller has not counted yet that one of them ends."""
    ends = runs("g0", "n0", 0, labels={"app": "x"}, deletion_timestamp="2027-01-15T08:00:00Z")
    spent = replace(budget(1, app="x"), status=policy_v1.PodDisruptionBudgetStatus(disruptions_allowed=1, desired_healthy=1))
    nodes = [node(name, cpu="1") for name in ("n0", "n1", "m")]
    others = runs("g1", "n1", 0, labels={"app": "x"}), runs("f", "m", 50)
    decision = decided(*nodes, ends, *others, spent, waits("h1", nominated="n0"), waits("h2"))
    assert taken(decision) == ["f"]


def test_alike_pods_take_a_place_each() -> None:
    low = [runs(f"low{i}", f"n{i}") for i in range(4)]
    decision = decided(*[node(f"n{i}", cpu="1") for i in range(4)], *low, *[waits(f"h{i}") for i in range(5)])
    assert sorted(taken(decision)) == ["low0", "low1", "low2", "low3"]
    assert sorted(filter(None, nominations(decision).values())) == ["n0", "n1", "n2", "n3"]


def test_a_port_and_those_who_keep_away_are_made_room_for() -> None:
    network = core_v1.PodSpec(host_network=True, priority=0)
    port = decided(node("a"), pod("old", node="a", spec=network), waits("new", spec=network))
    assert taken(port) == ["old"]
    loner = wants("loner", far=term("host", app="x"), on="a")
    high = waits("high", labels={"app": "x"})
    assert taken(decided(place("a"), loner, high)) == ["loner"]
    alone = wants("new", far=term("host", app="x"), app="x")
    alone = replace(alone, spec=replace(alone.spec, priority=100))
    assert taken(decided(place("a"), runs("old", "a", labels={"app": "x"}), alone)) == ["old"]


def test_a_spread_is_made_even_by_those_who_leave() -> None:
    there = [runs(f"p{i}", "a", labels={"app": "x"}) for i in range(2)]
    new = wants("new", spread=evenly("host", 2, app="x"), app="x")
    high = replace(new, spec=replace(new.spec, priority=100))
    closed = node("b", labels={"host": "b"}, unschedulable=True)
    decision = decided(place("a"), closed, *there, high)
    assert len(taken(decision)) == 1 and nominations(decision) == {"new": "a"}


def test_a_node_that_is_gone_is_kept_free_for_nobody() -> None:
    decision = decided(node("a", cpu="1"), runs("equal", "a", 100), waits("high", nominated="gone"))
    assert nominations(decision) == {"high": ""}


def test_others_ends_are_not_waited_for() -> None:
    """Somebody deleted it; it gives way to nobody."""
    ends = runs("low", "a", deletion_timestamp="2027-01-15T08:00:00Z")
    decision = decided(node("a", cpu="1"), node("b", cpu="1"), ends, runs("low2", "b", 1), waits("high", nominated="a"))
    assert nominations(decision) == {"high": "a"} and taken(decision) == [], "it is the least important, and goes anyway"


def test_it_is_not_repeated() -> None:
    """Fifty that want in, ten that give way, and nothing more after that until something changes."""
    view = view_of(*[node(f"n{i}", cpu="1") for i in range(10)], *[runs(f"low{i}", f"n{i}") for i in range(10)])
    for i in range(50):
        take(view, waits(f"h{i}"))
    gone = 0
    for second in range(6):
        decision = scheduler.decide(view, "pending", now=NOW + second * SECOND)
        gone += len(taken(decision))
        follow(view, decision)
    assert gone == 10 and scheduler.decide(view, "pending", now=NOW + 9 * SECOND).commands == ()
