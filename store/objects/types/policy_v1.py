"""The types of the API group-version policy.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, IntOrString, NO_ITEMS, NullTime, Object, Time, freeze_maps, merge, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class Eviction(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Eviction")
    api_version: str = field(default_factory=lambda: "policy/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    delete_options: meta_v1.DeleteOptions | None = None

    __proto__: ClassVar[dict[str, int]] = {"delete_options": 2, "metadata": 1}


class PodDisruptionBudgetSpec(Object, frozen=True, kw_only=True):
    min_available: IntOrString | None = None
    selector: Annotated[meta_v1.LabelSelector | None, merge(patch_strategy='replace')] = None
    max_unavailable: IntOrString | None = None
    unhealthy_pod_eviction_policy: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"max_unavailable": 3, "min_available": 1, "selector": 2, "unhealthy_pod_eviction_policy": 4}


class PodDisruptionBudgetStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 = 0
    disrupted_pods: dict[str, NullTime] = NO_ITEMS
    disruptions_allowed: Int32 = field(default_factory=int)
    current_healthy: Int32 = field(default_factory=int)
    desired_healthy: Int32 = field(default_factory=int)
    expected_pods: Int32 = field(default_factory=int)
    conditions: Annotated[tuple[meta_v1.Condition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("disrupted_pods",))
        to_nulls(self, maps=("disrupted_pods",))

    __proto__: ClassVar[dict[str, int]] = {"conditions": 7, "current_healthy": 4, "desired_healthy": 5, "disrupted_pods": 2, "disruptions_allowed": 3, "expected_pods": 6, "observed_generation": 1}


class PodDisruptionBudget(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodDisruptionBudget")
    api_version: str = field(default_factory=lambda: "policy/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PodDisruptionBudgetSpec = field(default_factory=PodDisruptionBudgetSpec)
    status: PodDisruptionBudgetStatus = field(default_factory=PodDisruptionBudgetStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}

