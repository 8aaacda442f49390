"""The types of the API group-version discovery.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, NO_ITEMS, Nullable, Object, freeze_maps, merge, null_list, to_nulls

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class EndpointConditions(Object, frozen=True, kw_only=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"ready": 1, "serving": 2, "terminating": 3}


class ForNode(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class ForZone(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class EndpointHints(Object, frozen=True, kw_only=True):
    for_zones: tuple[ForZone, ...] = ()
    for_nodes: tuple[ForNode, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"for_nodes": 2, "for_zones": 1}


class Endpoint(Object, frozen=True, kw_only=True):
    addresses: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)
    conditions: EndpointConditions = field(default_factory=EndpointConditions)
    hostname: str | None = None
    target_ref: core_v1.ObjectReference | None = None
    deprecated_topology: dict[str, str] = NO_ITEMS
    node_name: str | None = None
    zone: str | None = None
    hints: EndpointHints | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("deprecated_topology",))
        to_nulls(self, lists=("addresses",))

    __proto__: ClassVar[dict[str, int]] = {"addresses": 1, "conditions": 2, "deprecated_topology": 5, "hints": 8, "hostname": 3, "node_name": 6, "target_ref": 4, "zone": 7}
    __required__: ClassVar[tuple[str, ...]] = ('addresses',)


class EndpointPort(Object, frozen=True, kw_only=True):
    name: str | None = None
    protocol: str | None = None
    port: Int32 | None = None
    app_protocol: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"app_protocol": 4, "name": 1, "port": 3, "protocol": 2}


class EndpointSlice(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "EndpointSlice")
    api_version: str = field(default_factory=lambda: "discovery.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    address_type: str = field(default_factory=str)
    endpoints: Nullable[tuple[Endpoint, ...]] = field(default_factory=null_list)
    ports: Nullable[tuple[EndpointPort, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("endpoints", "ports",))

    __proto__: ClassVar[dict[str, int]] = {"address_type": 4, "endpoints": 2, "metadata": 1, "ports": 3}
    __required__: ClassVar[tuple[str, ...]] = ('addressType',)

