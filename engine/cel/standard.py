"""The functions that every expression has: operators, conversions, sizes, texts, times. Source: the language definition of CEL,
with cel-go's overloads and Kubernetes' settings (numbers of different types may be compared; times are UTC).

Tests: tests/engine/cel/test_program.py
"""

import math
import operator
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from . import patterns, values
from .functions import Overload, matching, nothing_more, one, sized, tenth
from .types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    optional,
    param,
    type_of,
)
from .values import NO_OVERLOAD, SECOND, CelError, Duration, Joined, MapList, Maybe, Meter, SetList, Timestamp, Uint

T, K, V = param("T"), param("K"), param("V")
Named = Iterator[tuple[str, Overload]]


# --- operators ---


def _shorter(a: Any, b: Any) -> int:
    return tenth(min(sized(a), sized(b)))


def _both(a: Any, b: Any) -> int:
    return tenth(sized(a) + sized(b))


def add_lists(meter: Meter, one_: Any, other: Any) -> Any:
    """Two lists as one; of sets and of maps by their keys as those are joined."""
    if isinstance(one_, MapList):
        meter.spend(len(one_) + values.size_of(other))
        joined = {one_.key_of(item): item for item in [*one_, *other]}
        made: Any = MapList(joined.values())
        made.keys = one_.keys
        return made
    if isinstance(one_, SetList):
        made = SetList(one_)
        for item in other:
            if not values.contains(made, item, meter):
                made.append(item)
        return made
    if not values.size_of(other):
        return one_
    return Joined(one_, other) if values.size_of(one_) else other


def _quotient(a: int, b: int) -> int:
    if not b:
        raise CelError("division by zero")
    found = abs(a) // abs(b)
    return values.as_int(found if (a < 0) == (b < 0) else -found)


def _rest(a: int, b: int) -> int:
    if not b:
        raise CelError("modulus by zero")
    found = abs(a) % abs(b)
    return -found if a < 0 else found


def _unsigned(run: Callable[[int, int], int]) -> Callable[[int, int], Uint]:
    return lambda a, b: values.as_uint(run(int(a), int(b)))


