"""Pods that come together or not at all."""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.scheduler.explanation import explain
from shipslog.store.commands import Bind, Update
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types import core_v1, scheduling_v1beta1
from shipslog.testing import TestCluster

from ..views import NOW, add, meta, node, pod, view_of
from .test_queue import decided, follow, settled

TOO_FEW = "waiting for minCount pods from a gang to appear in scheduling queue"
WAITS = "waiting for minCount pods from a gang to be scheduled"
SCHEDULED = "PodGroupInitiallyScheduled"


def member(name: str, group: str = "g", cpu: str = "2", **more: Any) -> core_v1.Pod:
    spec = core_v1.PodSpec(
        scheduling_group=core_v1.PodSchedulingGroup(pod_group_name=group), priority=more.pop("priority", None)
    )
    return pod(name, cpu=cpu, spec=spec, **more)


def gang(least: int, name: str = "g") -> scheduling_v1beta1.PodGroup:
    policy = scheduling_v1beta1.PodGroupSchedulingPolicy(gang=scheduling_v1beta1.GangSchedulingPolicy(min_count=least))
    return scheduling_v1beta1.PodGroup(metadata=meta(name), spec=scheduling_v1beta1.PodGroupSpec(scheduling_policy=policy))


def basic(name: str = "g") -> scheduling_v1beta1.PodGroup:
    policy = scheduling_v1beta1.PodGroupSchedulingPolicy(basic=scheduling_v1beta1.BasicSchedulingPolicy())
    return scheduling_v1beta1.PodGroup(metadata=meta(name), spec=scheduling_v1beta1.PodGroupSpec(scheduling_policy=policy))


def bound(decision: Decision) -> set[str]:
    return {c.name for c in decision.commands if isinstance(c, Bind)}


def told(decision: Decision) -> dict[str, str]:
    """What pods hear, and the group: the condition's status with what is wrong."""
    found: dict[str, str] = {}
    for command in decision.commands:
        if isinstance(command, Update):
            obj: Any = command.object
            group = isinstance(obj, scheduling_v1beta1.PodGroup)
            said = find_condition(obj.status.conditions, SCHEDULED if group else "PodScheduled")
            assert said is not None
            found[obj.metadata.name] = f"{said.status} {said.reason} {said.message}".strip() if group else said.message
    return found


MEMBERS = [member("a"), member("b"), member("c")]
NO_ROOM = "0/2 nodes are available: 2 Insufficient cpu."
CASES: list[tuple[str, list[Any], set[str], dict[str, str]]] = [
    ("all", [gang(3), *MEMBERS, node("n", "6")], {"a", "b", "c"}, {"g": "True Scheduled"}),
    ("too few come", [gang(4), *MEMBERS, node("n", "9")], set(), dict.fromkeys("abc", TOO_FEW)),
    (
        "no group",
        [member("a"), node("n", "6")],
        set(),
        {"a": 'waiting for pods\'s pod group "g" to appear in scheduling queue'},
    ),
    ("basic", [basic(), *MEMBERS, node("n", "2")], {"a"}, dict.fromkeys("bc", "0/1 nodes are available: 1 Insufficient cpu.")),
    (
        "too little room",
        [gang(3), *MEMBERS, node("n", "3"), node("m", "3")],
        set(),
        {"a": WAITS, "b": WAITS, "c": NO_ROOM, "g": f"False Unschedulable {NO_ROOM}"},
    ),
    (
        "enough of them",
        [gang(2), *MEMBERS, node("n", "3"), node("m", "3")],
        {"a", "b"},
        {"c": NO_ROOM, "g": "True Scheduled"},
    ),
    (
        "others run already",
        [gang(3), member("x", node="n"), member("y", node="n"), member("a"), node("n", "6")],
        {"a"},
        {"g": "True Scheduled"},
    ),
    (
        "what ended counts no more",
        [gang(2), member("x", node="n", phase="Succeeded"), member("a"), node("n", "6")],
        set(),
        {"a": TOO_FEW},
    ),
]


