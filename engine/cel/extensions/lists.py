"""Functions on lists, sets and optionals: Kubernetes' lists library, cel-go's ext/sets and optional types.

Tests: tests/engine/cel/test_program.py
"""

from collections.abc import Iterator
from typing import Any

from shipslog.engine.cel import values
from shipslog.engine.cel.functions import Overload, one, sized
from shipslog.engine.cel.types import BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, list_of, optional, param
from shipslog.engine.cel.values import CelError, Duration, Maybe, Meter, Uint

Named = Iterator[tuple[str, Overload]]
T = param("T")
ORDERED = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
SUMMED = {"int": (INT, 0), "uint": (UINT, Uint(0)), "double": (DOUBLE, 0.0), "duration": (DURATION, Duration(0))}


def _size(held: Any, *rest: Any) -> int:
    """What it costs to go over all items: of texts a tenth of their characters."""
    return sum(int(len(item) * 0.1) if isinstance(item, str | bytes) else 1 for item in held)


def _is_sorted(held: Any) -> bool:
    before = values.NONE
    for item in held:
        if before.present and values.order(before.value, item) > 0:
            return False
        before = Maybe(item)
    return True


def _extreme(held: Any, wanted: int, name: str) -> Any:
    found = values.NONE
    for item in held:
        if not found.present or values.order(item, found.value) == wanted:
            found = Maybe(item)
    if not found.present:
        raise CelError(f"{name} called on empty list")
    return found.value


def _sum(kind: str, held: Any) -> Any:
    total = sum(held)
    match kind:
        case "int":
            return values.as_int(total)
        case "uint":
            return values.as_uint(total)
        case "double":
            return float(total)
    if not values.INT_MIN <= total <= values.INT_MAX:
        raise CelError("duration overflow")
    return Duration(total)


def _index_of(meter: Meter, held: Any, wanted: Any) -> int:
    return next((at for at, item in enumerate(held) if values.equal(item, wanted, meter)), -1)


def _last_index_of(meter: Meter, held: Any, wanted: Any) -> int:
    last = -1
    for at, item in enumerate(held):
        if values.equal(item, wanted, meter):
            last = at
    return last


def lists() -> Named:
    for type_ in ORDERED:
        of = list_of(type_)
        yield "isSorted", Overload(f"list_{type_}_is_sorted_bool", (of,), BOOL, _is_sorted, member=True, cost=_size)
        yield "max", Overload(f"list_{type_}_max", (of,), type_, lambda v: _extreme(v, 1, "max"), member=True, cost=_size)
        yield "min", Overload(f"list_{type_}_min", (of,), type_, lambda v: _extreme(v, -1, "min"), member=True, cost=_size)
    for kind, (type_, _) in SUMMED.items():
        yield (
            "sum",
            Overload(f"list_{kind}_sum", (list_of(type_),), type_, lambda v, kind=kind: _sum(kind, v), member=True, cost=_size),
        )
    more = {"member": True, "cost": _size, "metered": True}
    yield "indexOf", Overload("list_a_index_of_int", (list_of(T), T), INT, _index_of, **more)  # type: ignore[arg-type]
    yield "lastIndexOf", Overload("list_a_last_index_of_int", (list_of(T), T), INT, _last_index_of, **more)  # type: ignore[arg-type]


def _product(first: Any, second: Any) -> int:
    return sized(first) * sized(second) + 1


def sets() -> Named:
    two = (list_of(T), list_of(T))
    yield (
        "sets.contains",
        Overload(
            "list_sets_contains_list", two, BOOL, lambda meter, a, b: values.has_all(a, b, meter), cost=_product, metered=True
        ),
    )
    yield (
        "sets.equivalent",
        Overload(
            "list_sets_equivalent_list",
            two,
            BOOL,
            lambda meter, a, b: values.same_set(a, b, meter),
            cost=lambda a, b: 2 * _product(a, b) - 1,
            metered=True,
        ),
    )
    yield (
        "sets.intersects",
        Overload(
            "list_sets_intersects_list",
            two,
            BOOL,
            lambda meter, a, b: any(values.contains(a, item, meter) for item in b),
            cost=_product,
            metered=True,
        ),
    )


# --- optionals ---


def _value(held: Maybe) -> Any:
    if not held.present:
        raise CelError("optional.none() dereference")
    return held.value


def _is_zero(value: Any) -> bool:
    return value is None or (values.size_of(value) == 0 if isinstance(value, values.LISTS) else not value)


def optionals() -> Named:
    opt = optional(T)
    yield "optional.of", Overload("optional_of", (T,), opt, Maybe)
    yield "optional.none", Overload("optional_none", (), opt, lambda: values.NONE)
    yield (
        "optional.ofNonZeroValue",
        Overload("optional_ofNonZeroValue", (T,), opt, lambda v: values.NONE if _is_zero(v) else Maybe(v)),
    )
    yield "value", Overload("optional_value", (opt,), T, _value, member=True, cost=one)
    yield "hasValue", Overload("optional_hasValue", (opt,), BOOL, lambda v: v.present, member=True)
    yield "or", Overload("optional_or_optional", (opt, opt), opt, lambda a, b: a if a.present else b, member=True)
    yield "orValue", Overload("optional_orValue_value", (opt, T), T, lambda a, b: a.value if a.present else b, member=True)
