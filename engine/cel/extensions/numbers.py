"""`quantity()` and `semver()`: Kubernetes' libraries of quantities and of versions.

Tests: tests/engine/cel/test_program.py
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from shipslog.engine.cel.functions import Overload, traversal
from shipslog.engine.cel.types import BOOL, DOUBLE, INT, STRING, opaque
from shipslog.engine.cel.values import INT_MAX, INT_MIN, CelError, Opaque
from shipslog.store.objects.values import quantity

Named = Iterator[tuple[str, Overload]]
QUANTITY, SEMVER = opaque("kubernetes.Quantity"), opaque("kubernetes.Semver")
NANO = quantity.NANO


def _quantity(text: str) -> Opaque:
    """Its key: the value in nano units. Errors: CelError."""
    try:
        return Opaque("kubernetes.Quantity", quantity.nanos(text))
    except (quantity.QuantityError, ValueError) as error:
        raise CelError(f"{error}") from None


def _holds(read: Callable[..., Any]) -> Callable[..., bool]:
    def holds(*args: Any) -> bool:
        try:
            read(*args)
        except CelError:
            return False
        return True

    return holds


def _is_integer(value: Opaque) -> bool:
    return bool(value.key % NANO == 0 and INT_MIN <= value.key // NANO <= INT_MAX)


def _as_integer(value: Opaque) -> int:
    if not _is_integer(value):
        raise CelError("cannot convert value to integer")
    return int(value.key // NANO)


def _sign(value: Opaque) -> int:
    return int(value.key > 0) - int(value.key < 0)


def _order(one: Opaque, other: Opaque) -> int:
    return int(one.key > other.key) - int(one.key < other.key)


def _plus(one: Opaque, other: Any, sign: int) -> Opaque:
    nanos = other.key if isinstance(other, Opaque) else int(other) * NANO
    return Opaque("kubernetes.Quantity", one.key + sign * nanos)


def quantities() -> Named:
    yield "quantity", Overload("string_to_quantity", (STRING,), QUANTITY, _quantity, cost=traversal)
    yield "isQuantity", Overload("is_quantity_string", (STRING,), BOOL, _holds(_quantity), cost=traversal)
    rows: list[tuple[str, Any, Any]] = [
        ("sign", INT, _sign),
        ("isInteger", BOOL, _is_integer),
        ("asInteger", INT, _as_integer),
        ("asApproximateFloat", DOUBLE, lambda v: float(Fraction(v.key, NANO))),
    ]
    for name, result, run in rows:
        yield name, Overload(f"quantity_{name}", (QUANTITY,), result, run, member=True)
    two = (QUANTITY, QUANTITY)
    yield "compareTo", Overload("quantity_compare_to", two, INT, _order, member=True)
    yield "isLessThan", Overload("quantity_is_less_than", two, BOOL, lambda a, b: a.key < b.key, member=True)
    yield "isGreaterThan", Overload("quantity_is_greater_than", two, BOOL, lambda a, b: a.key > b.key, member=True)
    for name, sign in (("add", 1), ("sub", -1)):
        for other in (QUANTITY, INT):
            yield (
                name,
                Overload(
                    f"quantity_{name}" + ("_int" if other is INT else ""),
                    (QUANTITY, other),
                    QUANTITY,
                    lambda a, b, sign=sign: _plus(a, b, sign),
                    member=True,
                ),
            )


# --- versions ---

_PART = r"(?:0|[1-9]\d{0,18})"
_WORDS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMVER = re.compile(rf"({_PART})\.({_PART})\.({_PART})(?:-({_WORDS}))?(?:\+({_WORDS}))?", re.ASCII)
_LOOSE = re.compile(r"[vV]?(\d{1,19})(?:\.(\d{1,19}))?(?:\.(\d{1,19}))?([-+].*)?", re.ASCII)


def _semver(text: str, normalize: bool = False) -> Opaque:
    """Its key: the three numbers and what orders the pre-release. Errors: CelError."""
    found = _SEMVER.fullmatch(_normal(text) if normalize else text) if len(text) <= 256 else None
    if found is None or (found[4] and any(p.isdecimal() and len(p) > 1 and p[0] == "0" for p in found[4].split("."))):
        raise CelError(f'No Major.Minor.Patch elements found in "{text[:100]}"')
    return Opaque("kubernetes.Semver", (int(found[1]), int(found[2]), int(found[3]), _before(found[4])))


def _normal(text: str) -> str:
    found = _LOOSE.fullmatch(text)
    if found is None:
        return text
    return ".".join(str(int(part or 0)) for part in found.groups()[:3]) + (found[4] or "")


def _before(words: str | None) -> tuple[Any, ...]:
    """No pre-release comes after all of them; numbers come before words."""
    if words is None:
        return (1,)
    return (0, tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in words.split(".")))


def semvers() -> Named:
    yield "semver", Overload("string_to_semver", (STRING,), SEMVER, _semver, cost=traversal)
    yield "semver", Overload("string_bool_to_semver", (STRING, BOOL), SEMVER, _semver, cost=traversal)
    yield "isSemver", Overload("is_semver_string", (STRING,), BOOL, _holds(_semver), cost=traversal)
    yield "isSemver", Overload("is_semver_string_bool", (STRING, BOOL), BOOL, _holds(_semver), cost=traversal)
    for at, name in enumerate(("major", "minor", "patch")):
        yield name, Overload(f"semver_{name}", (SEMVER,), INT, lambda v, at=at: v.key[at], member=True)
    two = (SEMVER, SEMVER)
    yield "compareTo", Overload("semver_compare_to", two, INT, _order, member=True)
    yield "isLessThan", Overload("semver_is_less_than", two, BOOL, lambda a, b: a.key < b.key, member=True)
    yield "isGreaterThan", Overload("semver_is_greater_than", two, BOOL, lambda a, b: a.key > b.key, member=True)
