"""What a schema says to expressions: the types of values, how large they may be, and the values as those types have them.

Source: apiserver/pkg/cel/common/schemas.go and values.go (declared types, sizes, escaped names), by their behaviour.

Tests: tests/engine/kinds/custom/test_rules.py
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from shipslog.engine.cel import types, values
from shipslog.engine.cel.types import Type
from shipslog.store.objects.types.apiextensions_v1 import JSONSchemaProps

REQUEST_BYTES = 3 * 1024 * 1024  # of a request; nothing in it is larger
KEYWORDS = frozenset(
    (
        "true false null in as break const continue else for function if import let loop package namespace return var void "
        "while"
    ).split()
)
_SPELLED = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
HEAD_FIELDS = {
    "kind": JSONSchemaProps(type="string"),
    "apiVersion": JSONSchemaProps(type="string"),
    "metadata": JSONSchemaProps(
        type="object", properties={"name": JSONSchemaProps(type="string"), "generateName": JSONSchemaProps(type="string")}
    ),
}


def escaped(name: str) -> str | None:
    """How an expression names a property; None for one that it cannot name."""
    if name in KEYWORDS:
        return f"__{name}__"
    plain = name.translate({ord(c): "_" for c in ".-/"})
    if not plain.isidentifier() or not plain.isascii():
        return None
    for char, word in _SPELLED:
        name = name.replace(char, word)
    return name


def with_head(schema: JSONSchemaProps) -> JSONSchemaProps:
    """The schema of a whole object: its kind, version and name can be named, whatever is declared."""
    made = {**schema.properties}
    for name, below in HEAD_FIELDS.items():
        if name not in made or made[name].type != below.type or name == "metadata":
            made[name] = below
    return JSONSchemaProps(
        type="object", properties=made, required=schema.required, x_kubernetes_map_type=schema.x_kubernetes_map_type
    )


def declared(schema: JSONSchemaProps, name: str, *, whole: bool = False) -> Type | None:
    """The type of values of a schema; None for those that expressions do not see. `name`: of the type, if it is an object."""
    if schema.x_kubernetes_int_or_string:
        most = schema.max_length * 4 if schema.max_length is not None else REQUEST_BYTES - 2
        return Type("dyn", most=most, least_bytes=1)
    if whole or schema.x_kubernetes_embedded_resource:
        schema = with_head(schema)
    match schema.type:
        case "array":
            return _array(schema, name)
        case "object":
            return _object(schema, name)
        case "string":
            return _string(schema)
        case "boolean":
            return Type("bool", least_bytes=4)
        case "number":
            return Type("double", least_bytes=1)
        case "integer":
            return Type("int", least_bytes=1)
    return None


def _array(schema: JSONSchemaProps, name: str) -> Type | None:
    items = schema.items
    below = declared(items, f"{name}.@idx") if isinstance(items, JSONSchemaProps) else None
    if below is None:
        return None
    most = max(schema.max_items, 0) if schema.max_items is not None else (REQUEST_BYTES - 2) // (below.least_bytes + 1)
    return Type("list", (below,), most=most, least_bytes=2)


def _object(schema: JSONSchemaProps, name: str) -> Type | None:
    if isinstance(more := schema.additional_properties, JSONSchemaProps):
        below = declared(more, f"{name}.@elem")
        if below is None:
            return None
        least = (REQUEST_BYTES - 2) // (below.least_bytes + 6)
        most = max(schema.max_properties, 0) if schema.max_properties is not None else least
        return Type("map", (types.STRING, below), most=most, least_bytes=2)
    fields: dict[str, Type] = {}
    wire: dict[str, str] = {}
    least_bytes = 2
    for property_, held in schema.properties.items():
        type_ = declared(held, f"{name}.{property_}")
        if type_ is None:
            continue
        if (field := escaped(property_)) is not None:
            fields[field] = type_
            if field != property_:
                wire[field] = property_
        if property_ in schema.required and held.default is None:
            least_bytes += len(property_) + type_.least_bytes + 4
    return types.object_of(name, fields, wire=wire or None, least_bytes=least_bytes)


def _string(schema: JSONSchemaProps) -> Type:
    most = REQUEST_BYTES - 2
    match schema.format:
        case "byte":
            return Type("bytes", most=max(schema.max_length, 0) if schema.max_length is not None else most, least_bytes=2)
        case "duration":
            return Type("duration", most=32, least_bytes=3)
        case "date":
            return Type("timestamp", most=12, least_bytes=12)
        case "date-time":
            return Type("timestamp", most=32, least_bytes=21)
    if schema.max_length is not None:
        most = max(schema.max_length, 0) * 4
    elif schema.enum:
        most = max((len(text.encode()) for text in schema.enum if isinstance(text, str)), default=0)
    return Type("string", most=most, least_bytes=2)


def cardinality(type_: Type) -> int:
    """How often a value may be in a request, at most."""
    return REQUEST_BYTES // (type_.least_bytes + 1)


# --- values ---

Reader = Callable[[Any], Any]


def reader(schema: JSONSchemaProps, *, whole: bool = False) -> Reader | None:
    """What makes JSON of this schema a value of its type; None where it is one."""
    if schema.x_kubernetes_int_or_string:
        return None
    if whole or schema.x_kubernetes_embedded_resource:
        schema = with_head(schema)
    match schema.type:
        case "number":
            return _number
        case "integer":
            return _integer
        case "string":
            return _TEXTS.get(schema.format)
        case "array":
            return _items(schema)
        case "object":
            return _members(schema)
    return None


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(read: Callable[[str], Any]) -> Reader:
    def run(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return read(value)
        except (values.CelError, ValueError, binascii.Error):
            return value

    return run


_TEXTS: dict[str, Reader] = {
    "byte": _text(lambda text: base64.b64decode(text, validate=True)),
    "duration": _text(values.duration),
    "date": _text(lambda text: values.timestamp(f"{text}T00:00:00Z")),
    "date-time": _text(values.timestamp),
}


def _items(schema: JSONSchemaProps) -> Reader | None:
    item = reader(schema.items) if isinstance(schema.items, JSONSchemaProps) else None
    list_type, keys = schema.x_kubernetes_list_type, tuple(schema.x_kubernetes_list_map_keys)
    if item is None and list_type not in ("set", "map"):
        return None

    def run(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        items = [item(held) for held in value] if item is not None else value
        if list_type == "set":
            return values.SetList(items)
        if list_type != "map":
            return items
        made = values.MapList(items)
        made.keys = keys
        return made

    return run


def _members(schema: JSONSchemaProps) -> Reader | None:
    if isinstance(more := schema.additional_properties, JSONSchemaProps):
        read = reader(more)
        if read is None:
            return None
        return lambda value: {name: read(held) for name, held in value.items()} if isinstance(value, Mapping) else value
    readers = {name: found for name, held in schema.properties.items() if (found := reader(held)) is not None}
    if not readers:
        return None

    def run(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        made = dict(value)
        for name, read_ in readers.items():
            if name in made:
                made[name] = read_(made[name])
        return made

    return run
