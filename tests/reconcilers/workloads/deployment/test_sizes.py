"""A deployment that is scaled: what each replica set gets of it, in the middle of a rollout too."""

from typing import Any

import pytest

from shipslog.store.objects.types.apps_v1 import ReplicaSet

from .made import PREFIX, decide, deployment, of, sizes, told, written


def test_the_only_one_gets_it_all_and_notes_it() -> None:
    decision = decide(deployment(12), of("v1", 10))
    (scaled,) = written(decision, ReplicaSet)
    assert scaled.spec.replicas == 12
    assert scaled.metadata.annotations[f"{PREFIX}/desired-replicas"] == "12"
    assert scaled.metadata.annotations[f"{PREFIX}/max-replicas"] == "15"
    assert told(decision) == [f"Scaled up replica set {scaled.metadata.name} from 10 to 12"]


def test_to_nothing_and_back() -> None:
    assert sizes(decide(deployment(0), of("v1", 10))) == {"v1": 0}
    assert sizes(decide(deployment(4), of("v1", 0, noted=(0, 0)))) == {"v1": 4}


@pytest.mark.parametrize(
    ("wanted", "old", "new", "becomes"),
    [
        (15, (8, 10, 13), (5, 10, 13), {"v1": 12, "v2": 7}),
        (5, (8, 10, 13), (5, 10, 13), {"v1": 4, "v2": 3}),
        (0, (8, 10, 13), (5, 10, 13), {"v1": 0, "v2": 0}),
        (20, (5, 10, 13), (5, 10, 13), {"v1": 10, "v2": 15}),
        (6, (5, 10, 13), (5, 10, 13), {"v1": 3, "v2": 5}),
    ],
    ids=["up", "down", "to nothing", "up, the rest to the newest", "down, from the oldest"],
)
def test_each_keeps_its_part(wanted: int, old: Any, new: Any, becomes: dict[str, int]) -> None:
    sets = (
        of("v1", old[0], noted=old[1:], creation_timestamp="2027-01-15T07:00:00Z"),
        of("v2", new[0], noted=new[1:], revision=2),
    )
    scaled = sizes(decide(deployment(wanted, "v2"), *sets))
    assert scaled == becomes and sum(scaled.values()) == (wanted + -(-wanted // 4) if wanted else 0)  # type: ignore[arg-type]


def test_where_the_new_one_is_all_there_the_old_go() -> None:
    sets = (of("v1", 2, noted=(8, 10)), of("v2", 10, revision=2))
    assert sizes(decide(deployment(10, "v2"), *sets)) == {"v1": 0}


def test_that_somebody_else_sized_the_replica_set_stops_no_rollout() -> None:
    """It is of the right size, but says that it was scaled for another."""
    decision = decide(deployment(10), of("v1", 10, noted=(4, 5)))
    (noted,) = written(decision, ReplicaSet)
    assert noted.metadata.annotations[f"{PREFIX}/desired-replicas"] == "10" and told(decision) == []
    both = (of("v1", 5, noted=(4, 4)), of("v2", 5, 0, noted=(10, 10), revision=2))
    assert sizes(decide(deployment(10, "v2", rolling=None), *both)) == {"v1": 0}, "Recreate has no parts to keep"


def test_a_replica_set_without_a_note_is_measured_by_the_status() -> None:
    sets = (of("v1", 8, noted=("x", "y")), of("v2", 2, noted=(4, 5), revision=2))
    assert sum(filter(None, sizes(decide(deployment(20, "v2"), *sets)).values())) == 25
