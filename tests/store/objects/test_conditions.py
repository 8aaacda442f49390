"""A condition is set once, and remembers when its status changed."""

import pytest
from msgspec.structs import replace

from shipslog.store.objects.conditions import dated, find_condition, set_condition
from shipslog.store.objects.types.core_v1 import PodCondition

OLD, NOW = "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"
READY = PodCondition(type="Ready", status="True", reason="Old", last_transition_time=OLD)
OTHER = PodCondition(type="Initialized", status="True", last_transition_time=OLD)


def test_one_that_is_new_begins_now() -> None:
    assert set_condition((OTHER,), replace(READY, last_transition_time=""), NOW) == (
        OTHER,
        replace(READY, last_transition_time=NOW),
    )


@pytest.mark.parametrize(("status", "since"), [("True", OLD), ("False", NOW), ("Unknown", NOW)])
def test_the_time_is_that_of_the_last_change_of_its_status(status: str, since: str) -> None:
    new = PodCondition(type="Ready", status=status, reason="New")
    assert set_condition((READY, OTHER), new, NOW) == (OTHER, replace(new, last_transition_time=since))
    assert dated(new, READY, NOW).last_transition_time == since


def test_one_is_found_by_its_type() -> None:
    assert find_condition((OTHER, READY), "Ready") is READY
    assert find_condition((OTHER,), "Ready") is None
