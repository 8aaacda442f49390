"""Schedules of cron jobs: five fields, or a word for them.

Source: the standard parser of robfig/cron, which Kubernetes uses; errors are in its words.
"""

import re

from msgspec import Struct

DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
DAYS = {d: i for i, d in enumerate("sun mon tue wed thu fri sat".split())}
# Of each field: the least and the greatest number, and the names that stand for numbers.
FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = ((0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, MONTHS), (0, 6, DAYS))
EVERY = "@every "
_DURATION = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|[+-]?0")
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class ScheduleError(ValueError):
    """A schedule that cannot be read."""


class Schedule(Struct, frozen=True, kw_only=True):
    """When to act: the minutes, hours, days of the month, months and days of the week that are meant; or every so many seconds.

    Where both kinds of days are restricted, one of them is enough."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = False  # the day of the month is a star
    any_weekday: bool = False
    every_s: float = 0


def parse(text: str) -> Schedule:
    """Errors: ScheduleError."""
    if not text:
        raise ScheduleError("empty spec string")
    if text.startswith("@"):
        if text.startswith(EVERY):
            return Schedule(every_s=_every(text))
        if text not in DESCRIPTORS:
            raise ScheduleError(f"unrecognized descriptor: {text}")
        text = DESCRIPTORS[text]
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    (minutes, _), (hours, _), (days, any_day), (months, _), (weekdays, any_weekday) = (
        _field(field, least, most, names) for field, (least, most, names) in zip(fields, FIELDS, strict=True)
    )
    return Schedule(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        any_day=any_day,
        any_weekday=any_weekday,
    )


def _every(text: str) -> float:
    interval = text.removeprefix(EVERY)
    if _DURATION.fullmatch(interval) is None:
        raise ScheduleError(f'failed to parse duration {text}: time: invalid duration "{interval}"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(interval))
    return max(1.0, float(int(-seconds if interval.startswith("-") else seconds)))


def _field(text: str, least: int, most: int, names: dict[str, int]) -> tuple[frozenset[int], bool]:
    """The numbers that a field means, and whether it is a star."""
    found: set[int] = set()
    star = False
    for part in text.split(","):
        if part:
            numbers, all_of_them = _range(part, least, most, names)
            found |= numbers
            star = star or all_of_them
    return frozenset(found), star


def _range(text: str, least: int, most: int, names: dict[str, int]) -> tuple[set[int], bool]:
    span, *steps = text.split("/")
    first, *lasts = span.split("-")
    star = first in ("*", "?")
    if star:
        start, end = least, most
    else:
        start = _number(first, names)
        if len(lasts) > 1:
            raise ScheduleError(f"too many hyphens: {text}")
        end = _number(lasts[0], names) if lasts else start
    if len(steps) > 1:
        raise ScheduleError(f"too many slashes: {text}")
    step = 1
    if steps:
        step = _number(steps[0], {})
        if not star and not lasts:
            end = most  # N/step means N-most/step
        star = star and step <= 1
    if start < least:
        raise ScheduleError(f"beginning of range ({start}) below minimum ({least}): {text}")
    if end > most:
        raise ScheduleError(f"end of range ({end}) above maximum ({most}): {text}")
    if start > end:
        raise ScheduleError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {text}")
    return set(range(start, end + 1, step)), star


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text) is None:
        raise ScheduleError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if (number := int(text)) < 0:
        raise ScheduleError(f"negative number ({number}) not allowed: {text}")
    return number
