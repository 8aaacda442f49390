"""Quantities: "1500m", "2Gi", "1e3". Exact decimal numbers with a suffix, as Kubernetes reads and prints them.

Source: k8s.io/apimachinery/pkg/api/resource (parsing, rounding up, the canonical form).
"""

import re
from decimal import Decimal

from shipslog.store.objects.memo import remembered

_FORM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_LIMIT = 2**63 - 1
NANO = 10**9
LONGEST = 512  # characters
NOT_A_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


class QuantityError(ValueError):
    """The text is no quantity."""


@remembered(entries=4096, longest=64)
def _parse(text: str) -> tuple[int, str]:
    """-> (value in nano units, rounded away from zero; the style: "binary", "exponent", "decimal")."""
    found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise QuantityError(NOT_A_QUANTITY)
    sign, digits, suffix = found[1], found[2], found[3] or ""
    style = "binary" if suffix in _BINARY else "decimal" if suffix in _DECIMAL else "exponent"
    number = Decimal(digits)
    if style == "binary":
        nanos = _ceil(number * (1 << _BINARY[suffix]), 9)
    else:
        exponent = _DECIMAL[suffix] if style == "decimal" else int(suffix[1:])
        nanos = _ceil(number, min(exponent, 40) + 9)
    nanos = min(nanos, _LIMIT * NANO)
    return (-nanos if sign == "-" else nanos), style


def _ceil(number: Decimal, shift: int) -> int:
    """number * 10**shift, rounded up. Exact: `Decimal` arithmetic would round to its context."""
    _, digits, exponent = number.as_tuple()
    value = int("".join(map(str, digits)) or "0")
    shift += int(exponent)
    return int(value * 10**shift if shift >= 0 else -(-value // 10 ** min(-shift, 60)))


def nanos(quantity: str | int | float) -> int:
    """The value in nano units. Errors: QuantityError."""
    if isinstance(quantity, int):
        return quantity * NANO
    return _parse(quantity if isinstance(quantity, str) else repr(quantity))[0]


def milli(quantity: str | int | float) -> int:
    """The value in thousandths, rounded up. Errors: QuantityError."""
    return -(-nanos(quantity) // 10**6)


def value(quantity: str | int | float) -> int:
    """The value in whole units, rounded up. Errors: QuantityError."""
    return -(-nanos(quantity) // NANO)


def canonical(quantity: str | int | float) -> str:
    """As Kubernetes prints it: no fraction, the largest suffix that keeps it whole. Errors: QuantityError."""
    return _canonical(quantity if isinstance(quantity, str) else repr(quantity))


@remembered(entries=4096, longest=64)
def _canonical(text: str) -> str:
    amount, style = _parse(text)
    if style == "binary" and amount % NANO == 0 and abs(amount) >= 1024 * NANO:
        return _binary(amount // NANO)
    if amount == 0:
        return "0"
    if style == "binary":
        style = "decimal"
    exponent = -9
    while exponent < 18 and amount % 1000 == 0:
        amount, exponent = amount // 1000, exponent + 3
    if style == "exponent":
        return f"{amount}e{exponent}" if exponent else str(amount)
    return f"{amount}{_SUFFIX[exponent]}"


def in_bytes(amount: int) -> str:
    """So many bytes, as Kubernetes prints what was measured: 1536 -> 1536, 2048 -> 2Ki."""
    return _binary(amount) if abs(amount) >= 1024 else str(amount)


def _binary(amount: int) -> str:
    for suffix, shift in reversed(_BINARY.items()):
        if amount % (1 << shift) == 0:
            return f"{amount >> shift}{suffix}"
    return str(amount)
