"""The types of the API group-version storage.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, NO_ITEMS, NullTime, Nullable, Object, Quantity, Time, freeze_maps, merge, null_list, null_text, to_nulls

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class TokenRequest(Object, frozen=True, kw_only=True):
    audience: str = field(default_factory=str)
    expiration_seconds: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"audience": 1, "expiration_seconds": 2}
    __required__: ClassVar[tuple[str, ...]] = ('audience',)


class CSIDriverSpec(Object, frozen=True, kw_only=True):
    attach_required: bool | None = None
    pod_info_on_mount: bool | None = None
    volume_lifecycle_modes: Annotated[tuple[str, ...], merge(list_type="set")] = ()
    storage_capacity: bool | None = None
    fs_group_policy: str | None = None
    token_requests: tuple[TokenRequest, ...] = ()
    requires_republish: bool | None = None
    se_linux_mount: bool | None = None
    node_allocatable_update_period_seconds: Int64 | None = None
    service_account_token_in_secrets: bool | None = None
    prevent_pod_scheduling_if_missing: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"attach_required": 1, "fs_group_policy": 5, "node_allocatable_update_period_seconds": 9, "pod_info_on_mount": 2, "prevent_pod_scheduling_if_missing": 11, "requires_republish": 7, "se_linux_mount": 8, "service_account_token_in_secrets": 10, "storage_capacity": 4, "token_requests": 6, "volume_lifecycle_modes": 3}


class CSIDriver(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "CSIDriver")
    api_version: str = field(default_factory=lambda: "storage.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: CSIDriverSpec = field(default_factory=CSIDriverSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class VolumeNodeResources(Object, frozen=True, kw_only=True):
    count: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"count": 1}


class CSINodeDriver(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    node_id: str = field(default_factory=str, name="nodeID")
    topology_keys: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    allocatable: VolumeNodeResources | None = None

    def __post_init__(self) -> None:
        to_nulls(self, lists=("topology_keys",))

    __proto__: ClassVar[dict[str, int]] = {"allocatable": 4, "name": 1, "node_id": 2, "topology_keys": 3}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'nodeID')


class CSINodeSpec(Object, frozen=True, kw_only=True):
    drivers: Annotated[Nullable[tuple[CSINodeDriver, ...]], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("drivers",))

    __proto__: ClassVar[dict[str, int]] = {"drivers": 1}
    __required__: ClassVar[tuple[str, ...]] = ('drivers',)


class StorageHealthCondition(Object, frozen=True, kw_only=True):
    status: str = field(default_factory=str)
    reason: str = field(default_factory=str)
    message: str = ""
    access_mode: str | None = None
    volume_mode: str | None = None
    last_transition_time: NullTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"access_mode": 4, "last_transition_time": 6, "message": 3, "reason": 2, "status": 1, "volume_mode": 5}
    __required__: ClassVar[tuple[str, ...]] = ('reason', 'status')


class StorageHealth(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    health_conditions: tuple[StorageHealthCondition, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"health_conditions": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class CSINodeStatus(Object, frozen=True, kw_only=True):
    storage_health: Annotated[tuple[StorageHealth, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"storage_health": 1}


class CSINode(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "CSINode")
    api_version: str = field(default_factory=lambda: "storage.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: CSINodeSpec = field(default_factory=CSINodeSpec)
    status: CSINodeStatus = field(default_factory=CSINodeStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class CSIStorageCapacity(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "CSIStorageCapacity")
    api_version: str = field(default_factory=lambda: "storage.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    node_topology: meta_v1.LabelSelector | None = None
    storage_class_name: str = field(default_factory=str)
    capacity: Quantity | None = None
    maximum_volume_size: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"capacity": 4, "maximum_volume_size": 5, "metadata": 1, "node_topology": 2, "storage_class_name": 3}
    __required__: ClassVar[tuple[str, ...]] = ('storageClassName',)


class StorageClass(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "StorageClass")
    api_version: str = field(default_factory=lambda: "storage.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    provisioner: str = field(default_factory=str)
    parameters: dict[str, str] = NO_ITEMS
    reclaim_policy: str | None = None
    mount_options: tuple[str, ...] = ()
    allow_volume_expansion: bool | None = None
    volume_binding_mode: str | None = None
    allowed_topologies: tuple[core_v1.TopologySelectorTerm, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("parameters",))

    __proto__: ClassVar[dict[str, int]] = {"allow_volume_expansion": 6, "allowed_topologies": 8, "metadata": 1, "mount_options": 5, "parameters": 3, "provisioner": 2, "reclaim_policy": 4, "volume_binding_mode": 7}
    __required__: ClassVar[tuple[str, ...]] = ('provisioner',)


class VolumeAttachmentSource(Object, frozen=True, kw_only=True):
    persistent_volume_name: str | None = None
    inline_volume_spec: core_v1.PersistentVolumeSpec | None = None

    __proto__: ClassVar[dict[str, int]] = {"inline_volume_spec": 2, "persistent_volume_name": 1}


class VolumeAttachmentSpec(Object, frozen=True, kw_only=True):
    attacher: str = field(default_factory=str)
    source: VolumeAttachmentSource = field(default_factory=VolumeAttachmentSource)
    node_name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"attacher": 1, "node_name": 3, "source": 2}
    __required__: ClassVar[tuple[str, ...]] = ('attacher', 'nodeName', 'source')


class VolumeError(Object, frozen=True, kw_only=True):
    time: NullTime = field(default_factory=null_text)
    message: str = ""
    error_code: Int32 | None = None

    def __post_init__(self) -> None:
        to_nulls(self, texts=("time",))

    __proto__: ClassVar[dict[str, int]] = {"error_code": 3, "message": 2, "time": 1}


class VolumeAttachmentStatus(Object, frozen=True, kw_only=True):
    attached: bool = field(default_factory=bool)
    attachment_metadata: dict[str, str] = NO_ITEMS
    attach_error: VolumeError | None = None
    detach_error: VolumeError | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("attachment_metadata",))

    __proto__: ClassVar[dict[str, int]] = {"attach_error": 3, "attached": 1, "attachment_metadata": 2, "detach_error": 4}
    __required__: ClassVar[tuple[str, ...]] = ('attached',)


class VolumeAttachment(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "VolumeAttachment")
    api_version: str = field(default_factory=lambda: "storage.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: VolumeAttachmentSpec = field(default_factory=VolumeAttachmentSpec)
    status: VolumeAttachmentStatus = field(default_factory=VolumeAttachmentStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class VolumeAttributesClass(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "VolumeAttributesClass")
    api_version: str = field(default_factory=lambda: "storage.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    driver_name: str = field(default_factory=str)
    parameters: dict[str, str] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("parameters",))

    __proto__: ClassVar[dict[str, int]] = {"driver_name": 2, "metadata": 1, "parameters": 3}
    __required__: ClassVar[tuple[str, ...]] = ('driverName',)

