"""The types of the API group-version autoscaling.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Any, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, Object, Time

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class CrossVersionObjectReference(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)
    api_version: str = ""

    __proto__: ClassVar[dict[str, int]] = {"api_version": 3, "kind": 1, "name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class HorizontalPodAutoscalerSpec(Object, frozen=True, kw_only=True):
    scale_target_ref: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)
    min_replicas: Int32 | None = None
    max_replicas: Int32 = field(default_factory=int)
    target_cpu_utilization_percentage: Int32 | None = field(default=None, name="targetCPUUtilizationPercentage")

    __proto__: ClassVar[dict[str, int]] = {"max_replicas": 3, "min_replicas": 2, "scale_target_ref": 1, "target_cpu_utilization_percentage": 4}
    __required__: ClassVar[tuple[str, ...]] = ('maxReplicas', 'scaleTargetRef')


class HorizontalPodAutoscalerStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 | None = None
    last_scale_time: Time = ""
    current_replicas: Int32 = field(default_factory=int)
    desired_replicas: Int32 = field(default_factory=int)
    current_cpu_utilization_percentage: Int32 | None = field(default=None, name="currentCPUUtilizationPercentage")

    __proto__: ClassVar[dict[str, int]] = {"current_cpu_utilization_percentage": 5, "current_replicas": 3, "desired_replicas": 4, "last_scale_time": 2, "observed_generation": 1}
    __required__: ClassVar[tuple[str, ...]] = ('currentReplicas', 'desiredReplicas')


class HorizontalPodAutoscaler(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "HorizontalPodAutoscaler")
    api_version: str = field(default_factory=lambda: "autoscaling/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: HorizontalPodAutoscalerSpec = field(default_factory=HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = field(default_factory=HorizontalPodAutoscalerStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class ScaleSpec(Object, frozen=True, kw_only=True):
    replicas: Int32 = 0

    __proto__: ClassVar[dict[str, int]] = {"replicas": 1}
    __defaults__: ClassVar[dict[str, Any]] = {'replicas': 0}


class ScaleStatus(Object, frozen=True, kw_only=True):
    replicas: Int32 = field(default_factory=int)
    selector: str = ""

    __proto__: ClassVar[dict[str, int]] = {"replicas": 1, "selector": 2}
    __required__: ClassVar[tuple[str, ...]] = ('replicas',)


class Scale(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Scale")
    api_version: str = field(default_factory=lambda: "autoscaling/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ScaleSpec = field(default_factory=ScaleSpec)
    status: ScaleStatus = field(default_factory=ScaleStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}

