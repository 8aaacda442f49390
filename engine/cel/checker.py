"""Types of an expression's parts, and which overloads its calls mean. Source: cel-go's checker, by its behaviour and its words.

Literals of lists and maps are of one type, as Kubernetes wants it (`HomogeneousAggregateLiterals`).

Tests: tests/engine/cel/test_program.py
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from . import values
from .functions import Functions, Overload
from .syntax import Call, Const, Fold, Ident, ListOf, MapOf, Message, Node, Select, Source
from .types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Substitutions,
    Type,
    list_of,
    map_of,
    most_general,
    opaque,
    optional,
    param,
    type_of,
    unwrapped,
)

MOST_FAULTS = 100  # as many as cel-go tells
MAX_TYPE = 2_000  # characters of a type in a message
MAX_PARTS = 200  # of one type: `{x: x}` doubles it

# Names that stand for types wherever no variable has them.
TYPES: dict[str, Type] = {
    "bool": BOOL,
    "int": INT,
    "uint": UINT,
    "double": DOUBLE,
    "string": STRING,
    "bytes": BYTES,
    "null_type": NULL,
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": DURATION,
    "list": list_of(DYN),
    "map": map_of(DYN, DYN),
    "type": Type("type"),
    "optional_type": optional(DYN),
    "net.IP": opaque("net.IP"),
    "net.CIDR": opaque("net.CIDR"),
    "kubernetes.URL": opaque("kubernetes.URL"),
    "kubernetes.Quantity": opaque("kubernetes.Quantity"),
}
TYPES["kubernetes.Semver"] = opaque("kubernetes.Semver")


class Checked(Struct):
    """An expression with what the checker found out. `calls`: the overloads that each call may mean. `named`: what an
    identifier, or a chain of them, stands for: the name of a variable, or a type as a value."""

    root: Node
    source: Source
    types: dict[int, Type]
    calls: dict[int, tuple[Overload, ...]]
    named: dict[int, str | values.TypeOf]
    uses: set[str]  # the variables

    @property
    def type(self) -> Type:
        return self.types[self.root.id]


class CheckFaults(Exception):
    """The expression is not right; the words are cel-go's, with places."""


def check(root: Node, source: Source, variables: Mapping[str, Type], functions: Functions, made: Mapping[str, Type]) -> Checked:
    """`made`: types of which an expression may make objects, by their names. Errors: CheckFaults."""
    checker = _Checker(source, variables, functions, made)
    checker.visit(root)
    if checker.faults:
        raise CheckFaults("\n".join(checker.faults))
    types = {id_: checker.known.of(type_, to_dyn=True) for id_, type_ in checker.types.items()}
    return Checked(root, source, types, checker.calls, checker.named, checker.uses)


