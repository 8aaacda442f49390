"""Times as the API prints them, and back."""

import pytest

from shipslog.store.objects.values.times import (
    LATEST_S,
    SECOND_NS,
    api_time,
    duration,
    from_seconds,
    micro_time,
    moment_of,
    parse_time,
    seconds_and_nanoseconds,
)

NOW = 1_800_000_000 * SECOND_NS


@pytest.mark.parametrize("time_ns", [NOW, NOW + 123_456_000, SECOND_NS])
def test_a_time_comes_back(time_ns: int) -> None:
    assert parse_time(micro_time(time_ns)) == time_ns
    assert parse_time(api_time(time_ns)) == time_ns - time_ns % SECOND_NS


def test_what_is_not_known_is_nothing() -> None:
    assert api_time(0) == "" and parse_time("") == 0


def test_other_zones_and_the_end_of_time() -> None:
    assert parse_time("2027-01-15T09:00:00+01:00") == parse_time("2027-01-15T08:00:00Z") == NOW
    assert api_time((LATEST_S + 5) * SECOND_NS) == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s"), (3600, "1h0m0s"), (0, "0s")])
def test_durations_are_gos(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_protobuf_has_seconds_and_nanoseconds() -> None:
    assert seconds_and_nanoseconds("1970-01-01T00:01:00.000007Z") == (60, 7000)
    assert from_seconds(*seconds_and_nanoseconds("2026-11-23T10:32:00.120000Z")) == "2026-11-23T10:32:00.120000Z"
    assert from_seconds(seconds_and_nanoseconds("1969-12-31T23:59:59Z")[0]) == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize("text", ["", "2026-11-23", "2026-11-23T10:32:00", "2026-11-23 10:32:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_people_write_has_its_zone(text: str) -> None:
    assert moment_of("2026-11-23T12:32:00+02:00") == moment_of("2026-11-23T10:32:00Z")
    with pytest.raises((ValueError, OverflowError)):
        moment_of(text)
