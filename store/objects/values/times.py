"""Times as the API prints them, from and to nanoseconds UTC: the one place that reads and prints them."""

import calendar
import time
from datetime import UTC, datetime
from functools import lru_cache

SECOND_NS = 1_000_000_000
LATEST_S = 253_402_300_799  # 9999-12-31T23:59:59Z: what ends later than time can be told ends then


def api_time(time_ns: int) -> str:
    """`2026-11-23T10:32:00Z`: metav1.Time, whole seconds. "" for 0, a time that is not known."""
    return _second(time_ns // SECOND_NS) if time_ns else ""


def micro_time(time_ns: int) -> str:
    """`2026-11-23T10:32:00.000000Z`: metav1.MicroTime."""
    return f"{_second(time_ns // SECOND_NS)[:-1]}.{time_ns % SECOND_NS // 1000:06d}Z"


@lru_cache(maxsize=64)  # a busy second prints thousands of times
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(min(max(seconds, 0), LATEST_S), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=1024)  # of an object that is looked at again and again; what is no time is not kept
def parse_time(text: str) -> int:
    """Nanoseconds UTC of a Time or MicroTime; 0 for ""."""
    if not text:
        return 0
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * SECOND_NS + moment.microsecond * 1000


def moment_of(text: str) -> datetime:
    """An RFC 3339 time as people write it, in UTC. Errors: ValueError for what is none, also one without its zone;
    OverflowError for one whose zone leads out of the years 1 to 9999."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text:
        raise ValueError("no time zone")
    return moment.astimezone(UTC)


def rfc3339(moment: datetime, precision: str = "seconds") -> str:
    """A time in UTC as the API prints it."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec=precision)}Z"


def seconds_and_nanoseconds(text: str) -> tuple[int, int]:
    """Both of a Time or MicroTime, as protobuf has them."""
    whole_seconds, _, fraction = text.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole_seconds, "%Y-%m-%dT%H:%M:%S"))
    return seconds, int(fraction.ljust(9, "0")[:9]) if fraction else 0


def from_seconds(seconds: int, nanoseconds: int | None = None) -> str:
    """The Time of so many seconds, or with nanoseconds the MicroTime. Errors: OverflowError, ValueError beyond year 9999."""
    moment = datetime.fromtimestamp(seconds, UTC)
    if nanoseconds is None:
        return rfc3339(moment)
    return rfc3339(moment.replace(microsecond=nanoseconds // 1000), "microseconds")


def duration(seconds: int) -> str:
    """As Go prints it: 10s, 1m20s, 5m0s, 1h0m0s."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"
