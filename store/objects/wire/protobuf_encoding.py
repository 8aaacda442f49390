"""Objects to protobuf, byte for byte as a Kubernetes server writes them: fields in the order of their numbers, values even when
they are zero, pointers only when they are set, maps in the order of their keys.

Source: gogo/protobuf's generated marshallers and apimachinery's serializer/protobuf. A field's form is decided by its type, so
what writes a type is put together once.
"""

import base64
import struct as packing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from shipslog.store.objects.fields.shapes import Field, Shape, per_type
from shipslog.store.objects.values import durations
from shipslog.store.objects.values.times import seconds_and_nanoseconds

from .protobuf import BYTES, FIXED64, MAGIC, VARINT, numbered_of

Part = Callable[[Any], bytes]  # of an object: one field, with its tag; b"" where it is left out
Body = Callable[[Any], bytes]  # of a value: its bytes, without tag and length


END = b"\x1a\x00\x22\x00"  # neither encoding nor content type


def enveloped(api_version: str, kind: str, raw: bytes) -> bytes:
    """A body: the magic number and a runtime.Unknown that says what `raw` is."""
    meta = _field(1, api_version.encode()) + _field(2, kind.encode())
    return MAGIC + _field(1, meta) + _field(2, raw) + END


def encode(obj: Any) -> bytes:
    """An object of the API as a message, without its envelope: apiVersion and kind are no part of it."""
    return b"".join([part(obj) for part in _parts_of(type(obj))])


def whole(obj: Any) -> bytes:
    """An object that names its kind, in its envelope."""
    return enveloped(obj.api_version, obj.kind, encode(obj))


def list_around(api_version: str, kind: str, metadata: Any, sizes: Sequence[int]) -> tuple[bytes, list[bytes], bytes]:
    """What stands around the items of a list in its envelope, whose sizes are given: before all, before each, behind all.
    `metadata`: a ListMeta."""
    first, heads = _field(1, encode(metadata)), [_tag(2, BYTES) + _varint(size) for size in sizes]
    meta = _field(1, api_version.encode()) + _field(2, kind.encode())
    length = len(first) + sum(sizes) + sum(map(len, heads))
    return MAGIC + _field(1, meta) + _tag(2, BYTES) + _varint(length) + first, heads, END


def metadata_alone(metadata: Any) -> bytes:
    """The message of a PartialObjectMetadata."""
    return _field(1, encode(metadata))


def watch_frame(change: str, body: bytes) -> bytes:
    """A WatchEvent as it goes over a stream, behind its length (four bytes, big-endian). `body`: an object in its envelope."""
    event = _field(1, change.encode()) + _field(2, _field(1, body))
    return len(event).to_bytes(4, "big") + event


# --- the wire ---


def _varint(number: int) -> bytes:
    if 0 <= number < 0x80:
        return bytes((number,))
    number &= (1 << 64) - 1  # a negative number takes ten bytes, whatever its type
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _field(number: int, body: bytes) -> bytes:
    return _tag(number, BYTES) + _varint(len(body)) + body


# --- along the types ---


@per_type
def _parts_of(struct: type[Any]) -> tuple[Part, ...]:
    """What writes each field of a message, in the order of their numbers."""
    return _parts(numbered_of(struct))


def _parts(numbered: Mapping[int, Any]) -> tuple[Part, ...]:
    return tuple(
        _inlined(number, target[1]) if isinstance(target, tuple) else _part(number, target)
        for number, target in sorted(numbered.items(), key=lambda item: item[0])
    )


def _inlined(number: int, fields: Mapping[int, Field]) -> Part:
    """A message whose fields stand on the outer type: always there, as what Go embeds is."""
    parts = _parts(fields)
    return lambda obj: _field(number, b"".join([part(obj) for part in parts]))


def _part(number: int, field: Field) -> Part:
    shape, attribute = field.shape, field.attribute
    if shape.form == "list":
        assert shape.item is not None
        single = _single(number, shape.item)
        return lambda obj: b"".join([single(value) for value in getattr(obj, attribute)])
    if shape.form == "map":
        assert shape.item is not None
        entry = _single(2, shape.item)
        return lambda obj: b"".join(
            [_field(number, _field(1, key.encode()) + entry(value)) for key, value in sorted(getattr(obj, attribute).items())]
        )
    single = _single(number, shape)
    if shape.form in ("time", "microtime", "byte") and not field.own:
        return lambda obj: single(value) if (value := getattr(obj, attribute)) else b""
    if shape.form == "any" and field.own:
        return lambda obj: single(getattr(obj, attribute))
    return lambda obj: b"" if (value := getattr(obj, attribute)) is None else single(value)


def _single(number: int, shape: Shape) -> Callable[[Any], bytes]:
    """One value behind its tag."""
    if shape.form in ("int", "int32", "bool"):
        tag = _tag(number, VARINT)
        return lambda value: tag + _varint(int(value))
    if shape.form == "float":
        tag = _tag(number, FIXED64)
        return lambda value: tag + packing.pack("<d", value)
    tag, body = _tag(number, BYTES), _body(shape)

    def write(value: Any) -> bytes:
        data = body(value)
        return tag + _varint(len(data)) + data

    return write


def _body(shape: Shape) -> Body:
    match shape.form:
        case "struct":
            return encode
        case "string":
            return str.encode
        case "byte":
            return base64.b64decode
        case "quantity":
            return lambda value: _field(1, str(value).encode())
        case "duration":
            return lambda value: _tag(1, VARINT) + _varint(durations.read(value))
        case "int-or-string":
            return _int_or_string
        case "time" | "microtime":
            return _moment
        case "schema-or-bool":
            return _schema_or_bool
        case "schema-or-schemas" | "schema-or-strings":
            return _schema_or_list
        case "any":
            return lambda value: b"" if value is None else _field(1, msgspec.json.encode(value))
        case "list":
            assert shape.item is not None
            single = _single(1, shape.item)
            return lambda values: b"".join([single(value) for value in values])
    raise TypeError(f"{shape.form} has no protobuf form")


def _schema_or_bool(value: Any) -> bytes:
    """Whether anything is allowed, and behind it the schema, if there is one, that says what."""
    allowed = _tag(1, VARINT) + _varint(int(value is not False))
    return allowed if isinstance(value, bool) else allowed + _field(2, encode(value))


def _schema_or_list(value: Any) -> bytes:
    if isinstance(value, tuple):
        return b"".join([_field(2, v.encode() if isinstance(v, str) else encode(v)) for v in value])
    return _field(1, encode(value))


def _int_or_string(value: int | str) -> bytes:
    number, text = (0, value) if isinstance(value, str) else (value, "")
    return _tag(1, VARINT) + _varint(int(isinstance(value, str))) + _tag(2, VARINT) + _varint(number) + _field(3, text.encode())


def _moment(text: str) -> bytes:
    """Seconds and nanoseconds of an RFC 3339 time in UTC, which the codec made; nothing for a time that is unset."""
    if not text:
        return b""
    seconds, nanoseconds = seconds_and_nanoseconds(text)
    return _tag(1, VARINT) + _varint(seconds) + _tag(2, VARINT) + _varint(nanoseconds)
