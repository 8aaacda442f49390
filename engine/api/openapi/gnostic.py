"""An OpenAPI v2 document in gnostic's protobuf: what kubectl up to 1.28 reads before it creates anything.

Source: the field numbers of openapiv2/OpenAPIv2.proto (package openapi.v2).

Tests: tests/e2e/test_guestbook.py
"""

from collections.abc import Mapping
from typing import Any

import msgspec

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"  # asked for with an @, which no media type may have
METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encode(document: Mapping[str, Any]) -> bytes:
    """The document as a protobuf message."""
    info = document["info"]
    paths = b"".join(_part(2, _named(path, _path_item(item))) for path, item in document["paths"].items())
    definitions = b"".join(_part(1, _named(name, _schema(s))) for name, s in document["definitions"].items())
    return b"".join(
        (
            _part(1, document["swagger"]), _part(2, _part(1, info["title"]) + _part(2, info["version"])), _part(8, paths),
            _part(9, definitions),
        )
    )  # fmt: skip


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _part(number: int, value: bytes | str | bool) -> bytes:
    if isinstance(value, bool):
        return _varint(number << 3) + (b"\x01" if value else b"\x00")
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _named(name: str, value: bytes) -> bytes:
    return _part(1, name) + _part(2, value)


def _extensions(number: int, value: Mapping[str, Any]) -> bytes:
    """`x-...` members: NamedAny with the value as YAML, of which JSON is a part."""
    return b"".join(
        _part(number, _named(key, _part(2, msgspec.json.encode(inner).decode() + "\n")))
        for key, inner in value.items()
        if key.startswith("x-")
    )


def _path_item(item: Mapping[str, Any]) -> bytes:
    return b"".join(_part(METHODS[method], _operation(operation)) for method, operation in item.items())


def _operation(operation: Mapping[str, Any]) -> bytes:
    responses = b"".join(_part(1, _named(code, _part(1, _response(r)))) for code, r in operation["responses"].items())
    return b"".join(
        (
            *(_part(6, media) for media in operation["produces"]),
            *(_part(7, media) for media in operation["consumes"]),
            *(_part(8, _part(1, _parameter(p))) for p in operation["parameters"]),
            _part(9, responses),
            *(_part(10, scheme) for scheme in operation["schemes"]),
            _extensions(13, operation),
        )
    )


def _parameter(parameter: Mapping[str, Any]) -> bytes:
    """A Parameter: a body, or one in the query or the path (whose message differs in one number)."""
    name, required = parameter["name"], parameter.get("required", False)
    if parameter["in"] == "body":
        body = _part(2, name) + _part(3, "body") + _part(4, required) + _part(5, _schema(parameter["schema"]))
        return _part(1, body)
    if parameter["in"] == "query":
        inner = _part(2, "query") + _part(4, name) + _part(6, parameter["type"])
        return _part(2, _part(3, inner))
    inner = _part(1, True) + _part(2, "path") + _part(4, name) + _part(5, parameter["type"])
    return _part(2, _part(4, inner))


def _response(response: Mapping[str, Any]) -> bytes:
    schema = _part(2, _part(1, _schema(response["schema"]))) if "schema" in response else b""
    return _part(1, response["description"]) + schema


def _schema(schema: Mapping[str, Any]) -> bytes:
    out = []
    if "$ref" in schema:
        out.append(_part(1, schema["$ref"]))
    if "format" in schema:
        out.append(_part(2, schema["format"]))
    if "description" in schema:
        out.append(_part(4, schema["description"]))
    out += [_part(19, name) for name in schema.get("required", ())]
    if "additionalProperties" in schema:
        out.append(_part(21, _part(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        out.append(_part(22, _part(1, schema["type"])))
    if "items" in schema:
        out.append(_part(23, _part(1, _schema(schema["items"]))))
    if "properties" in schema:
        inner = b"".join(_part(1, _named(name, _schema(s))) for name, s in schema["properties"].items())
        out.append(_part(25, inner))
    out.append(_extensions(31, schema))
    return b"".join(out)
