"""The values of expressions beyond those that Python has: unsigned integers, times, optionals, lists that know their type.

A boolean, an integer (64 bits), a double, text, bytes, null, a list and a map are Python's own. Source: the language definition
of CEL, and cel-go's `common/types` by its behaviour.

Tests: tests/engine/cel/test_program.py
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

INT_MIN, INT_MAX, UINT_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1


class CelError(Exception):
    """What an evaluation comes to when it comes to nothing: `no such key: x`, `division by zero`."""


class CostExceeded(CelError):
    """It costs more than is allowed. No `||` makes up for it."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


NO_OVERLOAD = "no such overload"


class Uint(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()


class Duration(int):
    """A span of time in nanoseconds."""

    __slots__ = ()


class Timestamp(int):
    """A moment: nanoseconds since 1970, UTC."""

    __slots__ = ()


class TypeOf(Struct, frozen=True):
    """A type as a value: `type(x) == int`."""

    name: str


class Opaque:
    """A value of one of the libraries' types: a URL, an address, a quantity. Equal as `key` is."""

    __slots__ = ("key", "type_name")

    def __init__(self, type_name: str, key: Any) -> None:
        self.type_name, self.key = type_name, key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.type_name == other.type_name and bool(self.key == other.key)

    def __hash__(self) -> int:
        return hash((self.type_name, self.key))


class Maybe:
    """An optional value."""

    __slots__ = ("present", "value")

    def __init__(self, value: Any = None, *, present: bool = True) -> None:
        self.value, self.present = value, present


NONE = Maybe(present=False)


class Made(dict[str, Any]):
    """An object that an expression makes: `Object.spec{replicas: 3}`. `type_name`: Object.spec."""

    type_name = ""


class SetList(list[Any]):
    """A list of type set: equal in any order; `+` adds what is not there."""


class MapList(list[Any]):
    """A list of type map: equal in any order; `+` puts items in the place of those with the same keys."""

    keys: tuple[str, ...] = ()

    def by_key(self) -> dict[Any, Any]:
        return {self.key_of(item): item for item in self}

    def key_of(self, item: Any) -> Any:
        return tuple(item.get(key) for key in self.keys) if isinstance(item, Mapping) else item


class Joined(Sequence[Any]):
    """Two lists as one, without a copy: `a + b` costs one, however long they are."""

    __slots__ = ("_first", "_second", "_size")

    def __init__(self, first: Sequence[Any], second: Sequence[Any]) -> None:
        self._first, self._second, self._size = first, second, size_of(first) + size_of(second)

    @property
    def size(self) -> int:
        return self._size

    def __len__(self) -> int:
        return min(self._size, (1 << 63) - 1)

    def __getitem__(self, at: Any) -> Any:
        here: Any = self
        while isinstance(here, Joined):
            first = size_of(here._first)
            if at < first:
                here = here._first
            else:
                here, at = here._second, at - first
        return here[at]

    def __iter__(self) -> Iterator[Any]:
        waiting: list[Any] = [self]
        while waiting:
            part = waiting.pop()
            if isinstance(part, Joined):
                waiting += (part._second, part._first)
            else:
                yield from part


def size_of(value: Any) -> int:
    return value.size if isinstance(value, Joined) else len(value)


LISTS = (list, tuple, Joined)


def type_name(value: Any) -> str:
    """The name of a value's type, as `type()` gives it."""
    match value:
        case None:
            return "null_type"
        case bool():
            return "bool"
        case Uint():
            return "uint"
        case Duration():
            return "google.protobuf.Duration"
        case Timestamp():
            return "google.protobuf.Timestamp"
        case int():
            return "int"
        case float():
            return "double"
        case str():
            return "string"
        case bytes():
            return "bytes"
        case Maybe():
            return "optional_type"
        case TypeOf():
            return "type"
        case Opaque() | Made():
            return value.type_name
        case Mapping():
            return "map"
        case _:
            return "list"


KINDS = {"google.protobuf.Duration": "duration", "google.protobuf.Timestamp": "timestamp", "null_type": "null"}


def kind_of(value: Any) -> str:
    """The kind of a value, as `types.Type` has it; of an opaque one its type's name."""
    name = type_name(value)
    return KINDS.get(name, name)


class Meter:
    """What has been spent, and what may be. `cost` is Kubernetes' units; `work` is what the units do not count: elements that
    are compared or copied within one step. Errors: CostExceeded."""

    __slots__ = ("cost", "limit", "work")

    def __init__(self, limit: int) -> None:
        self.cost, self.limit, self.work = 0, limit, 0

    def charge(self, units: int) -> None:
        self.cost += units
        if self.cost > self.limit:
            raise CostExceeded

    def spend(self, elements: int) -> None:
        self.work += elements
        if self.work > self.limit:
            raise CostExceeded


PLAIN = frozenset({str, int, float, bytes, bool, Uint, Duration, Timestamp, type(None)})


def equal(one: Any, other: Any, meter: Meter) -> bool:
    """Whether two values are equal; numbers are, of whatever type. Values of different types are different."""
    if type(one) is type(other) and type(one) in PLAIN:
        return bool(one == other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        special = (Duration, Timestamp)
        if isinstance(one, special) or isinstance(other, special):
            return type(one) is type(other) and one == other
        return one == other
    if isinstance(one, Mapping):
        return isinstance(other, Mapping) and _same_map(one, other, meter)
    if isinstance(one, LISTS):
        return isinstance(other, LISTS) and _same_list(one, other, meter)
    if isinstance(one, Maybe):
        if not isinstance(other, Maybe) or one.present != other.present:
            return False
        return not one.present or equal(one.value, other.value, meter)
    return type(one) is type(other) and bool(one == other)


def _same_map(one: Mapping[Any, Any], other: Mapping[Any, Any], meter: Meter) -> bool:
    if len(one) != len(other):
        return False
    meter.spend(len(one))
    return all(key in other and equal(held, other[key], meter) for key, held in one.items())


def _same_list(one: Any, other: Any, meter: Meter) -> bool:
    if size_of(one) != size_of(other):
        return False
    meter.spend(size_of(one))
    if isinstance(one, MapList) or isinstance(other, MapList):
        named = one if isinstance(one, MapList) else other
        ones, others = ({named.key_of(item): item for item in items} for items in (one, other))
        return ones.keys() == others.keys() and all(equal(held, others[key], meter) for key, held in ones.items())
    if isinstance(one, SetList) or isinstance(other, SetList):
        return same_set(one, other, meter)
    return all(equal(a, b, meter) for a, b in zip(one, other, strict=True))


def same_set(one: Sequence[Any], other: Sequence[Any], meter: Meter) -> bool:
    """Whether each list has all that the other has."""
    return has_all(one, other, meter) and has_all(other, one, meter)


def has_all(held: Sequence[Any], wanted: Sequence[Any], meter: Meter) -> bool:
    """Whether all of `wanted` is in a list. Text is looked up, the rest is gone through."""
    texts: set[str] | None = None
    for item in wanted:
        if isinstance(item, str):
            if texts is None:
                meter.spend(size_of(held))
                texts = {text for text in held if isinstance(text, str)}
            if item not in texts:
                return False
        elif not contains(held, item, meter):
            return False
    return True


def contains(held: Sequence[Any], wanted: Any, meter: Meter) -> bool:
    meter.spend(size_of(held))
    return any(equal(item, wanted, meter) for item in held)


def order(one: Any, other: Any) -> int:
    """-1, 0 or 1. Errors: CelError for what has no order among itself."""
    if isinstance(one, Opaque) and isinstance(other, Opaque):
        one, other = one.key, other.key
    elif not isinstance(one, bytes | str | int | float) or not _alike(one, other):
        raise CelError(NO_OVERLOAD)
    return -1 if one < other else 1 if one > other else 0


def _alike(one: Any, other: Any) -> bool:
    return kind_of(one) == kind_of(other) or (numeric(one) and numeric(other))


def numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool | Duration | Timestamp)


# --- numbers ---


def as_int(value: int) -> int:
    if not INT_MIN <= value <= INT_MAX:
        raise CelError("integer overflow")
    return value


def as_uint(value: int) -> Uint:
    if not 0 <= value <= UINT_MAX:
        raise CelError("unsigned integer overflow")
    return Uint(value)


def go_double(value: float) -> str:
    """A double as Go prints it with the least digits that tell it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, shift = Decimal(repr(value)).normalize().as_tuple()
    text, exponent = "".join(map(str, digits)), len(digits) + int(shift) - 1
    if exponent < -4 or exponent >= 6:
        made = text[0] + (f".{text[1:]}" if text[1:] else "") + f"e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    elif exponent < 0:
        made = "0." + "0" * (-exponent - 1) + text
    else:
        text = text.ljust(exponent + 1, "0")
        made = text[: exponent + 1] + (f".{text[exponent + 1 :]}" if text[exponent + 1 :] else "")
    return f"-{made}" if sign else made


# --- times ---

SECOND = 1_000_000_000
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_SPAN = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # RFC 3339
FIRST_MOMENT, LAST_MOMENT = -62135596800 * SECOND, 253402300799 * SECOND + 999_999_999
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration(text: str) -> Duration:
    """`1h30m`, `-1.5s`. Errors: CelError."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return Duration(0)
    total, at = 0, 0
    while at < len(rest):
        found = _SPAN.match(rest, at)
        if found is None or len(found[1]) > 40:
            break
        whole, _, part = found[1].partition(".")
        unit = _UNITS[found[2]]
        total += int(whole or 0) * unit + (int(part[:18]) * unit // 10 ** len(part[:18]) if part else 0)
        at = found.end()
    if not rest or at < len(rest) or total > INT_MAX:
        raise CelError(f'time: invalid duration "{text[:100]}"')
    return Duration(-total if text.startswith("-") else total)


def timestamp(text: str) -> Timestamp:
    """A moment in RFC 3339. Errors: CelError."""
    found = _MOMENT.fullmatch(text) if len(text) <= 100 else None
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        seconds = int((datetime(year, month, day, hour, minute, second, tzinfo=UTC) - EPOCH).total_seconds())
        zone = found[8]
        if zone not in ("Z", "z"):
            away = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60
            seconds -= -away if zone[0] == "-" else away
    except ValueError:
        raise CelError(f'parsing time "{text[:100]}" as "2006-01-02T15:04:05Z07:00": cannot parse') from None
    return moment(seconds * SECOND + int((found[7] or "0").ljust(9, "0")))


def moment(ns: int) -> Timestamp:
    if not FIRST_MOMENT <= ns <= LAST_MOMENT:
        raise CelError("timestamp overflow")
    return Timestamp(ns)


def calendar(value: Timestamp) -> datetime:
    return EPOCH + timedelta(microseconds=value // 1000)


def moment_text(value: Timestamp) -> str:
    part = f"{value % SECOND:09d}".rstrip("0")
    return calendar(value).strftime("%Y-%m-%dT%H:%M:%S").zfill(19) + (f".{part}" if part else "") + "Z"


def duration_text(value: Duration) -> str:
    """Seconds, as `string(duration)` has it."""
    sign, value_ns = ("-", -value) if value < 0 else ("", int(value))
    part = f"{value_ns % SECOND:09d}".rstrip("0")
    return f"{sign}{value_ns // SECOND}{'.' + part if part else ''}s"
