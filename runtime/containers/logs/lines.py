"""A line of a container's log: `TIME stdout|stderr F|P TEXT`, P for one that goes on in the next.

Tests: tests/runtime/containers/logs/test_reading.py
"""

from datetime import UTC, datetime

from msgspec import Struct


class Line(Struct, frozen=True):
    stamp: bytes
    whole: bool  # False: goes on in the next one
    text: bytes

    @property
    def time_ns(self) -> int:
        return parse_time_ns(self.stamp.decode())


def parse(raw: bytes) -> Line | None:
    """None for what is no such line."""
    parts = raw.rstrip(b"\n").split(b" ", 3)
    if len(parts) < 3 or parts[1] not in (b"stdout", b"stderr"):
        return None
    return Line(parts[0], parts[2].startswith(b"F"), parts[3] if len(parts) > 3 else b"")


def is_whole(raw: bytes) -> bool | None:
    """Whether the line ends there; None for what is none."""
    return {b"F": True, b"P": False}.get(raw.partition(b" std")[2][4:5])


def parse_time_ns(text: str) -> int:
    """Of an RFC 3339 time with up to nine digits of a second."""
    head, _, tail = text.partition(".")
    digits = "".join(character for character in tail[:9] if character.isdigit())
    zone = tail[len(digits) :] if tail else head[19:]
    seconds = datetime.fromisoformat(head[:19] + (zone if zone and zone != "Z" else "+00:00"))
    return int(seconds.timestamp()) * 1_000_000_000 + int(digits.ljust(9, "0") or 0)


def stamped(line: Line) -> bytes:
    """RFC 3339 in UTC with nanoseconds, as kubectl --timestamps prints it."""
    if line.stamp.endswith(b"+00:00"):
        return line.stamp[:-6] + b"Z"
    at = line.time_ns
    whole = datetime.fromtimestamp(at // 1_000_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at % 1_000_000_000:09d}Z".encode()
