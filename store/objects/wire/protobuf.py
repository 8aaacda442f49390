"""Request bodies in protobuf: what kubectl and client-go send. Decoded along the same types as JSON.

Source: the generated.proto files of Kubernetes 1.37; field numbers stand on the types (`__proto__`).
"""

import base64
import struct as packing
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from shipslog.store.objects.fields.shapes import Field, Shape, fields_of, per_type
from shipslog.store.objects.values import durations
from shipslog.store.objects.values.canonical import Malformed, normalised
from shipslog.store.objects.values.times import from_seconds
from shipslog.store.refusals import BadRequest

from . import json_text

T = TypeVar("T")
MAGIC = b"k8s\x00"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
UNREADABLE = (
    ValueError,
    IndexError,
    AttributeError,
    TypeError,
    OverflowError,
    OSError,
    RecursionError,
    msgspec.ValidationError,
    packing.error,
    Malformed,
)
_MESSAGES = (
    "struct",
    "map",
    "time",
    "microtime",
    "quantity",
    "duration",
    "int-or-string",
    "any",
    "schema-or-schemas",
    "schema-or-bool",
    "schema-or-strings",
)

# Messages that the JSON form inlines: their fields stand on the outer type there.
_VOLUME = """host_path empty_dir gce_persistent_disk aws_elastic_block_store git_repo secret nfs iscsi glusterfs
persistent_volume_claim rbd flex_volume cinder cephfs flocker downward_api fc azure_file config_map vsphere_volume quobyte
azure_disk photon_persistent_disk portworx_volume scale_io projected storageos csi ephemeral image"""
_PERSISTENT = """gce_persistent_disk aws_elastic_block_store host_path glusterfs nfs rbd iscsi cinder cephfs fc flocker
flex_volume azure_file vsphere_volume quobyte azure_disk photon_persistent_disk portworx_volume scale_io local storageos csi"""
INLINED: dict[str, dict[str, int]] = {
    "*localObjectReference": {"name": 1},
    "*ingressRuleValue": {"http": 1},
    "*deviceConfiguration": {"opaque": 1},
    "*rule": {"api_groups": 1, "api_versions": 2, "resources": 3, "scope": 4},
    "*handler": {"exec_": 1, "exec": 1, "http_get": 2, "tcp_socket": 3, "grpc": 4},
    "*volumeSource": {name: i for i, name in enumerate(_VOLUME.split(), 1)}
    | {"portworx_volume": 24, "scale_io": 25, "projected": 26},
    "*persistentVolumeSource": {name: i for i, name in enumerate(_PERSISTENT.split(), 1)},
}
RULE_WITH_OPERATIONS = {"operations": 1, "*rule": 2}
RENAMED = {"*uID": "uid", "*aPIGroup": "api_group"}
Numbered = dict[int, "Field | tuple[type[Any], Numbered]"]  # what each number stands for: a field, or an inlined message


def unwrap(data: bytes) -> tuple[str, str, bytes]:
    """The envelope of a protobuf body: (apiVersion, kind, the object). Errors: BadRequest."""
    if not data.startswith(MAGIC):
        raise BadRequest("provided data does not appear to be a protobuf message, expected prefix 6b 38 73 00")
    api_version = kind = ""
    raw = b""
    try:
        for number, _, value in _parts(data[len(MAGIC) :]):
            if number == 1:
                for inner, _, text in _parts(value):
                    if inner == 1:
                        api_version = text.decode()
                    elif inner == 2:
                        kind = text.decode()
            elif number == 2:
                raw = value
    except UNREADABLE as error:
        raise BadRequest(f"unable to decode the protobuf envelope: {error}") from error
    return api_version, kind, raw


def decode(struct: type[T], data: bytes) -> T:
    """A protobuf message as an object. Unknown fields are passed over, as protobuf does. Errors: BadRequest."""
    try:
        obj: T = normalised(struct, _message(struct, data))
    except UNREADABLE as error:
        raise BadRequest(f"unable to decode {struct.__name__} from protobuf: {error}") from error
    return obj


# --- the wire ---


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
        if shift > 63:
            raise ValueError("a varint is longer than 10 bytes")


