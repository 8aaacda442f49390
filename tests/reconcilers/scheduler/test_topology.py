"""Pods that want to be together, or apart, or evenly spread."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers import scheduler
from shipslog.store.commands import Bind, Update
from shipslog.store.objects.types import core_v1, meta_v1

from ..views import NOW, node, pod, view_of

ZONE = "zone"


def place(name: str, zone: str = "") -> core_v1.Node:
    return node(name, labels={"host": name, **({ZONE: zone} if zone else {})})


def term(key: str, **labels: str) -> core_v1.PodAffinityTerm:
    return core_v1.PodAffinityTerm(label_selector=meta_v1.LabelSelector(match_labels=labels), topology_key=key)


def wants(name: str, *, near: Any = None, far: Any = None, spread: Any = None, on: str = "", **labels: str) -> core_v1.Pod:
    affinity = core_v1.Affinity(
        pod_affinity=core_v1.PodAffinity(required_during_scheduling_ignored_during_execution=(near,)) if near else None,
        pod_anti_affinity=core_v1.PodAntiAffinity(required_during_scheduling_ignored_during_execution=(far,)) if far else None,
    )
    made = pod(name, node=on, labels=labels)
    constraints = (spread,) if spread else ()
    return replace(made, spec=replace(made.spec, affinity=affinity, topology_spread_constraints=constraints))


def evenly(key: str, skew: int = 1, **labels: str) -> core_v1.TopologySpreadConstraint:
    return core_v1.TopologySpreadConstraint(
        max_skew=skew, topology_key=key, when_unsatisfiable="DoNotSchedule",
        label_selector=meta_v1.LabelSelector(match_labels=labels),
    )  # fmt: skip


def decided(*things: Any) -> tuple[dict[str, str], list[str]]:
    """(pod -> node, why others wait)"""
    commands = scheduler.decide(view_of(*things), "pending", now=NOW).commands
    told = [c.object.status.conditions[0].message.partition(" preemption:")[0] for c in commands if isinstance(c, Update)]
    return {c.name: c.node for c in commands if isinstance(c, Bind)}, told


def test_those_that_want_to_be_apart_are() -> None:
    pods = [wants(f"p{i}", far=term("host", app="x"), app="x") for i in range(3)]
    bound, told = decided(place("a"), place("b"), *pods)
    assert sorted(bound.values()) == ["a", "b"]
    assert told == ["0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules."]


def test_one_who_wants_to_be_alone_is_left_alone() -> None:
    bound, told = decided(place("a"), wants("there", far=term("host", app="x"), on="a"), pod("new", labels={"app": "x"}))
    assert (bound, told) == ({}, ["0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules."])
    bound, _ = decided(place("a"), wants("there", far=term("host", app="x"), on="a"), pod("new", labels={"app": "y"}))
    assert bound == {"new": "a"}


def test_those_that_want_to_be_together_are() -> None:
    there = pod("there", node="b", labels={"app": "x"})
    bound, _ = decided(place("a", "z1"), place("b", "z2"), place("c", "z2"), there, wants("new", near=term(ZONE, app="x")))
    assert bound["new"] in ("b", "c")
    bound, told = decided(place("a", "z1"), wants("new", near=term(ZONE, app="x")))
    assert (bound, told) == ({}, ["0/1 nodes are available: 1 node(s) didn't match pod affinity rules."])


def test_the_first_of_a_group_may_go_anywhere() -> None:
    pods = [wants(f"p{i}", near=term(ZONE, app="x"), app="x") for i in range(4)]
    bound, _ = decided(place("a", "z1"), place("b", "z2"), place("c", "z2"), *pods)
    zones = {{"a": "z1"}.get(n, "z2") for n in bound.values()}
    assert len(bound) == 4 and len(zones) == 1


def test_other_namespaces_do_not_count() -> None:
    elsewhere = pod("there", node="a", labels={"app": "x"}, namespace="other")
    bound, _ = decided(place("a"), elsewhere, wants("new", far=term("host", app="x")))
    assert bound == {"new": "a"}
    both = replace(term("host", app="x"), namespaces=("other",))
    assert decided(place("a"), elsewhere, wants("new", far=both))[0] == {}


def test_pods_are_spread_evenly() -> None:
    pods = [wants(f"p{i}", spread=evenly(ZONE, app="x"), app="x") for i in range(5)]
    bound, _ = decided(place("a", "z1"), place("b", "z2"), *pods)
    assert sorted(list(bound.values()).count(n) for n in ("a", "b")) == [2, 3]
    full = [pod(f"f{i}", node="b", labels={"app": "x"}) for i in range(2)]
    cramped = replace(place("a", "z1"), spec=core_v1.NodeSpec(unschedulable=True))
    bound, told = decided(cramped, place("b", "z2"), *full, wants("new", spread=evenly(ZONE, app="x"), app="x"))
    assert bound == {} and "1 node(s) didn't match pod topology spread constraints" in told[0]
    _, told = decided(place("a"), wants("new", spread=evenly(ZONE, app="x"), app="x"))
    assert told == ["0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label)."]


def test_a_tainted_node_counts_in_the_spread_only_where_taints_are_not_honoured() -> None:
    tainted = node("t", labels={"host": "t"}, taints=(core_v1.Taint(key="k", effect="NoSchedule"),))
    there = wants("old", spread=evenly("host", app="x"), on="a", app="x")
    ignoring = evenly("host", app="x")
    for constraint, bound in ((ignoring, {}), (replace(ignoring, node_taints_policy="Honor"), {"new": "a"})):
        assert decided(place("a"), tainted, there, wants("new", spread=constraint, app="x"))[0] == bound