@pytest.mark.parametrize(("things", "binds", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_all_or_none(things: list[Any], binds: set[str], words: dict[str, str]) -> None:
    decision = decided(view_of(*things))
    assert bound(decision) == binds
    assert {name: why.partition(" preemption:")[0] for name, why in told(decision).items()} == words


def test_what_a_gang_tried_is_free_for_others() -> None:
    one = pod("z", cpu="4")
    view = view_of(gang(3), *MEMBERS, one, node("n", "4"))
    decision = decided(view)
    assert bound(decision) == {"z"} and told(decision)["a"] == WAITS
    follow(view, decision)
    settled(view)
    assert view.get(core_v1.Pod, "z", "default").spec.node_name == "n"  # type: ignore[union-attr]
    assert all(not view.get(core_v1.Pod, name, "default").spec.node_name for name in "abc")  # type: ignore[union-attr]


def test_who_is_told_is_not_told_again_and_room_lets_all_in() -> None:
    view = view_of(gang(3), *MEMBERS, node("n", "3"))
    follow(view, decided(view))
    again = decided(view)
    assert not again.commands
    add(view, node("m", "4"))
    decision = decided(view)
    assert bound(decision) == {"a", "b", "c"}
    follow(view, decision)
    group = view.get(scheduling_v1beta1.PodGroup, "g", "default")
    assert group is not None and [c.reason for c in group.status.conditions] == ["Scheduled"]


def test_one_decision_binds_a_large_gang() -> None:
    many = [member(f"p{i:03}", cpu="100m") for i in range(300)]
    nodes = [node(name, "40") for name in "nm"]
    nodes = [replace(n, status=replace(n.status, allocatable={**n.status.allocatable, "pods": "200"})) for n in nodes]
    view = view_of(gang(300), *many, *nodes)
    assert len(bound(decided(view))) == 300


def test_it_is_explained() -> None:
    view = view_of(gang(3), member("a"), node("n", "6"))
    waiting = view.get(core_v1.Pod, "a", "default")
    assert waiting is not None and explain(view, waiting, NOW).why == TOO_FEW
    view = view_of(gang(3), *MEMBERS, node("n", "3"))
    last = view.get(core_v1.Pod, "c", "default")
    assert last is not None and explain(view, last, NOW).why == "0/1 nodes are available: 1 Insufficient cpu."


@pytest.mark.parametrize("seed", range(8))
def test_no_gang_ever_runs_in_part(seed: int) -> None:
    """Gangs, single pods and nodes of chance, until nothing more is done."""
    rng = random.Random(seed)
    things: list[Any] = [node(f"n{i}", str(rng.randrange(2, 9))) for i in range(rng.randrange(1, 5))]
    sizes: dict[str, tuple[int, int]] = {}
    for number in range(6):
        name, size = f"g{number}", rng.randrange(1, 5)
        least = rng.randrange(1, size + 2)
        sizes[name] = size, least
        things.append(gang(least, name))
        things += [member(f"{name}-{i}", name, str(rng.randrange(1, 4)), priority=rng.choice((None, 5))) for i in range(size)]
    things += [pod(f"alone-{i}", cpu="1") for i in range(3)]
    rng.shuffle(things)
    view = view_of(*things)
    settled(view)
    for name, (size, least) in sizes.items():
        placed = [p for p in view.list(core_v1.Pod) if p.metadata.name.startswith(f"{name}-") and p.spec.node_name]
        assert len(placed) == 0 or len(placed) >= least, (name, size, least)
    for one in view.list(core_v1.Node):
        used = sum(
            int(p.spec.containers[0].resources.requests["cpu"])
            for p in view.list(core_v1.Pod)
            if p.spec.node_name == one.metadata.name
        )
        assert used <= int(one.status.allocatable["cpu"])


MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  schedulingGroup: {podGroupName: crew}
  containers: [{name: c, image: i}]
"""
GROUP = """
apiVersion: scheduling.k8s.io/v1beta1
kind: PodGroup
metadata: {name: crew}
spec: {schedulingPolicy: {gang: {minCount: 2}}}
"""


@pytest.mark.shipslog(flows=False)
async def test_a_gang_on_a_cluster_that_runs(cluster: TestCluster) -> None:
    await cluster.apply(MANIFEST.replace("NAME", "one"))
    await cluster.settled()
    assert "pod group" in cluster.get(core_v1.Pod, "one").status.conditions[0].message
    await cluster.apply(GROUP)
    await cluster.settled()
    assert cluster.get(core_v1.Pod, "one").status.conditions[0].message == TOO_FEW
    await cluster.apply(MANIFEST.replace("NAME", "two"))
    for name in ("one", "two"):
        await cluster.wait(core_v1.Pod, name, until=lambda one: one.status.phase == "Running")
    group = cluster.get(scheduling_v1beta1.PodGroup, "crew")
    assert [(c.type, c.status, c.reason) for c in group.status.conditions] == [(SCHEDULED, "True", "Scheduled")]
