"""Which ids a pod with users of its own has."""

import pytest

from shipslog.runtime.containers.id_ranges import ID_COUNT, PODS, IdRanges


def test_no_two_pods_have_the_same_until_one_goes() -> None:
    ranges = IdRanges("ffff0000")
    taken = [ranges.take(f"pod-{n}") for n in range(PODS)]
    assert len(set(taken)) == PODS and all(first % ID_COUNT == 0 for first in taken)
    assert ranges.take("pod-7") == taken[7]
    with pytest.raises(OSError, match="all 256 ranges"):
        ranges.take("one more")
    ranges.release(taken[3], "another pod")
    with pytest.raises(OSError, match="all 256 ranges"):
        ranges.take("one more")
    ranges.release(taken[3], "pod-3")
    assert ranges.take("one more") == taken[3]


@pytest.mark.parametrize("instance", ["00000000", "00fd0000", "ffffffff", "a1b2c3d4"])
def test_they_are_above_those_of_people_and_within_what_there_is(instance: str) -> None:
    ranges = IdRanges(instance)
    taken = [ranges.take(str(n)) for n in range(PODS)]
    assert min(taken) >= 1 << 24 and max(taken) + ID_COUNT < 1 << 32


def test_what_was_taken_before_a_restart_is_kept() -> None:
    first = IdRanges("12345678").take("a")
    after = IdRanges("12345678")
    after.hold(first, "a")
    assert after.take("b") != first and after.take("a") == first
