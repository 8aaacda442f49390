"""Durations as Go prints and reads them: "10s", "1m0.5s", "1h0m0s", "250ms". Source: Go's time.Duration."""

import re

SECOND_NS = 1_000_000_000
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": SECOND_NS, "m": 60 * SECOND_NS, "h": 3600 * SECOND_NS}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def printed(nanoseconds: int) -> str:
    """As Go's String()."""
    if nanoseconds < 0:
        return f"-{printed(-nanoseconds)}"
    if nanoseconds == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if nanoseconds < 1000 * _UNITS[unit]:
            return f"{_decimal(nanoseconds, _UNITS[unit])}{unit}"
    minutes, rest = divmod(nanoseconds, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    lead = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{lead}{_decimal(rest, SECOND_NS)}s"


def read(text: str) -> int:
    """Nanoseconds of what `printed` makes. Errors: ValueError."""
    body = text.removeprefix("-").removeprefix("+")
    if body == "0":
        return 0
    parts = _PART.findall(body) if len(body) <= 64 else []
    if not parts or "".join(number + unit for number, unit in parts) != body:
        raise ValueError(f'time: invalid duration "{text[:64]}"')
    total = sum(_scaled(number, _UNITS[unit]) for number, unit in parts)
    return -total if text.startswith("-") else total


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _scaled(number: str, unit: int) -> int:
    whole, _, fraction = number.partition(".")
    return int(whole or "0") * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
