"""What tables are made of: column definitions, and the words for durations.

Tests: tests/engine/kinds/test_tables.py
"""

from typing import Any

from msgspec import Struct

from shipslog.store.objects.values.times import SECOND_NS, parse_time

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"


class Column(Struct, frozen=True):
    """One column. Priority 0 is always shown, 1 only with -o wide."""

    name: str
    description: str
    type: str = "string"
    format: str = ""
    priority: int = 0

    def definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


NAME = Column("Name", "The name of the object, unique within its namespace for its kind. It cannot be changed.", format="name")
AGE = Column("Age", "How long ago the API server created the object.")


def wide(name: str, description: str, kind: str = "string") -> Column:
    """A column that is shown with -o wide."""
    return Column(name, description, kind, priority=1)


def seconds_between(timestamp: str, now_ns: int) -> float | None:
    """Seconds from an API time to now; None when it is not set."""
    if not timestamp:
        return None
    return (now_ns - parse_time(timestamp)) / SECOND_NS


def age(timestamp: str, now_ns: int) -> str:
    """How long ago an API time was, in Kubernetes' words; <unknown> when it is not set."""
    seconds = seconds_between(timestamp, now_ns)
    return UNKNOWN if seconds is None else duration(seconds)


def duration(seconds: float) -> str:
    """Two units at most, coarser the longer it is: 45s, 5m30s, 3h12m, 2d5h, 400d, 3y20d (apimachinery's HumanDuration)."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    minutes, hours = whole // 60, whole // 3600
    days, years = hours // 24, hours // 24 // 365
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if years < 2:
        return f"{days}d"
    if years < 8:
        return _two(years, "y", days % 365, "d")
    return f"{years}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def flag(value: bool | None) -> str:
    """A boolean as field selectors spell it."""
    return "true" if value else "false"


def labels(pairs: dict[str, str]) -> str:
    """k=v,k=v in order of the keys; <none> for none."""
    return ",".join(f"{k}={v}" for k, v in sorted(pairs.items())) or NONE
