"""How thresholds are written, and which are met."""

import pytest
from msgspec.structs import replace

from shipslog.engine.state.node_pressure import pressure_after
from shipslog.reconcilers.kubelet.eviction.thresholds import DISK, MEMORY, Reading, acting, conditions, met, parse
from shipslog.store.facts import PressureObserved, ThresholdMet
from shipslog.store.state import PressureState

SECOND = 10**9
MI = 1 << 20


def names(found: tuple[ThresholdMet, ...]) -> list[str]:
    return [one.name for one in found]


def test_an_amount_and_a_part_are_met_below_them() -> None:
    thresholds = parse(("memory.available<100Mi", "nodefs.available<10%"))
    readings = {"memory.available": Reading(100 * MI, 1 << 30), "nodefs.available": Reading(99, 1000)}
    (found,) = met(thresholds, readings)
    assert (found.name, found.quantity, found.available) == ("nodefs.available", 100, 99)
    assert names(met(thresholds, readings | {"memory.available": Reading(100 * MI - 1, 1 << 30)})) == [
        "memory.available",
        "nodefs.available",
    ]
    assert met(thresholds, {}) == () == met(thresholds, {"nodefs.available": Reading(0, 0)}), (
        "what nobody measured is not short"
    )


def test_one_that_is_met_stays_so_until_enough_came_back() -> None:
    thresholds = parse(("pid.available<100",), reclaim=("pid.available=50",))
    held = met(thresholds, {"pid.available": Reading(99, 1000)})
    assert names(held) == ["pid.available"]
    assert names(met(thresholds, {"pid.available": Reading(149, 1000)}, held)) == ["pid.available"]
    assert (
        met(thresholds, {"pid.available": Reading(150, 1000)}, held)
        == ()
        == met(thresholds, {"pid.available": Reading(149, 1000)})
    )


def test_those_by_default_are_a_kubelets() -> None:
    assert {t.signal: (t.least.value, t.least.part) for t in parse()} == {
        "memory.available": (100 * MI, 0.0),
        "nodefs.available": (0, 0.1),
        "nodefs.inodesFree": (0, 0.05),
        "imagefs.available": (0, 0.15),
        "imagefs.inodesFree": (0, 0.05),
    }
    assert parse(("memory.available<0",)) == (), "so one is taken away"


@pytest.mark.parametrize(
    "given",
    [
        (("memory<1",), (), ()),
        (("memory.available<x",), (), ()),
        (("memory.available<101%",), (), ()),
        (("memory.available<-1",), (), ()),
        (("memory.available<1", "memory.available<2"), (), ()),
        ((), ("memory.available<1",), ()),
        ((), ("memory.available<1",), ("memory.available=soon",)),
    ],
    ids=lambda given: " ".join(part for parts in given for part in parts),
)
def test_what_cannot_be_is_refused(given: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ValueError, match="memory"):
        parse(*given)


def after(held: PressureState, at_s: int, *thresholds: ThresholdMet) -> PressureState:
    return pressure_after(held, PressureObserved(node="n", thresholds=thresholds, transition_s=60.0, at_ns=at_s * SECOND))


SOFT = ThresholdMet(signal="memory.available", quantity=2, available=1, soft=True, grace_s=30.0)
HARD = ThresholdMet(signal="nodefs.available", quantity=2, available=1)


def test_a_soft_one_acts_when_its_grace_is_over_and_memory_goes_first() -> None:
    state = after(PressureState(), 100, SOFT, HARD)
    assert names(tuple(acting(state, 129 * SECOND))) == ["nodefs.available"]
    state = after(state, 120, replace(SOFT, available=0), HARD)
    assert names(tuple(acting(state, 130 * SECOND))) == ["memory.available/soft", "nodefs.available"]
    again = after(after(state, 131), 132, SOFT)
    assert acting(again, 140 * SECOND) == [], "it is counted anew"


def test_a_condition_holds_at_once_and_stays_for_a_while() -> None:
    assert conditions(None, 0) == ({MEMORY: False, DISK: False, "PIDPressure": False}, None)
    state = after(PressureState(), 100, SOFT)
    assert conditions(state, 100 * SECOND)[0][MEMORY], "before its grace is over"
    state = after(state, 110)
    held, ends_s = conditions(state, 150 * SECOND)
    assert held == {MEMORY: True, DISK: False, "PIDPressure": False} and ends_s == 20
    assert conditions(state, 170 * SECOND) == ({MEMORY: False, DISK: False, "PIDPressure": False}, None)
