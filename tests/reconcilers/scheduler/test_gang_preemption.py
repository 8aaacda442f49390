"""Who gives way to a gang, how it is said, and that nobody does for nothing."""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.commands import Bind, Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.scheduling_v1beta1 import AllDisruptionMode, DisruptionMode, PodGroup
from shipslog.testing import TestCluster

from ..views import NOW, node, view_of
from .test_gangs import WAITS, bound, gang, member, told
from .test_preemption import budget, runs, taken
from .test_queue import decided, follow, take
from .test_same_decisions import drop
from .test_topology import ZONE, place, term, wants

SECOND = 1_000_000_000


def crew(least: int, name: str = "g", priority: int = 100, policy: str | None = None, *, whole: bool = False) -> PodGroup:
    made = gang(least, name)
    mode = DisruptionMode(all=AllDisruptionMode()) if whole else None
    return replace(made, spec=replace(made.spec, priority=priority, preemption_policy=policy, disruption_mode=mode))


def of(group: str, one: core_v1.Pod) -> core_v1.Pod:
    """The same pod in a group."""
    return replace(one, spec=replace(one.spec, scheduling_group=core_v1.PodSchedulingGroup(pod_group_name=group)))


def decide(*things: Any) -> Decision:
    return decided(view_of(*things))


def reasons(decision: Decision) -> dict[str, str]:
    """What is told of pods that wait, and of the group."""
    waiting = [c for c in decision.commands if not isinstance(c, Update) or not _is_placed(c.object)]
    return told(replace(decision, commands=tuple(waiting)))


def promises(decision: Decision) -> dict[str, str]:
    """The node that is kept free for each pod that hears of it."""
    pods = [c.object for c in decision.commands if isinstance(c, Update) and isinstance(c.object, core_v1.Pod)]
    return {one.metadata.name: one.status.nominated_node_name for one in pods if not one.spec.node_name}


def _is_placed(obj: Any) -> bool:
    return isinstance(obj, core_v1.Pod) and bool(obj.spec.node_name)


TWO = [member("a"), member("b")]


def test_those_give_way_on_whose_nodes_the_gang_goes_together() -> None:
    low = [runs("low-n", "n", cpu="3"), runs("low-m", "m", cpu="3"), runs("small", "m", cpu="1")]
    two = [member("a", cpu="3"), member("b", cpu="3")]
    view = view_of(crew(2), *two, *low, node("n", "4"), node("m", "4"))
    decision = decided(view)
    assert set(taken(decision)) == {"low-n", "low-m"}, "whoever need not go stays"
    held = promises(decision)
    assert set(held) == {"a", "b"} and set(held.values()) == {"n", "m"}
    assert reasons(decision)["g"] == "False Unschedulable 0/2 nodes are available: 2 Insufficient cpu."
    said = {say.about.name: say.message for say in decision.says if say.reason == "Preempted"}
    assert said == {f"low-{name}": f"Preempted by podgroup uid-podgroups-g on node {name}" for name in "nm"}
    follow(view, decision)
    assert not decided(view).commands, "it waits for their ends"
    drop(view, low[0])
    half = decided(view)
    assert not bound(half) and not taken(half) and promises(half).items() <= held.items(), "for all of them"
    follow(view, half)
    drop(view, low[1])
    last = decided(view)
    assert {c.name: c.node for c in last.commands if isinstance(c, Bind)} == held and reasons(last) == {"g": "True Scheduled"}


def test_nobody_gives_way_for_nothing() -> None:
    decision = decide(crew(3), *TWO, member("c"), runs("low", "n"), node("n", "4"))
    assert not taken(decision) and reasons(decision)["a"] == WAITS, "there is no room for three, whoever goes"
    assert not taken(decide(crew(2, policy="Never"), *TWO, runs("low", "n", cpu="3"), node("n", "4")))
    assert not taken(decide(crew(2, priority=0), *TWO, runs("as-important", "n", cpu="3"), node("n", "4")))
    full = [runs(f"low{i}", "n") for i in range(3)]
    assert not taken(decide(crew(2), *TWO, *full, node("n", "3"), node("m", "4"))), "there is room elsewhere"
    assert not taken(decide(crew(3), of("g", runs("own", "n", cpu="3")), *TWO, node("n", "4"))), "not one of their own"


def test_the_most_important_stay_and_what_a_budget_protects() -> None:
    some = [runs("five", "n", 5), runs("one", "n", 1), runs("old", "n", 1, began="2027-01-15T07:00:00Z"), runs("nine", "n", 9)]
    assert set(taken(decide(crew(1), member("a"), *some, node("n", "4")))) == {"one", "old"}
    guarded = runs("one", "n", 1, labels={"app": "x"})
    others = [some[0], guarded, some[2], some[3]]
    assert set(taken(decide(crew(1), member("a"), *others, budget(0, app="x"), node("n", "4")))) == {"old", "five"}
    rest = [guarded, runs("only", "n", 3)]
    assert set(taken(decide(crew(2), *TWO, *rest, budget(0, app="x"), node("n", "4")))) == {"one", "only"}, "nobody else could"