def _ratio(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


def _span(a: int) -> Duration:
    if not values.INT_MIN <= a <= values.INT_MAX:
        raise CelError("duration overflow")
    return Duration(a)


def _float(run: Callable[[float, float], float]) -> Callable[[float, float], float]:
    def safe(a: float, b: float) -> float:
        try:
            return run(a, b)
        except OverflowError:
            return math.inf

    return safe


def arithmetic() -> Named:
    for name, word, run in (
        ("_+_", "add", int.__add__),
        ("_-_", "subtract", int.__sub__),
        ("_*_", "multiply", int.__mul__),
    ):
        yield name, Overload(f"{word}_int64", (INT, INT), INT, lambda a, b, run=run: values.as_int(run(a, b)))
        yield name, Overload(f"{word}_uint64", (UINT, UINT), UINT, _unsigned(run))
    for name, word, run_ in (
        ("_+_", "add", float.__add__),
        ("_-_", "subtract", float.__sub__),
        ("_*_", "multiply", float.__mul__),
        ("_/_", "divide", _ratio),
    ):
        yield name, Overload(f"{word}_double", (DOUBLE, DOUBLE), DOUBLE, _float(run_))
    yield "_/_", Overload("divide_int64", (INT, INT), INT, _quotient)
    yield "_/_", Overload("divide_uint64", (UINT, UINT), UINT, _unsigned(_quotient))
    yield "_%_", Overload("modulo_int64", (INT, INT), INT, _rest)
    yield "_%_", Overload("modulo_uint64", (UINT, UINT), UINT, _unsigned(_rest))
    yield "-_", Overload("negate_int64", (INT,), INT, lambda a: values.as_int(-a))
    yield "-_", Overload("negate_double", (DOUBLE,), DOUBLE, lambda a: -a)
    yield "_+_", Overload("add_string", (STRING, STRING), STRING, str.__add__, cost=_both)
    yield "_+_", Overload("add_bytes", (BYTES, BYTES), BYTES, bytes.__add__, cost=_both)
    yield "_+_", Overload("add_list", (list_of(T), list_of(T)), list_of(T), add_lists, metered=True)
    yield "_+_", Overload("add_duration_duration", (DURATION, DURATION), DURATION, lambda a, b: _span(int(a) + int(b)))
    for first, second in ((TIMESTAMP, DURATION), (DURATION, TIMESTAMP)):
        id_ = f"add_{first}_{second}"
        yield "_+_", Overload(id_, (first, second), TIMESTAMP, lambda a, b: values.moment(int(a) + int(b)))
    yield "_-_", Overload("subtract_duration_duration", (DURATION, DURATION), DURATION, lambda a, b: _span(int(a) - int(b)))
    yield "_-_", Overload("subtract_timestamp_timestamp", (TIMESTAMP, TIMESTAMP), DURATION, lambda a, b: _span(int(a) - int(b)))
    yield (
        "_-_",
        Overload("subtract_timestamp_duration", (TIMESTAMP, DURATION), TIMESTAMP, lambda a, b: values.moment(int(a) - int(b))),
    )


NUMBERS = {"int64": INT, "uint64": UINT, "double": DOUBLE}


def comparing() -> Named:
    yield "_==_", Overload("equals", (T, T), BOOL, lambda meter, a, b: values.equal(a, b, meter), cost=_shorter, metered=True)
    yield (
        "_!=_",
        Overload("not_equals", (T, T), BOOL, lambda meter, a, b: not values.equal(a, b, meter), cost=_shorter, metered=True),
    )
    for name, word, holds in (
        ("_<_", "less", operator.lt),
        ("_<=_", "less_equals", operator.le),
        ("_>_", "greater", operator.gt),
        ("_>=_", "greater_equals", operator.ge),
    ):
        for type_ in (BOOL, TIMESTAMP, DURATION):
            yield name, Overload(f"{word}_{type_}", (type_, type_), BOOL, holds)
        for type_ in (STRING, BYTES):
            yield name, Overload(f"{word}_{type_}", (type_, type_), BOOL, holds, cost=_shorter)
        for left, a in NUMBERS.items():
            for right, b in NUMBERS.items():
                id_ = f"{word}_{left}" + (f"_{right}" if left != right else "")
                yield name, Overload(id_, (a, b), BOOL, holds)


def index(held: Any, key: Any) -> Any:
    """A list's item or a map's value. Errors: CelError."""
    if isinstance(held, Mapping):
        found = lookup(held, key)
        if not found.present:
            raise CelError(f"no such key: {plain(key)}")
        return found.value
    if isinstance(held, values.LISTS):
        if isinstance(key, float) and key.is_integer():
            key = int(key)
        if isinstance(key, bool) or not isinstance(key, int):
            raise CelError(f"unsupported index type '{values.type_name(key)}' in list")
        if not 0 <= key < values.size_of(held):
            raise CelError(f"index out of bounds: {key}")
        return held[key]
    raise CelError(NO_OVERLOAD)


def lookup(held: Mapping[Any, Any], key: Any) -> Maybe:
    """A map's value; keys that are numbers are found by their value, whatever their type."""
    if isinstance(key, bool):
        return next((Maybe(value) for found, value in held.items() if found is key), values.NONE)
    if isinstance(key, str | int | float | bytes) and key in held:
        return Maybe(held[key])
    return values.NONE


def opt_index(held: Any, key: Any) -> Maybe:
    if isinstance(held, Maybe):
        if not held.present:
            return values.NONE
        held = held.value
    if isinstance(held, Mapping):
        return lookup(held, key)
    try:
        return Maybe(index(held, key))
    except CelError:
        return values.NONE


def _through(held: Maybe, key: Any) -> Maybe:
    return Maybe(index(held.value, key)) if held.present else values.NONE


def plain(value: Any) -> str:
    return value if isinstance(value, str) else values.go_double(value) if isinstance(value, float) else str(value)


def collections() -> Named:
    yield "_[_]", Overload("index_list", (list_of(T), INT), T, index)
    yield "_[_]", Overload("index_map", (map_of(K, V), K), V, index)
    yield "_[_]", Overload("optional_list_index_int", (optional(list_of(T)), INT), optional(T), _through)
    yield "_[_]", Overload("optional_map_index_value", (optional(map_of(K, V)), K), optional(V), _through)
    yield "_[?_]", Overload("list_optindex_optional_int", (list_of(T), INT), optional(T), opt_index)
    yield "_[?_]", Overload("map_optindex_optional_value", (map_of(K, V), K), optional(V), opt_index)
    yield "_[?_]", Overload("optional_list_optindex_optional_int", (optional(list_of(T)), INT), optional(T), opt_index)
    yield "_[?_]", Overload("optional_map_optindex_optional_value", (optional(map_of(K, V)), K), optional(V), opt_index)
    yield (
        "@in",
        Overload(
            "in_list",
            (T, list_of(T)),
            BOOL,
            lambda meter, a, b: values.contains(b, a, meter),
            cost=lambda a, b: sized(b),
            metered=True,
        ),
    )
    yield "@in", Overload("in_map", (K, map_of(K, V)), BOOL, lambda a, b: lookup(b, a).present)
    for type_ in (STRING, BYTES, list_of(T), map_of(K, V)):
        yield "size", Overload(f"size_{type_.kind}", (type_,), INT, values.size_of)
        yield "size", Overload(f"{type_.kind}_size", (type_,), INT, values.size_of, member=True)
    yield "cel.@mapInsert", Overload("@mapInsert_map_key_value", (map_of(K, V), K, V), map_of(K, V), _inserted)
    yield "cel.@mapInsert", Overload("@mapInsert_map_map", (map_of(K, V), map_of(K, V)), map_of(K, V), _inserted_all)


def _inserted(held: Mapping[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    if key in held:
        raise CelError(f"insert failed: key {plain(key)} already exists")
    return {**held, key: value}


def _inserted_all(held: Mapping[Any, Any], more: Mapping[Any, Any]) -> dict[Any, Any]:
    made = dict(held)
    for key, value in more.items():
        made = _inserted(made, key, value)
    return made


# --- texts ---


def _contains(a: str, b: str) -> int:
    return tenth(sized(a)) * tenth(sized(b))


def pattern(text: str) -> Any:
    """Errors: CelError."""
    try:
        return patterns.compiled(text)
    except patterns.BadPattern as error:
        raise CelError(f"error parsing regexp: {error}") from None


def spend_pattern(meter: Meter, text: str, wanted: str) -> Any:
    """The pattern, once what it may take to look for it in the text is charged. Errors: CelError."""
    made = pattern(wanted)
    meter.spend(patterns.steps(wanted, text))
    return made


def _matches(meter: Meter, text: str, wanted: str) -> bool:
    return spend_pattern(meter, text, wanted).search(text) is not None


def texts() -> Named:
    two = (STRING, STRING)
    yield "contains", Overload("contains_string", two, BOOL, str.__contains__, member=True, cost=_contains)
    yield (
        "startsWith",
        Overload("starts_with_string", two, BOOL, str.startswith, member=True, cost=lambda a, b: tenth(sized(b))),
    )
    yield "endsWith", Overload("ends_with_string", two, BOOL, str.endswith, member=True, cost=lambda a, b: tenth(sized(b)))
    yield "matches", Overload("matches", two, BOOL, _matches, cost=matching, metered=True)
    yield "matches", Overload("matches_string", two, BOOL, _matches, member=True, cost=matching, metered=True)


# --- conversions ---


def _whole(value: float) -> int:
    if math.isnan(value) or math.isinf(value) or not -(2**63) < value < 2**63:
        raise CelError("integer overflow")
    return int(value)


def _parsed(text: str, words: str, parse: Callable[[str], Any]) -> Any:
    try:
        if len(text) > 400 or "_" in text or text != text.strip():
            raise ValueError
        return parse(text)
    except (ValueError, CelError):
        raise CelError(f"type conversion error from 'string' to '{words}'") from None


def _truth(text: str) -> bool:
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise CelError("invalid UTF-8 in bytes, cannot convert to string") from None


def conversions() -> Named:
    def same(value: Any) -> Any:
        return value

    rows: list[tuple[str, Type, Type, Callable[[Any], Any]]] = [
        ("int", INT, INT, same),
        ("int", UINT, INT, lambda v: values.as_int(int(v))),
        ("int", DOUBLE, INT, _whole),
        ("int", STRING, INT, lambda v: _parsed(v, "int", lambda t: values.as_int(int(t)))),
        ("int", TIMESTAMP, INT, lambda v: int(v) // SECOND),
        ("int", DURATION, INT, int),
    ]
    rows += [
        ("uint", UINT, UINT, same),
        ("uint", INT, UINT, values.as_uint),
        ("uint", DOUBLE, UINT, lambda v: values.as_uint(int(v)) if 0 <= v < 2**64 else values.as_uint(-1)),
        ("uint", STRING, UINT, lambda v: _parsed(v, "uint", lambda t: values.as_uint(int(t)))),
    ]
    rows += [
        ("double", DOUBLE, DOUBLE, same),
        ("double", INT, DOUBLE, float),
        ("double", UINT, DOUBLE, float),
        ("double", STRING, DOUBLE, lambda v: _parsed(v, "double", float)),
    ]
    rows += [
        ("string", STRING, STRING, same),
        ("string", BOOL, STRING, lambda v: "true" if v else "false"),
        ("string", INT, STRING, lambda v: str(int(v))),
        ("string", UINT, STRING, lambda v: str(int(v))),
        ("string", DOUBLE, STRING, values.go_double),
        ("string", TIMESTAMP, STRING, values.moment_text),
    ]
    rows += [
        ("string", DURATION, STRING, values.duration_text),
        ("bytes", BYTES, BYTES, same),
        ("bool", BOOL, BOOL, same),
        ("bool", STRING, BOOL, lambda v: _parsed(v, "bool", _truth)),
        ("duration", DURATION, DURATION, same),
        ("duration", STRING, DURATION, values.duration),
        ("duration", INT, DURATION, lambda v: Duration(v)),
    ]
    rows += [
        ("timestamp", TIMESTAMP, TIMESTAMP, same),
        ("timestamp", STRING, TIMESTAMP, values.timestamp),
        ("timestamp", INT, TIMESTAMP, lambda v: values.moment(v * SECOND)),
    ]
    for name, given, made, run in rows:
        yield name, Overload(f"{given}_to_{made}", (given,), made, run)
    over = lambda v: tenth(sized(v))  # noqa: E731
    yield "string", Overload("bytes_to_string", (BYTES,), STRING, _decoded, cost=over)
    yield "bytes", Overload("string_to_bytes", (STRING,), BYTES, lambda v: v.encode(errors="surrogatepass"), cost=over)
    yield "dyn", Overload("to_dyn", (T,), DYN, same)
    yield "type", Overload("type", (T,), type_of(T), lambda v: values.TypeOf(values.type_name(v)))


# --- times ---


def _zone(name: str) -> Any:
    if name in ("", "UTC"):
        return timezone.utc  # noqa: UP017
    sign, rest = (-1, name[1:]) if name[0] == "-" else (1, name.lstrip("+"))
    hours, colon, minutes = rest.partition(":")
    try:
        if colon and hours.isdecimal() and minutes.isdecimal():
            return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise CelError(f"unknown time zone {name[:100]}") from None


def _part(read: Callable[[datetime], int], value: Timestamp, zone: str = "") -> int:
    at = values.calendar(value)
    try:
        return read(at.astimezone(_zone(zone)) if zone else at)
    except OverflowError:
        raise CelError("timestamp overflow") from None


def _whole_units(unit_ns: int, value: Duration) -> int:
    return _quotient(int(value), unit_ns)


def times() -> Named:
    parts: dict[str, Callable[[datetime], int]] = {
        "getFullYear": lambda at: at.year,
        "getMonth": lambda at: at.month - 1,
        "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
        "getDayOfMonth": lambda at: at.day - 1,
        "getDate": lambda at: at.day,
        "getDayOfWeek": lambda at: at.isoweekday() % 7,
        "getHours": lambda at: at.hour,
        "getMinutes": lambda at: at.minute,
        "getSeconds": lambda at: at.second,
        "getMilliseconds": lambda at: at.microsecond // 1000,
    }
    for name, read in parts.items():
        yield name, Overload(f"timestamp_{name}", (TIMESTAMP,), INT, partial(_part, read), member=True)
        yield name, Overload(f"timestamp_{name}_with_tz", (TIMESTAMP, STRING), INT, partial(_part, read), member=True)
    for name, unit_s in (("getHours", 3600), ("getMinutes", 60), ("getSeconds", 1)):
        run = partial(_whole_units, unit_s * SECOND)
        yield name, Overload(f"duration_{name}", (DURATION,), INT, run, member=True)
    yield (
        "getMilliseconds",
        Overload("duration_getMilliseconds", (DURATION,), INT, lambda v: _rest(_quotient(int(v), 10**6), 1000), member=True),
    )


# --- logic: the evaluator does these itself, as not all of their arguments are evaluated ---


def logic() -> Named:
    yield "_?_:_", Overload("conditional", (BOOL, T, T), T, nothing_more)
    yield "_&&_", Overload("logical_and", (BOOL, BOOL), BOOL, nothing_more)
    yield "_||_", Overload("logical_or", (BOOL, BOOL), BOOL, nothing_more)
    yield "!_", Overload("logical_not", (BOOL,), BOOL, lambda a: not a)
    yield "@not_strictly_false", Overload("not_strictly_false", (BOOL,), BOOL, nothing_more)


def all_standard() -> Named:
    for group in (logic, arithmetic, comparing, collections, texts, conversions, times):
        yield from group()


__all__ = ["add_lists", "all_standard", "index", "lookup", "one", "opt_index", "pattern", "plain"]
