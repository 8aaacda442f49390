"""Pods that would rather be together, apart or evenly spread, and run all the same where they cannot."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.store.objects.types import core_v1, meta_v1

from ..views import node, pod, service
from .test_topology import ZONE, decided, evenly, place, term, wants


def likes(name: str, *, near: Any = None, far: Any = None, weight: int = 100, on: str = "", **labels: str) -> core_v1.Pod:
    def weighted(one: Any) -> tuple[core_v1.WeightedPodAffinityTerm, ...]:
        return (core_v1.WeightedPodAffinityTerm(weight=weight, pod_affinity_term=one),) if one is not None else ()

    affinity = core_v1.Affinity(
        pod_affinity=core_v1.PodAffinity(preferred_during_scheduling_ignored_during_execution=weighted(near)),
        pod_anti_affinity=core_v1.PodAntiAffinity(preferred_during_scheduling_ignored_during_execution=weighted(far)),
    )
    made = pod(name, node=on, labels=labels)
    return replace(made, spec=replace(made.spec, affinity=affinity))


def anyway(key: str, **labels: str) -> core_v1.TopologySpreadConstraint:
    return replace(evenly(key, **labels), when_unsatisfiable="ScheduleAnyway")


A, B = place("a", "z1"), place("b", "z2")
ON_A = pod("old", node="a", labels={"app": "x"})


@pytest.mark.parametrize(
    ("running", "new", "goes_to"),
    [
        pytest.param(ON_A, likes("new", near=term(ZONE, app="x")), "a", id="near"),
        pytest.param(ON_A, likes("new", far=term(ZONE, app="x")), "b", id="apart"),
        pytest.param(ON_A, likes("new", near=term(ZONE, app="y")), "b", id="of others it says nothing: the emptier"),
        pytest.param(likes("old", far=term(ZONE, app="x"), on="b"), pod("new", labels={"app": "x"}), "a", id="kept away"),
        pytest.param(likes("old", near=term(ZONE, app="x"), on="b"), pod("new", labels={"app": "x"}), "b", id="liked near"),
        pytest.param(wants("old", near=term(ZONE, app="x"), on="a"), pod("new", labels={"app": "x"}), "a", id="needed near"),
        pytest.param(ON_A, wants("new", spread=anyway(ZONE, app="x"), app="x"), "b", id="evenly"),
        pytest.param(
            pod("old", node="a", labels={"app": "x"}, deletion_timestamp="2027-01-15T08:00:00Z"),
            likes("new", near=term("host", app="x")),
            "a",
            id="one that ends is there until it is gone",
        ),
    ],
)
def test_what_others_make_a_node_worth(running: core_v1.Pod, new: core_v1.Pod, goes_to: str) -> None:
    assert decided(A, B, running, new)[0] == {"new": goes_to}


def test_who_cannot_have_what_it_likes_runs_all_the_same() -> None:
    for new in (likes("new", far=term(ZONE, app="x")), wants("new", spread=anyway(ZONE, app="x"), app="x")):
        assert decided(A, ON_A, new)[0] == {"new": "a"}


def test_the_heavier_wish_decides() -> None:
    for weight, goes_to in ((1, "a"), (100, "b")):
        both = likes("new", near=term(ZONE, app="x"), weight=50)
        assert both.spec.affinity is not None and both.spec.affinity.pod_affinity is not None
        far = core_v1.WeightedPodAffinityTerm(weight=weight, pod_affinity_term=term(ZONE, app="x"))
        anti = core_v1.PodAntiAffinity(preferred_during_scheduling_ignored_during_execution=(far,))
        affinity = replace(both.spec.affinity, pod_anti_affinity=anti)
        assert decided(A, B, ON_A, replace(both, spec=replace(both.spec, affinity=affinity)))[0] == {"new": goes_to}


def test_one_decision_counts_what_it_places() -> None:
    nodes = [place(name, f"z{i}") for i, name in enumerate("abc")]
    for make in (
        lambda i: likes(f"p{i}", far=term("host", app="x"), app="x"),
        lambda i: wants(f"p{i}", spread=anyway(ZONE, app="x"), app="x"),
    ):
        bound, _ = decided(*nodes, *[make(i) for i in range(6)])
        assert sorted(list(bound.values()).count(name) for name in "abc") == [2, 2, 2]
    bound, _ = decided(*nodes, *[likes(f"p{i}", near=term("host", app="x"), app="x") for i in range(6)])
    assert len(set(bound.values())) == 1


def test_a_node_without_the_key_is_the_last_choice() -> None:
    bare = node("bare", cpu="64")
    bound, _ = decided(bare, A, ON_A, wants("new", spread=anyway(ZONE, app="x"), app="x"))
    assert bound == {"new": "a"}


def test_who_says_how_to_be_spread_is_not_spread_by_its_services() -> None:
    """On one node there are more of its Service, in the other zone more of those it counts."""
    others = [pod(f"o{i}", node="a", labels={"app": "web"}) for i in range(3)]
    counted = [pod("c", node="b", labels={"app": "web", "tier": "t"})]
    new = wants("new", spread=anyway(ZONE, tier="t"), app="web", tier="t")
    assert decided(A, B, service("web"), *others, *counted, new)[0] == {"new": "a"}


def test_labels_of_namespaces_are_followed() -> None:
    there = pod("old", node="a", labels={"app": "x"}, namespace="other")
    other = core_v1.Namespace(metadata=meta_v1.ObjectMeta(name="other", labels={"team": "t"}))
    for team, goes_to in (("t", "a"), ("u", "b")):
        chosen = meta_v1.LabelSelector(match_labels={"team": team})
        near = replace(term(ZONE, app="x"), namespace_selector=chosen)
        assert decided(A, B, other, there, likes("new", near=near))[0] == {"new": goes_to}
