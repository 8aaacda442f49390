"""Sets of fields of an object, as `managedFields` writes them (FieldsV1): who owns what, and what a change touches.

A set is a tree of dicts. Its keys are path elements: `f:NAME` a field, `k:{...}` the item of a list with these keys, `v:...`
the item of a list of values. An element belongs to the set when its subtree is empty, or holds the element `.`.

Source: the serialization of fieldpath in structured-merge-diff v4, and Kubernetes' documentation of server-side apply.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from shipslog.store.objects.values.scalars import NO_ITEMS, ReadOnlyDict

FieldSet = dict[str, Any]
HERE = "."
Path = tuple[str, ...]


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in either."""
    out = dict(one)
    for element, below in other.items():
        if element == HERE:
            out[HERE] = {}
        elif element in out:
            mine = out[element]
            out[element] = union(mine or {HERE: {}}, below or {HERE: {}}) if mine or below else {}
        else:
            out[element] = below
    return out


def is_set(value: Any) -> bool:
    """Whether somebody wrote a set there."""
    if not isinstance(value, dict):
        return False
    return all(key == HERE or (key[:2] in ("f:", "k:", "v:", "i:") and is_set(below)) for key, below in value.items())


def absorb(into: FieldSet, more: FieldSet) -> None:
    """Put a set into another, in place: many cost no more than they are long together. `into` shares no part with others."""
    for element, given in more.items():
        below = given if isinstance(given, dict) else {}  # a client may have written anything there
        if element not in into or element == HERE:
            into[element] = _copy(below)
        elif (mine := into[element]) or below:
            if not mine:
                mine[HERE] = {}
            absorb(mine, below or {HERE: {}})


def _copy(fields: FieldSet) -> FieldSet:
    return {element: _copy(below) if isinstance(below, dict) else {} for element, below in fields.items()}


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in both."""
    out: FieldSet = {}
    for element, below in one.items():
        if element not in other:
            continue
        if element == HERE:
            out[HERE] = {}
            continue
        kept = _normal(intersection(below or {HERE: {}}, other[element] or {HERE: {}}))
        if kept is not None:
            out[element] = kept
    return out


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in the first and not in the second."""
    out: FieldSet = {}
    for element, below in one.items():
        if element not in other:
            out[element] = below
        elif element != HERE:
            kept = _normal(difference(below or {HERE: {}}, other[element] or {HERE: {}}))
            if kept is not None:
                out[element] = kept
    return out


def below_removed(one: FieldSet, other: FieldSet) -> FieldSet:
    """The first without what the second has, and without all that lies below that."""
    out: FieldSet = {}
    for element, below in one.items():
        if element not in other:
            out[element] = below
        elif other[element] and HERE not in other[element]:
            kept = _normal(below_removed(below, other[element])) if below else {}
            if kept is not None:
                out[element] = kept
    return out


def _normal(subtree: FieldSet) -> FieldSet | None:
    """A subtree as it is written: {} for the element alone, None for nothing."""
    if not subtree:
        return None
    return {} if subtree == {HERE: {}} else subtree


def has(fields: FieldSet, element: str) -> bool:
    """Whether an element itself belongs to the set."""
    return element in fields and (not fields[element] or HERE in fields[element])


def paths(fields: FieldSet, before: Path = ()) -> Iterator[Path]:
    """The path of each element that belongs to the set, in order."""
    for element in sorted(fields):
        if element == HERE:
            yield before
        elif not fields[element]:
            yield (*before, element)
        else:
            yield from paths(fields[element], (*before, element))


def of_paths(*texts: str) -> FieldSet:
    """The set of some fields, written `metadata.name`."""
    found: FieldSet = {}
    for text in texts:
        here = found
        for name in text.split("."):
            here = here.setdefault(f"f:{name}", {})
    return found


def ordered(fields: FieldSet) -> FieldSet:
    """The same set in the order in which it is written; it cannot be changed, as the rest of the object that it goes into."""
    return ReadOnlyDict({element: ordered(fields[element]) for element in sorted(fields)}) if fields else NO_ITEMS


def path_text(path: Path) -> str:
    """A path as Kubernetes tells people: `.spec.containers[name="web"].image`."""
    return "".join(_element_text(element) for element in path)


def _element_text(element: str) -> str:
    what, _, value = element.partition(":")
    if what == "f":
        return f".{value}"
    if what == "k":
        keys = msgspec.json.decode(value)
        return f"[{','.join(f'{key}={msgspec.json.encode(keys[key]).decode()}' for key in sorted(keys))}]"
    return f"[={value}]"
