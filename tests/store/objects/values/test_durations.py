"""Durations come out and go in as Go has them."""

import pytest

from shipslog.store.objects.values import durations

PAIRS = (
    (0, "0s"),
    (1, "1ns"),
    (1_100, "1.1µs"),
    (250_000_000, "250ms"),
    (10_000_000_000, "10s"),
    (60_500_000_000, "1m0.5s"),
    (3_600_000_000_000, "1h0m0s"),
    (-90_000_000_000, "-1m30s"),
)


@pytest.mark.parametrize(("nanoseconds", "text"), PAIRS)
def test_both_ways(nanoseconds: int, text: str) -> None:
    assert durations.printed(nanoseconds) == text
    assert durations.read(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "s", "1", "1d", "1s x", ".s", "9" * 70 + "s"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        durations.read(text)
