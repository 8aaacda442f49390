"""What a function is to the checker and to an evaluation: its overloads, their types, their code, what they cost.

The functions themselves are in `standard` and `library/`; a `Functions` is a set of them.

Tests: tests/engine/cel/test_program.py
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from .types import Type
from .values import LISTS, Joined, Maybe, Meter, Opaque, kind_of, size_of

CostOf = Callable[..., int]


def one(*args: Any) -> int:
    """What most functions cost."""
    return 1


class Overload(Struct, frozen=True, eq=False):
    """One way to call a function. `run` gets the arguments (of a member: its target first), and the meter first if it is
    `metered`: then it charges by itself what its size takes beyond `cost`. `cost` is told the arguments, before it is run."""

    id: str
    params: tuple[Type, ...]
    result: Type
    run: Callable[..., Any]
    member: bool = False
    cost: CostOf = one
    metered: bool = False

    def fits(self, args: Sequence[Any]) -> bool:
        """Whether values are of the types that it takes."""
        return len(args) == len(self.params) and all(map(_fits, self.params, args))


def _fits(type_: Type, value: Any) -> bool:
    match type_.kind:
        case "dyn" | "param":
            return True
        case "list":
            return isinstance(value, LISTS) and _items_fit(type_.params[0], value)
        case "opaque":
            return isinstance(value, Maybe) if type_.name == "optional_type" else kind_of(value) == type_.name
        case "object":
            return kind_of(value) in ("map", type_.name)
        case kind:
            return kind_of(value) == kind


def _items_fit(type_: Type, value: Any) -> bool:
    """The first item tells, of lists whose items have one type."""
    if type_.kind in ("param", "dyn") or not size_of(value):
        return True
    return _fits(type_, value[0])


class Functions:
    """Functions by name."""

    def __init__(self, *groups: "Iterable[tuple[str, Overload]] | Functions") -> None:
        self._by_name: dict[str, tuple[Overload, ...]] = {}
        for group in groups:
            for name, overload in group.all() if isinstance(group, Functions) else group:
                self._by_name[name] = (*self._by_name.get(name, ()), overload)

    def named(self, name: str) -> tuple[Overload, ...]:
        return self._by_name.get(name, ())

    def all(self) -> Iterable[tuple[str, Overload]]:
        return [(name, overload) for name, overloads in self._by_name.items() for overload in overloads]


# --- what calls cost: Kubernetes' units (apiserver/pkg/cel/library/cost.go and cel-go's runtimecost.go) ---


def sized(value: Any) -> int:
    """The size that a value counts with; of what has none, one."""
    if isinstance(value, Joined):
        return value.size
    if isinstance(value, str | bytes | list | tuple | Mapping):
        return len(value)
    if isinstance(value, Opaque) and isinstance(value.key, tuple) and value.type_name.startswith("net."):
        return 4 if value.key[0] == 4 else 16
    return 1


def tenth(units: int) -> int:
    """What going over so many characters costs; in floating point, as in Go, where seven tenths of ten are eight."""
    return math.ceil(units * 0.1) if units < 1 << 50 else units // 10


def traversal(*args: Any) -> int:
    return tenth(sized(args[0]))


def twice(*args: Any) -> int:
    return tenth(2 * sized(args[0]))


def matching(text: Any, pattern: Any, *rest: Any) -> int:
    """What it costs to look for a pattern."""
    return tenth(1 + sized(text)) * -(-sized(pattern) // 4)


def nothing_more(meter: Meter) -> None:
    """For functions that have charged all that they cost."""
