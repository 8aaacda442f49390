"""The types of autoscaling/v2beta1 that are not those of v2: each metric has its targets beside its name.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py.
"""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, Nullable, Object, Quantity, Time, null_list, to_nulls, zero_quantity

from . import meta_v1
from .autoscaling_v2 import CrossVersionObjectReference, HorizontalPodAutoscalerCondition


class ObjectMetricSource(Object, frozen=True, kw_only=True):
    target: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)
    metric_name: str = field(default_factory=str)
    target_value: Quantity = field(default_factory=zero_quantity)
    selector: meta_v1.LabelSelector | None = None
    average_value: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"average_value": 5, "metric_name": 2, "selector": 4, "target": 1, "target_value": 3}


class PodsMetricSource(Object, frozen=True, kw_only=True):
    metric_name: str = field(default_factory=str)
    target_average_value: Quantity = field(default_factory=zero_quantity)
    selector: meta_v1.LabelSelector | None = None

    __proto__: ClassVar[dict[str, int]] = {"metric_name": 1, "selector": 3, "target_average_value": 2}


class ResourceMetricSource(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    target_average_utilization: Int32 | None = None
    target_average_value: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "target_average_utilization": 2, "target_average_value": 3}


class ContainerResourceMetricSource(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    target_average_utilization: Int32 | None = None
    target_average_value: Quantity | None = None
    container: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {
        "container": 4, "name": 1, "target_average_utilization": 2, "target_average_value": 3,
    }


class ExternalMetricSource(Object, frozen=True, kw_only=True):
    metric_name: str = field(default_factory=str)
    metric_selector: meta_v1.LabelSelector | None = None
    target_value: Quantity | None = None
    target_average_value: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {
        "metric_name": 1, "metric_selector": 2, "target_average_value": 4, "target_value": 3,
    }


class MetricSpec(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    object: ObjectMetricSource | None = None
    pods: PodsMetricSource | None = None
    resource: ResourceMetricSource | None = None
    container_resource: ContainerResourceMetricSource | None = None
    external: ExternalMetricSource | None = None

    __proto__: ClassVar[dict[str, int]] = {
        "container_resource": 7, "external": 5, "object": 2, "pods": 3, "resource": 4, "type": 1,
    }
    __required__: ClassVar[tuple[str, ...]] = ("type",)


class HorizontalPodAutoscalerSpec(Object, frozen=True, kw_only=True):
    scale_target_ref: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)
    min_replicas: Int32 | None = None
    max_replicas: Int32 = field(default_factory=int)
    metrics: tuple[MetricSpec, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"max_replicas": 3, "metrics": 4, "min_replicas": 2, "scale_target_ref": 1}
    __required__: ClassVar[tuple[str, ...]] = ("maxReplicas", "scaleTargetRef")


class ObjectMetricStatus(Object, frozen=True, kw_only=True):
    target: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)
    metric_name: str = field(default_factory=str)
    current_value: Quantity = field(default_factory=zero_quantity)
    selector: meta_v1.LabelSelector | None = None
    average_value: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"average_value": 5, "current_value": 3, "metric_name": 2, "selector": 4, "target": 1}


class PodsMetricStatus(Object, frozen=True, kw_only=True):
    metric_name: str = field(default_factory=str)
    current_average_value: Quantity = field(default_factory=zero_quantity)
    selector: meta_v1.LabelSelector | None = None

    __proto__: ClassVar[dict[str, int]] = {"current_average_value": 2, "metric_name": 1, "selector": 3}


class ResourceMetricStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    current_average_utilization: Int32 | None = None
    current_average_value: Quantity = field(default_factory=zero_quantity)

    __proto__: ClassVar[dict[str, int]] = {"current_average_utilization": 2, "current_average_value": 3, "name": 1}


class ContainerResourceMetricStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    current_average_utilization: Int32 | None = None
    current_average_value: Quantity = field(default_factory=zero_quantity)
    container: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {
        "container": 4, "current_average_utilization": 2, "current_average_value": 3, "name": 1,
    }


class ExternalMetricStatus(Object, frozen=True, kw_only=True):
    metric_name: str = field(default_factory=str)
    metric_selector: meta_v1.LabelSelector | None = None
    current_value: Quantity = field(default_factory=zero_quantity)
    current_average_value: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {
        "current_average_value": 4, "current_value": 3, "metric_name": 1, "metric_selector": 2,
    }


class MetricStatus(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    object: ObjectMetricStatus | None = None
    pods: PodsMetricStatus | None = None
    resource: ResourceMetricStatus | None = None
    container_resource: ContainerResourceMetricStatus | None = None
    external: ExternalMetricStatus | None = None

    __proto__: ClassVar[dict[str, int]] = {
        "container_resource": 7, "external": 5, "object": 2, "pods": 3, "resource": 4, "type": 1,
    }


class HorizontalPodAutoscalerStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 | None = None
    last_scale_time: Time = ""
    current_replicas: Int32 = field(default_factory=int)
    desired_replicas: Int32 = field(default_factory=int)
    current_metrics: Nullable[tuple[MetricStatus, ...]] = field(default_factory=null_list)
    conditions: tuple[HorizontalPodAutoscalerCondition, ...] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("current_metrics",))

    __proto__: ClassVar[dict[str, int]] = {
        "conditions": 6, "current_metrics": 5, "current_replicas": 3, "desired_replicas": 4, "last_scale_time": 2,
        "observed_generation": 1,
    }


class HorizontalPodAutoscaler(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "HorizontalPodAutoscaler")
    api_version: str = field(default_factory=lambda: "autoscaling/v2beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: HorizontalPodAutoscalerSpec = field(default_factory=HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = field(default_factory=HorizontalPodAutoscalerStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
