"""Moments as people write them."""

import pytest

from shipslog.engine.past.moments import Moment, parse
from shipslog.store.refusals import BadRequest

NOW = 1_800_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1234", Moment(revision=1234)),
        ("rev/7", Moment(revision=7)),
        ("-5m", Moment(time_ns=NOW - 300 * 10**9)),
        ("-1h30m", Moment(time_ns=NOW - 5400 * 10**9)),
        ("-2d", Moment(time_ns=NOW - 172_800 * 10**9)),
        ("2027-01-15T08:00:00Z", Moment(time_ns=NOW + 999_999_999)),  # the whole second
        ("2027-01-15T09:00:00+01:00", Moment(time_ns=NOW + 999_999_999)),
        ("2027-01-15T08:00:00.5Z", Moment(time_ns=NOW + 599_999_999)),  # the whole tenth
        ("2027-01-15T08:00:00.012Z", Moment(time_ns=NOW + 12_999_999)),
        ("07:59:59.25", Moment(time_ns=NOW - 10**9 + 259_999_999)),
        ("07:59", Moment(time_ns=NOW - 60 * 10**9 + 999_999_999)),
        ("08:00:01", Moment(time_ns=NOW - 86_399 * 10**9 + 999_999_999)),  # yesterday
    ],
)
def test_understood(text: str, moment: Moment) -> None:
    assert parse(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "-", "yesterday", "rev/x", "5m", "2027-13-01T00:00:00Z", "25:00"])
def test_refused_with_the_forms_that_are_understood(text: str) -> None:
    with pytest.raises(BadRequest, match="names no moment"):
        parse(text, NOW)


def test_a_moment_begins_where_its_second_does() -> None:
    assert parse("2027-01-15T08:00:00Z", NOW, begins=True) == Moment(time_ns=NOW)
    assert parse("2027-01-15T08:00:00.123457Z", NOW, begins=True) == Moment(time_ns=NOW + 123_457_000)
    assert parse("-5s", NOW, begins=True) == Moment(time_ns=NOW - 5 * 10**9)
