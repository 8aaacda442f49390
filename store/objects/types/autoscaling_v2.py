"""The types of the API group-version autoscaling.v2 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, NullTime, Nullable, Object, Quantity, Time, merge, null_list, null_text, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class MetricTarget(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    value: Quantity | None = None
    average_value: Quantity | None = None
    average_utilization: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"average_utilization": 4, "average_value": 3, "type": 1, "value": 2}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class ContainerResourceMetricSource(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    target: MetricTarget = field(default_factory=MetricTarget)
    container: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"container": 3, "name": 1, "target": 2}
    __required__: ClassVar[tuple[str, ...]] = ('container', 'name', 'target')


class MetricValueStatus(Object, frozen=True, kw_only=True):
    value: Quantity | None = None
    average_value: Quantity | None = None
    average_utilization: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"average_utilization": 3, "average_value": 2, "value": 1}


class ContainerResourceMetricStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    current: MetricValueStatus = field(default_factory=MetricValueStatus)
    container: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"container": 3, "current": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('container', 'current', 'name')


class CrossVersionObjectReference(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)
    api_version: str = ""

    __proto__: ClassVar[dict[str, int]] = {"api_version": 3, "kind": 1, "name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class MetricIdentifier(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    selector: meta_v1.LabelSelector | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "selector": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class ExternalMetricSource(Object, frozen=True, kw_only=True):
    metric: MetricIdentifier = field(default_factory=MetricIdentifier)
    target: MetricTarget = field(default_factory=MetricTarget)

    __proto__: ClassVar[dict[str, int]] = {"metric": 1, "target": 2}
    __required__: ClassVar[tuple[str, ...]] = ('metric', 'target')


class ExternalMetricStatus(Object, frozen=True, kw_only=True):
    metric: MetricIdentifier = field(default_factory=MetricIdentifier)
    current: MetricValueStatus = field(default_factory=MetricValueStatus)

    __proto__: ClassVar[dict[str, int]] = {"current": 2, "metric": 1}
    __required__: ClassVar[tuple[str, ...]] = ('current', 'metric')


class HPAScalingPolicy(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    value: Int32 = field(default_factory=int)
    period_seconds: Int32 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"period_seconds": 3, "type": 1, "value": 2}
    __required__: ClassVar[tuple[str, ...]] = ('periodSeconds', 'type', 'value')


class HPAScalingRules(Object, frozen=True, kw_only=True):
    stabilization_window_seconds: Int32 | None = None
    select_policy: str | None = None
    policies: tuple[HPAScalingPolicy, ...] = ()
    tolerance: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"policies": 2, "select_policy": 1, "stabilization_window_seconds": 3, "tolerance": 4}


class HorizontalPodAutoscalerBehavior(Object, frozen=True, kw_only=True):
    scale_up: HPAScalingRules | None = None
    scale_down: HPAScalingRules | None = None

    __proto__: ClassVar[dict[str, int]] = {"scale_down": 2, "scale_up": 1}


class ObjectMetricSource(Object, frozen=True, kw_only=True):
    described_object: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)
    target: MetricTarget = field(default_factory=MetricTarget)
    metric: MetricIdentifier = field(default_factory=MetricIdentifier)

    __proto__: ClassVar[dict[str, int]] = {"described_object": 1, "metric": 3, "target": 2}
    __required__: ClassVar[tuple[str, ...]] = ('describedObject', 'metric', 'target')


class PodsMetricSource(Object, frozen=True, kw_only=True):
    metric: MetricIdentifier = field(default_factory=MetricIdentifier)
    target: MetricTarget = field(default_factory=MetricTarget)

    __proto__: ClassVar[dict[str, int]] = {"metric": 1, "target": 2}
    __required__: ClassVar[tuple[str, ...]] = ('metric', 'target')


class ResourceMetricSource(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    target: MetricTarget = field(default_factory=MetricTarget)

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "target": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'target')


class MetricSpec(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    object: ObjectMetricSource | None = None
    pods: PodsMetricSource | None = None
    resource: ResourceMetricSource | None = None
    container_resource: ContainerResourceMetricSource | None = None
    external: ExternalMetricSource | None = None

    __proto__: ClassVar[dict[str, int]] = {"container_resource": 7, "external": 5, "object": 2, "pods": 3, "resource": 4, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class HorizontalPodAutoscalerSpec(Object, frozen=True, kw_only=True):
    scale_target_ref: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)
    min_replicas: Int32 | None = None
    max_replicas: Int32 = field(default_factory=int)
    metrics: tuple[MetricSpec, ...] = ()
    behavior: HorizontalPodAutoscalerBehavior | None = None

    __proto__: ClassVar[dict[str, int]] = {"behavior": 5, "max_replicas": 3, "metrics": 4, "min_replicas": 2, "scale_target_ref": 1}
    __required__: ClassVar[tuple[str, ...]] = ('maxReplicas', 'scaleTargetRef')


class HorizontalPodAutoscalerCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""
    observed_generation: Int64 | None = None

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "observed_generation": 6, "reason": 4, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class ObjectMetricStatus(Object, frozen=True, kw_only=True):
    metric: MetricIdentifier = field(default_factory=MetricIdentifier)
    current: MetricValueStatus = field(default_factory=MetricValueStatus)
    described_object: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)

    __proto__: ClassVar[dict[str, int]] = {"current": 2, "described_object": 3, "metric": 1}
    __required__: ClassVar[tuple[str, ...]] = ('current', 'describedObject', 'metric')


class PodsMetricStatus(Object, frozen=True, kw_only=True):
    metric: MetricIdentifier = field(default_factory=MetricIdentifier)
    current: MetricValueStatus = field(default_factory=MetricValueStatus)

    __proto__: ClassVar[dict[str, int]] = {"current": 2, "metric": 1}
    __required__: ClassVar[tuple[str, ...]] = ('current', 'metric')


class ResourceMetricStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    current: MetricValueStatus = field(default_factory=MetricValueStatus)

    __proto__: ClassVar[dict[str, int]] = {"current": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('current', 'name')


class MetricStatus(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    object: ObjectMetricStatus | None = None
    pods: PodsMetricStatus | None = None
    resource: ResourceMetricStatus | None = None
    container_resource: ContainerResourceMetricStatus | None = None
    external: ExternalMetricStatus | None = None

    __proto__: ClassVar[dict[str, int]] = {"container_resource": 7, "external": 5, "object": 2, "pods": 3, "resource": 4, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class HorizontalPodAutoscalerStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 | None = None
    last_scale_time: Time = ""
    current_replicas: Int32 = 0
    desired_replicas: Int32 = field(default_factory=int)
    current_metrics: Nullable[tuple[MetricStatus, ...]] = field(default_factory=null_list)
    conditions: Annotated[tuple[HorizontalPodAutoscalerCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("current_metrics",))

    __proto__: ClassVar[dict[str, int]] = {"conditions": 6, "current_metrics": 5, "current_replicas": 3, "desired_replicas": 4, "last_scale_time": 2, "observed_generation": 1}
    __required__: ClassVar[tuple[str, ...]] = ('desiredReplicas',)


class HorizontalPodAutoscaler(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "HorizontalPodAutoscaler")
    api_version: str = field(default_factory=lambda: "autoscaling/v2", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: HorizontalPodAutoscalerSpec = field(default_factory=HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = field(default_factory=HorizontalPodAutoscalerStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

