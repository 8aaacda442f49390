"""How a rollout moves: what each decision makes of the replica sets' sizes, within its fences."""

from typing import Any

import pytest

from shipslog.reconcilers.workloads.deployment.rollout import share
from shipslog.store.objects.types.apps_v1 import ReplicaSet

from .made import decide, deployment, of, pod_of, sizes, told, written


def test_the_first_replica_set_is_made_at_its_full_size() -> None:
    decision = decide(deployment(3))
    (made,) = written(decision, ReplicaSet)
    name = made.metadata.name
    hashed = name.removeprefix("web-")
    assert made.metadata.labels == {"app": "web", "pod-template-hash": hashed} == made.spec.template.metadata.labels
    assert made.spec.selector is not None and made.spec.selector.match_labels["pod-template-hash"] == hashed
    assert made.spec.replicas == 3 and made.metadata.owner_references[0].name == "web"
    assert told(decision) == [f"Scaled up replica set {name} from 0 to 3"]
    failed = [s for s in decision.says if s.refused]
    assert [(s.reason, s.message) for s in failed] == [
        ("ReplicaSetCreateError", f'Failed to create new replica set "{name}": {{why}}')
    ]


@pytest.mark.parametrize(
    ("old", "new", "becomes"),
    [
        ((10, 10), None, {"v2": 3, "v1": 8}),
        ((8, 8), (3, 0), {"v2": 5}),
        ((8, 8), (5, 0), {}),
        ((8, 8), (5, 5), {"v1": 3}),
        ((3, 3), (5, 5), {"v2": 10}),
        ((0, 0), (10, 4), {}),
        ((10, 4), (3, 0), {"v1": 8}),
        ((0, 0), (12, 12), {"v2": 10}),
    ],
    ids=["begins", "grows", "waits", "shrinks", "grows again", "is all new", "useless first", "too many"],
)
def test_a_rolling_update_stays_within_its_fences(
    old: tuple[int, int], new: tuple[int, int] | None, becomes: dict[str, int]
) -> None:
    """Ten replicas, three more at most, two fewer available."""
    sets = [of("v1", *old), *([of("v2", *new, revision=2)] if new else [])]
    assert sizes(decide(deployment(10, "v2"), *sets)) == becomes


def test_what_is_not_available_goes_before_what_is() -> None:
    """The oldest serves, the next never came up: it goes, and of the oldest what may be missing."""
    sets = (
        of("v1", 6, creation_timestamp="2027-01-15T07:00:00Z"),
        of("v2", 4, 0, revision=2, creation_timestamp="2027-01-15T07:30:00Z"),
        of("v3", 3, 0, revision=3),
    )
    assert sizes(decide(deployment(10, "v3", rolling=(3, 5)), *sets)) == {"v1": 5, "v2": 0}


@pytest.mark.parametrize(
    ("value", "whole", "up", "down"),
    [("25%", 10, 3, 2), ("100%", 7, 7, 7), ("0%", 5, 0, 0), (4, 3, 4, 4), (None, 3, 0, 0), ("1%", 1, 1, 0), ("x", 3, 0, 0)],
)
def test_shares_are_rounded_up_or_down(value: Any, whole: int, up: int, down: int) -> None:
    assert (share(value, whole, up=True), share(value, whole, up=False)) == (up, down)


def test_fences_that_come_to_nothing_let_one_be_missing() -> None:
    assert sizes(decide(deployment(2, "v2", rolling=(0, "1%")), of("v1", 2, noted=(2, 2)), of("v2", 0, noted=(2, 2)))) == {
        "v1": 1,
        "v2": 0,
    }


def test_recreate_ends_the_old_waits_for_their_end_and_makes_the_new() -> None:
    new = deployment(3, "v2", rolling=None)
    old = of("v1", 3, noted=(3, 3))
    assert sizes(decide(new, old)) == {"v1": 0}
    ended = of("v1", 0, running=2, noted=(3, 3))
    assert sizes(decide(new, ended)) == {}
    empty = of("v1", 0, noted=(3, 3))
    going = pod_of(empty, "p", node="n", deletion_timestamp="2027-01-15T08:00:00Z")
    assert sizes(decide(new, empty, going)) == {}, "a pod that ends still runs"
    assert sizes(decide(new, empty, pod_of(empty, "p", node="n", phase="Failed"))) == {"v2": 3}
    assert sizes(decide(new, empty)) == {"v2": 3}
