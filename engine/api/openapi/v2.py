"""OpenAPI v2 (Swagger), for all groups in one document.

Tests: tests/engine/api/test_custom.py, tests/engine/api/unstored/test_pod_and_node_metrics.py, tests/e2e/test_guestbook.py
"""

from functools import lru_cache
from typing import Any

from shipslog.engine.api.server_info.discovery import kinds_of
from shipslog.engine.api.server_info.release import GIT_VERSION
from shipslog.store.objects.scheme import Scheme

from .operations import Operation, parameter_type, parameters, paths
from .schemas import NAMED_SCHEMAS, custom_schemas, kinds_with, list_schema, name_of_kind, reachable, schema_of, types_of
from .words import about_type

JSON = ["application/json"]


@lru_cache(maxsize=4)  # the newest kinds, and those of some moments of the past
def document(scheme: Scheme) -> dict[str, Any]:
    """The whole document, as plain JSON values. Callers do not change it."""
    definitions = {
        name: schema_of(struct, about_type(scheme, struct), _refer, kinds_with(scheme, struct))
        for name, struct in reachable(types_of(scheme, None, None)).items()
    }
    definitions |= {f"{name_of_kind(k)}List": list_schema(scheme, k, _refer) for k in kinds_of(scheme)}
    definitions |= custom_schemas(scheme.served(), _refer, whole=False)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": {path: _path(path, operations) for path, operations in paths(scheme, None, None).items()},
        "definitions": dict(sorted((definitions | NAMED_SCHEMAS).items())),
    }


def _refer(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _path(path: str, operations: list[Operation]) -> dict[str, Any]:
    return {operation.method: _operation(path, operation) for operation in operations}


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    asked: list[dict[str, Any]] = [
        {**parameter, "type": parameter_type(parameter["name"])} for parameter in parameters(path, operation)
    ]
    if operation.body:
        asked.append({"name": "body", "in": "body", "required": True, "schema": _refer(operation.body)})
    elif operation.method == "patch":
        asked.append({"name": "body", "in": "body", "required": True, "schema": {"type": "object"}})
    answers = {"200": {"description": "OK", "schema": _refer(operation.answer)}, "401": {"description": "Unauthorized"}}
    return {
        "consumes": list(operation.patches) if operation.method == "patch" else JSON,
        "produces": JSON,
        "schemes": ["https"],
        "parameters": asked,
        "responses": answers,
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.gvk,
    }
