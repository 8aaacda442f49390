"""The types of the API group-version discovery.v1 (Kubernetes 1.32), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference
from .scalars import Int32, NO_ITEMS, Object, freeze_maps, merge


class EndpointConditions(Object, frozen=True, kw_only=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"ready": 1, "serving": 2, "terminating": 3}


class ForZone(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}


class EndpointHints(Object, frozen=True, kw_only=True):
    for_zones: tuple[ForZone, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"for_zones": 1}


class Endpoint(Object, frozen=True, kw_only=True):
    addresses: Annotated[tuple[str, ...], merge(list_type="set")] = field(default_factory=tuple)
    conditions: EndpointConditions | None = None
    hostname: str | None = None
    target_ref: core_v1.ObjectReference | None = None
    deprecated_topology: dict[str, str] = NO_ITEMS
    node_name: str | None = None
    zone: str | None = None
    hints: EndpointHints | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("deprecated_topology",))

    __proto__: ClassVar[dict[str, int]] = {
        "addresses": 1,
        "conditions": 2,
        "deprecated_topology": 5,
        "hints": 8,
        "hostname": 3,
        "node_name": 6,
        "target_ref": 4,
        "zone": 7,
    }


class EndpointPort(Object, frozen=True, kw_only=True):
    name: str | None = None
    protocol: str | None = None
    port: Int32 | None = None
    app_protocol: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"app_protocol": 4, "name": 1, "port": 3, "protocol": 2}


class EndpointSlice(Object, frozen=True, kw_only=True):
    api_version: str = field(default_factory=lambda: "discovery.k8s.io/v1", name="apiVersion")
    kind: str = field(default_factory=lambda: "EndpointSlice")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    endpoints: tuple[Endpoint, ...] = field(default_factory=tuple)
    ports: tuple[EndpointPort, ...] = ()
    address_type: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"address_type": 4, "endpoints": 2, "metadata": 1, "ports": 3}
