"""What clients before Kubernetes 1.14 ask for: OpenAPI v2 as they can read it, and the Swagger 1.2 of those before 1.8.

They take `type: object` for a map, whatever its properties, and refuse a document with a map whose values are of no type.
Source: the parser of kube-openapi of that time, kubectl's validation in 1.5.

Tests: tests/engine/api/test_old_clients.py
"""

from functools import lru_cache
from typing import Any

from shipslog.engine.api.server_info.discovery import groups, kinds_of, versions_of
from shipslog.store.objects.fields.shapes import Shape, fields_of
from shipslog.store.objects.scheme import Scheme

from .schemas import name_of, reachable, types_of
from .v2 import document as newest

DOCUMENTS = ("/swagger.json", "/swagger-2.0.0.json", "/swagger-2.0.0.pb-v1")
SWAGGER = "/swaggerapi"
PLAIN: dict[str, dict[str, Any]] = {
    "bool": {"type": "boolean"},
    "int": {"type": "integer", "format": "int64"},
    "int32": {"type": "integer", "format": "int32"},
    "float": {"type": "number", "format": "double"},
    "map": {"type": "object"},
    "any": {"type": "object"},
}


@lru_cache(maxsize=4)
def document(scheme: Scheme) -> dict[str, Any]:
    """OpenAPI v2 without a map that is none. Callers do not change it."""
    whole = newest(scheme)
    return {**whole, "definitions": {name: _readable(schema) for name, schema in whole["definitions"].items()}}


def _readable(schema: dict[str, Any]) -> dict[str, Any]:
    made = dict(schema)
    if made.get("properties"):
        made.pop("type", None)
        made["properties"] = {name: _readable(below) for name, below in made["properties"].items()}
    elif made.get("type") == "object":
        made.pop("properties", None)
        made["additionalProperties"] = _readable(made.get("additionalProperties") or {})
    if isinstance(made.get("items"), dict):
        made["items"] = _readable(made["items"])
    return made


def listing(scheme: Scheme) -> dict[str, Any]:
    """/swaggerapi: where the declarations of the groups and versions are."""
    where = [f"/api/{version}" for version in versions_of(scheme, "")]
    where += [f"/apis/{group}/{version}" for group in groups(scheme) for version in versions_of(scheme, group)]
    found = [{"path": path, "description": f"API at {path}"} for path in where]
    return {"swaggerVersion": "1.2", "apis": found, "apiVersion": "", "info": {"title": "", "description": ""}}


@lru_cache(maxsize=32)
def declaration(scheme: Scheme, path: str) -> dict[str, Any] | None:
    """/swaggerapi/apis/apps/v1: the models of a version; None for a group that there is not."""
    root, _, rest = path.strip("/").partition("/")
    group, _, version = rest.rpartition("/")
    if root != ("apis" if group else "api") or version not in versions_of(scheme, group):
        return None
    models = {(made := _model(struct))["id"]: made for struct in reachable(types_of(scheme, group, version)).values()}
    for kind in kinds_of(scheme):  # many versions have the type of another, and are asked for under their own name
        if (kind.group, kind.version) == (group, version) and kind.definition is None:
            own = f"{version}.{kind.kind}"
            models[own] = {**models[_id(name_of(kind.type))], "id": own}
    full = f"{group}/{version}" if group else version
    head = {"swaggerVersion": "1.2", "apiVersion": full, "basePath": "", "resourcePath": f"/{path.strip('/')}"}
    return {**head, "info": {"title": "", "description": ""}, "apis": [], "models": models}


def _id(name: str) -> str:
    """v1.Pod of io.k8s.api.core.v1.Pod"""
    return ".".join(name.rsplit(".", 2)[1:])


def _model(struct: type[Any]) -> dict[str, Any]:
    fields = fields_of(struct)
    required = sorted(name for name, field in fields.items() if field.required)
    properties = {name: _property(field.shape) for name, field in fields.items()}
    return {"id": _id(name_of(struct)), **({"required": required} if required else {}), "properties": properties}


def _property(shape: Shape) -> dict[str, Any]:
    if shape.form == "struct":
        assert shape.struct is not None
        return {"$ref": _id(name_of(shape.struct))}
    if shape.form == "list":
        assert shape.item is not None
        return {"type": "array", "items": _property(shape.item)}
    if shape.form.startswith("schema-or"):
        return PLAIN["any"]
    return PLAIN.get(shape.form, {"type": "string"})
