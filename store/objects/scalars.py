"""What every type of the API is made of: the Struct they derive from, and the scalars that Kubernetes adds to JSON.

`Object` is frozen; a field that is absent on the wire is its type's zero value ("" 0 False () {}), or None where Go has a
pointer and an explicit zero means something. Encoding leaves out what Go's `omitempty` leaves out.
"""

from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

K = TypeVar("K")
V = TypeVar("V")


class Object(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """Base of every API type. Decoding refuses unknown fields: `shipslog.store.objects.codec` decides what to do then."""


Time = Annotated[str, Meta(extra={"format": "time"})]  # RFC 3339, UTC, whole seconds: 2026-11-23T10:32:00Z; "" when unset
MicroTime = Annotated[str, Meta(extra={"format": "microtime"})]  # the same with microseconds: 2026-11-23T10:32:00.000000Z
Base64 = Annotated[str, Meta(extra={"format": "byte"})]  # bytes, standard base64
Quantity = Annotated[str | int | float, Meta(extra={"format": "quantity"})]  # "1500m", "2Gi"; canonical when the codec made it
IntOrString = Annotated[int | str, Meta(extra={"format": "int-or-string"})]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1, extra={"format": "int32"})]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, extra={"format": "int"})]
RawObject = Any  # any JSON value, kept as it is


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
    return tuple([frozen(inner) for inner in value]) if type(value) is list else value


class Merge(NamedTuple):
    """How a strategic merge patch treats a list (Kubernetes API reference: strategic merge patch)."""

    patch_strategy: str = ""  # "merge", "replace", "retainKeys", or several joined by a comma
    patch_merge_key: str = ""
    list_map_keys: tuple[str, ...] = ()
    list_type: str = ""


def merge(**how: Any) -> Meta:
    """Field metadata that says how patches merge the field: `typing.get_type_hints(T, include_extras=True)` finds it."""
    return Meta(extra={"merge": Merge(**how)})
