"""The types of the API group-version apps.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, IntOrString, NullTime, Object, RawObject, Time, freeze_maps, merge, nothing, null_text, to_nulls

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class EmbeddedPersistentVolumeClaim(core_v1.PersistentVolumeClaim, frozen=True, kw_only=True):
    kind: str = ""
    api_version: str = field(default="", name="apiVersion")


class ControllerRevision(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ControllerRevision")
    api_version: str = field(default_factory=lambda: "apps/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    data: RawObject = field(default_factory=nothing)
    revision: Int64 = field(default_factory=int)

    def __post_init__(self) -> None:
        freeze_maps(self, free=("data",))

    __proto__: ClassVar[dict[str, int]] = {"data": 2, "metadata": 1, "revision": 3}
    __required__: ClassVar[tuple[str, ...]] = ('data',)


class RollingUpdateDaemonSet(Object, frozen=True, kw_only=True):
    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None

    __proto__: ClassVar[dict[str, int]] = {"max_surge": 2, "max_unavailable": 1}


class DaemonSetUpdateStrategy(Object, frozen=True, kw_only=True):
    type: str = ""
    rolling_update: RollingUpdateDaemonSet | None = None

    __proto__: ClassVar[dict[str, int]] = {"rolling_update": 2, "type": 1}


class DaemonSetSpec(Object, frozen=True, kw_only=True):
    selector: meta_v1.LabelSelector | None = field(default_factory=nothing)
    template: core_v1.PodTemplateSpec = field(default_factory=core_v1.PodTemplateSpec)
    update_strategy: DaemonSetUpdateStrategy = field(default_factory=DaemonSetUpdateStrategy)
    min_ready_seconds: Int32 = 0
    revision_history_limit: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"min_ready_seconds": 4, "revision_history_limit": 6, "selector": 1, "template": 2, "update_strategy": 3}
    __required__: ClassVar[tuple[str, ...]] = ('selector', 'template')


class DaemonSetCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "reason": 4, "status": 2, "type": 1}


class DaemonSetStatus(Object, frozen=True, kw_only=True):
    current_number_scheduled: Int32 = field(default_factory=int)
    number_misscheduled: Int32 = field(default_factory=int)
    desired_number_scheduled: Int32 = field(default_factory=int)
    number_ready: Int32 = field(default_factory=int)
    observed_generation: Int64 = 0
    updated_number_scheduled: Int32 = 0
    number_available: Int32 = 0
    number_unavailable: Int32 = 0
    collision_count: Int32 | None = None
    conditions: Annotated[tuple[DaemonSetCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"collision_count": 9, "conditions": 10, "current_number_scheduled": 1, "desired_number_scheduled": 3, "number_available": 7, "number_misscheduled": 2, "number_ready": 4, "number_unavailable": 8, "observed_generation": 5, "updated_number_scheduled": 6}
    __required__: ClassVar[tuple[str, ...]] = ('currentNumberScheduled', 'desiredNumberScheduled', 'numberMisscheduled', 'numberReady')


class DaemonSet(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "DaemonSet")
    api_version: str = field(default_factory=lambda: "apps/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: DaemonSetSpec = field(default_factory=DaemonSetSpec)
    status: DaemonSetStatus = field(default_factory=DaemonSetStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class RollingUpdateDeployment(Object, frozen=True, kw_only=True):
    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None

    __proto__: ClassVar[dict[str, int]] = {"max_surge": 2, "max_unavailable": 1}


class DeploymentStrategy(Object, frozen=True, kw_only=True):
    type: str = ""
    rolling_update: RollingUpdateDeployment | None = None

    __proto__: ClassVar[dict[str, int]] = {"rolling_update": 2, "type": 1}


class DeploymentSpec(Object, frozen=True, kw_only=True):
    replicas: Int32 | None = None
    selector: meta_v1.LabelSelector | None = field(default_factory=nothing)
    template: core_v1.PodTemplateSpec = field(default_factory=core_v1.PodTemplateSpec)
    strategy: Annotated[DeploymentStrategy, merge(patch_strategy='retainKeys')] = field(default_factory=DeploymentStrategy)
    min_ready_seconds: Int32 = 0
    revision_history_limit: Int32 | None = None
    paused: bool = False
    progress_deadline_seconds: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"min_ready_seconds": 5, "paused": 7, "progress_deadline_seconds": 9, "replicas": 1, "revision_history_limit": 6, "selector": 2, "strategy": 4, "template": 3}
    __required__: ClassVar[tuple[str, ...]] = ('selector', 'template')


class DeploymentCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_update_time: NullTime = field(default_factory=null_text)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_update_time", "last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 7, "last_update_time": 6, "message": 5, "reason": 4, "status": 2, "type": 1}


class DeploymentStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 = 0
    replicas: Int32 = 0
    updated_replicas: Int32 = 0
    ready_replicas: Int32 = 0
    available_replicas: Int32 = 0
    unavailable_replicas: Int32 = 0
    terminating_replicas: Int32 | None = None
    conditions: Annotated[tuple[DeploymentCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    collision_count: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"available_replicas": 4, "collision_count": 8, "conditions": 6, "observed_generation": 1, "ready_replicas": 7, "replicas": 2, "terminating_replicas": 9, "unavailable_replicas": 5, "updated_replicas": 3}


class Deployment(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Deployment")
    api_version: str = field(default_factory=lambda: "apps/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: DeploymentSpec = field(default_factory=DeploymentSpec)
    status: DeploymentStatus = field(default_factory=DeploymentStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class ReplicaSetSpec(Object, frozen=True, kw_only=True):
    replicas: Int32 | None = None
    min_ready_seconds: Int32 = 0
    selector: meta_v1.LabelSelector | None = field(default_factory=nothing)
    template: core_v1.PodTemplateSpec = field(default_factory=core_v1.PodTemplateSpec)

    __proto__: ClassVar[dict[str, int]] = {"min_ready_seconds": 4, "replicas": 1, "selector": 2, "template": 3}
    __required__: ClassVar[tuple[str, ...]] = ('selector',)


class ReplicaSetCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "reason": 4, "status": 2, "type": 1}


class ReplicaSetStatus(Object, frozen=True, kw_only=True):
    replicas: Int32 = field(default_factory=int)
    fully_labeled_replicas: Int32 = 0
    ready_replicas: Int32 = 0
    available_replicas: Int32 = 0
    terminating_replicas: Int32 | None = None
    observed_generation: Int64 = 0
    conditions: Annotated[tuple[ReplicaSetCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"available_replicas": 5, "conditions": 6, "fully_labeled_replicas": 2, "observed_generation": 3, "ready_replicas": 4, "replicas": 1, "terminating_replicas": 7}
    __required__: ClassVar[tuple[str, ...]] = ('replicas',)


class ReplicaSet(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ReplicaSet")
    api_version: str = field(default_factory=lambda: "apps/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ReplicaSetSpec = field(default_factory=ReplicaSetSpec)
    status: ReplicaSetStatus = field(default_factory=ReplicaSetStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class RollingUpdateStatefulSetStrategy(Object, frozen=True, kw_only=True):
    partition: Int32 | None = None
    max_unavailable: IntOrString | None = None

    __proto__: ClassVar[dict[str, int]] = {"max_unavailable": 2, "partition": 1}


class StatefulSetOrdinals(Object, frozen=True, kw_only=True):
    start: Int32 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"start": 1}


class StatefulSetPersistentVolumeClaimRetentionPolicy(Object, frozen=True, kw_only=True):
    when_deleted: str = ""
    when_scaled: str = ""

    __proto__: ClassVar[dict[str, int]] = {"when_deleted": 1, "when_scaled": 2}


class StatefulSetUpdateStrategy(Object, frozen=True, kw_only=True):
    type: str = ""
    rolling_update: RollingUpdateStatefulSetStrategy | None = None

    __proto__: ClassVar[dict[str, int]] = {"rolling_update": 2, "type": 1}


class StatefulSetSpec(Object, frozen=True, kw_only=True):
    replicas: Int32 | None = None
    selector: meta_v1.LabelSelector | None = field(default_factory=nothing)
    template: core_v1.PodTemplateSpec = field(default_factory=core_v1.PodTemplateSpec)
    volume_claim_templates: tuple[EmbeddedPersistentVolumeClaim, ...] = ()
    service_name: str = field(default_factory=str)
    pod_management_policy: str = ""
    update_strategy: StatefulSetUpdateStrategy = field(default_factory=StatefulSetUpdateStrategy)
    revision_history_limit: Int32 | None = None
    min_ready_seconds: Int32 = 0
    persistent_volume_claim_retention_policy: StatefulSetPersistentVolumeClaimRetentionPolicy | None = None
    ordinals: StatefulSetOrdinals | None = None

    __proto__: ClassVar[dict[str, int]] = {"min_ready_seconds": 9, "ordinals": 11, "persistent_volume_claim_retention_policy": 10, "pod_management_policy": 6, "replicas": 1, "revision_history_limit": 8, "selector": 2, "service_name": 5, "template": 3, "update_strategy": 7, "volume_claim_templates": 4}
    __required__: ClassVar[tuple[str, ...]] = ('selector', 'template')


class StatefulSetCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "reason": 4, "status": 2, "type": 1}


class StatefulSetStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 = 0
    replicas: Int32 = field(default_factory=int)
    ready_replicas: Int32 = 0
    current_replicas: Int32 = 0
    updated_replicas: Int32 = 0
    current_revision: str = ""
    update_revision: str = ""
    collision_count: Int32 | None = None
    conditions: Annotated[tuple[StatefulSetCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    available_replicas: Int32 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"available_replicas": 11, "collision_count": 9, "conditions": 10, "current_replicas": 4, "current_revision": 6, "observed_generation": 1, "ready_replicas": 3, "replicas": 2, "update_revision": 7, "updated_replicas": 5}
    __required__: ClassVar[tuple[str, ...]] = ('replicas',)


class StatefulSet(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "StatefulSet")
    api_version: str = field(default_factory=lambda: "apps/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: StatefulSetSpec = field(default_factory=StatefulSetSpec)
    status: StatefulSetStatus = field(default_factory=StatefulSetStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

