"""Objects field by field, as their types say how they are merged: what they have, how two differ, what apply makes of them.

Values are JSON as Python holds it. A list is merged as its field says: `atomic` (as one value), `set` (by value), `map` (by the
keys of its items). Source: structured-merge-diff v4 (typed: merge, compare, toFieldSet, remove), by its behaviour.

Tests: tests/engine/api/test_apply.py
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.values.scalars import Merge
from shipslog.store.refusals import Unexpected

from .field_sets import HERE, FieldSet, path_text
from .shapes import NO_MERGE, Field, Shape, fields_of, per_type

_json = msgspec.json.Encoder(order="sorted").encode


class Node(Struct, frozen=True):
    """What is known of a value: its shape, and how it is merged. Without a shape it is any JSON, merged by its keys."""

    shape: Shape | None
    merge: Merge = NO_MERGE

    def children(self, value: Mapping[str, Any]) -> Iterator[tuple[str, Any, "Node"]]:
        """The members of an object: name, value, what is known of it."""
        for name, held in value.items():
            yield name, held, self.child(name)

    def child(self, name: str) -> "Node":
        shape = self.shape
        if shape is None:
            return FREE
        if shape.form == "map":
            return Node(shape.item)
        if shape.struct is not None and shape.form == "struct":
            return _nodes(shape.struct).get(name, FREE)
        return FREE

    def declares(self, name: str) -> bool:
        """Whether the type has a field of this name; a map has none."""
        return self.shape is not None and self.shape.form == "struct" and name in _fields(_struct(self.shape))

    @property
    def is_closed(self) -> bool:
        """Whether there can be no fields but those that the type declares."""
        return self.shape is not None and self.shape.form == "struct" and not getattr(self.shape.struct, "__raw__", False)

    @property
    def sort(self) -> str:
        """What a value must be: map, list, string, numeric, boolean, any scalar; "" for whatever."""
        if self.shape is None or (self.shape.form == "struct" and not self.is_closed):
            return ""
        return SORTS.get(self.shape.form, "")

    @property
    def item(self) -> "Node":
        return Node(self.shape.item) if self.shape is not None else FREE

    @property
    def is_atomic(self) -> bool:
        """Whether the value is one, however much there is in it."""
        if self.merge.map_type == "atomic":
            return True
        shape = self.shape
        if shape is not None and shape.form == "struct" and self.merge.map_type != "granular":
            return _struct(shape).__name__ in ATOMIC
        if shape is None or shape.form in ("struct", "map"):
            return False
        return shape.form != "list" or (not self.keys and self.merge.list_type != "set")

    def default_of(self, key: str) -> Any:
        """What a key of a list's items is where it is left out; None for one that may not be."""
        shape = self.item.shape
        known = shape is not None and shape.form == "struct" and key in _fields(_struct(shape))
        return DEFAULT_KEYS.get(key) if known else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a list's items; () for one that is no map of them."""
        return self.merge.list_map_keys


FREE = Node(None)
SORTS = {
    **dict.fromkeys(("struct", "map"), "map"),
    "list": "list",
    **dict.fromkeys(("string", "byte"), "string"),
    "bool": "boolean",
    **dict.fromkeys(("int", "int32", "float"), "numeric"),
    **dict.fromkeys(("time", "microtime", "quantity", "int-or-string"), "scalar"),
}
# The types whose values are one (`+structType=atomic` in the API's sources), wherever no field says otherwise.
ATOMIC = frozenset({
    "ConfigMapKeySelector", "FileKeySelector", "LabelSelector", "LocalObjectReference", "NodeSelector", "NodeSelectorTerm",
    "ObjectFieldSelector", "ObjectReference", "OwnerReference", "ResourceFieldSelector", "RoleRef", "ScopeSelector",
    "ScopedResourceSelectorRequirement", "SecretKeySelector", "SecretReference", "TopologySelectorTerm",
    "TypedLocalObjectReference",
})  # fmt: skip


def root(struct: type[Any]) -> Node:
    """The node of a whole object."""
    return Node(Shape("struct", struct=struct))


def root_of(kind: Kind) -> Node:
    """The node of whole objects of a kind."""
    if kind.definition is None:
        return root(kind.type)
    from . import described  # with the types of definitions, which a cluster without any does not need

    return described.root_of(kind)


def _struct(shape: Shape) -> type[Any]:
    assert shape.struct is not None
    return shape.struct


def _fields(struct: type[Any]) -> dict[str, Field]:
    return fields_of(struct)


@per_type
def _nodes(struct: type[Any]) -> dict[str, Node]:
    """What is known of each field of a type."""
    return {name: Node(field.shape, field.merge) for name, field in _fields(struct).items()}


def items_of(node: Node, values: Sequence[Any], path: str = "") -> dict[str, Any]:
    """The items of a list that is merged by item: by their path elements, in order; of two that are told apart by nothing the
    first counts. Errors: Unexpected for an item without its keys, as Kubernetes has it."""
    found: dict[str, Any] = {}
    for number, value in enumerate(values):
        try:
            element = element_of(node, value)
        except Keyless as fault:
            raise Unexpected(f"failed to create typed patch object: {path or '.'}: element {number}: {fault}") from fault
        found.setdefault(element, value)
    return found


