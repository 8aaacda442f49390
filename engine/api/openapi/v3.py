"""OpenAPI v3: an index, and a document for each group and version."""

import hashlib
from functools import lru_cache
from typing import Any

import msgspec

from shipslog.engine.api.discovery import groups, versions_of
from shipslog.store.objects.patch import PATCH_TYPES
from shipslog.store.objects.scheme import Scheme

from .operations import Operation, parameter_type, parameters, paths
from .schemas import NAMED_SCHEMAS, list_schema, name_of, reachable, schema_of, types_of


@lru_cache(maxsize=4)
def index(scheme: Scheme) -> bytes:
    """/openapi/v3: where the documents are, with a hash of each."""
    where = [f"api/{version}" for version in versions_of(scheme, "")]
    where += [f"apis/{group}/{version}" for group in groups(scheme) for version in versions_of(scheme, group)]
    found = {}
    for path in where:
        data = document(scheme, path)
        assert data is not None
        digest = hashlib.sha256(data).hexdigest().upper()
        found[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return msgspec.json.encode({"paths": found})


@lru_cache(maxsize=256)
def document(scheme: Scheme, path: str) -> bytes | None:
    """/openapi/v3/api/v1 and the like, encoded; None for a group that there is not."""
    root, _, rest = path.partition("/")
    group, _, version = rest.rpartition("/")
    if root != ("apis" if group else "api") or version not in versions_of(scheme, group):
        return None
    schemas = {name: schema_of(scheme, struct, _refer) for name, struct in reachable(types_of(scheme, group, version)).items()}
    of_version = [k for k in scheme.served() if (k.group, k.version) == (group, version)]
    schemas |= {f"{name_of(k.type)}List": list_schema(k, _refer) for k in of_version}
    return msgspec.json.encode(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "v1.32.0+shipslog"},
            "paths": {path: _path(path, operations) for path, operations in paths(scheme, group, version).items()},
            "components": {"schemas": dict(sorted((schemas | NAMED_SCHEMAS).items()))},
        }
    )


def _refer(name: str) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}]}


def _path(path: str, operations: list[Operation]) -> dict[str, Any]:
    return {operation.method: _operation(path, operation) for operation in operations}


def _content(name: str, media: tuple[str, ...] = ("application/json",)) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"} if name else {"type": "object"}
    return {m: {"schema": schema} for m in media}


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    asked = [
        {**parameter, "schema": {"type": parameter_type(parameter["name"]), "uniqueItems": True}}
        for parameter in parameters(path, operation)
    ]
    out: dict[str, Any] = {
        "parameters": asked,
        "responses": {"200": {"description": "OK", "content": _content(operation.answer)}},
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.gvk,
    }
    if operation.method == "patch":
        out["requestBody"] = {"required": True, "content": _content("", PATCH_TYPES)}
    elif operation.body:
        out["requestBody"] = {"required": True, "content": _content(operation.body)}
    return out
