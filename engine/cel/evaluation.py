"""Expressions as Python functions of a frame: what a checked tree is compiled to. Source: cel-go's interpreter and
its cost tracker, by their behaviour.

Tests: tests/engine/cel/test_program.py
"""

from typing import Any

from . import values
from .checker import Checked
from .frames import Frame, Run
from .loops import LIST_COST, appended, folded, put, quantifying
from .steps import called, conditional, has, local, logical, maybe_selected, not_strictly_false, optional, selected, variable
from .syntax import Call, Const, Entry, Fold, Ident, ListOf, MapOf, Message, Node, Select
from .types import Type
from .values import CelError, Made

MAP_COST, STRUCT_COST = 30, 40


class Compiler:
    """Makes a function of a tree. `depth`: how many values of loops there are at once, at most."""

    def __init__(self, checked: Checked) -> None:
        self.checked, self.depth = checked, 0
        self._scopes: list[dict[str, int]] = []
        self._next = 0
        self._grown: int | None = None  # the place of a list or map that the step at hand adds to

    def compiled(self, node: Node) -> Run:
        match node:
            case Const():
                value = node.value
                return lambda frame: value
            case Ident():
                return self._name(node, node.name)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node.entries)
            case Message():
                return self._message(node)
            case Fold():
                return self._fold(node)
        raise TypeError(f"no such part of an expression: {node!r}")

    # --- names and fields ---

    def _place(self, name: str) -> int | None:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _name(self, node: Node, name: str) -> Run:
        place = self._place(name) if isinstance(node, Ident) else None
        if place is not None:
            return local(place)
        stands_for = self.checked.named[node.id]
        if isinstance(stands_for, values.TypeOf):
            return lambda frame: stands_for
        return variable(stands_for)

    def _select(self, node: Select) -> Run:
        if node.id in self.checked.named:
            return self._name(node, "")
        held = self.compiled(node.operand)
        field = _wire(self.checked.types[node.operand.id], node.field)
        return has(held, field) if node.test else selected(held, field)

    # --- calls ---

    def _call(self, node: Call) -> Run:
        if self._grown is not None and (grown := self._growing(node)) is not None:
            return grown
        inside, self._grown = self._grown, None
        if node.function == "_?_:_":
            condition = self.compiled(node.args[0])
            self._grown = inside
            return conditional(condition, self.compiled(node.args[1]), self.compiled(node.args[2]))
        match node.function:
            case "_&&_":
                return logical(self.compiled(node.args[0]), self.compiled(node.args[1]), ends=False)
            case "_||_":
                return logical(self.compiled(node.args[0]), self.compiled(node.args[1]), ends=True)
            case "@not_strictly_false":
                return not_strictly_false(self.compiled(node.args[0]))
            case "_?._":
                field = node.args[1]
                assert isinstance(field, Const)
                type_ = self.checked.types[node.args[0].id]
                return maybe_selected(self.compiled(node.args[0]), _wire(type_, field.value))
        parts = ([node.target] if node.target is not None else []) + node.args
        overloads = self.checked.calls[node.id]
        certain = len(overloads) == 1 and all(_is_certain(self.checked.types[part.id]) for part in parts)
        return called(overloads, [self.compiled(part) for part in parts], certain)

    def _growing(self, node: Call) -> Run | None:
        """`accumulated + [x]` and its like for maps: done in place, as nobody else has what is accumulated."""
        place = self._grown
        accumulated = node.args[0] if node.args else None
        if place is None or not isinstance(accumulated, Ident) or self._place(accumulated.name) != place:
            return None
        if node.function == "_+_" and isinstance(more := node.args[1], ListOf) and not more.optional:
            self._grown = None
            made = appended(place, [self.compiled(item) for item in more.elements])
        elif node.function == "cel.@mapInsert":
            self._grown = None
            made = put(place, [self.compiled(arg) for arg in node.args[1:]])
        else:
            return None
        self._grown = place
        return made

    # --- what is made ---

    def _list(self, node: ListOf) -> Run:
        items = [self.compiled(item) for item in node.elements]
        chosen = node.optional

        def run(frame: Frame) -> Any:
            frame.cost += LIST_COST
            if not chosen:
                return [item(frame) for item in items]
            made = []
            for at, item in enumerate(items):
                value = item(frame)
                if at not in chosen:
                    made.append(value)
                elif optional(value).present:
                    made.append(value.value)
            return made

        return run

    def _map(self, entries: list[Entry]) -> Run:
        pairs = [(self.compiled(_node(entry.key)), self.compiled(entry.value), entry.optional) for entry in entries]

        def run(frame: Frame) -> Any:
            frame.cost += MAP_COST
            made: dict[Any, Any] = {}
            for key, value, perhaps in pairs:
                name, held = key(frame), value(frame)
                if not isinstance(name, str | int) or isinstance(name, values.Duration | values.Timestamp):
                    raise CelError(f"unsupported key type: {values.type_name(name)}")
                if name in made:
                    raise CelError(f"Failed with repeated key: {name}")
                if not perhaps:
                    made[name] = held
                elif optional(held).present:
                    made[name] = held.value
            return made

        return run

    def _message(self, node: Message) -> Run:
        fields = [(str(entry.key), self.compiled(entry.value), entry.optional) for entry in node.entries]
        name = node.name

        def run(frame: Frame) -> Any:
            frame.cost += STRUCT_COST
            made = Made()
            made.type_name = name
            for field, value, perhaps in fields:
                held = value(frame)
                if not perhaps:
                    made[field] = held
                elif optional(held).present:
                    made[field] = held.value
            return made

        return run

    # --- loops ---

    def _fold(self, node: Fold) -> Run:
        outer, self._grown = self._grown, None
        held, init = self.compiled(node.range), self.compiled(node.init)
        place = self._reserve(3 if node.iter_var2 else 2)
        self._scopes.append({node.accu_var: place})
        names = {node.iter_var: place + 1} | ({node.iter_var2: place + 2} if node.iter_var2 else {})
        self._scopes.append(names)
        if (ends := _quantified(node)) is not None:
            return self._quantifier(node, held, place, ends)
        condition = self.compiled(node.condition)
        if isinstance(node.init, ListOf | MapOf):
            self._grown = place
        step = self.compiled(node.step)
        self._grown = None
        self._scopes.pop()
        result = self.compiled(node.result)
        self._scopes.pop()
        self._next = place
        self._grown = outer
        bears = isinstance(node.step, Call) and node.step.function in ("_&&_", "_||_")
        return folded(held, init, condition, step, result, place, two=bool(node.iter_var2), bears=bears)

    def _quantifier(self, node: Fold, held: Run, place: int, ends: bool) -> Run:
        """`all` and `exists`, which most loops are."""
        assert isinstance(node.step, Call)
        outer, self._grown = self._grown, None
        holds = self.compiled(node.step.args[1])
        del self._scopes[-2:]
        self._next, self._grown = place, outer
        return quantifying(held, holds, place, ends=ends, two=bool(node.iter_var2))

    def _reserve(self, count: int) -> int:
        place = self._next
        self._next += count
        self.depth = max(self.depth, self._next)
        return place


def _node(key: Node | str) -> Node:
    assert isinstance(key, Node)
    return key


def _wire(type_: Type, field: str) -> str:
    """The name of a field in the data; an expression may have to escape it."""
    held = type_.params[0] if type_.name == "optional_type" else type_
    return held.wire.get(field, field) if held.wire is not None else field


def _is_certain(type_: Type) -> bool:
    """Whether a value of this type is of it, without a look."""
    return type_.kind not in ("dyn", "param", "error") and all(map(_is_certain, type_.params))


def _quantified(node: Fold) -> bool | None:
    """What ends it, where a fold is `all` (False) or `exists` (True); else None."""
    step, result = node.step, node.result
    if not isinstance(node.init, Const) or not isinstance(step, Call) or not _is_name(result, node.accu_var):
        return None
    if step.function not in ("_&&_", "_||_") or not _is_name(step.args[0], node.accu_var):
        return None
    ends = step.function == "_||_"
    return ends if node.init.value is (not ends) else None


def _is_name(node: Node, name: str) -> bool:
    return isinstance(node, Ident) and node.name == name
