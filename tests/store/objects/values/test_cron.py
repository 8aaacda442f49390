"""Schedules: what fields and words mean, and what is wrong with those that cannot be read."""

import pytest

from shipslog.store.objects.values.cron import ScheduleError, parse


def test_fields_are_lists_of_ranges_with_steps() -> None:
    found = parse("*/20 1-3,22 1,15 jan-mar/2 MON-fri")
    assert (found.minutes, found.hours) == ({0, 20, 40}, {1, 2, 3, 22})
    assert (found.days, found.months, found.weekdays) == ({1, 15}, {1, 3}, {1, 2, 3, 4, 5})
    assert not found.any_day and not found.any_weekday
    assert parse("5/25 * ? * *").minutes == {5, 30, 55} and parse("* * ? * *").any_day


def test_words_stand_for_fields() -> None:
    assert parse("@hourly") == parse("0 * * * *") and parse("@weekly") == parse("0 0 * * 0")
    assert parse("@every 1h30m").every_s == 5400 and parse("@every 0.1s").every_s == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("@never", "unrecognized descriptor: @never"),
        ("@every soon", "failed to parse duration @every soon"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", "failed to parse int from x"),
    ],
)
def test_what_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(ScheduleError, match=r".") as caught:
        parse(text)
    assert str(caught.value).startswith(why)
