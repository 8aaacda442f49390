"""Where pods go, and why they do not."""

from typing import Any

import pytest

from shipslog.reconcilers import scheduler
from shipslog.store.commands import Bind, Update
from shipslog.store.objects.types import core_v1

from ..views import NOW, node, owned_by, pod, rc, view_of


def binds(*things: Any) -> dict[str, str]:
    commands = scheduler.decide(view_of(*things), "pending", now=NOW).commands
    return {c.name: c.node for c in commands if isinstance(c, Bind)}


def why(*things: Any) -> str:
    (update,) = scheduler.decide(view_of(*things), "pending", now=NOW).commands
    assert isinstance(update, Update)
    (condition,) = [c for c in update.object.status.conditions if c.type == "PodScheduled"]
    assert (condition.status, condition.reason) == ("False", "Unschedulable")
    return str(condition.message).partition(" preemption:")[0]


def with_port(number: int) -> core_v1.PodSpec:
    return core_v1.PodSpec(host_network=True)


def test_pods_of_one_controller_are_spread() -> None:
    pods = [pod(f"p{i}", labels={"app": "web"}, owner_references=owned_by("web")) for i in range(6)]
    found = binds(rc("web", 6), *[node(f"n{i}") for i in range(3)], *pods)
    assert sorted(list(found.values()).count(n) for n in ("n0", "n1", "n2")) == [2, 2, 2]


def test_the_emptier_node_is_better() -> None:
    assert binds(node("full"), node("empty"), pod("running", node="full", cpu="3"), pod("new", cpu="500m")) == {"new": "empty"}


@pytest.mark.parametrize(
    ("things", "said"),
    [
        ((), "no nodes available to schedule pods"),
        ((node("n", cpu="1"), pod("big", node="n", cpu="800m")), "0/1 nodes are available: 1 Insufficient cpu."),
        ((node("n", unschedulable=True),), "0/1 nodes are available: 1 node(s) were unschedulable."),
        ((node("n", ready=False),), "0/1 nodes are available: 1 node(s) had untolerated taint(s)."),
        (
            (node("n", taints=(core_v1.Taint(key="k", value="v", effect="NoSchedule"),)), node("m", ready=False)),
            "0/2 nodes are available: 2 node(s) had untolerated taint(s).",
        ),
    ],
)
def test_what_does_not_fit_says_why(things: tuple[Any, ...], said: str) -> None:
    assert why(*things, pod("new", cpu="500m")) == said


def test_a_node_selector_must_match() -> None:
    chosen = pod("p", spec=core_v1.PodSpec(node_selector={"disk": "ssd"}))
    assert binds(node("a"), node("b", labels={"disk": "ssd"}), chosen) == {"p": "b"}
    assert "didn't match Pod's node affinity/selector" in why(node("a"), chosen)


def test_a_taken_host_port_is_not_free() -> None:
    spec = core_v1.PodSpec(host_network=True)
    assert "didn't have free ports" in why(node("a"), pod("old", node="a", spec=spec), pod("new", spec=spec))


def test_one_decision_counts_what_it_binds() -> None:
    found = binds(node("a", cpu="1"), node("b", cpu="1"), *[pod(f"p{i}", cpu="600m") for i in range(3)])
    assert sorted(found.values()) == ["a", "b"], "the third has no room"


def test_the_more_important_goes_first() -> None:
    important = pod("z", cpu="600m", spec=core_v1.PodSpec(priority=10))
    assert binds(node("a", cpu="1"), pod("a", cpu="600m"), important) == {"z": "a"}


def test_saying_the_same_again_is_spared() -> None:
    waiting = pod("new")
    (update,) = scheduler.decide(view_of(waiting), "pending", now=NOW).commands
    assert isinstance(update, Update)
    assert scheduler.decide(view_of(update.object), "pending", now=NOW).commands == ()


def test_others_pods_are_left_alone() -> None:
    assert binds(node("a"), pod("p", spec=core_v1.PodSpec(scheduler_name="mine"))) == {}
