"""The types of the API group-version metrics.v1beta1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Duration, NullTime, Nullable, Object, Quantity, ReadOnlyDict, Time, freeze_maps, null_list, null_text, to_nulls, zero_duration

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class ContainerMetrics(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    usage: dict[str, Quantity] = field(default_factory=ReadOnlyDict)

    def __post_init__(self) -> None:
        freeze_maps(self, written=("usage",))

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "usage": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'usage')


class NodeMetrics(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "NodeMetrics")
    api_version: str = field(default_factory=lambda: "metrics.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    timestamp: NullTime = field(default_factory=null_text)
    window: Duration = field(default_factory=zero_duration)
    usage: dict[str, Quantity] = field(default_factory=ReadOnlyDict)

    def __post_init__(self) -> None:
        freeze_maps(self, written=("usage",))
        to_nulls(self, texts=("timestamp",))

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "timestamp": 2, "usage": 4, "window": 3}
    __required__: ClassVar[tuple[str, ...]] = ('timestamp', 'usage', 'window')


class PodMetrics(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodMetrics")
    api_version: str = field(default_factory=lambda: "metrics.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    timestamp: NullTime = field(default_factory=null_text)
    window: Duration = field(default_factory=zero_duration)
    containers: Nullable[tuple[ContainerMetrics, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("containers",), texts=("timestamp",))

    __proto__: ClassVar[dict[str, int]] = {"containers": 4, "metadata": 1, "timestamp": 2, "window": 3}
    __required__: ClassVar[tuple[str, ...]] = ('containers', 'timestamp', 'window')

