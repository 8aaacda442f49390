"""The kinds that the API serves, each with what discovery says of it.

A later kind is added by its Struct (see generate.py) and a line here.
"""

from typing import Any

from msgspec import Struct

from . import coordination_v1, core_v1, discovery_v1, policy_v1

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
ALL = ("all",)


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of object and the subresources that it has. A Binding is only posted; reviews are the API's own."""

    group: str = ""
    version: str = "v1"
    kind: str
    plural: str
    singular: str
    namespaced: bool = True
    type: type[Any]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    resource: str  # "pods"; with a group "leases.coordination.k8s.io": the key of the kind on the log and in the view
    api_version: str  # "v1", "coordination.k8s.io/v1"

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"


def _kind(plural: str, struct: type[Any], *, group: str = "", version: str = "v1", **rest: Any) -> Kind:
    name = struct.__name__
    return Kind(
        group=group, version=version, kind=name, plural=plural, singular=name.lower(), type=struct,
        resource=f"{plural}.{group}" if group else plural, api_version=f"{group}/{version}" if group else version, **rest,
    )  # fmt: skip


_KINDS = (
    _kind("bindings", core_v1.Binding, verbs=("create",)),
    _kind("configmaps", core_v1.ConfigMap, short_names=("cm",)),
    _kind("endpoints", core_v1.Endpoints, short_names=("ep",)),
    _kind("events", core_v1.Event, short_names=("ev",)),
    _kind(
        "namespaces", core_v1.Namespace, short_names=("ns",), namespaced=False, subresources=("finalize", "status"),
        verbs=tuple(v for v in VERBS if v != "deletecollection"),
    ),
    _kind("nodes", core_v1.Node, short_names=("no",), namespaced=False, subresources=("status",)),
    _kind(
        "pods", core_v1.Pod, short_names=("po",), categories=ALL,
        subresources=(
            "attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "status",
        ),
    ),
    _kind("podtemplates", core_v1.PodTemplate),
    _kind(
        "replicationcontrollers", core_v1.ReplicationController, short_names=("rc",), categories=ALL,
        subresources=("scale", "status"),
    ),
    _kind("secrets", core_v1.Secret),
    _kind("serviceaccounts", core_v1.ServiceAccount, short_names=("sa",), subresources=("token",)),
    _kind("services", core_v1.Service, short_names=("svc",), categories=ALL, subresources=("status",)),
    _kind("leases", coordination_v1.Lease, group="coordination.k8s.io"),
    _kind("endpointslices", discovery_v1.EndpointSlice, group="discovery.k8s.io"),
    _kind(
        "poddisruptionbudgets", policy_v1.PodDisruptionBudget, group="policy", short_names=("pdb",), subresources=("status",)
    ),
)  # fmt: skip
_BY_RESOURCE = {k.resource: k for k in _KINDS}
_BY_TYPE = {k.type: k for k in _KINDS}
_BY_PATH = {(k.group, k.version, k.plural): k for k in _KINDS}
_SERVED = {(k.group, k.version) for k in _KINDS}
_BY_GVK = {(k.api_version, k.kind): k for k in _KINDS}


def kinds() -> tuple[Kind, ...]:
    """Every kind, by group and plural."""
    return _KINDS


def by_resource(resource: str) -> Kind:
    """The kind of a resource key, "leases.coordination.k8s.io". Errors: KeyError."""
    return _BY_RESOURCE[resource]


def of(obj: Any) -> Kind:
    """The kind of an object, or of its type. Errors: KeyError."""
    return _BY_TYPE[obj if isinstance(obj, type) else type(obj)]


def kind_of(struct: type[Any]) -> Kind | None:
    """The kind whose objects are of this type; None for a part of one."""
    return _BY_TYPE.get(struct)


def find(group: str, version: str, plural: str) -> Kind | None:
    return _BY_PATH.get((group, version, plural))


def serves(group: str, version: str) -> bool:
    """Whether there is any kind in a group's version."""
    return (group, version) in _SERVED


def by_gvk(api_version: str, kind: str) -> Kind | None:
    return _BY_GVK.get((api_version, kind))
