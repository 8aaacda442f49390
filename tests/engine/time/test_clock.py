"""Time and randomness as inputs."""

import uuid

from shipslog.engine.time.clock import SUFFIX_ALPHABET, Entropy, SystemClock, api_time


def test_the_clock_never_goes_back() -> None:
    readings = iter([10, 5, 12])
    clock = SystemClock(lambda: next(readings))
    assert [clock.now_ns(), clock.now_ns(), clock.now_ns()] == [10, 10, 12]


def test_the_same_seed_gives_the_same_ids() -> None:
    one, other = Entropy(7), Entropy(7)
    assert [one.uid(), one.suffix(), one.below(100)] == [other.uid(), other.suffix(), other.below(100)]
    assert uuid.UUID(one.uid()).version == 4
    assert set(one.suffix(50)) <= set(SUFFIX_ALPHABET)
    assert Entropy().uid() != Entropy().uid()


def test_api_times_are_whole_seconds() -> None:
    assert api_time(1_800_000_000_999_999_999) == "2027-01-15T08:00:00Z"
