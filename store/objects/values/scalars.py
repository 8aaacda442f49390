"""What every type of the API is made of: the Struct they derive from, and the scalars that Kubernetes adds to JSON.

`Object` is frozen; a field that is absent on the wire is its type's zero value ("" 0 False () {}), or None where Go has a
pointer and an explicit zero means something. Encoding leaves out what Go's `omitempty` leaves out.

Tests: tests/store/objects/types/test_frozen.py, tests/store/objects/wire/test_codec.py
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, NoReturn, TypeVar, overload

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class Object(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """Base of every API type. Decoding refuses unknown fields: `shipslog.store.objects.wire.codec` decides what to do then.

    A type says its fields' protobuf numbers by attribute; and by their names on the wire which fields must be there, and what
    others mean where they are not.
    """

    __proto__: ClassVar[dict[str, int]] = {}
    __required__: ClassVar[tuple[str, ...]] = ()
    __defaults__: ClassVar[dict[str, Any]] = {}


Time = Annotated[str, Meta(extra={"format": "time"})]  # RFC 3339, UTC, whole seconds: 2026-11-23T10:32:00Z; "" when unset
MicroTime = Annotated[str, Meta(extra={"format": "microtime"})]  # the same with microseconds: 2026-11-23T10:32:00.000000Z
Base64 = Annotated[str, Meta(extra={"format": "byte"})]  # bytes, standard base64
Quantity = Annotated[str | int | float, Meta(extra={"format": "quantity"})]  # "1500m", "2Gi"; canonical when the codec made it
Duration = Annotated[str, Meta(extra={"format": "duration"})]  # "10s", "1m0.5s", as Go prints it
IntOrString = Annotated[int | str, Meta(extra={"format": "int-or-string"})]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1, extra={"format": "int32"})]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, extra={"format": "int"})]
RawObject = Any  # any JSON value, kept as it is
# A schema, or something simpler that stands for one.
SCHEMA_OR_SCHEMAS, SCHEMA_OR_BOOL, SCHEMA_OR_STRINGS = (
    Meta(extra={"format": f"schema-or-{what}"}) for what in ("schemas", "bool", "strings")
)

if TYPE_CHECKING:  # None is never seen: `to_nulls` makes the zero value of it
    Nullable = Annotated[T, "null"]
    NullTime = str
    NullMicroTime = str
    NullBase64 = str
    OwnTime = str
else:
    _OWN = {"null": True, "own": True}  # in protobuf it is written even when it is zero
    Nullable = Annotated[T | None, Meta(extra={"null": True})]
    NullTime = Annotated[str | None, Meta(extra={"format": "time", **_OWN})]
    NullMicroTime = Annotated[str | None, Meta(extra={"format": "microtime", **_OWN})]
    NullBase64 = Annotated[str | None, Meta(extra={"format": "byte", "null": True})]
    OwnTime = Annotated[str, Meta(extra={"format": "time", "own": True})]


class NullText(str):
    """A text, time or bytes that is unset, in a field that is written all the same: null in JSON, "" to everybody else."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return "NULL_TEXT"


class NullList(Sequence[Any]):
    """A list without items in a field that is written all the same: null in JSON, as of a nil slice; () to everybody else."""

    __slots__ = ()

    @overload
    def __getitem__(self, at: int) -> NoReturn: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[()]: ...
    def __getitem__(self, at: Any) -> tuple[()]:
        return ()[at]

    def __len__(self) -> int:
        return 0

    def __add__(self, other: tuple[T, ...]) -> tuple[T, ...]:
        return other

    __radd__ = __add__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NullList) or other == ()

    def __hash__(self) -> int:
        return hash(())

    def __repr__(self) -> str:
        return "()"

    def __reduce__(self) -> str:
        return "NULL_LIST"


NULL_TEXT = NullText()
NULL_LIST = NullList()


def null_text() -> str:
    return NULL_TEXT


def null_list() -> Any:
    return NULL_LIST


def nothing() -> None:
    """Of a pointer that is written although it points nowhere."""


def zero_quantity() -> str:
    return "0"


def zero_duration() -> str:
    return "0s"


def to_nulls(obj: Any, lists: tuple[str, ...] = (), texts: tuple[str, ...] = (), maps: tuple[str, ...] = ()) -> None:
    """What a type does when one is made whose empty lists, or unset texts and times, are null in JSON. `maps` are those of
    times."""
    for name in lists:
        if not getattr(obj, name):
            force_setattr(obj, name, NULL_LIST)
    for name in texts:
        if not getattr(obj, name):
            force_setattr(obj, name, NULL_TEXT)
    for name in maps:
        if not all(getattr(obj, name).values()):
            force_setattr(obj, name, ReadOnlyDict({key: value or NULL_TEXT for key, value in getattr(obj, name).items()}))


def as_json(value: Any) -> None:
    """What an encoder asks for values that JSON does not have. Errors: TypeError for those of no API type."""
    if not isinstance(value, NullText | NullList):
        raise TypeError(f"{type(value).__name__} is no part of an API type")


class ReadOnlyDict(dict[K, V]):
    """A map that stays as it is, as the rest of its object does: objects are shared by everybody who reads them."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "this map belongs to an object that others read too, and cannot be changed. Make a changed object and send it: "
            "cluster.update(msgspec.structs.replace(obj, data={**obj.data, 'key': 'value'}))"
        )

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self),))


NO_ITEMS: ReadOnlyDict[Any, Any] = ReadOnlyDict()  # the one empty map: what is it, is left out when an object is encoded


def freeze_maps(obj: Any, fields: tuple[str, ...] = (), written: tuple[str, ...] = (), free: tuple[str, ...] = ()) -> None:
    """What a type with maps does when one is made, in whatever way. `written` maps are encoded even when they are empty;
    `free` fields hold any JSON."""
    for name in fields:
        value = getattr(obj, name)
        if type(value) is dict:
            force_setattr(obj, name, ReadOnlyDict(value) if value else NO_ITEMS)
    for name in written:
        value = getattr(obj, name)
        if type(value) is dict:
            force_setattr(obj, name, ReadOnlyDict(value))
    for name in free:
        force_setattr(obj, name, frozen(getattr(obj, name)))


def frozen(value: Any) -> Any:
    """A JSON value whose maps and lists cannot be changed, all the way down."""
    if type(value) is dict:
        return ReadOnlyDict({key: frozen(inner) for key, inner in value.items()})
    return tuple([frozen(inner) for inner in value]) if type(value) in (list, tuple) else value


class Merge(NamedTuple):
    """How a strategic merge patch treats a list (Kubernetes API reference: strategic merge patch)."""

    patch_strategy: str = ""  # "merge", "replace", "retainKeys", or several joined by a comma
    patch_merge_key: str = ""
    list_map_keys: tuple[str, ...] = ()
    list_type: str = ""
    map_type: str = ""  # "atomic": replaced as a whole by whoever applies it


def merge(**how: Any) -> Meta:
    """Field metadata that says how patches merge the field: `typing.get_type_hints(T, include_extras=True)` finds it."""
    return Meta(extra={"merge": Merge(**how)})