class _Checker:
    def __init__(self, source: Source, variables: Mapping[str, Type], functions: Functions, made: Mapping[str, Type]) -> None:
        self.source, self.variables, self.functions, self.made = source, variables, functions, made
        self.types: dict[int, Type] = {}
        self.calls: dict[int, tuple[Overload, ...]] = {}
        self.named: dict[int, str | values.TypeOf] = {}
        self.uses: set[str] = set()
        self.known = Substitutions()
        self.faults: list[str] = []
        self._scopes: list[dict[str, Type]] = []
        self._count = 0
        self._mixed = False

    def _fault(self, id_: int, words: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(self.source.fault(id_, words))

    def _set(self, node: Node, type_: Type) -> Type:
        if type_.size > MAX_PARTS:
            self._fault(node.id, f"its type is made of more than {MAX_PARTS} others")
            type_ = ERROR
        self.types[node.id] = type_
        return type_

    def _new(self) -> Type:
        self._count += 1
        return param(f"_var{self._count}")

    def visit(self, node: Node) -> Type:
        """The type of a node, its parameters as far as they are known."""
        match node:
            case Const():
                return self._set(node, _CONSTANTS[type(node.value)])
            case Ident():
                return self._set(node, self._ident(node, node.name))
            case Select():
                return self._set(node, self._select(node))
            case Call():
                return self._set(node, self._call(node))
            case ListOf():
                return self._set(node, self._list(node))
            case MapOf():
                return self._set(node, self._map(node))
            case Message():
                return self._set(node, self._message(node))
            case Fold():
                return self._set(node, self._fold(node))
        raise TypeError(f"no such part of an expression: {node!r}")

    # --- names ---

    def _resolved(self, node: Node, name: str) -> Type | None:
        """What a name stands for, or None."""
        for scope in reversed(self._scopes):
            if name in scope:
                self.named[node.id] = name
                return scope[name]
        if (found := self.variables.get(name)) is not None:
            self.named[node.id] = name
            self.uses.add(name)
            return found
        if (found := TYPES.get(name) or self.made.get(name)) is not None:
            self.named[node.id] = values.TypeOf(values_name(found))
            return type_of(found)
        return None

    def _ident(self, node: Node, name: str) -> Type:
        found = self._resolved(node, name)
        if found is None:
            self._fault(node.id, f"undeclared reference to '{name}' (in container '')")
            return ERROR
        return found

    def _select(self, node: Select) -> Type:
        name = qualified(node)
        if (
            name is not None
            and not self._is_local(name.partition(".")[0])
            and (found := self._resolved(node, name)) is not None
        ):
            if node.test:
                self._fault(node.id, "expression does not select a field")
                return BOOL
            return found
        result = self._field(node, node.operand, node.field, wrap=False)
        return BOOL if node.test else result

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self._scopes)

    def _field(self, node: Node, operand: Node, field: str, *, wrap: bool) -> Type:
        self.visit(operand)
        target, was_optional = unwrapped(self.known.of(self.types[operand.id]))
        result = ERROR
        match target.kind:
            case "map":
                result = target.params[1]
            case "object":
                fields = target.fields or {}
                found = fields.get(field, fields.get("*"))
                if found is None:
                    self._fault(node.id, f"undefined field '{field}'")
                else:
                    result = found
            case "param":
                self.known.assignable(DYN, target)
                result = DYN
            case kind:
                if kind not in ("dyn", "error"):
                    self._fault(node.id, f"type '{_shown(target)}' does not support field selection")
                result = DYN
        return optional(result) if was_optional or wrap else result

    # --- calls ---

    def _call(self, node: Call) -> Type:
        if node.function == "_?._":
            field = node.args[1]
            if not isinstance(field, Const) or not isinstance(field.value, str):
                self._fault(node.id, "unsupported optional field selection")
                return ERROR
            self.visit(field)
            return self._field(node, node.args[0], field.value, wrap=True)
        self._mixed = node.function == "format"  # its arguments are of any types
        for arg in node.args:
            self.visit(arg)
        if node.target is None:
            return self._overload(node, node.function, node.args, member=False)
        name = qualified(node.target)
        if name is not None and not self._is_local(name.partition(".")[0]):
            whole = f"{name}.{node.function}"
            if self.functions.named(whole):
                node.target, node.function = None, whole
                return self._overload(node, whole, node.args, member=False)
        self.visit(node.target)
        return self._overload(node, node.function, [node.target, *node.args], member=True)

    def _overload(self, node: Call, name: str, args: list[Node], *, member: bool) -> Type:
        overloads = self.functions.named(name)
        if not overloads:
            self._fault(node.id, f"undeclared reference to '{name}' (in container '')")
            return ERROR
        given = tuple(self.known.of(self.types[arg.id]) for arg in args)
        if ERROR in given:
            return ERROR  # what is wrong with it has been said
        found: list[Overload] = []
        result: Type | None = None
        for overload in overloads:
            if overload.member != member or len(overload.params) != len(given):
                continue
            fresh: dict[Type, Type] = {}
            wanted = tuple(self._fresh(p, fresh) for p in overload.params)
            tried = self.known.copy()
            if not tried.all_assignable(wanted, given):
                continue
            self.known.take(tried)
            found.append(overload)
            made = self.known.of(self._fresh(overload.result, fresh))
            result = made if result is None else result if result == made else DYN
        if result is None:
            self._fault(node.id, f"found no matching overload for '{name}' applied to '{_signature(given, member)}'")
            return ERROR
        self.calls[node.id] = tuple(found)
        return result

    def _fresh(self, type_: Type, fresh: dict[Type, Type]) -> Type:
        """A type with its parameters replaced by new ones."""
        if type_.kind == "param":
            if type_ not in fresh:
                fresh[type_] = self._new()
            return fresh[type_]
        if not type_.params:
            return type_
        return Type(type_.kind, tuple(self._fresh(p, fresh) for p in type_.params), type_.name)

    # --- what is made ---

    def _joined(self, node: Node, before: Type | None, now: Type) -> Type:
        if before is None:
            return now
        if self.known.assignable(before, now):
            return most_general(self.known.of(before), self.known.of(now))
        self._fault(node.id, f"expected type '{_shown(self.known.of(before))}' but found '{_shown(self.known.of(now))}'")
        return before

    def _unwrapped(self, node: Node, type_: Type) -> Type:
        """What `?x` puts in: the value of an optional one."""
        type_ = self.known.of(type_)
        held, was_optional = unwrapped(type_)
        if not was_optional and type_.kind not in ("dyn", "error"):
            self._fault(node.id, f"expected type 'optional_type({_shown(type_)})' but found '{_shown(type_)}'")
        return held

    def _list(self, node: ListOf) -> Type:
        item: Type | None = None
        mixed, self._mixed = self._mixed, False
        for at, element in enumerate(node.elements):
            given = self.visit(element)
            if at in node.optional:
                given = self._unwrapped(element, given)
            item = DYN if mixed else self._joined(element, item, given)
        return list_of(self._new() if item is None else item)

    def _map(self, node: MapOf) -> Type:
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            assert isinstance(entry.key, Node)
            key = self._joined(entry.key, key, self.visit(entry.key))
            given = self.visit(entry.value)
            if entry.optional:
                given = self._unwrapped(entry.value, given)
            value = self._joined(entry.value, value, given)
        if key is None or value is None:
            return map_of(self._new(), self._new())
        return map_of(key, value)

    def _message(self, node: Message) -> Type:
        made = self.made.get(node.name)
        if made is None:
            known = node.name in TYPES or node.name in self.variables
            words = (
                f"'{node.name}' is not a message type" if known else f"undeclared reference to '{node.name}' (in container '')"
            )
            self._fault(node.id, words)
            return ERROR
        for entry in node.entries:
            given = self.visit(entry.value)
            if entry.optional:
                given = self._unwrapped(entry.value, given)
            field = (made.fields or {}).get(str(entry.key))
            if field is None and made.fields is not None and "*" in made.fields:
                field = made.fields["*"]
            if field is None:
                self._fault(entry.id, f"undefined field '{entry.key}'")
            elif not self.known.assignable(field, given):
                words = f"expected type of field '{entry.key}' is '{_shown(field)}' but provided type is '{_shown(given)}'"
                self._fault(entry.id, words)
        return made

    def _fold(self, node: Fold) -> Type:
        held = self.known.of(self.visit(node.range))
        accumulated = self.visit(node.init)
        first, second = self._ranged(node, held)
        self._scopes.append({node.accu_var: accumulated})
        variables = {node.iter_var: first}
        if node.iter_var2:
            variables[node.iter_var2] = second
        self._scopes.append(variables)
        self.visit(node.condition)
        self._assert(node.condition, BOOL)
        self.visit(node.step)
        self._assert(node.step, accumulated)
        self._scopes.pop()
        result = self.visit(node.result)
        self._scopes.pop()
        return self.known.of(result)

    def _ranged(self, node: Fold, held: Type) -> tuple[Type, Type]:
        """The types of the variables of a loop."""
        match held.kind:
            case "list":
                return (INT, held.params[0]) if node.iter_var2 else (held.params[0], ERROR)
            case "map":
                return held.params[0], held.params[1]
            case "param":
                self.known.assignable(DYN, held)
            case kind if kind not in ("dyn", "error"):
                words = (
                    f"expression of type '{_shown(held)}' cannot be range of a comprehension (must be list, map, or dynamic)"
                )
                self._fault(node.range.id, words)
                return ERROR, ERROR
        return DYN, DYN

    def _assert(self, node: Node, wanted: Type) -> None:
        found = self.types[node.id]
        if not self.known.assignable(wanted, found):
            shown = _shown(self.known.of(wanted)), _shown(self.known.of(found))
            self._fault(node.id, f"expected type '{shown[0]}' but found '{shown[1]}'")


