"""What a test says of time and faults, looked at when it is said: a wrong word would else fail nothing, and much later.

Tests: tests/engine/testing/test_arguments.py
"""

import math
from collections.abc import Iterable

METHODS = ("", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def seconds(what: str, value: object) -> float:
    """A span of time. Errors: TypeError for what is no number, ValueError for one that is not finite or goes back."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{what}={value!r} is not a number")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{what}={value!r}: time goes forward, and to an end; give such a number")
    return value


def whole(what: str, value: object, least: int, most: int | None = None) -> int:
    """A whole number. Errors: TypeError, ValueError."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what}={value!r} is not a whole number")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{what}={value}: give {least} or more" if most is None else f"{what}={value}: give {least} to {most}")
    return value


def one_of(what: str, value: str, allowed: Iterable[str]) -> str:
    """Errors: ValueError, with what would be right."""
    known = tuple(allowed)
    if value not in known:
        there = f"what there is: {', '.join(k for k in known if k)}" if known else "there is none at all"
        raise ValueError(f"there is no {what} {value!r}; {there}")
    return value


def texts(what: str, values: Iterable[object], example: str) -> tuple[str, ...]:
    """Errors: TypeError, with an example."""
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{what}: {value!r} is not a text; write it as {example}")
    return tuple(str(value) for value in values)


def written(what: str, value: object) -> bytes:
    """What is printed. Errors: TypeError."""
    if not isinstance(value, str | bytes):
        raise TypeError(f"{what}={value!r} is neither a text nor bytes")
    return value.encode() if isinstance(value, str) else value
