"""The types of the API group-version node.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import NO_ITEMS, Object, Quantity, freeze_maps, merge

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class Overhead(Object, frozen=True, kw_only=True):
    pod_fixed: dict[str, Quantity] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("pod_fixed",))

    __proto__: ClassVar[dict[str, int]] = {"pod_fixed": 1}


class Scheduling(Object, frozen=True, kw_only=True):
    node_selector: Annotated[dict[str, str], merge(map_type='atomic')] = NO_ITEMS
    tolerations: tuple[core_v1.Toleration, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("node_selector",))

    __proto__: ClassVar[dict[str, int]] = {"node_selector": 1, "tolerations": 2}


class RuntimeClass(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "RuntimeClass")
    api_version: str = field(default_factory=lambda: "node.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    handler: str = field(default_factory=str)
    overhead: Overhead | None = None
    scheduling: Scheduling | None = None

    __proto__: ClassVar[dict[str, int]] = {"handler": 2, "metadata": 1, "overhead": 3, "scheduling": 4}
    __required__: ClassVar[tuple[str, ...]] = ('handler',)

