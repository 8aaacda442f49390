"""OpenAPI v3: an index, and a document for each group and version.

Tests: tests/engine/api/test_custom.py, tests/engine/api/unstored/test_pod_and_node_metrics.py, tests/e2e/test_guestbook.py
"""

import hashlib
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

import shipslog.store.objects
from shipslog.engine.api.server_info import discovery
from shipslog.engine.api.server_info.discovery import groups, kinds_of, versions_of
from shipslog.engine.api.server_info.release import GIT_VERSION
from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.objects.wire import codec

from .operations import Operation, parameter_type, parameters, paths
from .schemas import NAMED_SCHEMAS, custom_schemas, kinds_with, list_schema, name_of_kind, reachable, schema_of, types_of
from .words import about_type


@lru_cache(maxsize=4)
def index(scheme: Scheme) -> bytes:
    """/openapi/v3: where the documents are, with a hash of what each is made from: they are made when they are asked for."""
    where = [f"api/{version}" for version in versions_of(scheme, "")]
    where += [f"apis/{group}/{version}" for group in groups(scheme) for version in versions_of(scheme, group)]
    found = {}
    for path in where:
        found[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={_digest(scheme, path)}"}
    return msgspec.json.encode({"paths": found})


def _digest(scheme: Scheme, path: str) -> str:
    """Of a document that is not made yet: of our types and of what turns them into a document, and of the kinds in it."""
    group, _, version = path.partition("/")[2].rpartition("/")
    of_version = [k for k in kinds_of(scheme) if (k.group, k.version) == (group, version)]
    parts: list[Any] = [(k.plural, k.kind, k.place, k.namespaced, k.subresources, k.verbs, k.short_names) for k in of_version]
    parts += [codec.encode(k.definition.schema).decode() for k in of_version if k.definition is not None]
    return hashlib.sha256(_sources() + msgspec.json.encode([path, parts])).hexdigest().upper()


@cache
def _sources() -> bytes:
    """A hash of the types, and of the code here."""
    found = hashlib.sha256(GIT_VERSION.encode())
    folders = [*map(Path, shipslog.store.objects.__path__), Path(__file__).parent]
    for file in [*(f for folder in folders for f in sorted(folder.glob("*.py"))), Path(discovery.__file__)]:
        found.update(file.read_bytes())
    return found.digest()


@lru_cache(maxsize=256)
def document(scheme: Scheme, path: str) -> bytes | None:
    """/openapi/v3/api/v1 and the like, encoded; None for a group that there is not."""
    root, _, rest = path.partition("/")
    group, _, version = rest.rpartition("/")
    if root != ("apis" if group else "api") or version not in versions_of(scheme, group):
        return None
    structs = reachable(types_of(scheme, group, version))
    schemas: dict[str, Any] = {
        name: _schema(struct, about_type(scheme, struct), kinds_with(scheme, struct)) for name, struct in structs.items()
    }
    of_version = [k for k in kinds_of(scheme) if (k.group, k.version) == (group, version)]
    schemas |= {f"{name_of_kind(k)}List": list_schema(scheme, k, _refer) for k in of_version}
    schemas |= custom_schemas(of_version, _refer, whole=True)
    if any("scale" in k.subresources for k in of_version if k.definition is not None):
        from shipslog.store.objects.types.autoscaling_v1 import Scale

        schemas |= {name: _schema(struct, about_type(scheme, struct), ()) for name, struct in reachable(iter([Scale])).items()}
    return msgspec.json.encode(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": GIT_VERSION},
            "paths": {path: _path(path, operations) for path, operations in paths(scheme, group, version).items()},
            "components": {"schemas": dict(sorted((schemas | NAMED_SCHEMAS).items()))},
        }
    )


def _encoded(struct: type[Any], about: str, kinds: tuple[Kind, ...]) -> msgspec.Raw:
    """The schema of a type, encoded: most are in several documents."""
    return msgspec.Raw(msgspec.json.encode(schema_of(struct, about, _refer, kinds)))


_schema = cast(Callable[[type[Any], str, tuple[Kind, ...]], msgspec.Raw], lru_cache(maxsize=1024)(_encoded))


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
        out["requestBody"] = {"required": True, "content": _content("", operation.patches)}
    elif operation.body:
        out["requestBody"] = {"required": True, "content": _content(operation.body)}
    return out