_CONSTANTS: dict[type[Any], Type] = {
    type(None): NULL,
    bool: BOOL,
    int: INT,
    values.Uint: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
}


def qualified(node: Node) -> str | None:
    """`a.b.c` where a node is nothing but names; else None."""
    parts: list[str] = []
    while isinstance(node, Select) and not node.test:
        parts.append(node.field)
        node = node.operand
    if isinstance(node, Select):  # has(a.b.c)
        return None
    if not isinstance(node, Ident):
        return None
    return ".".join([node.name, *reversed(parts)])


def values_name(type_: Type) -> str:
    """The name of a type as a value has it."""
    return type_.name or {
        "null": "null_type",
        "duration": "google.protobuf.Duration",
        "timestamp": "google.protobuf.Timestamp",
    }.get(type_.kind, type_.kind)


def _shown(type_: Type) -> str:
    text = str(type_)
    return text if len(text) <= MAX_TYPE else f"{text[:MAX_TYPE]}..."


def _signature(given: tuple[Type, ...], member: bool) -> str:
    if member:
        return f"{_shown(given[0])}.({', '.join(map(_shown, given[1:]))})"
    return f"({', '.join(map(_shown, given))})"


__all__ = ["TYPES", "CheckFaults", "Checked", "check", "qualified"]
