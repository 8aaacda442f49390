"""Times as the API prints them, from and to nanoseconds UTC."""

from datetime import UTC, datetime

SECOND_NS = 1_000_000_000


def api_time(time_ns: int) -> str:
    """`2026-11-23T10:32:00Z`: metav1.Time. "" for 0, a time that is not known."""
    if not time_ns:
        return ""
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(time_ns: int) -> str:
    """`2026-11-23T10:32:00.000000Z`: metav1.MicroTime."""
    seconds = datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{seconds}.{time_ns % SECOND_NS // 1000:06d}Z"


def parse(text: str) -> int:
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
