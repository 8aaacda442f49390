"""Times as the API prints them, from and to nanoseconds UTC: the one place that reads and prints them."""

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


def parse_time(text: str) -> int:
    """Nanoseconds UTC of a Time or MicroTime; 0 for ""."""
    if not text:
        return 0
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * SECOND_NS + moment.microsecond * 1000


def duration(seconds: int) -> str:
    """As Go prints it: 10s, 1m20s, 5m0s, 1h0m0s."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"
