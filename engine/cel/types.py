"""The types that the checker knows, when one may stand for another, and what is known of the size of their values.

Source: cel-go's checker (types, mapping) and Kubernetes' declared types (apiserver/pkg/cel), by their behaviour.

Tests: tests/engine/cel/test_program.py
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr


class Type(Struct, frozen=True, eq=False):
    """`kind`: dyn, error, null, bool, int, uint, double, string, bytes, duration, timestamp, list, map, object, opaque, type,
    param. Two are equal by kind, name and parameters; the rest is what is known of one place where it is declared."""

    kind: str
    params: tuple["Type", ...] = ()
    name: str = ""  # of an object, an opaque type, a parameter
    fields: Mapping[str, "Type"] | None = None  # of an object, by their names in expressions
    wire: Mapping[str, str] | None = None  # of an object: the fields' names in the JSON, where those are others
    most: int | None = None  # characters, bytes, items: at most so many
    least_bytes: int = 0  # of its JSON
    size: int = 1  # how many types it is made of, itself among them

    def __post_init__(self) -> None:
        if self.params:
            force_setattr(self, "size", 1 + sum(p.size for p in self.params))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Type)
            and self.kind == other.kind
            and self.name == other.name
            and self.size == other.size
            and self.params == other.params
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.name, self.params))

    def __str__(self) -> str:
        match self.kind:
            case "error":
                return "!error!"
            case "list":
                return f"list({self.params[0]})"
            case "map":
                return f"map({self.params[0]}, {self.params[1]})"
            case "type":
                return f"type({self.params[0]})" if self.params else "type"
            case "opaque" if self.params:
                return f"{self.name}({', '.join(map(str, self.params))})"
            case _:
                return self.name or self.kind


DYN, ERROR, NULL = Type("dyn"), Type("error"), Type("null")
ANY = Type("dyn", name="any")  # like dyn; of it a declared map says how large its values are
BOOL, INT, UINT, DOUBLE = Type("bool"), Type("int"), Type("uint"), Type("double")
STRING, BYTES, DURATION, TIMESTAMP = Type("string"), Type("bytes"), Type("duration"), Type("timestamp")
SCALARS = frozenset({"bool", "int", "uint", "double", "duration", "timestamp"})
NULLABLE = frozenset({"opaque", "object", "duration", "timestamp", "null"})


def list_of(item: Type, most: int | None = None) -> Type:
    return Type("list", (item,), most=most)


def map_of(key: Type, value: Type, most: int | None = None) -> Type:
    return Type("map", (key, value), most=most)


def opaque(name: str, *params: Type) -> Type:
    return Type("opaque", params, name)


def optional(value: Type) -> Type:
    return opaque("optional_type", value)


def type_of(value: Type) -> Type:
    return Type("type", (value,))


def param(name: str) -> Type:
    return Type("param", (), name)


def object_of(name: str, fields: Mapping[str, Type], **known: Any) -> Type:
    return Type("object", (), name, fields, **known)


def unwrapped(type_: Type) -> tuple[Type, bool]:
    """The type that an optional one holds, and whether it was one."""
    if type_.kind == "opaque" and type_.name == "optional_type":
        return type_.params[0], True
    return type_, False


class Substitutions:
    """What the parameters of types stand for, as far as the checker has found out."""

    def __init__(self, known: dict[Type, Type] | None = None) -> None:
        self._known = known if known is not None else {}

    def copy(self) -> "Substitutions":
        return Substitutions(dict(self._known))

    def take(self, other: "Substitutions") -> None:
        self._known = other._known

    def of(self, type_: Type, *, to_dyn: bool = False) -> Type:
        """The type with its parameters put in; what is open becomes dyn, if it shall."""
        if (found := self._known.get(type_)) is not None:
            return self.of(found, to_dyn=to_dyn)
        if type_.kind == "param":
            return DYN if to_dyn else type_
        if not type_.params:
            return type_
        params = tuple(self.of(p, to_dyn=to_dyn) for p in type_.params)
        if params == type_.params:
            return type_
        return Type(type_.kind, params, type_.name, type_.fields, type_.wire, type_.most, type_.least_bytes)

    def assignable(self, to: Type, given: Type) -> bool:
        """Whether a value of `given` may stand where `to` is wanted; parameters are bound by it."""
        if given.kind == "param":
            holds, known = self._substitutes(to, given)
            if holds:
                return True
            if known:
                return False
        if to.kind == "param":
            return self._substitutes(given, to)[0]
        if to.kind in ("dyn", "error") or given.kind in ("dyn", "error"):
            return True
        if to.kind == "null":
            return given.kind in NULLABLE
        if given.kind == "null":
            return to.kind in NULLABLE
        if to.kind == "type":
            return given.kind == "type"
        if to.kind in ("opaque", "list", "map"):
            return to.kind == given.kind and to.name == given.name and self.all_assignable(to.params, given.params)
        return to == given

    def all_assignable(self, to: tuple[Type, ...], given: tuple[Type, ...]) -> bool:
        return len(to) == len(given) and all(self.assignable(a, b) for a, b in zip(to, given, strict=True))

    def _substitutes(self, type_: Type, variable: Type) -> tuple[bool, bool]:
        """Whether a type may stand for a variable; whether something stood for it before."""
        if type_ == variable:
            return True, True
        if (known := self._known.get(variable)) is not None:
            if type_ == known:
                return True, True
            if self.assignable(type_, known):
                general = most_general(type_, known)
                if not self._occurs(variable, general):
                    self._known[variable] = general
                return True, True
            return False, True
        if not self._occurs(variable, type_):
            self._known[variable] = type_
            return True, False
        return False, False

    def _occurs(self, variable: Type, within: Type) -> bool:
        if within == variable:
            return True
        if within.kind == "param":
            known = self._known.get(within)
            return known is not None and self._occurs(variable, known)
        return any(self._occurs(variable, p) for p in within.params)


def most_general(one: Type, other: Type) -> Type:
    return one if _not_narrower(one, other) else other


def _not_narrower(one: Type, other: Type) -> bool:
    if one.kind in ("dyn", "param"):
        return True
    if other.kind in ("dyn", "param") or one.kind != other.kind:
        return False
    if one.kind == "type":
        return True
    if one.params:
        return (
            one.name == other.name
            and len(one.params) == len(other.params)
            and all(map(_not_narrower, one.params, other.params))
        )
    return one == other
