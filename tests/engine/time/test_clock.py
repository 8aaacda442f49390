"""Time and randomness as inputs."""

import uuid

from shipslog.engine.time.clock import SUFFIX_ALPHABET, Entropy, SystemClock
from shipslog.store.objects.values.times import api_time


def test_the_clock_stands_still_through_a_small_step_back_and_follows_a_large_one() -> None:
    start, year = 1_800_000_000 * 10**9, 365 * 86_400 * 10**9
    readings = iter([start, start - 5, start + 2, start + year, start + 3])
    clock = SystemClock(lambda: next(readings))
    assert [clock.now_ns() - start for _ in range(5)] == [0, 0, 2, year, 3]


def test_the_same_seed_gives_the_same_ids() -> None:
    one, other = Entropy(7), Entropy(7)
    assert [one.uid(), one.suffix(), one.below(100)] == [other.uid(), other.suffix(), other.below(100)]
    assert uuid.UUID(one.uid()).version == 4
    assert set(one.suffix(50)) <= set(SUFFIX_ALPHABET)
    assert Entropy().uid() != Entropy().uid()
    kernel = Entropy()
    uids = {kernel.uid() for _ in range(1000)}
    assert len(uids) == 1000 and all(len(uid) == 36 for uid in uids)


def test_api_times_are_whole_seconds() -> None:
    assert api_time(1_800_000_000_999_999_999) == "2027-01-15T08:00:00Z"
