"""Types as JSON schemas; where the two versions of OpenAPI differ, `refer` says how a type is named.

Tests: tests/engine/api/test_custom.py, tests/engine/api/unstored/test_pod_and_node_metrics.py, tests/e2e/test_guestbook.py
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from shipslog.engine.api.server_info.discovery import kinds_of
from shipslog.engine.kinds.catalogue import subresource_of
from shipslog.store.objects.fields.shapes import Field, Shape, fields_of
from shipslog.store.objects.scheme import Kind, Scheme, place_of, type_at
from shipslog.store.objects.wire import codec

from .words import about_field

META = "io.k8s.apimachinery.pkg.apis.meta.v1"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
TIME, MICRO_TIME = f"{META}.Time", f"{META}.MicroTime"
DURATION = f"{META}.Duration"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer", "format": "int64"},
    "int32": {"type": "integer", "format": "int32"},
    "float": {"type": "number", "format": "double"},
    "byte": {"type": "string", "format": "byte"},
    "any": {"type": "object"},
}
NAMED = {"quantity": QUANTITY, "time": TIME, "microtime": MICRO_TIME, "duration": DURATION, "int-or-string": INT_OR_STRING}
NAMED_SCHEMAS: dict[str, dict[str, Any]] = {
    QUANTITY: {"type": "string", "description": "A number with a unit: 500m of a core, 2Gi of memory."},
    TIME: {"type": "string", "format": "date-time", "description": "A time in UTC, to the second."},
    MICRO_TIME: {"type": "string", "format": "date-time", "description": "A time in UTC, to the microsecond."},
    DURATION: {"type": "string", "description": "A span of time: 10s, 1m30s, 250ms."},
    INT_OR_STRING: {"type": "string", "format": "int-or-string", "description": "A number, or a name or percentage."},
}
# The packages of groups that are no part of io.k8s.api.
PACKAGES = {
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
    "metrics": "io.k8s.metrics.pkg.apis.metrics",
    "meta": META.removesuffix(".v1"),
}
# Fields that hold any JSON; all others of that shape hold objects.
ANY_JSON = {"JSONSchemaProps": ("default", "enum", "example")}
Refer = Callable[[str], dict[str, Any]]


def name_of(struct: type[Any]) -> str:
    """`io.k8s.api.core.v1.Pod`"""
    struct = plain(struct)
    return f"{package_of(struct.__module__.rpartition('.')[2])}.{struct.__name__}"


def name_of_kind(kind: Kind) -> str:
    """The same of a kind; of one that a definition makes, `com.example.v1.Ship`."""
    if kind.definition is None:
        return name_of(kind.type)
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


def custom_schemas(kinds: Iterable[Kind], refer: Refer, *, whole: bool) -> dict[str, dict[str, Any]]:
    """The schemas of those kinds that definitions make, by name. `whole`: with what only OpenAPI v3 knows."""
    found = {}
    for kind in kinds:
        if kind.definition is None:
            continue
        schema: dict[str, Any] = codec.to_builtins(kind.definition.schema)
        if not whole:
            schema = _simple(schema)
        own = {"apiVersion": SCALARS["string"], "kind": SCALARS["string"], "metadata": refer(f"{META}.ObjectMeta")}
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        found[name_of_kind(kind)] = {
            **schema,
            "properties": {**schema.get("properties", {}), **own},
            "x-kubernetes-group-version-kind": [gvk],
        }
    return found


NOT_IN_V2 = frozenset({"allOf", "anyOf", "oneOf", "not", "nullable", "default"})


def _simple(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as OpenAPI v2 has it: where any field may be, nothing is said of them, or clients would refuse the others."""
    free = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string")
    made = {key: value for key, value in schema.items() if key not in NOT_IN_V2}
    if free:
        return {key: value for key, value in made.items() if key.startswith("x-") or key == "description"}
    if "properties" in made:
        made["properties"] = {name: _simple(below) for name, below in made["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _simple(made[key])
    return made


def plain(struct: type[Any]) -> type[Any]:
    """The type of a kind, where it is a part of another kind."""
    base: type[Any] = struct.__bases__[0]
    return base if struct.__name__ == f"Embedded{base.__name__}" else struct


def package_of(module: str) -> str:
    """How Kubernetes names the package of one of our modules: core_v1 is io.k8s.api.core.v1."""
    group = module.partition("_")[0]
    return f"{PACKAGES.get(group, f'io.k8s.api.{group}')}.{module.partition('_')[2]}"


def schema_of(struct: type[Any], about: str, refer: Refer, kinds: tuple[Kind, ...] = ()) -> dict[str, Any]:
    """The schema of a type; the types within are referred to. `kinds`: those that have it, in each version that does."""
    properties, required = {}, []
    for field in fields_of(struct).values():
        properties[field.name] = _property(struct, field, refer)
        if field.required:
            required.append(field.name)
    out: dict[str, Any] = {"type": "object", "description": about, "properties": properties}
    if required:
        out["required"] = sorted(required)
    gvk = gvk_of(struct)
    if kinds or gvk is not None:
        out["x-kubernetes-group-version-kind"] = [_gvk(kind) for kind in kinds] or [gvk]
    return out


@lru_cache(maxsize=4)
def by_place(scheme: Scheme) -> dict[str, tuple[Kind, ...]]:
    """The kinds by the places of their types: many versions have that of the stored one."""
    found: dict[str, tuple[Kind, ...]] = {}
    for kind in kinds_of(scheme):
        if kind.definition is None and kind.verbs:
            found[kind.place] = (*found.get(kind.place, ()), kind)
    return found


def kinds_with(scheme: Scheme, struct: type[Any]) -> tuple[Kind, ...]:
    """The kinds that have a type, the stored one first."""
    return by_place(scheme).get(place_of(struct), ())


def _gvk(kind: Kind, name: str = "") -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": name or kind.kind}


def gvk_of(struct: type[Any]) -> dict[str, str] | None:
    """The group, version and kind of a type that stands for one."""
    fields = fields_of(struct)
    if "apiVersion" not in fields or "kind" not in fields:
        return None
    obj = struct()
    if not obj.kind:
        return None
    group, _, version = obj.api_version.rpartition("/")
    return {"group": group, "version": version, "kind": obj.kind}


def list_schema(scheme: Scheme, kind: Kind, refer: Refer) -> dict[str, Any]:
    """The schema of a kind's list, and of those of other versions that have the same type."""
    kinds = (kind,) if kind.definition is not None else by_place(scheme).get(kind.place, (kind,))
    return {
        "type": "object",
        "description": f"A list of {kind.kind} objects.",
        "required": ["items"],
        "properties": {
            "apiVersion": SCALARS["string"],
            "kind": SCALARS["string"],
            "items": {"type": "array", "items": refer(name_of_kind(kind))},
            "metadata": refer(f"{META}.ListMeta"),
        },
        "x-kubernetes-group-version-kind": [_gvk(k, k.list_kind) for k in kinds],
    }


def _property(struct: type[Any], field: Field, refer: Refer) -> dict[str, Any]:
    out = dict(_shape(field.shape, refer))
    if field.name in ANY_JSON.get(struct.__name__, ()):
        out = {"type": "array", "items": {}} if field.shape.form == "list" else {}
    out["description"] = about_field(struct, field)
    if field.name in struct.__defaults__:
        out["default"] = struct.__defaults__[field.name]
    merge = field.merge
    if merge.patch_strategy:
        out["x-kubernetes-patch-strategy"] = merge.patch_strategy
    if merge.patch_merge_key:
        out["x-kubernetes-patch-merge-key"] = merge.patch_merge_key
    if merge.map_type:
        out["x-kubernetes-map-type"] = merge.map_type
    if field.shape.form == "list":
        if merge.list_map_keys:
            out["x-kubernetes-list-map-keys"] = list(merge.list_map_keys)
        out["x-kubernetes-list-type"] = "map" if merge.list_map_keys else merge.list_type or "atomic"
    return out


def _shape(shape: Shape, refer: Refer) -> dict[str, Any]:
    if shape.form == "struct":
        assert shape.struct is not None
        return refer(name_of(shape.struct))
    if shape.form == "list":
        assert shape.item is not None
        return {"type": "array", "items": _shape(shape.item, refer)}
    if shape.form == "map":
        assert shape.item is not None
        return {"type": "object", "additionalProperties": _shape(shape.item, refer)}
    if shape.form.startswith("schema-or"):
        return {}  # a schema, or what stands for one: nothing that a schema could say
    return refer(NAMED[shape.form]) if shape.form in NAMED else SCALARS[shape.form]


def reachable(structs: Iterator[type[Any]]) -> dict[str, type[Any]]:
    """The types by name, with all that they are made of."""
    found: dict[str, type[Any]] = {}
    waiting = list(structs)
    while waiting:
        struct = plain(waiting.pop())
        name = name_of(struct)
        if name in found:
            continue
        found[name] = struct
        for field in fields_of(struct).values():
            shape: Shape | None = field.shape
            while shape is not None and shape.item is not None:
                shape = shape.item
            if shape is not None and shape.struct is not None:
                waiting.append(shape.struct)
    return dict(sorted(found.items()))


def types_of(scheme: Scheme, group: str | None, version: str | None) -> Iterator[type[Any]]:
    """The types that the paths of a group speak of; None for all groups."""
    module = sys.modules
    for kind in kinds_of(scheme):
        if kind.definition is None and group in (None, kind.group) and version in (None, kind.version):
            yield kind.type
            subresources = (subresource_of(kind, name) for name in kind.subresources)
            yield from (type_at(sub.type) for sub in subresources if sub is not None and sub.type and sub.described)
    meta = module["shipslog.store.objects.types.meta_v1"]
    yield meta.ObjectMeta
    yield from (meta.DeleteOptions, meta.Status, meta.ListMeta, meta.WatchEvent)
    if group in (None, "authentication.k8s.io"):
        from shipslog.store.objects.types import authentication_v1

        yield from (authentication_v1.TokenReview, authentication_v1.SelfSubjectReview)
    if group in (None, "authorization.k8s.io"):
        from shipslog.store.objects.types import authorization_v1 as authz
        from shipslog.store.objects.types import authorization_v1beta1 as older

        yield from (authz.SelfSubjectAccessReview, authz.SelfSubjectRulesReview, authz.SubjectAccessReview)
        yield from (authz.LocalSubjectAccessReview, older.SubjectAccessReview, older.LocalSubjectAccessReview)