class Keyless(ValueError):
    """An item that has not what tells it apart; the words are structured-merge-diff's."""


def element_of(node: Node, value: Any) -> str:
    """The path element of a list's item. Errors: Keyless."""
    if not node.keys:
        return f"v:{_json(value).decode()}"
    if value is None:
        raise Keyless("associative list with keys may not have a null element")
    if not isinstance(value, dict):
        raise Keyless("associative list with keys may not have non-map elements")
    keys: dict[str, Any] = {}
    for key in node.keys:
        held = value.get(key)
        if held is None:
            held = node.default_of(key)
        if held is None:
            raise Keyless(
                f'associative list with keys has an element that omits key field "{key}" (and doesn\'t have default value)'
            )
        keys[key] = held
    return f"k:{_json(keys).decode()}"


DEFAULT_KEYS = {"protocol": "TCP"}  # of the keys of lists, that which may be left out


def check(node: Node, value: Any, what: str) -> None:
    """Errors: Unexpected (a 500, as Kubernetes answers it) for fields that the type does not have, values that are none of
    theirs, and items twice or without their keys."""
    found = list(_faults(node, value, ""))
    if found:
        words = found[0] if len(found) == 1 else "\n  ".join(["errors:", *found])
        raise Unexpected(f"failed to create typed patch object ({what}): {words}")


def _faults(node: Node, value: Any, path: str) -> Iterator[str]:
    if wrong := _mistyped(node.sort, value):
        yield f"{path}: {wrong}"
    elif isinstance(value, dict):
        for name, held, child in node.children(value):
            if node.is_closed and not node.declares(name):
                yield f"{path}.{name}: field not declared in schema"
            else:
                yield from _faults(child, held, f"{path}.{name}")
    elif isinstance(value, list) and node.sort == "list":
        seen = set()
        for number, held in enumerate(value):
            if not node.is_atomic:
                try:
                    element = element_of(node, held)
                except Keyless as fault:
                    yield f"{path}: element {number}: {fault}"
                    continue
                if element in seen:
                    yield f"{path}: duplicate entries for key {path_text((element,))}"
                    continue
                seen.add(element)
            yield from _faults(node.item, held, f"{path}[{number}]")


def _mistyped(sort: str, value: Any) -> str:
    """What is wrong with a value of a sort, in the words of structured-merge-diff; "" if nothing is."""
    if value is None:
        return ""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match sort:
        case "list" if not isinstance(value, list):
            return f"expected list, got &{{{_as_go(value)}}}"
        case "map" if not isinstance(value, dict):
            return f"expected map, got &{{{_as_go(value)}}}"
        case "numeric" if not is_number:
            return f"expected numeric (int or float), got {_go_type(value)}"
        case "string" if not isinstance(value, str):
            return f"expected string, got &value.valueUnstructured{{Value:{_as_go(value, whole=True)}}}"
        case "boolean" if not isinstance(value, bool):
            return f"expected boolean, got &{{{_as_go(value)}}}"
        case "scalar" if isinstance(value, list | dict):
            return f"expected any scalar, got &{{{_as_go(value)}}}"
    return ""


def _go_type(value: Any) -> str:
    if isinstance(value, list):
        return "[]interface {}"
    return "map[string]interface {}" if isinstance(value, dict) else "bool" if isinstance(value, bool) else "string"


def _as_go(value: Any, *, whole: bool = False) -> str:
    """As Go prints JSON that it has read: `%v`, or `%#v` for the `whole` of it."""
    match value:
        case None:
            return "interface {}(nil)" if whole else "<nil>"
        case bool():
            return "true" if value else "false"
        case str():
            return _json(value).decode() if whole else value
        case list():
            parts = [_as_go(item, whole=whole) for item in value]
            return f"[]interface {{}}{{{', '.join(parts)}}}" if whole else f"[{' '.join(parts)}]"
        case dict():
            items = sorted(value.items())
            parts = [f"{_as_go(key, whole=whole)}:{_as_go(held, whole=whole)}" for key, held in items]
            return f"map[string]interface {{}}{{{', '.join(parts)}}}" if whole else f"map[{' '.join(parts)}]"
    return str(value)


# --- what an object has ---


def fields_in(node: Node, value: Any) -> FieldSet:
    """The fields that an applied configuration sets."""
    if node.is_atomic or not isinstance(value, dict | list):
        return {}
    if isinstance(value, list):
        if node.shape is None:
            return {}
        return {
            element: fields | {HERE: {}} if (fields := fields_in(node.item, held)) else {}
            for element, held in items_of(node, value).items()
        }
    found: FieldSet = {}
    for name, held, child in node.children(value):
        below = fields_in(child, held)
        if below and not node.declares(name):
            below = below | {HERE: {}}
        if below or not _is_filled(child, held):
            found[f"f:{name}"] = below
    return found


