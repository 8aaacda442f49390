"""Moments as people write them."""

import pytest

from shipslog.engine.time.moments import Moment, parse
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
        ("2027-01-15T08:00:00.5Z", Moment(time_ns=NOW + 500_000_000)),
    ],
)
def test_understood(text: str, moment: Moment) -> None:
    assert parse(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "-", "yesterday", "rev/x", "5m", "2027-13-01T00:00:00Z"])
def test_refused_with_the_forms_that_are_understood(text: str) -> None:
    with pytest.raises(BadRequest, match="names no moment"):
        parse(text, NOW)