def test_a_group_goes_as_a_whole_or_stays() -> None:
    others = [of("h", runs("h0", "n", cpu="2")), of("h", runs("h1", "m", cpu="2"))]
    nodes = [node("n", "2"), node("m", "2")]
    assert set(taken(decide(crew(1), member("a"), crew(1, "h", 0), *others, *nodes))) == {"h0"}
    whole = crew(1, "h", 0, whole=True)
    assert set(taken(decide(crew(1), member("a"), whole, *others, *nodes))) == {"h0", "h1"}
    alone = runs("alone", "k", cpu="2")
    more = [*nodes, node("k", "2")]
    assert set(taken(decide(crew(1), member("a"), whole, *others, alone, *more))) in ({"alone"}, {"h0", "h1"})
    urgent = crew(1, "h", 200, whole=True)
    assert set(taken(decide(crew(1), member("a"), urgent, *others, alone, *more))) == {"alone"}, "its group's priority counts"


def test_who_keeps_the_gang_away_from_another_node_does_not_go_back() -> None:
    keeper = wants("keeper", far=term(ZONE, app="a"), on="n")
    other, one = runs("other", "n"), member("a", cpu="1", labels={"app": "a"})
    view = view_of(crew(1), one, keeper, other, place("n", zone="x"), place("m", zone="x"))
    assert set(taken(decided(view))) == {"keeper"}


def test_a_gang_with_a_promise_keeps_it_until_it_fits_nowhere() -> None:
    low = runs("low", "n", cpu="3")
    view = view_of(crew(2), *TWO, low, node("n", "4"))
    follow(view, decided(view))
    assert {p.status.nominated_node_name for p in view.list(core_v1.Pod) if not p.spec.node_name} == {"n"}
    drop(view, low)
    take(view, node("n", "1"))
    decision = decided(view)
    assert promises(decision) == {"a": "", "b": ""} and not bound(decision)


def cpu_of(one: core_v1.Pod) -> int:
    return int(one.spec.containers[0].resources.requests["cpu"])


@pytest.mark.parametrize("seed", range(12))
def test_nobody_gives_way_who_could_have_stayed(seed: int) -> None:
    """In worlds of chance: beside those that stay there is room for what was promised, and for no victim besides."""
    rng = random.Random(seed)
    nodes = [node(f"n{i}", str(rng.randrange(2, 7))) for i in range(4)]
    room = {one.metadata.name: int(one.status.allocatable["cpu"]) for one in nodes}
    low: list[core_v1.Pod] = []
    for name, left in room.items():
        while left > 0:
            cpu = min(rng.randrange(1, 4), left)
            low.append(runs(f"low{len(low)}", name, rng.randrange(3), str(cpu)))
            left -= cpu
    members = [member(f"m{i}", cpu=str(rng.randrange(1, 3))) for i in range(3)]
    view = view_of(crew(3), *members, *low, *nodes)
    decision = decided(view)
    victims, promised = set(taken(decision)), promises(decision)
    assert victims and set(promised) == {"m0", "m1", "m2"}
    for one in low:
        if one.metadata.name not in victims:
            room[one.spec.node_name] -= cpu_of(one)
    for one in members:
        room[promised[one.metadata.name]] -= cpu_of(one)
    assert min(room.values()) >= 0
    assert all(cpu_of(one) > room[one.spec.node_name] for one in low if one.metadata.name in victims)
    follow(view, decision)
    assert not bound(decided(view)), "their ends are waited for"
    for one in low:
        if one.metadata.name in victims:
            drop(view, one)
    last = decided(view, NOW + SECOND)
    assert {c.name: c.node for c in last.commands if isinstance(c, Bind)} == promised


MANIFEST = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
---
apiVersion: scheduling.k8s.io/v1beta1
kind: PodGroup
metadata: {name: crew}
spec: {schedulingPolicy: {gang: {minCount: 2}}, priorityClassName: urgent}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  containers: [{name: c, image: i, resources: {requests: {cpu: CPU}}}]
"""


@pytest.mark.shipslog(flows=False)
async def test_on_a_cluster_that_runs(cluster: TestCluster) -> None:
    cpu = int(cluster.list(core_v1.Node)[0].status.allocatable["cpu"])
    await cluster.apply(POD.replace("NAME", "low").replace("CPU", str(cpu)))
    await cluster.wait(core_v1.Pod, "low", until=lambda one: one.status.phase == "Running")
    await cluster.apply(MANIFEST)
    for name in ("one", "two"):
        await cluster.apply(POD.replace("NAME", name).replace("CPU", "1") + "  schedulingGroup: {podGroupName: crew}\n")
    for name in ("one", "two"):
        await cluster.advance(seconds=60)
        await cluster.wait(core_v1.Pod, name, until=lambda one: one.status.phase == "Running")
    assert "low" not in {one.metadata.name for one in cluster.list(core_v1.Pod)}