def _is_filled(node: Node, value: Any) -> bool:
    """Whether it is a list that is merged by item: without any there is no field either."""
    return isinstance(value, list) and not node.is_atomic and node.shape is not None


# --- in what two differ ---


class Difference(Struct):
    """What is new, what is other, and what is gone."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)


def compare(node: Node, old: Any, new: Any) -> Difference:
    """The difference of two objects."""
    found = Difference({}, {}, {})
    _compare(node, old, new, found)
    return found


def _compare(node: Node, old: Any, new: Any, into: Difference) -> None:
    """`into` is that of what lies below. Most of two objects is the same: of that nothing is looked up."""
    in_place = isinstance(old, dict) and isinstance(new, dict)
    olds, news = (old, new) if in_place else (_members(node, old), _members(node, new))
    for key, held in news.items():
        is_new, was = key not in olds, olds.get(key)
        if not is_new and (was is held or was == held):
            continue
        element, child = (f"f:{key}", node.child(key)) if in_place else (key, _below(node, key))
        if is_new:
            into.added[element] = _all_of(child, held, member=True)
        elif _is_leaf(child, was) or _is_leaf(child, held):
            into.modified[element] = _all_of(child, held, member=was is not None)  # a null was there before, as in Go
        else:
            below = Difference({}, {}, {})
            _compare(child, was, held, below)
            for part, whole in ((below.added, into.added), (below.modified, into.modified), (below.removed, into.removed)):
                if part:
                    whole[element] = part
    for key, was in olds.items():
        if key not in news:
            element, child = (f"f:{key}", node.child(key)) if in_place else (key, _below(node, key))
            into.removed[element] = _all_of(child, was, member=True)


def _members(node: Node, value: Any) -> dict[str, Any]:
    """What lies below a value that is merged, by path element."""
    if isinstance(value, dict):
        return {f"f:{name}": held for name, held in value.items()}
    return items_of(node, value) if isinstance(value, list) else {}


def _below(node: Node, element: str) -> Node:
    """What is known of what lies below a value."""
    return node.child(element[2:]) if element.startswith("f:") else node.item


def _is_leaf(node: Node, value: Any) -> bool:
    return node.is_atomic or not isinstance(value, dict | list) or (isinstance(value, list) and node.shape is None)


def _all_of(node: Node, value: Any, *, member: bool) -> FieldSet:
    """All fields of a value, and those that hold them."""
    if _is_leaf(node, value):
        return {}
    if isinstance(value, dict):
        below = {f"f:{name}": _all_of(node.child(name), held, member=True) for name, held in value.items()}
    else:
        item = node.item
        below = {element: _all_of(item, held, member=True) for element, held in items_of(node, value).items()}
    if below and member:
        below[HERE] = {}
    return below


# --- what apply makes of it ---


def merged(node: Node, live: Any, config: Any) -> Any:
    """The live value with what a configuration sets."""
    if _is_leaf(node, live) or _is_leaf(node, config) or type(live) is not type(config):
        return config
    if isinstance(config, dict):
        out = dict(live)
        for name, held, child in node.children(config):
            out[name] = merged(child, live[name], held) if name in live else held
        return out
    olds, news = items_of(node, live), items_of(node, config)
    return _in_order(node.item, olds, news)


def _in_order(item: Node, olds: dict[str, Any], news: dict[str, Any]) -> list[Any]:
    """The items of both: those of the configuration in its order, the others where they stood between them."""
    out: list[Any] = []
    done: set[str] = set()
    shared = iter([element for element in news if element in olds])
    next_shared = next(shared, None)
    left, right = list(olds), list(news)
    at_left = at_right = 0

    def take(element: str) -> None:
        nonlocal next_shared
        done.add(element)
        out.append(merged(item, olds[element], news[element]) if element in olds else news[element])
        if element == next_shared:
            next_shared = next(shared, None)

    while at_left < len(left) or at_right < len(right):
        if at_left < len(left) and at_right < len(right):
            if left[at_left] == right[at_right]:
                take(left[at_left])
                at_left, at_right = at_left + 1, at_right + 1
                continue
            if left[at_left] in news and left[at_left] != next_shared:
                at_left += 1
                continue
        if at_left < len(left):
            element = left[at_left]
            if element not in news:
                out.append(olds[element])
                at_left += 1
                continue
            if element in done:
                at_left += 1
                continue
        if at_right < len(right):
            if right[at_right] not in done:
                take(right[at_right])
            at_right += 1
    return out


def without(node: Node, value: Any, gone: FieldSet, owned: FieldSet) -> Any:
    """The value without the fields in `gone` of which nobody owns anything any more."""
    if _is_leaf(node, value):
        return value
    kept: dict[str, Any] = {}
    for element, held in _members(node, value).items():
        mine, theirs = gone.get(element), owned.get(element)
        if mine is None:
            kept[element] = held
        elif (not mine or HERE in mine) and theirs is None:
            continue
        else:
            kept[element] = without(_below(node, element), held, mine, theirs or {})
    if isinstance(value, dict):
        return {element.removeprefix("f:"): held for element, held in kept.items()}
    return list(kept.values())
