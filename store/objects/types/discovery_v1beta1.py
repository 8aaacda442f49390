"""The types of discovery.k8s.io/v1beta1 that are not those of v1: an endpoint says where it is by a map.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py, and held to the
sample of that time.
"""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import NO_ITEMS, Nullable, Object, freeze_maps, merge, null_list, to_nulls

from . import core_v1, discovery_v1, meta_v1


class Endpoint(Object, frozen=True, kw_only=True):
    addresses: Annotated[Nullable[tuple[str, ...]], merge(list_type="set")] = field(default_factory=null_list)
    conditions: discovery_v1.EndpointConditions = field(default_factory=discovery_v1.EndpointConditions)
    hostname: str | None = None
    target_ref: core_v1.ObjectReference | None = None
    topology: dict[str, str] = NO_ITEMS
    node_name: str | None = None
    hints: discovery_v1.EndpointHints | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("topology",))
        to_nulls(self, lists=("addresses",))

    __proto__: ClassVar[dict[str, int]] = {
        "addresses": 1, "conditions": 2, "hints": 7, "hostname": 3, "node_name": 6, "target_ref": 4, "topology": 5,
    }
    __required__: ClassVar[tuple[str, ...]] = ("addresses",)


class EndpointSlice(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "EndpointSlice")
    api_version: str = field(default_factory=lambda: "discovery.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    address_type: str = field(default_factory=str)
    endpoints: Nullable[tuple[Endpoint, ...]] = field(default_factory=null_list)
    ports: Nullable[tuple[discovery_v1.EndpointPort, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("endpoints", "ports"))

    __proto__: ClassVar[dict[str, int]] = {"address_type": 4, "endpoints": 2, "metadata": 1, "ports": 3}
    __required__: ClassVar[tuple[str, ...]] = ("addressType", "endpoints")