def _parts(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """(field number, wire type, value): an int, or bytes. Errors: ValueError, IndexError for what is cut off."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        value: Any
        if wire == VARINT:
            value, at = _varint(data, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            value, at = data[at : at + size], at + size
        elif wire == BYTES:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            raise ValueError(f"wire type {wire} is not known")
        if at > end:
            raise ValueError("the message is cut off")
        yield number, wire, value


# --- along the types ---


@per_type
def numbered_of(struct: type[Any]) -> Numbered:
    """What each number of a message stands for: a field, or an inlined message and its fields."""
    return _numbered(struct, struct.__proto__)


def _numbered(struct: type[Any], numbers: dict[str, int]) -> Numbered:
    attributes = {f.attribute: f for f in fields_of(struct).values()}
    found: Numbered = {}
    for name, number in numbers.items():
        if name in RENAMED:
            found[number] = attributes[RENAMED[name]]
        elif name == "*ephemeralContainerCommon":
            from shipslog.store.objects.types.core_v1 import Container

            found[number] = (struct, _numbered(struct, Container.__proto__))
        elif name == "*ruleWithOperations":
            found[number] = (struct, _numbered(struct, RULE_WITH_OPERATIONS))
        elif name in INLINED:
            found[number] = (struct, _numbered(struct, INLINED[name]))
        elif name in attributes:
            found[number] = attributes[name]
    return found


def _message(struct: type[Any], data: bytes) -> Any:
    values: dict[str, Any] = {}
    _fill(values, numbered_of(struct), data)
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return struct(**values)


def _fill(values: dict[str, Any], numbered: Any, data: bytes) -> None:
    for number, wire, raw in _parts(data):
        target = numbered.get(number)
        if target is None:
            continue
        if isinstance(target, tuple):
            _fill(values, target[1], raw)
            continue
        shape = target.shape
        if shape.form == "list":
            assert shape.item is not None
            into = values.setdefault(target.attribute, [])
            if wire == BYTES and shape.item.form in ("int", "int32", "bool"):
                into.extend(_packed(shape.item, raw))
            else:
                into.append(_value(shape.item, raw))
        elif shape.form == "map":
            assert shape.item is not None
            key, value = _map_entry(shape.item, raw)
            values.setdefault(target.attribute, {})[key] = value
        else:
            values[target.attribute] = _value(shape, raw)


def _packed(shape: Shape, raw: bytes) -> Iterator[Any]:
    at = 0
    while at < len(raw):
        number, at = _varint(raw, at)
        yield _value(shape, number)


def _map_entry(shape: Shape, raw: bytes) -> tuple[str, Any]:
    key, value = "", _value(shape, b"" if shape.form in (*_MESSAGES, "string", "byte", "list") else 0)
    for number, _, part in _parts(raw):
        if number == 1:
            key = part.decode()
        elif number == 2:
            value = _value(shape, part)
    return key, value


def _value(shape: Shape, raw: Any) -> Any:
    match shape.form:
        case "struct":
            return _message(_struct(shape), raw)
        case "string":
            return raw.decode()
        case "bool":
            return bool(raw)
        case "int32":
            return (raw + (1 << 31)) % (1 << 32) - (1 << 31)  # the lower half of what was sent, as protobuf has it
        case "int":
            return (raw + (1 << 63)) % (1 << 64) - (1 << 63)
        case "float":
            return packing.unpack("<d", raw)[0]
        case "byte":
            return base64.b64encode(raw).decode()
        case "quantity":
            return next((part.decode() for number, _, part in _parts(raw) if number == 1), "0")
        case "duration":
            return durations.printed(next((part for number, _, part in _parts(raw) if number == 1), 0))
        case "int-or-string":
            found = {number: part for number, _, part in _parts(raw)}
            if found.get(1, 0) == 1:
                return found.get(3, b"").decode()
            number = found.get(2, 0)
            return number - (1 << 64) if number >> 63 else number
        case "time" | "microtime":
            return _moment(shape.form, raw)
        case "schema-or-schemas" | "schema-or-bool" | "schema-or-strings":
            return _schema_or(shape, raw)
        case "any":
            return next((json_text.parse(part) for number, _, part in _parts(raw) if number == 1 and part), None)
        case "list":
            assert shape.item is not None
            return tuple(_value(shape.item, part) for number, _, part in _parts(raw) if number == 1)
    raise ValueError(f"{shape.form} has no protobuf form")


def _schema_or(shape: Shape, raw: bytes) -> Any:
    """A schema, or what stands for one. What is known of a schema is its first field, or the second beside a bool."""
    found = list(_parts(raw))
    if shape.form == "schema-or-bool":
        schema = next((part for number, _, part in found if number == 2), None)
        return any(part for number, _, part in found if number == 1) if schema is None else _message(_struct(shape), schema)
    schema = next((part for number, _, part in found if number == 1), None)
    if schema is not None:
        return _message(_struct(shape), schema)
    others = [part for number, _, part in found if number == 2]
    return tuple(o.decode() if shape.form == "schema-or-strings" else _message(_struct(shape), o) for o in others)


def _struct(shape: Shape) -> type[Any]:
    assert shape.struct is not None
    return shape.struct


def _moment(form: str, raw: bytes) -> str:
    found = {number: part for number, _, part in _parts(raw)}
    if not found:
        return ""
    seconds = found.get(1, 0)
    seconds = seconds - (1 << 64) if seconds >> 63 else seconds
    return from_seconds(seconds, None if form == "time" else found.get(2, 0))
