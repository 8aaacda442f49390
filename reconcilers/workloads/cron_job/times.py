"""Which moments a schedule means, in its time zone.

Source: SpecSchedule.Next of robfig/cron, which Kubernetes uses. Where the clock is put forward, what would be in the hour that
is left out does not come that day; where it is put back, what is in the hour that comes twice comes twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from shipslog.store.objects.values.cron import Schedule
from shipslog.store.objects.values.times import SECOND_NS

YEARS = 5  # a schedule that means nothing in so many years means nothing
MINUTE_S, HOUR_S = 60, 3600


def zone_of(name: str) -> tzinfo | None:
    """The time zone of a name, UTC without one; None for one that is not known."""
    if not name:
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # it brings the description of the interpreter's build with it

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def following(schedule: Schedule, after_ns: int, zone: tzinfo = UTC) -> int | None:
    """The first moment after one, in ns UTC; None if there is none."""
    after_s = after_ns // SECOND_NS
    if schedule.every_s:
        return (after_s + int(schedule.every_s)) * SECOND_NS
    at_s = after_s - after_s % MINUTE_S + MINUTE_S
    last = datetime.fromtimestamp(at_s, zone).year + YEARS
    while (local := datetime.fromtimestamp(at_s, zone)).year <= last:
        if local.month not in schedule.months:
            year, month = (local.year, local.month + 1) if local.month < 12 else (local.year + 1, 1)
            at_s = max(int(datetime(year, month, 1, tzinfo=zone).timestamp()), at_s + MINUTE_S)
        elif not _is_day(schedule, local):
            at_s = max(_midnight_after(local, zone), at_s + MINUTE_S)
        elif local.hour not in schedule.hours:
            at_s += HOUR_S - local.minute * MINUTE_S
        elif local.minute not in schedule.minutes:
            at_s += MINUTE_S
        else:
            return at_s * SECOND_NS
    return None


def _is_day(schedule: Schedule, local: datetime) -> bool:
    """Where both kinds of days are restricted, one of them is enough."""
    day, weekday = local.day in schedule.days, local.isoweekday() % 7 in schedule.weekdays
    return day and weekday if schedule.any_day or schedule.any_weekday else day or weekday


def _midnight_after(local: datetime, zone: tzinfo) -> int:
    day = datetime.fromordinal(local.toordinal() + 1)
    return int(day.replace(tzinfo=zone).timestamp())


def missed(schedule: Schedule, since_ns: int, now_ns: int, zone: tzinfo = UTC, most: int = 101) -> tuple[int | None, int]:
    """The last moment after `since_ns` that has come, and how many have, `most` at most."""
    first = following(schedule, since_ns, zone)
    if first is None or first > now_ns:
        return None, 0
    count = sum(1 for _ in zip(range(most), _until(schedule, since_ns, now_ns, zone), strict=False))
    if schedule.every_s:
        step = int(schedule.every_s) * SECOND_NS
        return first + (now_ns - first) // step * step, count
    low, high = since_ns // SECOND_NS, now_ns // SECOND_NS  # what follows `low` has come, what follows `high` has not
    while high - low > 1:
        middle = (low + high) // 2
        found = following(schedule, middle * SECOND_NS, zone)
        low, high = (middle, high) if found is not None and found <= now_ns else (low, middle)
    return following(schedule, low * SECOND_NS, zone), count


def _until(schedule: Schedule, since_ns: int, now_ns: int, zone: tzinfo) -> Iterator[int]:
    at = following(schedule, since_ns, zone)
    while at is not None and at <= now_ns:
        yield at
        at = following(schedule, at, zone)
