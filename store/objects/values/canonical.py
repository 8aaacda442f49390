"""Scalars in their one form: quantities canonical, times in UTC, base64 checked. Only the fields that hold such are visited.

Tests: tests/store/objects/wire/test_codec.py
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.fields.shapes import Shape, fields_of, per_type

from .quantity import QuantityError, canonical
from .times import moment_of, rfc3339

Rule = Callable[[Any], Any]


class Malformed(ValueError):
    """A scalar that cannot be read."""


def normalised(struct: type[Any], obj: Any) -> Any:
    """The object with its scalars in their one form; the same object where nothing changes. Errors: Malformed."""
    changes = {}
    for attribute, rule in _rules(struct):
        before = getattr(obj, attribute)
        if before:
            after = rule(before)
            if after is not before and after != before:
                changes[attribute] = after
    return replace(obj, **changes) if changes else obj


@per_type
def _rules(struct: type[Any]) -> tuple[tuple[str, Rule], ...]:
    return tuple((f.attribute, rule) for f in fields_of(struct).values() if (rule := _rule(f.shape, ())) is not None)


def _rule(shape: Shape, above: tuple[type[Any], ...]) -> Rule | None:
    """What brings a value of a shape into form, or None where there is nothing to do."""
    match shape.form:
        case "quantity":
            return _quantity
        case "time":
            return _time
        case "microtime":
            return _microtime
        case "byte":
            return _base64
        case "list" if shape.item is not None and (inner := _rule(shape.item, above)) is not None:
            rule = inner
            return lambda values: tuple(rule(v) for v in values)
        case "map" if shape.item is not None and (inner := _rule(shape.item, above)) is not None:
            rule = inner
            return lambda values: {k: rule(v) for k, v in values.items()}
        case "struct" if shape.struct is not None and _concerned(shape.struct, above):
            struct = shape.struct
            return lambda value: normalised(struct, value)
    return None


def _concerned(struct: type[Any], above: tuple[type[Any], ...]) -> bool:
    if struct in above:
        return False
    return any(_rule(f.shape, (*above, struct)) is not None for f in fields_of(struct).values())


def _quantity(value: str | int | float) -> str:
    try:
        return canonical(value.strip() if isinstance(value, str) else value)
    except QuantityError as error:
        raise Malformed(str(error)) from error


def _moment(text: str) -> datetime:
    try:
        return moment_of(text)
    except (ValueError, OverflowError) as error:
        raise Malformed(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": it is not of that form') from error


def _time(text: str) -> str:
    if not text:
        return ""  # in a map or a list; a field that is unset is not asked about
    if len(text) == 20 and text.endswith("Z") and text[10] == "T":
        _moment(text)
        return text
    return rfc3339(_moment(text))


def _microtime(text: str) -> str:
    if not text:
        return ""
    return rfc3339(_moment(text), "microseconds")


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        bad = next(
            (i for i, c in enumerate(text) if not (c.isascii() and (c.isalnum() or c in "+/="))), len(text) - len(text) % 4
        )
        raise Malformed(f"illegal base64 data at input byte {bad}") from error
    return text
