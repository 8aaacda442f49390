"""What a type of the API is made of, looked up once per type: for decoding, patching, protobuf and OpenAPI.

Tests: tests/store/objects/types/test_roundtrip.py, tests/store/objects/test_patch.py
"""

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from shipslog.store.objects.values.scalars import Merge

R = TypeVar("R")
NO_MERGE = Merge()


def per_type(function: Callable[[type[Any]], R]) -> Callable[[type[Any]], R]:
    """Keeps what a function found out about a type: types do not change."""
    return cast(Callable[[type[Any]], R], cache(function))


class Shape(Struct, frozen=True):
    """A type. `form` is one of struct, list, map, string, bool, int, int32, float, any, time, microtime, byte, quantity,
    duration, int-or-string, schema-or-schemas, schema-or-bool, schema-or-strings; `item` is what a list or a map holds,
    `struct` the Struct."""

    form: str
    item: "Shape | None" = None
    struct: type[Any] | None = None

    @property
    def go_name(self) -> str:
        """The type as Go names it; error messages of Kubernetes show it."""
        if self.form == "struct":
            assert self.struct is not None
            return f"v1.{self.struct.__name__}"
        if self.item is not None:
            return f"[]{self.item.go_name}" if self.form == "list" else f"map[string]{self.item.go_name}"
        return _GO.get(self.form, self.form)


_GO = {
    "int": "int64",
    "float": "float64",
    "byte": "[]uint8",
    "any": "interface {}",
    "time": "v1.Time",
    "microtime": "v1.MicroTime",
    "duration": "v1.Duration",
}


class Field(Struct, frozen=True):
    """One field: its names, what it holds, and how a patch merges it."""

    attribute: str
    name: str  # on the wire
    shape: Shape
    pointer: bool  # absent differs from zero
    required: bool  # by the API reference
    merge: Merge = NO_MERGE
    own: bool = False  # a time or any JSON that is no pointer: protobuf writes it although it is empty


@per_type
def fields_of(struct: type[Any]) -> dict[str, Field]:
    """The fields of a Struct by their names on the wire."""
    hints = get_type_hints(struct, include_extras=True)
    found = {}
    for info in msgspec.structs.fields(struct):
        hint = hints[info.name]
        extra = _extra(hint) if get_origin(hint) is Annotated else {}
        bare = get_args(hint)[0] if extra and "format" not in extra else hint
        pointer = "null" not in extra and get_origin(bare) in (Union, UnionType) and type(None) in get_args(bare)
        required, name = info.encode_name in struct.__required__, info.encode_name
        shape, merge = shape_of(hint), extra.get("merge", NO_MERGE)
        own = extra.get("own", False) or (shape.form == "any" and info.default is msgspec.NODEFAULT)
        found[name] = Field(info.name, name, shape, pointer, required, merge, own)
    return found


def shape_of(hint: Any) -> Shape:
    """The shape that an annotation stands for. Errors: TypeError for one that no API type has."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        form = _extra(hint).get("format", "")
        if form.startswith("schema-or"):
            return Shape(form, struct=next(a for a in get_args(args[0]) if isinstance(a, type) and issubclass(a, Struct)))
        return Shape(form) if form else shape_of(args[0])
    if origin in (Union, UnionType):
        return shape_of(next(a for a in args if a is not type(None)))
    if origin is tuple:
        return Shape("list", item=shape_of(args[0]))
    if origin is dict:
        return Shape("map", item=shape_of(args[1]))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return Shape("struct", struct=hint)
    simple = {str: "string", int: "int", bool: "bool", float: "float", Any: "any"}
    if hint in simple:
        return Shape(simple[hint])
    raise TypeError(f"{hint!r} is not what an API type is made of")


def _extra(hint: Any) -> dict[str, Any]:
    """What the metadata of an Annotated says, all together."""
    found: dict[str, Any] = {}
    for meta in hint.__metadata__:
        if isinstance(meta, Meta) and meta.extra:
            found |= meta.extra
    return found
