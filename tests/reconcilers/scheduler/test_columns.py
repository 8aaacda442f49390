"""What is kept up as pods are placed is what would be worked out anew; and the numbers are those of Kubernetes."""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.scheduler.candidates import Candidates, Turn
from shipslog.reconcilers.scheduler.configuration import read
from shipslog.reconcilers.scheduler.fit import ask_of, load_of
from shipslog.reconcilers.scheduler.nodes import NODES_STATE
from shipslog.reconcilers.scheduler.priorities import along, balance, room
from shipslog.reconcilers.scheduler.profile import DEFAULT, Profile
from shipslog.reconcilers.scheduler.queue import QUEUE
from shipslog.reconcilers.scheduler.shape import shape_of
from shipslog.store.objects.types import core_v1

from ..views import add, node, pod, service, view_of
from .test_preferences import anyway, likes
from .test_queue import take
from .test_topology import evenly, term, wants

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
ALL = {"name": "SelectorSpreadPriority", "weight": 2}
OF_OLD = read(
    {
        "kind": "Policy",
        "priorities": [
            ALL,
            {"name": "a", "argument": {"serviceAntiAffinity": {"label": ZONE}}},
            {"name": "LeastRequestedPriority"},
        ],
    }
)[0]


def world(rng: random.Random) -> tuple[MemoryView, list[core_v1.Pod]]:
    nodes = [node(f"n{i}", labels={HOST: f"n{i}", ZONE: f"z{i % 3}"}) for i in range(8)]
    nodes.append(node("bare"))
    makes: list[Any] = [
        lambda n: pod(n, labels={"app": "web"}, cpu="100m"),
        lambda n: likes(n, near=term(ZONE, app="web"), app="web"),
        lambda n: likes(n, far=term(HOST, app="web"), weight=30, app="x"),
        lambda n: wants(n, spread=anyway(ZONE, app="web"), app="web"),
        lambda n: wants(n, spread=evenly(ZONE, 2, app="web"), app="web"),
        lambda n: wants(n, far=term(HOST, app="x"), app="x"),
    ]
    pods = [rng.choice(makes)(f"p{i}") for i in range(12)]
    running = [replace(p, spec=replace(p.spec, node_name=f"n{rng.randrange(8)}")) for p in pods[:4]]
    return view_of(*nodes, service("web"), *running, *pods[4:]), pods[4:]


def candidates(view: MemoryView, name: str, profile: Profile, turn: Turn) -> Candidates:
    queue = view.projected(QUEUE).of["default-scheduler"]
    (waiting,) = [w for w in queue.pods.values() if w.pod.metadata.name == name]
    return Candidates(shape_of(view, waiting, profile), turn)


@pytest.mark.parametrize("profile", [DEFAULT, OF_OLD], ids=["default", "of old"])
@pytest.mark.parametrize("seed", range(25))
def test_kept_up_or_made_anew_it_is_worth_the_same(seed: int, profile: Profile) -> None:
    rng = random.Random(seed)
    view, pods = world(rng)
    turn = Turn(view, view.projected(NODES_STATE))
    last = pods[-1].metadata.name
    kept = candidates(view, last, profile, turn)
    later = view.copy()
    for one in pods[:-1]:
        other = candidates(view, one.metadata.name, profile, turn)
        best = other.best()
        if best is None:
            continue
        on = turn.place(other.shape, best)
        assert kept.best() is not None or kept.why()
        take(later, replace(one, spec=replace(one.spec, node_name=on)))
    kept.best()
    anew = candidates(later, last, profile, Turn(later, later.projected(NODES_STATE)))
    assert kept.reasons() == anew.reasons()
    assert [kept.total(i) for i in range(9)] == [anew.total(i) for i in range(9)] == list(anew._totals)
    assert kept._totals == anew._totals


def test_the_numbers_of_kubernetes() -> None:
    """By hand from the plugins' formulas: a node of 4 cores and 8 GiB, half of its cores asked for."""
    there = pod("there", cpu="2")
    load = load_of(node("a"), [there])
    ask = ask_of(pod("p", cpu="1").spec)
    cpu, memory = (4000 - 3000) * 100 // 4000, (8192 - 400) * 100 // 8192
    assert room(ask, load, DEFAULT) == (cpu + memory) // 2 == 60
    with_it, without = int((1 - 0.75 / 2) * 100), int((1 - 0.5 / 2) * 100)
    assert balance(ask, load, DEFAULT) == 50 + (50 + with_it - without) // 2 == 68
    assert balance(ask_of(pod("q").spec), load, DEFAULT) == 0, "it asks for nothing"


def test_scores_between_the_points_of_a_shape() -> None:
    shape = ((0, 10), (50, 0), (100, 5))
    assert [along(shape, at) for at in (0, 25, 50, 75, 100)] == [100, 50, 0, 25, 50]


def test_what_waits_for_others_waits_by_itself() -> None:
    view = view_of(node("a"))
    for i in range(3):
        add(view, pod(f"p{i}", spec=core_v1.PodSpec(scheduler_name=f"s{i}")))
    assert sorted(view.projected(QUEUE).of) == ["s0", "s1", "s2"]
    assert len(view.projected(QUEUE).together(["s0", "s2"]).pods) == 2
