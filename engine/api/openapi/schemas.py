"""Types as JSON schemas; where the two versions of OpenAPI differ, `refer` says how a type is named."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from shipslog.store.objects.scheme import Kind, Scheme
from shipslog.store.objects.shapes import Field, Shape, fields_of

from .words import about_field, about_type

META = "io.k8s.apimachinery.pkg.apis.meta.v1"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
TIME, MICRO_TIME = f"{META}.Time", f"{META}.MicroTime"
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
NAMED = {"quantity": QUANTITY, "time": TIME, "microtime": MICRO_TIME, "int-or-string": INT_OR_STRING}
NAMED_SCHEMAS: dict[str, dict[str, Any]] = {
    QUANTITY: {"type": "string", "description": "A number with a unit: 500m of a core, 2Gi of memory."},
    TIME: {"type": "string", "format": "date-time", "description": "A time in UTC, to the second."},
    MICRO_TIME: {"type": "string", "format": "date-time", "description": "A time in UTC, to the microsecond."},
    INT_OR_STRING: {"type": "string", "format": "int-or-string", "description": "A number, or a name or percentage."},
}
# A field is required where it is always written, and is no struct; except for these, by the API reference.
MORE_REQUIRED: dict[str, tuple[str, ...]] = {
    "Binding": ("target",),
    "CephFSVolumeSource": ("monitors",),
    "Endpoint": ("addresses",),
    "Event": ("metadata", "involvedObject"),
    "HTTPGetAction": ("port",),
    "LocalSubjectAccessReview": ("spec",),
    "NodeSelector": ("nodeSelectorTerms",),
    "NonResourceRule": ("verbs",),
    "OwnerReference": ("apiVersion", "kind"),
    "PersistentVolumeClaimTemplate": ("spec",),
    "PodSpec": ("containers",),
    "PreferredSchedulingTerm": ("preference",),
    "RBDVolumeSource": ("monitors",),
    "ResourceRule": ("verbs",),
    "ScaleIOVolumeSource": ("secretRef",),
    "SelfSubjectAccessReview": ("spec",),
    "SelfSubjectRulesReview": ("spec",),
    "SubjectAccessReview": ("spec",),
    "SubjectRulesReviewStatus": ("nonResourceRules", "resourceRules"),
    "TCPSocketAction": ("port",),
    "TokenReview": ("spec",),
    "TypedLocalObjectReference": ("kind",),
    "TypedObjectReference": ("kind",),
    "WatchEvent": ("object",),
    "WeightedPodAffinityTerm": ("podAffinityTerm",),
}
NOT_REQUIRED = {"Event": frozenset({"reportingComponent", "reportingInstance"})}  # written all the same
Refer = Callable[[str], dict[str, Any]]


def name_of(struct: type[Any]) -> str:
    """`io.k8s.api.core.v1.Pod`"""
    return f"{package_of(struct.__module__.rpartition('.')[2])}.{struct.__name__}"


def package_of(module: str) -> str:
    """How Kubernetes names the package of one of our modules: core_v1 is io.k8s.api.core.v1."""
    return META if module == "meta_v1" else f"io.k8s.api.{module.replace('_', '.')}"


def schema_of(scheme: Scheme, struct: type[Any], refer: Refer) -> dict[str, Any]:
    """The schema of a type; the types within are referred to."""
    properties, required = {}, []
    for field in fields_of(struct).values():
        properties[field.name] = _property(struct, field, refer)
        if field.required and field.shape.form not in ("struct",) and field.name not in ("apiVersion", "kind"):
            required.append(field.name)
    required = sorted({*required, *MORE_REQUIRED.get(struct.__name__, ())} - NOT_REQUIRED.get(struct.__name__, frozenset()))
    out: dict[str, Any] = {"type": "object", "description": about_type(scheme, struct), "properties": properties}
    if required:
        out["required"] = required
    gvk = gvk_of(struct)
    if gvk is not None:
        out["x-kubernetes-group-version-kind"] = [gvk]
    return out


def gvk_of(struct: type[Any]) -> dict[str, str] | None:
    """The group, version and kind of a type that stands for one."""
    fields = fields_of(struct)
    if "apiVersion" not in fields or "kind" not in fields or not fields["kind"].required:
        return None
    obj = struct()
    if not obj.kind:
        return None
    group, _, version = obj.api_version.rpartition("/")
    return {"group": group, "version": version, "kind": obj.kind}


def list_schema(kind: Kind, refer: Refer) -> dict[str, Any]:
    """The schema of a kind's list."""
    return {
        "type": "object",
        "description": f"A list of {kind.kind} objects.",
        "required": ["items"],
        "properties": {
            "apiVersion": SCALARS["string"],
            "kind": SCALARS["string"],
            "items": {"type": "array", "items": refer(name_of(kind.type))},
            "metadata": refer(f"{META}.ListMeta"),
        },
        "x-kubernetes-group-version-kind": [{"group": kind.group, "version": kind.version, "kind": kind.list_kind}],
    }


def _property(struct: type[Any], field: Field, refer: Refer) -> dict[str, Any]:
    out = dict(_shape(field.shape, refer))
    out["description"] = about_field(struct, field)
    merge = field.merge
    if merge.patch_strategy:
        out["x-kubernetes-patch-strategy"] = merge.patch_strategy
    if merge.patch_merge_key:
        out["x-kubernetes-patch-merge-key"] = merge.patch_merge_key
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
    return refer(NAMED[shape.form]) if shape.form in NAMED else SCALARS[shape.form]


def reachable(structs: Iterator[type[Any]]) -> dict[str, type[Any]]:
    """The types by name, with all that they are made of."""
    found: dict[str, type[Any]] = {}
    waiting = list(structs)
    while waiting:
        struct = waiting.pop()
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
    for kind in scheme.kinds():
        if group in (None, kind.group) and version in (None, kind.version):
            yield kind.type
    meta = module["shipslog.store.objects.meta_v1"]
    yield from (meta.DeleteOptions, meta.Status, meta.ListMeta, meta.WatchEvent)
    if group in (None, ""):
        from shipslog.store.objects import authentication_v1, autoscaling_v1, policy_v1

        yield from (autoscaling_v1.Scale, authentication_v1.TokenRequest, policy_v1.Eviction)
    if group in (None, "authentication.k8s.io"):
        from shipslog.store.objects import authentication_v1

        yield from (authentication_v1.TokenReview, authentication_v1.SelfSubjectReview)
    if group in (None, "authorization.k8s.io"):
        from shipslog.store.objects import authorization_v1 as authz

        yield from (authz.SelfSubjectAccessReview, authz.SelfSubjectRulesReview, authz.SubjectAccessReview)
        yield authz.LocalSubjectAccessReview
