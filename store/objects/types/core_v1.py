"""The types of the API group-version core.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, Any, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Base64, Int32, Int64, IntOrString, MicroTime, NO_ITEMS, NullMicroTime, NullTime, Nullable, Object, Quantity, Time, freeze_maps, merge, nothing, null_list, null_text, to_nulls, zero_quantity

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class AWSElasticBlockStoreVolumeSource(Object, frozen=True, kw_only=True):
    volume_id: str = field(default_factory=str, name="volumeID")
    fs_type: str = ""
    partition: Int32 = 0
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "partition": 3, "read_only": 4, "volume_id": 1}
    __required__: ClassVar[tuple[str, ...]] = ('volumeID',)


class NodeSelectorRequirement(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    operator: str = field(default_factory=str)
    values: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "operator": 2, "values": 3}
    __required__: ClassVar[tuple[str, ...]] = ('key', 'operator')


class NodeSelectorTerm(Object, frozen=True, kw_only=True):
    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"match_expressions": 1, "match_fields": 2}


class NodeSelector(Object, frozen=True, kw_only=True):
    node_selector_terms: Nullable[tuple[NodeSelectorTerm, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("node_selector_terms",))

    __proto__: ClassVar[dict[str, int]] = {"node_selector_terms": 1}
    __required__: ClassVar[tuple[str, ...]] = ('nodeSelectorTerms',)


class PreferredSchedulingTerm(Object, frozen=True, kw_only=True):
    weight: Int32 = field(default_factory=int)
    preference: NodeSelectorTerm = field(default_factory=NodeSelectorTerm)

    __proto__: ClassVar[dict[str, int]] = {"preference": 2, "weight": 1}
    __required__: ClassVar[tuple[str, ...]] = ('preference', 'weight')


class NodeAffinity(Object, frozen=True, kw_only=True):
    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"preferred_during_scheduling_ignored_during_execution": 2, "required_during_scheduling_ignored_during_execution": 1}


class PodAffinityTerm(Object, frozen=True, kw_only=True):
    label_selector: meta_v1.LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    topology_key: str = field(default_factory=str)
    namespace_selector: meta_v1.LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"label_selector": 1, "match_label_keys": 5, "mismatch_label_keys": 6, "namespace_selector": 4, "namespaces": 2, "topology_key": 3}
    __required__: ClassVar[tuple[str, ...]] = ('topologyKey',)


class WeightedPodAffinityTerm(Object, frozen=True, kw_only=True):
    weight: Int32 = field(default_factory=int)
    pod_affinity_term: PodAffinityTerm = field(default_factory=PodAffinityTerm)

    __proto__: ClassVar[dict[str, int]] = {"pod_affinity_term": 2, "weight": 1}
    __required__: ClassVar[tuple[str, ...]] = ('podAffinityTerm', 'weight')


class PodAffinity(Object, frozen=True, kw_only=True):
    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"preferred_during_scheduling_ignored_during_execution": 2, "required_during_scheduling_ignored_during_execution": 1}


class PodAntiAffinity(Object, frozen=True, kw_only=True):
    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"preferred_during_scheduling_ignored_during_execution": 2, "required_during_scheduling_ignored_during_execution": 1}


class Affinity(Object, frozen=True, kw_only=True):
    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAntiAffinity | None = None

    __proto__: ClassVar[dict[str, int]] = {"node_affinity": 1, "pod_affinity": 2, "pod_anti_affinity": 3}


class AppArmorProfile(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    localhost_profile: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"localhost_profile": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class AttachedVolume(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    device_path: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"device_path": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('devicePath', 'name')


class AzureDiskVolumeSource(Object, frozen=True, kw_only=True):
    disk_name: str = field(default_factory=str)
    disk_uri: str = field(default_factory=str, name="diskURI")
    caching_mode: str | None = None
    fs_type: str | None = None
    read_only: bool | None = None
    kind: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"caching_mode": 3, "disk_name": 1, "disk_uri": 2, "fs_type": 4, "kind": 6, "read_only": 5}
    __required__: ClassVar[tuple[str, ...]] = ('diskName', 'diskURI')
    __defaults__: ClassVar[dict[str, Any]] = {'cachingMode': 'ReadWrite', 'fsType': 'ext4', 'readOnly': False, 'kind': 'Shared'}


class AzureFilePersistentVolumeSource(Object, frozen=True, kw_only=True):
    secret_name: str = field(default_factory=str)
    share_name: str = field(default_factory=str)
    read_only: bool = False
    secret_namespace: str | None = field(default_factory=nothing)

    __proto__: ClassVar[dict[str, int]] = {"read_only": 3, "secret_name": 1, "secret_namespace": 4, "share_name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('secretName', 'shareName')


class AzureFileVolumeSource(Object, frozen=True, kw_only=True):
    secret_name: str = field(default_factory=str)
    share_name: str = field(default_factory=str)
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"read_only": 3, "secret_name": 1, "share_name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('secretName', 'shareName')


class ObjectReference(Object, frozen=True, kw_only=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    resource_version: str = ""
    field_path: str = ""

    __proto__: ClassVar[dict[str, int]] = {"api_version": 5, "field_path": 7, "kind": 1, "name": 3, "namespace": 2, "resource_version": 6, "uid": 4}


class Binding(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Binding")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    target: ObjectReference = field(default_factory=ObjectReference)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "target": 2}
    __required__: ClassVar[tuple[str, ...]] = ('target',)


class SecretReference(Object, frozen=True, kw_only=True):
    name: str = ""
    namespace: str = ""

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "namespace": 2}


class CSIPersistentVolumeSource(Object, frozen=True, kw_only=True):
    driver: str = field(default_factory=str)
    volume_handle: str = field(default_factory=str)
    read_only: bool = False
    fs_type: str = ""
    volume_attributes: dict[str, str] = NO_ITEMS
    controller_publish_secret_ref: SecretReference | None = None
    node_stage_secret_ref: SecretReference | None = None
    node_publish_secret_ref: SecretReference | None = None
    controller_expand_secret_ref: SecretReference | None = None
    node_expand_secret_ref: SecretReference | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("volume_attributes",))

    __proto__: ClassVar[dict[str, int]] = {"controller_expand_secret_ref": 9, "controller_publish_secret_ref": 6, "driver": 1, "fs_type": 4, "node_expand_secret_ref": 10, "node_publish_secret_ref": 8, "node_stage_secret_ref": 7, "read_only": 3, "volume_attributes": 5, "volume_handle": 2}
    __required__: ClassVar[tuple[str, ...]] = ('driver', 'volumeHandle')


class LocalObjectReference(Object, frozen=True, kw_only=True):
    name: str = ""

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class CSIVolumeSource(Object, frozen=True, kw_only=True):
    driver: str = field(default_factory=str)
    read_only: bool | None = None
    fs_type: str | None = None
    volume_attributes: dict[str, str] = NO_ITEMS
    node_publish_secret_ref: LocalObjectReference | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("volume_attributes",))

    __proto__: ClassVar[dict[str, int]] = {"driver": 1, "fs_type": 3, "node_publish_secret_ref": 5, "read_only": 2, "volume_attributes": 4}
    __required__: ClassVar[tuple[str, ...]] = ('driver',)


class Capabilities(Object, frozen=True, kw_only=True):
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"add": 1, "drop": 2}


class CephFSPersistentVolumeSource(Object, frozen=True, kw_only=True):
    monitors: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    path: str = ""
    user: str = ""
    secret_file: str = ""
    secret_ref: SecretReference | None = None
    read_only: bool = False

    def __post_init__(self) -> None:
        to_nulls(self, lists=("monitors",))

    __proto__: ClassVar[dict[str, int]] = {"monitors": 1, "path": 2, "read_only": 6, "secret_file": 4, "secret_ref": 5, "user": 3}
    __required__: ClassVar[tuple[str, ...]] = ('monitors',)


class CephFSVolumeSource(Object, frozen=True, kw_only=True):
    monitors: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    path: str = ""
    user: str = ""
    secret_file: str = ""
    secret_ref: LocalObjectReference | None = None
    read_only: bool = False

    def __post_init__(self) -> None:
        to_nulls(self, lists=("monitors",))

    __proto__: ClassVar[dict[str, int]] = {"monitors": 1, "path": 2, "read_only": 6, "secret_file": 4, "secret_ref": 5, "user": 3}
    __required__: ClassVar[tuple[str, ...]] = ('monitors',)


class CinderPersistentVolumeSource(Object, frozen=True, kw_only=True):
    volume_id: str = field(default_factory=str, name="volumeID")
    fs_type: str = ""
    read_only: bool = False
    secret_ref: SecretReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "read_only": 3, "secret_ref": 4, "volume_id": 1}
    __required__: ClassVar[tuple[str, ...]] = ('volumeID',)


class CinderVolumeSource(Object, frozen=True, kw_only=True):
    volume_id: str = field(default_factory=str, name="volumeID")
    fs_type: str = ""
    read_only: bool = False
    secret_ref: LocalObjectReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "read_only": 3, "secret_ref": 4, "volume_id": 1}
    __required__: ClassVar[tuple[str, ...]] = ('volumeID',)


class ClientIPConfig(Object, frozen=True, kw_only=True):
    timeout_seconds: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"timeout_seconds": 1}


class ClusterTrustBundleProjection(Object, frozen=True, kw_only=True):
    name: str | None = None
    signer_name: str | None = None
    label_selector: meta_v1.LabelSelector | None = None
    optional: bool | None = None
    path: str = field(default_factory=str)
    user: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"label_selector": 3, "name": 1, "optional": 5, "path": 4, "signer_name": 2, "user": 6}
    __required__: ClassVar[tuple[str, ...]] = ('path',)


class ComponentCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    message: str = ""
    error: str = ""

    __proto__: ClassVar[dict[str, int]] = {"error": 4, "message": 3, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class ComponentStatus(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ComponentStatus")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    conditions: Annotated[tuple[ComponentCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 2, "metadata": 1}


class ConfigMap(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ConfigMap")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    immutable: bool | None = None
    data: dict[str, str] = NO_ITEMS
    binary_data: dict[str, Base64] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("binary_data", "data",))

    __proto__: ClassVar[dict[str, int]] = {"binary_data": 3, "data": 2, "immutable": 4, "metadata": 1}


class ConfigMapEnvSource(Object, frozen=True, kw_only=True):
    name: str = ""
    optional: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"optional": 2, "*localObjectReference": 1}
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class ConfigMapKeySelector(Object, frozen=True, kw_only=True):
    name: str = ""
    key: str = field(default_factory=str)
    optional: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"key": 2, "optional": 3, "*localObjectReference": 1}
    __required__: ClassVar[tuple[str, ...]] = ('key',)
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class ConfigMapNodeConfigSource(Object, frozen=True, kw_only=True):
    namespace: str = field(default_factory=str)
    name: str = field(default_factory=str)
    uid: str = ""
    resource_version: str = ""
    kubelet_config_key: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"kubelet_config_key": 5, "name": 2, "namespace": 1, "resource_version": 4, "uid": 3}
    __required__: ClassVar[tuple[str, ...]] = ('kubeletConfigKey', 'name', 'namespace')


class KeyToPath(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    path: str = field(default_factory=str)
    mode: Int32 | None = None
    user: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "mode": 3, "path": 2, "user": 4}
    __required__: ClassVar[tuple[str, ...]] = ('key', 'path')


class ConfigMapProjection(Object, frozen=True, kw_only=True):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"items": 2, "optional": 4, "*localObjectReference": 1}
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class ConfigMapVolumeSource(Object, frozen=True, kw_only=True):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: Int32 | None = None
    optional: bool | None = None
    default_user: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"default_mode": 3, "default_user": 5, "items": 2, "optional": 4, "*localObjectReference": 1}
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class ContainerPort(Object, frozen=True, kw_only=True):
    name: str = ""
    host_port: Int32 = 0
    container_port: Int32 = field(default_factory=int)
    protocol: str = ""
    host_ip: str = field(default="", name="hostIP")

    __proto__: ClassVar[dict[str, int]] = {"container_port": 3, "host_ip": 5, "host_port": 2, "name": 1, "protocol": 4}
    __required__: ClassVar[tuple[str, ...]] = ('containerPort',)
    __defaults__: ClassVar[dict[str, Any]] = {'protocol': 'TCP'}


class ContainerResizePolicy(Object, frozen=True, kw_only=True):
    resource_name: str = field(default_factory=str)
    restart_policy: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"resource_name": 1, "restart_policy": 2}
    __required__: ClassVar[tuple[str, ...]] = ('resourceName', 'restartPolicy')


class ContainerRestartRuleOnExitCodes(Object, frozen=True, kw_only=True):
    operator: str = ""
    values: Annotated[tuple[Int32, ...], merge(list_type="set")] = ()

    __proto__: ClassVar[dict[str, int]] = {"operator": 1, "values": 2}
    __required__: ClassVar[tuple[str, ...]] = ('operator',)


class ContainerRestartRule(Object, frozen=True, kw_only=True):
    action: str = ""
    exit_codes: ContainerRestartRuleOnExitCodes | None = None

    __proto__: ClassVar[dict[str, int]] = {"action": 1, "exit_codes": 2}
    __required__: ClassVar[tuple[str, ...]] = ('action',)


class SecretEnvSource(Object, frozen=True, kw_only=True):
    name: str = ""
    optional: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"optional": 2, "*localObjectReference": 1}
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class EnvFromSource(Object, frozen=True, kw_only=True):
    prefix: str = ""
    config_map_ref: ConfigMapEnvSource | None = None
    secret_ref: SecretEnvSource | None = None

    __proto__: ClassVar[dict[str, int]] = {"config_map_ref": 2, "prefix": 1, "secret_ref": 3}


class FileKeySelector(Object, frozen=True, kw_only=True):
    volume_name: str = field(default_factory=str)
    path: str = field(default_factory=str)
    key: str = field(default_factory=str)
    optional: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"key": 3, "optional": 4, "path": 2, "volume_name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('key', 'path', 'volumeName')
    __defaults__: ClassVar[dict[str, Any]] = {'optional': False}


class ObjectFieldSelector(Object, frozen=True, kw_only=True):
    api_version: str = ""
    field_path: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"api_version": 1, "field_path": 2}
    __required__: ClassVar[tuple[str, ...]] = ('fieldPath',)


class ResourceFieldSelector(Object, frozen=True, kw_only=True):
    container_name: str = ""
    resource: str = field(default_factory=str)
    divisor: Quantity = field(default_factory=zero_quantity)

    __proto__: ClassVar[dict[str, int]] = {"container_name": 1, "divisor": 3, "resource": 2}
    __required__: ClassVar[tuple[str, ...]] = ('resource',)


class SecretKeySelector(Object, frozen=True, kw_only=True):
    name: str = ""
    key: str = field(default_factory=str)
    optional: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"key": 2, "optional": 3, "*localObjectReference": 1}
    __required__: ClassVar[tuple[str, ...]] = ('key',)
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class EnvVarSource(Object, frozen=True, kw_only=True):
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: ConfigMapKeySelector | None = None
    secret_key_ref: SecretKeySelector | None = None
    file_key_ref: FileKeySelector | None = None

    __proto__: ClassVar[dict[str, int]] = {"config_map_key_ref": 3, "field_ref": 1, "file_key_ref": 5, "resource_field_ref": 2, "secret_key_ref": 4}


class EnvVar(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    value: str = ""
    value_from: EnvVarSource | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "value": 2, "value_from": 3}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class ExecAction(Object, frozen=True, kw_only=True):
    command: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"command": 1}


class HTTPHeader(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    value: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "value": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'value')


class HTTPGetAction(Object, frozen=True, kw_only=True):
    path: str = ""
    port: IntOrString = field(default_factory=int)
    host: str = ""
    scheme: str = ""
    http_headers: tuple[HTTPHeader, ...] = ()
    protocol: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"host": 3, "http_headers": 5, "path": 1, "port": 2, "protocol": 6, "scheme": 4}
    __required__: ClassVar[tuple[str, ...]] = ('port',)


class SleepAction(Object, frozen=True, kw_only=True):
    seconds: Int64 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"seconds": 1}
    __required__: ClassVar[tuple[str, ...]] = ('seconds',)


class TCPSocketAction(Object, frozen=True, kw_only=True):
    port: IntOrString = field(default_factory=int)
    host: str = ""

    __proto__: ClassVar[dict[str, int]] = {"host": 2, "port": 1}
    __required__: ClassVar[tuple[str, ...]] = ('port',)


class LifecycleHandler(Object, frozen=True, kw_only=True):
    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None

    __proto__: ClassVar[dict[str, int]] = {"exec": 1, "http_get": 2, "sleep": 4, "tcp_socket": 3}


class Lifecycle(Object, frozen=True, kw_only=True):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"post_start": 1, "pre_stop": 2, "stop_signal": 3}


class GRPCAction(Object, frozen=True, kw_only=True):
    port: Int32 = field(default_factory=int)
    service: str | None = field(default_factory=nothing)
    mode: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"mode": 3, "port": 1, "service": 2}
    __required__: ClassVar[tuple[str, ...]] = ('port',)
    __defaults__: ClassVar[dict[str, Any]] = {'service': ''}


class Probe(Object, frozen=True, kw_only=True):
    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: Int32 = 0
    timeout_seconds: Int32 = 0
    period_seconds: Int32 = 0
    success_threshold: Int32 = 0
    failure_threshold: Int32 = 0
    termination_grace_period_seconds: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"failure_threshold": 6, "initial_delay_seconds": 2, "period_seconds": 4, "success_threshold": 5, "termination_grace_period_seconds": 7, "timeout_seconds": 3, "*handler": 1}


class ResourceClaim(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    request: str = ""

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "request": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class ResourceRequirements(Object, frozen=True, kw_only=True):
    limits: dict[str, Quantity] = NO_ITEMS
    requests: dict[str, Quantity] = NO_ITEMS
    claims: Annotated[tuple[ResourceClaim, ...], merge(list_map_keys=('name',))] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("limits", "requests",))

    __proto__: ClassVar[dict[str, int]] = {"claims": 3, "limits": 1, "requests": 2}


class SELinuxOptions(Object, frozen=True, kw_only=True):
    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""

    __proto__: ClassVar[dict[str, int]] = {"level": 4, "role": 2, "type": 3, "user": 1}


class SeccompProfile(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    localhost_profile: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"localhost_profile": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class WindowsSecurityContextOptions(Object, frozen=True, kw_only=True):
    gmsa_credential_spec_name: str | None = None
    gmsa_credential_spec: str | None = None
    run_as_user_name: str | None = None
    host_process: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"gmsa_credential_spec": 2, "gmsa_credential_spec_name": 1, "host_process": 4, "run_as_user_name": 3}


class SecurityContext(Object, frozen=True, kw_only=True):
    capabilities: Capabilities | None = None
    privileged: bool | None = None
    se_linux_options: SELinuxOptions | None = None
    windows_options: WindowsSecurityContextOptions | None = None
    run_as_user: Int64 | None = None
    run_as_group: Int64 | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None
    proc_mount: str | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None

    __proto__: ClassVar[dict[str, int]] = {"allow_privilege_escalation": 7, "app_armor_profile": 12, "capabilities": 1, "privileged": 2, "proc_mount": 9, "read_only_root_filesystem": 6, "run_as_group": 8, "run_as_non_root": 5, "run_as_user": 4, "se_linux_options": 3, "seccomp_profile": 11, "windows_options": 10}


class VolumeDevice(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    device_path: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"device_path": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('devicePath', 'name')


class VolumeMount(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    read_only: bool = False
    recursive_read_only: str | None = None
    mount_path: str = field(default_factory=str)
    sub_path: str = ""
    mount_propagation: str | None = None
    sub_path_expr: str = ""
    bind_mount_options: Annotated[tuple[str, ...], merge(list_type="set")] = ()

    __proto__: ClassVar[dict[str, int]] = {"bind_mount_options": 8, "mount_path": 3, "mount_propagation": 5, "name": 1, "read_only": 2, "recursive_read_only": 7, "sub_path": 4, "sub_path_expr": 6}
    __required__: ClassVar[tuple[str, ...]] = ('mountPath', 'name')


class Container(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: Annotated[tuple[ContainerPort, ...], merge(list_map_keys=('containerPort', 'protocol'), patch_merge_key='containerPort', patch_strategy='merge')] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    env: Annotated[tuple[EnvVar, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    resources: ResourceRequirements = field(default_factory=ResourceRequirements)
    resize_policy: tuple[ContainerResizePolicy, ...] = ()
    restart_policy: str | None = None
    restart_policy_rules: tuple[ContainerRestartRule, ...] = ()
    volume_mounts: Annotated[tuple[VolumeMount, ...], merge(list_map_keys=('mountPath',), patch_merge_key='mountPath', patch_strategy='merge')] = ()
    volume_devices: Annotated[tuple[VolumeDevice, ...], merge(list_map_keys=('devicePath',), patch_merge_key='devicePath', patch_strategy='merge')] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: str = ""
    termination_message_policy: str = ""
    image_pull_policy: str = ""
    security_context: SecurityContext | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False

    __proto__: ClassVar[dict[str, int]] = {"args": 4, "command": 3, "env": 7, "env_from": 19, "image": 2, "image_pull_policy": 14, "lifecycle": 12, "liveness_probe": 10, "name": 1, "ports": 6, "readiness_probe": 11, "resize_policy": 23, "resources": 8, "restart_policy": 24, "restart_policy_rules": 25, "security_context": 15, "startup_probe": 22, "stdin": 16, "stdin_once": 17, "termination_message_path": 13, "termination_message_policy": 20, "tty": 18, "volume_devices": 21, "volume_mounts": 9, "working_dir": 5}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class ContainerExtendedResourceRequest(Object, frozen=True, kw_only=True):
    container_name: str = field(default_factory=str)
    resource_name: str = field(default_factory=str)
    request_name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"container_name": 1, "request_name": 3, "resource_name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('containerName', 'requestName', 'resourceName')


class ContainerImage(Object, frozen=True, kw_only=True):
    names: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    size_bytes: Int64 = 0

    def __post_init__(self) -> None:
        to_nulls(self, lists=("names",))

    __proto__: ClassVar[dict[str, int]] = {"names": 1, "size_bytes": 2}


class ContainerStateRunning(Object, frozen=True, kw_only=True):
    started_at: NullTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("started_at",))

    __proto__: ClassVar[dict[str, int]] = {"started_at": 1}


class ContainerStateTerminated(Object, frozen=True, kw_only=True):
    exit_code: Int32 = field(default_factory=int)
    signal: Int32 = 0
    reason: str = ""
    message: str = ""
    started_at: NullTime = field(default_factory=null_text)
    finished_at: NullTime = field(default_factory=null_text)
    container_id: str = field(default="", name="containerID")

    def __post_init__(self) -> None:
        to_nulls(self, texts=("started_at", "finished_at",))

    __proto__: ClassVar[dict[str, int]] = {"container_id": 7, "exit_code": 1, "finished_at": 6, "message": 4, "reason": 3, "signal": 2, "started_at": 5}
    __required__: ClassVar[tuple[str, ...]] = ('exitCode',)


class ContainerStateWaiting(Object, frozen=True, kw_only=True):
    reason: str = ""
    message: str = ""

    __proto__: ClassVar[dict[str, int]] = {"message": 2, "reason": 1}


class ContainerState(Object, frozen=True, kw_only=True):
    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None

    __proto__: ClassVar[dict[str, int]] = {"running": 2, "terminated": 3, "waiting": 1}


class LinuxContainerUser(Object, frozen=True, kw_only=True):
    uid: Int64 = field(default_factory=int)
    gid: Int64 = field(default_factory=int)
    supplemental_groups: tuple[Int64, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"gid": 2, "supplemental_groups": 3, "uid": 1}
    __required__: ClassVar[tuple[str, ...]] = ('gid', 'uid')


class ContainerUser(Object, frozen=True, kw_only=True):
    linux: LinuxContainerUser | None = None

    __proto__: ClassVar[dict[str, int]] = {"linux": 1}


class ResourceHealth(Object, frozen=True, kw_only=True):
    resource_id: str = field(default_factory=str, name="resourceID")
    health: str = ""
    message: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"health": 2, "message": 6, "resource_id": 1}
    __required__: ClassVar[tuple[str, ...]] = ('resourceID',)


class ResourceStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    resources: Annotated[tuple[ResourceHealth, ...], merge(list_map_keys=('resourceID',))] = ()

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "resources": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class ImageVolumeStatus(Object, frozen=True, kw_only=True):
    image_ref: str = ""

    __proto__: ClassVar[dict[str, int]] = {"image_ref": 1}
    __required__: ClassVar[tuple[str, ...]] = ('imageRef',)


class VolumeStatus(Object, frozen=True, kw_only=True):
    image: ImageVolumeStatus | None = None

    __proto__: ClassVar[dict[str, int]] = {"image": 1}


class VolumeMountStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    mount_path: str = field(default_factory=str)
    read_only: bool = False
    recursive_read_only: str | None = None
    volume_status: VolumeStatus | None = None

    __proto__: ClassVar[dict[str, int]] = {"mount_path": 2, "name": 1, "read_only": 3, "recursive_read_only": 4, "volume_status": 5}
    __required__: ClassVar[tuple[str, ...]] = ('mountPath', 'name')


class ContainerStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    state: ContainerState = field(default_factory=ContainerState)
    last_state: ContainerState = field(default_factory=ContainerState)
    ready: bool = field(default_factory=bool)
    restart_count: Int32 = field(default_factory=int)
    image: str = field(default_factory=str)
    image_id: str = field(default_factory=str, name="imageID")
    container_id: str = field(default="", name="containerID")
    started: bool | None = None
    allocated_resources: dict[str, Quantity] = NO_ITEMS
    resources: ResourceRequirements | None = None
    volume_mounts: Annotated[tuple[VolumeMountStatus, ...], merge(list_map_keys=('mountPath',), patch_merge_key='mountPath', patch_strategy='merge')] = ()
    user: ContainerUser | None = None
    allocated_resources_status: Annotated[tuple[ResourceStatus, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    stop_signal: str | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("allocated_resources",))

    __proto__: ClassVar[dict[str, int]] = {"allocated_resources": 10, "allocated_resources_status": 14, "container_id": 8, "image": 6, "image_id": 7, "last_state": 3, "name": 1, "ready": 4, "resources": 11, "restart_count": 5, "started": 9, "state": 2, "stop_signal": 15, "user": 13, "volume_mounts": 12}
    __required__: ClassVar[tuple[str, ...]] = ('image', 'imageID', 'name', 'ready', 'restartCount')


class DaemonEndpoint(Object, frozen=True, kw_only=True):
    port: Int32 = field(default_factory=int, name="Port")

    __proto__: ClassVar[dict[str, int]] = {"port": 1}
    __required__: ClassVar[tuple[str, ...]] = ('Port',)


class DownwardAPIVolumeFile(Object, frozen=True, kw_only=True):
    path: str = field(default_factory=str)
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: Int32 | None = None
    user: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"field_ref": 2, "mode": 4, "path": 1, "resource_field_ref": 3, "user": 5}
    __required__: ClassVar[tuple[str, ...]] = ('path',)


class DownwardAPIProjection(Object, frozen=True, kw_only=True):
    items: tuple[DownwardAPIVolumeFile, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"items": 1}


class DownwardAPIVolumeSource(Object, frozen=True, kw_only=True):
    items: tuple[DownwardAPIVolumeFile, ...] = ()
    default_mode: Int32 | None = None
    default_user: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"default_mode": 2, "default_user": 3, "items": 1}


class EmptyDirVolumeSource(Object, frozen=True, kw_only=True):
    medium: str = ""
    size_limit: Quantity | None = None
    mode: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {"medium": 1, "mode": 3, "size_limit": 2}


class EndpointAddress(Object, frozen=True, kw_only=True):
    ip: str = field(default_factory=str)
    hostname: str = ""
    node_name: str | None = None
    target_ref: ObjectReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"hostname": 3, "ip": 1, "node_name": 4, "target_ref": 2}
    __required__: ClassVar[tuple[str, ...]] = ('ip',)


class EndpointPort(Object, frozen=True, kw_only=True):
    name: str = ""
    port: Int32 = field(default_factory=int)
    protocol: str = ""
    app_protocol: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"app_protocol": 4, "name": 1, "port": 2, "protocol": 3}
    __required__: ClassVar[tuple[str, ...]] = ('port',)


class EndpointSubset(Object, frozen=True, kw_only=True):
    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointPort, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"addresses": 1, "not_ready_addresses": 2, "ports": 3}


class Endpoints(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Endpoints")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    subsets: tuple[EndpointSubset, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "subsets": 2}


class EphemeralContainer(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: Annotated[tuple[ContainerPort, ...], merge(list_map_keys=('containerPort', 'protocol'), patch_merge_key='containerPort', patch_strategy='merge')] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    env: Annotated[tuple[EnvVar, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    resources: ResourceRequirements = field(default_factory=ResourceRequirements)
    resize_policy: tuple[ContainerResizePolicy, ...] = ()
    restart_policy: str | None = None
    restart_policy_rules: tuple[ContainerRestartRule, ...] = ()
    volume_mounts: Annotated[tuple[VolumeMount, ...], merge(list_map_keys=('mountPath',), patch_merge_key='mountPath', patch_strategy='merge')] = ()
    volume_devices: Annotated[tuple[VolumeDevice, ...], merge(list_map_keys=('devicePath',), patch_merge_key='devicePath', patch_strategy='merge')] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: str = ""
    termination_message_policy: str = ""
    image_pull_policy: str = ""
    security_context: SecurityContext | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    target_container_name: str = ""

    __proto__: ClassVar[dict[str, int]] = {"target_container_name": 2, "*ephemeralContainerCommon": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class TypedLocalObjectReference(Object, frozen=True, kw_only=True):
    api_group: str | None = field(default_factory=nothing)
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"api_group": 1, "kind": 2, "name": 3}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class TypedObjectReference(Object, frozen=True, kw_only=True):
    api_group: str | None = field(default_factory=nothing)
    kind: str = field(default_factory=str)
    name: str = field(default_factory=str)
    namespace: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"api_group": 1, "kind": 2, "name": 3, "namespace": 4}
    __required__: ClassVar[tuple[str, ...]] = ('kind', 'name')


class VolumeResourceRequirements(Object, frozen=True, kw_only=True):
    limits: dict[str, Quantity] = NO_ITEMS
    requests: dict[str, Quantity] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("limits", "requests",))

    __proto__: ClassVar[dict[str, int]] = {"limits": 1, "requests": 2}


class PersistentVolumeClaimSpec(Object, frozen=True, kw_only=True):
    access_modes: tuple[str, ...] = ()
    selector: meta_v1.LabelSelector | None = None
    resources: VolumeResourceRequirements = field(default_factory=VolumeResourceRequirements)
    volume_name: str = ""
    storage_class_name: str | None = None
    volume_mode: str | None = None
    data_source: TypedLocalObjectReference | None = None
    data_source_ref: TypedObjectReference | None = None
    volume_attributes_class_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"access_modes": 1, "data_source": 7, "data_source_ref": 8, "resources": 2, "selector": 4, "storage_class_name": 5, "volume_attributes_class_name": 9, "volume_mode": 6, "volume_name": 3}


class PersistentVolumeClaimTemplate(Object, frozen=True, kw_only=True):
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PersistentVolumeClaimSpec = field(default_factory=PersistentVolumeClaimSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class EphemeralVolumeSource(Object, frozen=True, kw_only=True):
    volume_claim_template: PersistentVolumeClaimTemplate | None = None

    __proto__: ClassVar[dict[str, int]] = {"volume_claim_template": 1}


class EventSeries(Object, frozen=True, kw_only=True):
    count: Int32 = 0
    last_observed_time: NullMicroTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_observed_time",))

    __proto__: ClassVar[dict[str, int]] = {"count": 1, "last_observed_time": 2}


class EventSource(Object, frozen=True, kw_only=True):
    component: str = ""
    host: str = ""

    __proto__: ClassVar[dict[str, int]] = {"component": 1, "host": 2}


class Event(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Event")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    involved_object: ObjectReference = field(default_factory=ObjectReference)
    reason: str = ""
    message: str = ""
    source: EventSource = field(default_factory=EventSource)
    first_timestamp: NullTime = field(default_factory=null_text)
    last_timestamp: NullTime = field(default_factory=null_text)
    count: Int32 = 0
    type: str = ""
    event_time: NullMicroTime = field(default_factory=null_text)
    series: EventSeries | None = None
    action: str = ""
    related: ObjectReference | None = None
    reporting_component: str = field(default_factory=str)
    reporting_instance: str = field(default_factory=str)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("first_timestamp", "last_timestamp", "event_time",))

    __proto__: ClassVar[dict[str, int]] = {"action": 12, "count": 8, "event_time": 10, "first_timestamp": 6, "involved_object": 2, "last_timestamp": 7, "message": 4, "metadata": 1, "reason": 3, "related": 13, "reporting_component": 14, "reporting_instance": 15, "series": 11, "source": 5, "type": 9}
    __required__: ClassVar[tuple[str, ...]] = ('involvedObject', 'metadata')


class EvictionResponder(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    priority: Int32 | None = field(default_factory=nothing)

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "priority": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'priority')


class FCVolumeSource(Object, frozen=True, kw_only=True):
    target_ww_ns: tuple[str, ...] = field(default=(), name="targetWWNs")
    lun: Int32 | None = None
    fs_type: str = ""
    read_only: bool = False
    wwids: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 3, "lun": 2, "read_only": 4, "target_ww_ns": 1, "wwids": 5}


class FlexPersistentVolumeSource(Object, frozen=True, kw_only=True):
    driver: str = field(default_factory=str)
    fs_type: str = ""
    secret_ref: SecretReference | None = None
    read_only: bool = False
    options: dict[str, str] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("options",))

    __proto__: ClassVar[dict[str, int]] = {"driver": 1, "fs_type": 2, "options": 5, "read_only": 4, "secret_ref": 3}
    __required__: ClassVar[tuple[str, ...]] = ('driver',)


class FlexVolumeSource(Object, frozen=True, kw_only=True):
    driver: str = field(default_factory=str)
    fs_type: str = ""
    secret_ref: LocalObjectReference | None = None
    read_only: bool = False
    options: dict[str, str] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("options",))

    __proto__: ClassVar[dict[str, int]] = {"driver": 1, "fs_type": 2, "options": 5, "read_only": 4, "secret_ref": 3}
    __required__: ClassVar[tuple[str, ...]] = ('driver',)


class FlockerVolumeSource(Object, frozen=True, kw_only=True):
    dataset_name: str = ""
    dataset_uuid: str = field(default="", name="datasetUUID")

    __proto__: ClassVar[dict[str, int]] = {"dataset_name": 1, "dataset_uuid": 2}


class GCEPersistentDiskVolumeSource(Object, frozen=True, kw_only=True):
    pd_name: str = field(default_factory=str)
    fs_type: str = ""
    partition: Int32 = 0
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "partition": 3, "pd_name": 1, "read_only": 4}
    __required__: ClassVar[tuple[str, ...]] = ('pdName',)


class GitRepoVolumeSource(Object, frozen=True, kw_only=True):
    repository: str = field(default_factory=str)
    revision: str = ""
    directory: str = ""

    __proto__: ClassVar[dict[str, int]] = {"directory": 3, "repository": 1, "revision": 2}
    __required__: ClassVar[tuple[str, ...]] = ('repository',)


class GlusterfsPersistentVolumeSource(Object, frozen=True, kw_only=True):
    endpoints: str = field(default_factory=str)
    path: str = field(default_factory=str)
    read_only: bool = False
    endpoints_namespace: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"endpoints": 1, "endpoints_namespace": 4, "path": 2, "read_only": 3}
    __required__: ClassVar[tuple[str, ...]] = ('endpoints', 'path')


class GlusterfsVolumeSource(Object, frozen=True, kw_only=True):
    endpoints: str = field(default_factory=str)
    path: str = field(default_factory=str)
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"endpoints": 1, "path": 2, "read_only": 3}
    __required__: ClassVar[tuple[str, ...]] = ('endpoints', 'path')


class HostAlias(Object, frozen=True, kw_only=True):
    ip: str = field(default_factory=str)
    hostnames: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"hostnames": 2, "ip": 1}
    __required__: ClassVar[tuple[str, ...]] = ('ip',)


class HostIP(Object, frozen=True, kw_only=True):
    ip: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"ip": 1}
    __required__: ClassVar[tuple[str, ...]] = ('ip',)


class HostPathVolumeSource(Object, frozen=True, kw_only=True):
    path: str = field(default_factory=str)
    type: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"path": 1, "type": 2}
    __required__: ClassVar[tuple[str, ...]] = ('path',)


class ISCSIPersistentVolumeSource(Object, frozen=True, kw_only=True):
    target_portal: str = field(default_factory=str)
    iqn: str = field(default_factory=str)
    lun: Int32 = field(default_factory=int)
    iscsi_interface: str = ""
    fs_type: str = ""
    read_only: bool = False
    portals: tuple[str, ...] = ()
    chap_auth_discovery: bool = False
    chap_auth_session: bool = False
    secret_ref: SecretReference | None = None
    initiator_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"chap_auth_discovery": 8, "chap_auth_session": 11, "fs_type": 5, "initiator_name": 12, "iqn": 2, "iscsi_interface": 4, "lun": 3, "portals": 7, "read_only": 6, "secret_ref": 10, "target_portal": 1}
    __required__: ClassVar[tuple[str, ...]] = ('iqn', 'lun', 'targetPortal')
    __defaults__: ClassVar[dict[str, Any]] = {'iscsiInterface': 'default'}


class ISCSIVolumeSource(Object, frozen=True, kw_only=True):
    target_portal: str = field(default_factory=str)
    iqn: str = field(default_factory=str)
    lun: Int32 = field(default_factory=int)
    iscsi_interface: str = ""
    fs_type: str = ""
    read_only: bool = False
    portals: tuple[str, ...] = ()
    chap_auth_discovery: bool = False
    chap_auth_session: bool = False
    secret_ref: LocalObjectReference | None = None
    initiator_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"chap_auth_discovery": 8, "chap_auth_session": 11, "fs_type": 5, "initiator_name": 12, "iqn": 2, "iscsi_interface": 4, "lun": 3, "portals": 7, "read_only": 6, "secret_ref": 10, "target_portal": 1}
    __required__: ClassVar[tuple[str, ...]] = ('iqn', 'lun', 'targetPortal')
    __defaults__: ClassVar[dict[str, Any]] = {'iscsiInterface': 'default'}


class ImageVolumeSource(Object, frozen=True, kw_only=True):
    reference: str = ""
    pull_policy: str = ""

    __proto__: ClassVar[dict[str, int]] = {"pull_policy": 2, "reference": 1}


class LimitRangeItem(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    max: dict[str, Quantity] = NO_ITEMS
    min: dict[str, Quantity] = NO_ITEMS
    default: dict[str, Quantity] = NO_ITEMS
    default_request: dict[str, Quantity] = NO_ITEMS
    max_limit_request_ratio: dict[str, Quantity] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("default", "default_request", "max", "max_limit_request_ratio", "min",))

    __proto__: ClassVar[dict[str, int]] = {"default": 4, "default_request": 5, "max": 2, "max_limit_request_ratio": 6, "min": 3, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('type',)


class LimitRangeSpec(Object, frozen=True, kw_only=True):
    limits: Nullable[tuple[LimitRangeItem, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("limits",))

    __proto__: ClassVar[dict[str, int]] = {"limits": 1}
    __required__: ClassVar[tuple[str, ...]] = ('limits',)


class LimitRange(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "LimitRange")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: LimitRangeSpec = field(default_factory=LimitRangeSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class PortStatus(Object, frozen=True, kw_only=True):
    port: Int32 = field(default_factory=int)
    protocol: str = field(default_factory=str)
    error: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"error": 3, "port": 1, "protocol": 2}
    __required__: ClassVar[tuple[str, ...]] = ('port', 'protocol')


class LoadBalancerIngress(Object, frozen=True, kw_only=True):
    ip: str = ""
    hostname: str = ""
    ip_mode: str | None = None
    ports: tuple[PortStatus, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"hostname": 2, "ip": 1, "ip_mode": 3, "ports": 4}


class LoadBalancerStatus(Object, frozen=True, kw_only=True):
    ingress: tuple[LoadBalancerIngress, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"ingress": 1}


class LocalVolumeSource(Object, frozen=True, kw_only=True):
    path: str = field(default_factory=str)
    fs_type: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "path": 1}
    __required__: ClassVar[tuple[str, ...]] = ('path',)


class ModifyVolumeStatus(Object, frozen=True, kw_only=True):
    target_volume_attributes_class_name: str = ""
    status: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"status": 2, "target_volume_attributes_class_name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status',)


class NFSVolumeSource(Object, frozen=True, kw_only=True):
    server: str = field(default_factory=str)
    path: str = field(default_factory=str)
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"path": 2, "read_only": 3, "server": 1}
    __required__: ClassVar[tuple[str, ...]] = ('path', 'server')


class NamespaceSpec(Object, frozen=True, kw_only=True):
    finalizers: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"finalizers": 1}


class NamespaceCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 4, "message": 6, "reason": 5, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class NamespaceStatus(Object, frozen=True, kw_only=True):
    phase: str = ""
    conditions: Annotated[tuple[NamespaceCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 2, "phase": 1}


class Namespace(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Namespace")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: NamespaceSpec = field(default_factory=NamespaceSpec)
    status: NamespaceStatus = field(default_factory=NamespaceStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class NodeConfigSource(Object, frozen=True, kw_only=True):
    config_map: ConfigMapNodeConfigSource | None = None

    __proto__: ClassVar[dict[str, int]] = {"config_map": 2}


class NodePodPreemptionPolicy(Object, frozen=True, kw_only=True):
    disable_resize_preemption: Annotated[tuple[str, ...], merge(list_type="set")] = ()

    __proto__: ClassVar[dict[str, int]] = {"disable_resize_preemption": 1}


class Taint(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    value: str = ""
    effect: str = field(default_factory=str)
    time_added: Time = ""

    __proto__: ClassVar[dict[str, int]] = {"effect": 3, "key": 1, "time_added": 4, "value": 2}
    __required__: ClassVar[tuple[str, ...]] = ('effect', 'key')


class NodeSpec(Object, frozen=True, kw_only=True):
    pod_cidr: str = field(default="", name="podCIDR")
    pod_cidrs: Annotated[tuple[str, ...], merge(patch_strategy='merge', list_type="set")] = field(default=(), name="podCIDRs")
    provider_id: str = field(default="", name="providerID")
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    config_source: NodeConfigSource | None = None
    external_id: str = field(default="", name="externalID")
    pod_preemption_policy: NodePodPreemptionPolicy | None = None

    __proto__: ClassVar[dict[str, int]] = {"config_source": 6, "external_id": 2, "pod_cidr": 1, "pod_cidrs": 7, "pod_preemption_policy": 8, "provider_id": 3, "taints": 5, "unschedulable": 4}


class NodeAddress(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    address: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"address": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('address', 'type')


class NodeCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_heartbeat_time: NullTime = field(default_factory=null_text)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_heartbeat_time", "last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_heartbeat_time": 3, "last_transition_time": 4, "message": 6, "reason": 5, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class NodeConfigStatus(Object, frozen=True, kw_only=True):
    assigned: NodeConfigSource | None = None
    active: NodeConfigSource | None = None
    last_known_good: NodeConfigSource | None = None
    error: str = ""

    __proto__: ClassVar[dict[str, int]] = {"active": 2, "assigned": 1, "error": 4, "last_known_good": 3}


class NodeDaemonEndpoints(Object, frozen=True, kw_only=True):
    kubelet_endpoint: DaemonEndpoint = field(default_factory=DaemonEndpoint)

    __proto__: ClassVar[dict[str, int]] = {"kubelet_endpoint": 1}


class NodeFeatures(Object, frozen=True, kw_only=True):
    supplemental_groups_policy: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"supplemental_groups_policy": 1}


class NodeRuntimeHandlerFeatures(Object, frozen=True, kw_only=True):
    recursive_read_only_mounts: bool | None = None
    user_namespaces: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"recursive_read_only_mounts": 1, "user_namespaces": 2}


class NodeRuntimeHandler(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    features: NodeRuntimeHandlerFeatures | None = None

    __proto__: ClassVar[dict[str, int]] = {"features": 2, "name": 1}


class NodeSwapStatus(Object, frozen=True, kw_only=True):
    capacity: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"capacity": 1}


class NodeSystemInfo(Object, frozen=True, kw_only=True):
    machine_id: str = field(default_factory=str, name="machineID")
    system_uuid: str = field(default_factory=str, name="systemUUID")
    boot_id: str = field(default_factory=str, name="bootID")
    kernel_version: str = field(default_factory=str)
    os_image: str = field(default_factory=str)
    container_runtime_version: str = field(default_factory=str)
    kubelet_version: str = field(default_factory=str)
    kube_proxy_version: str = field(default_factory=str)
    operating_system: str = field(default_factory=str)
    architecture: str = field(default_factory=str)
    swap: NodeSwapStatus | None = None

    __proto__: ClassVar[dict[str, int]] = {"architecture": 10, "boot_id": 3, "container_runtime_version": 6, "kernel_version": 4, "kube_proxy_version": 8, "kubelet_version": 7, "machine_id": 1, "operating_system": 9, "os_image": 5, "swap": 11, "system_uuid": 2}
    __required__: ClassVar[tuple[str, ...]] = ('architecture', 'bootID', 'containerRuntimeVersion', 'kernelVersion', 'kubeProxyVersion', 'kubeletVersion', 'machineID', 'operatingSystem', 'osImage', 'systemUUID')


class NodeStatus(Object, frozen=True, kw_only=True):
    capacity: dict[str, Quantity] = NO_ITEMS
    allocatable: dict[str, Quantity] = NO_ITEMS
    phase: str = ""
    conditions: Annotated[tuple[NodeCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    addresses: Annotated[tuple[NodeAddress, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    daemon_endpoints: NodeDaemonEndpoints = field(default_factory=NodeDaemonEndpoints)
    node_info: NodeSystemInfo = field(default_factory=NodeSystemInfo)
    images: tuple[ContainerImage, ...] = ()
    volumes_in_use: tuple[str, ...] = ()
    volumes_attached: tuple[AttachedVolume, ...] = ()
    config: NodeConfigStatus | None = None
    runtime_handlers: tuple[NodeRuntimeHandler, ...] = ()
    features: NodeFeatures | None = None
    declared_features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("allocatable", "capacity",))

    __proto__: ClassVar[dict[str, int]] = {"addresses": 5, "allocatable": 2, "capacity": 1, "conditions": 4, "config": 11, "daemon_endpoints": 6, "declared_features": 14, "features": 13, "images": 8, "node_info": 7, "phase": 3, "runtime_handlers": 12, "volumes_attached": 10, "volumes_in_use": 9}


class Node(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Node")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: NodeSpec = field(default_factory=NodeSpec)
    status: NodeStatus = field(default_factory=NodeStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class NodeAllocatableMappedResources(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    quantity: Quantity | None = field(default_factory=nothing)

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "quantity": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'quantity')


class NodeAllocatableOverheadResources(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    per_pod: Quantity | None = None
    per_container: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "per_container": 3, "per_pod": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class NodeAllocatableResourceClaimStatus(Object, frozen=True, kw_only=True):
    resource_claim_name: str = field(default_factory=str)
    containers: Annotated[tuple[str, ...], merge(list_type="set")] = ()
    mapping: Annotated[tuple[NodeAllocatableMappedResources, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    overhead: Annotated[tuple[NodeAllocatableOverheadResources, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"containers": 2, "mapping": 4, "overhead": 5, "resource_claim_name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('resourceClaimName',)


class NodeProxyOptions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "NodeProxyOptions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    path: str = ""

    __proto__: ClassVar[dict[str, int]] = {"path": 1}


class PhotonPersistentDiskVolumeSource(Object, frozen=True, kw_only=True):
    pd_id: str = field(default_factory=str, name="pdID")
    fs_type: str = ""

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "pd_id": 1}
    __required__: ClassVar[tuple[str, ...]] = ('pdID',)


class PortworxVolumeSource(Object, frozen=True, kw_only=True):
    volume_id: str = field(default_factory=str, name="volumeID")
    fs_type: str = ""
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "read_only": 3, "volume_id": 1}
    __required__: ClassVar[tuple[str, ...]] = ('volumeID',)


class QuobyteVolumeSource(Object, frozen=True, kw_only=True):
    registry: str = field(default_factory=str)
    volume: str = field(default_factory=str)
    read_only: bool = False
    user: str = ""
    group: str = ""
    tenant: str = ""

    __proto__: ClassVar[dict[str, int]] = {"group": 5, "read_only": 3, "registry": 1, "tenant": 6, "user": 4, "volume": 2}
    __required__: ClassVar[tuple[str, ...]] = ('registry', 'volume')


class RBDPersistentVolumeSource(Object, frozen=True, kw_only=True):
    monitors: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    image: str = field(default_factory=str)
    fs_type: str = ""
    pool: str = ""
    user: str = ""
    keyring: str = ""
    secret_ref: SecretReference | None = None
    read_only: bool = False

    def __post_init__(self) -> None:
        to_nulls(self, lists=("monitors",))

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 3, "image": 2, "keyring": 6, "monitors": 1, "pool": 4, "read_only": 8, "secret_ref": 7, "user": 5}
    __required__: ClassVar[tuple[str, ...]] = ('image', 'monitors')
    __defaults__: ClassVar[dict[str, Any]] = {'pool': 'rbd', 'user': 'admin', 'keyring': '/etc/ceph/keyring'}


class ScaleIOPersistentVolumeSource(Object, frozen=True, kw_only=True):
    gateway: str = field(default_factory=str)
    system: str = field(default_factory=str)
    secret_ref: SecretReference | None = field(default_factory=nothing)
    ssl_enabled: bool = False
    protection_domain: str = ""
    storage_pool: str = ""
    storage_mode: str = ""
    volume_name: str = ""
    fs_type: str = ""
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 9, "gateway": 1, "protection_domain": 5, "read_only": 10, "secret_ref": 3, "ssl_enabled": 4, "storage_mode": 7, "storage_pool": 6, "system": 2, "volume_name": 8}
    __required__: ClassVar[tuple[str, ...]] = ('gateway', 'secretRef', 'system')
    __defaults__: ClassVar[dict[str, Any]] = {'storageMode': 'ThinProvisioned', 'fsType': 'xfs'}


class StorageOSPersistentVolumeSource(Object, frozen=True, kw_only=True):
    volume_name: str = ""
    volume_namespace: str = ""
    fs_type: str = ""
    read_only: bool = False
    secret_ref: ObjectReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 3, "read_only": 4, "secret_ref": 5, "volume_name": 1, "volume_namespace": 2}


class VolumeNodeAffinity(Object, frozen=True, kw_only=True):
    required: NodeSelector | None = None

    __proto__: ClassVar[dict[str, int]] = {"required": 1}


class VsphereVirtualDiskVolumeSource(Object, frozen=True, kw_only=True):
    volume_path: str = field(default_factory=str)
    fs_type: str = ""
    storage_policy_name: str = ""
    storage_policy_id: str = field(default="", name="storagePolicyID")

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 2, "storage_policy_id": 4, "storage_policy_name": 3, "volume_path": 1}
    __required__: ClassVar[tuple[str, ...]] = ('volumePath',)


class PersistentVolumeSpec(Object, frozen=True, kw_only=True):
    capacity: dict[str, Quantity] = NO_ITEMS
    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    glusterfs: GlusterfsPersistentVolumeSource | None = None
    nfs: NFSVolumeSource | None = None
    rbd: RBDPersistentVolumeSource | None = None
    iscsi: ISCSIPersistentVolumeSource | None = None
    cinder: CinderPersistentVolumeSource | None = None
    cephfs: CephFSPersistentVolumeSource | None = None
    fc: FCVolumeSource | None = None
    flocker: FlockerVolumeSource | None = None
    flex_volume: FlexPersistentVolumeSource | None = None
    azure_file: AzureFilePersistentVolumeSource | None = None
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None
    quobyte: QuobyteVolumeSource | None = None
    azure_disk: AzureDiskVolumeSource | None = None
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None
    portworx_volume: PortworxVolumeSource | None = None
    scale_io: ScaleIOPersistentVolumeSource | None = field(default=None, name="scaleIO")
    local: LocalVolumeSource | None = None
    storageos: StorageOSPersistentVolumeSource | None = None
    csi: CSIPersistentVolumeSource | None = None
    access_modes: tuple[str, ...] = ()
    claim_ref: Annotated[ObjectReference | None, merge(map_type='granular')] = None
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""
    mount_options: tuple[str, ...] = ()
    volume_mode: str | None = None
    node_affinity: VolumeNodeAffinity | None = None
    volume_attributes_class_name: str | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("capacity",))

    __proto__: ClassVar[dict[str, int]] = {"access_modes": 3, "capacity": 1, "claim_ref": 4, "mount_options": 7, "node_affinity": 9, "persistent_volume_reclaim_policy": 5, "storage_class_name": 6, "volume_attributes_class_name": 10, "volume_mode": 8, "*persistentVolumeSource": 2}


class PersistentVolumeStatus(Object, frozen=True, kw_only=True):
    phase: str = ""
    message: str = ""
    reason: str = ""
    last_phase_transition_time: Time = ""

    __proto__: ClassVar[dict[str, int]] = {"last_phase_transition_time": 4, "message": 2, "phase": 1, "reason": 3}


class PersistentVolume(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PersistentVolume")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PersistentVolumeSpec = field(default_factory=PersistentVolumeSpec)
    status: PersistentVolumeStatus = field(default_factory=PersistentVolumeStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class PersistentVolumeClaimCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_probe_time: NullTime = field(default_factory=null_text)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_probe_time", "last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_probe_time": 3, "last_transition_time": 4, "message": 6, "reason": 5, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class VolumeHealthCondition(Object, frozen=True, kw_only=True):
    status: str = field(default_factory=str)
    reason: str = field(default_factory=str)
    message: str = ""

    __proto__: ClassVar[dict[str, int]] = {"message": 3, "reason": 2, "status": 1}
    __required__: ClassVar[tuple[str, ...]] = ('reason', 'status')


class VolumeHealthStatus(Object, frozen=True, kw_only=True):
    health_conditions: Annotated[tuple[VolumeHealthCondition, ...], merge(list_map_keys=('status', 'reason'), patch_merge_key='status', patch_strategy='merge')] = ()
    last_transition_time: NullTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"health_conditions": 1, "last_transition_time": 2}


class PersistentVolumeClaimStatus(Object, frozen=True, kw_only=True):
    phase: str = ""
    access_modes: tuple[str, ...] = ()
    capacity: dict[str, Quantity] = NO_ITEMS
    conditions: Annotated[tuple[PersistentVolumeClaimCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    allocated_resources: dict[str, Quantity] = NO_ITEMS
    allocated_resource_statuses: Annotated[dict[str, str], merge(map_type='granular')] = NO_ITEMS
    current_volume_attributes_class_name: str | None = None
    modify_volume_status: ModifyVolumeStatus | None = None
    health_status: VolumeHealthStatus | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("allocated_resource_statuses", "allocated_resources", "capacity",))

    __proto__: ClassVar[dict[str, int]] = {"access_modes": 2, "allocated_resource_statuses": 7, "allocated_resources": 5, "capacity": 3, "conditions": 4, "current_volume_attributes_class_name": 8, "health_status": 10, "modify_volume_status": 9, "phase": 1}


class PersistentVolumeClaim(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PersistentVolumeClaim")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PersistentVolumeClaimSpec = field(default_factory=PersistentVolumeClaimSpec)
    status: PersistentVolumeClaimStatus = field(default_factory=PersistentVolumeClaimStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class PersistentVolumeClaimVolumeSource(Object, frozen=True, kw_only=True):
    claim_name: str = field(default_factory=str)
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"claim_name": 1, "read_only": 2}
    __required__: ClassVar[tuple[str, ...]] = ('claimName',)


class PodDNSConfigOption(Object, frozen=True, kw_only=True):
    name: str = ""
    value: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "value": 2}


class PodDNSConfig(Object, frozen=True, kw_only=True):
    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[PodDNSConfigOption, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"nameservers": 1, "options": 3, "searches": 2}


class PodOS(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodReadinessGate(Object, frozen=True, kw_only=True):
    condition_type: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"condition_type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('conditionType',)


class PodResourceClaim(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "resource_claim_name": 3, "resource_claim_template_name": 4}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodSchedulingGate(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodSchedulingGroup(Object, frozen=True, kw_only=True):
    pod_group_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"pod_group_name": 1}


class Sysctl(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    value: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "value": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'value')


class PodSecurityContext(Object, frozen=True, kw_only=True):
    se_linux_options: SELinuxOptions | None = None
    windows_options: WindowsSecurityContextOptions | None = None
    run_as_user: Int64 | None = None
    run_as_group: Int64 | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: tuple[Int64, ...] = ()
    supplemental_groups_policy: str | None = None
    fs_group: Int64 | None = None
    sysctls: tuple[Sysctl, ...] = ()
    fs_group_change_policy: str | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_change_policy: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"app_armor_profile": 11, "fs_group": 5, "fs_group_change_policy": 9, "run_as_group": 6, "run_as_non_root": 3, "run_as_user": 2, "se_linux_change_policy": 13, "se_linux_options": 1, "seccomp_profile": 10, "supplemental_groups": 4, "supplemental_groups_policy": 12, "sysctls": 7, "windows_options": 8}


class Toleration(Object, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"effect": 4, "key": 1, "operator": 2, "toleration_seconds": 5, "value": 3}


class TopologySpreadConstraint(Object, frozen=True, kw_only=True):
    max_skew: Int32 = field(default_factory=int)
    topology_key: str = field(default_factory=str)
    when_unsatisfiable: str = field(default_factory=str)
    label_selector: meta_v1.LabelSelector | None = None
    min_domains: Int32 | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"label_selector": 4, "match_label_keys": 8, "max_skew": 1, "min_domains": 5, "node_affinity_policy": 6, "node_taints_policy": 7, "topology_key": 2, "when_unsatisfiable": 3}
    __required__: ClassVar[tuple[str, ...]] = ('maxSkew', 'topologyKey', 'whenUnsatisfiable')


class PodCertificateProjection(Object, frozen=True, kw_only=True):
    signer_name: str = ""
    key_type: str = ""
    max_expiration_seconds: Int32 | None = None
    credential_bundle_path: str = ""
    key_path: str = ""
    certificate_chain_path: str = ""
    user_annotations: dict[str, str] = NO_ITEMS
    user: Int64 | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("user_annotations",))

    __proto__: ClassVar[dict[str, int]] = {"certificate_chain_path": 6, "credential_bundle_path": 4, "key_path": 5, "key_type": 2, "max_expiration_seconds": 3, "signer_name": 1, "user": 8, "user_annotations": 7}
    __required__: ClassVar[tuple[str, ...]] = ('keyType', 'signerName')


class SecretProjection(Object, frozen=True, kw_only=True):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"items": 2, "optional": 4, "*localObjectReference": 1}
    __defaults__: ClassVar[dict[str, Any]] = {'name': ''}


class ServiceAccountTokenProjection(Object, frozen=True, kw_only=True):
    audience: str = ""
    expiration_seconds: Int64 | None = None
    path: str = field(default_factory=str)
    user: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"audience": 1, "expiration_seconds": 2, "path": 3, "user": 4}
    __required__: ClassVar[tuple[str, ...]] = ('path',)


class VolumeProjection(Object, frozen=True, kw_only=True):
    secret: SecretProjection | None = None
    downward_api: DownwardAPIProjection | None = field(default=None, name="downwardAPI")
    config_map: ConfigMapProjection | None = None
    service_account_token: ServiceAccountTokenProjection | None = None
    cluster_trust_bundle: ClusterTrustBundleProjection | None = None
    pod_certificate: PodCertificateProjection | None = None

    __proto__: ClassVar[dict[str, int]] = {"cluster_trust_bundle": 5, "config_map": 3, "downward_api": 2, "pod_certificate": 6, "secret": 1, "service_account_token": 4}


class ProjectedVolumeSource(Object, frozen=True, kw_only=True):
    sources: Nullable[tuple[VolumeProjection, ...]] = field(default_factory=null_list)
    default_mode: Int32 | None = None
    default_user: Int64 | None = None

    def __post_init__(self) -> None:
        to_nulls(self, lists=("sources",))

    __proto__: ClassVar[dict[str, int]] = {"default_mode": 2, "default_user": 3, "sources": 1}


class RBDVolumeSource(Object, frozen=True, kw_only=True):
    monitors: Nullable[tuple[str, ...]] = field(default_factory=null_list)
    image: str = field(default_factory=str)
    fs_type: str = ""
    pool: str = ""
    user: str = ""
    keyring: str = ""
    secret_ref: LocalObjectReference | None = None
    read_only: bool = False

    def __post_init__(self) -> None:
        to_nulls(self, lists=("monitors",))

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 3, "image": 2, "keyring": 6, "monitors": 1, "pool": 4, "read_only": 8, "secret_ref": 7, "user": 5}
    __required__: ClassVar[tuple[str, ...]] = ('image', 'monitors')
    __defaults__: ClassVar[dict[str, Any]] = {'pool': 'rbd', 'user': 'admin', 'keyring': '/etc/ceph/keyring'}


class ScaleIOVolumeSource(Object, frozen=True, kw_only=True):
    gateway: str = field(default_factory=str)
    system: str = field(default_factory=str)
    secret_ref: LocalObjectReference | None = field(default_factory=nothing)
    ssl_enabled: bool = False
    protection_domain: str = ""
    storage_pool: str = ""
    storage_mode: str = ""
    volume_name: str = ""
    fs_type: str = ""
    read_only: bool = False

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 9, "gateway": 1, "protection_domain": 5, "read_only": 10, "secret_ref": 3, "ssl_enabled": 4, "storage_mode": 7, "storage_pool": 6, "system": 2, "volume_name": 8}
    __required__: ClassVar[tuple[str, ...]] = ('gateway', 'secretRef', 'system')
    __defaults__: ClassVar[dict[str, Any]] = {'storageMode': 'ThinProvisioned', 'fsType': 'xfs'}


class SecretVolumeSource(Object, frozen=True, kw_only=True):
    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: Int32 | None = None
    optional: bool | None = None
    default_user: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"default_mode": 3, "default_user": 5, "items": 2, "optional": 4, "secret_name": 1}


class StorageOSVolumeSource(Object, frozen=True, kw_only=True):
    volume_name: str = ""
    volume_namespace: str = ""
    fs_type: str = ""
    read_only: bool = False
    secret_ref: LocalObjectReference | None = None

    __proto__: ClassVar[dict[str, int]] = {"fs_type": 3, "read_only": 4, "secret_ref": 5, "volume_name": 1, "volume_namespace": 2}


class Volume(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    host_path: HostPathVolumeSource | None = None
    empty_dir: EmptyDirVolumeSource | None = None
    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None
    git_repo: GitRepoVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    nfs: NFSVolumeSource | None = None
    iscsi: ISCSIVolumeSource | None = None
    glusterfs: GlusterfsVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    rbd: RBDVolumeSource | None = None
    flex_volume: FlexVolumeSource | None = None
    cinder: CinderVolumeSource | None = None
    cephfs: CephFSVolumeSource | None = None
    flocker: FlockerVolumeSource | None = None
    downward_api: DownwardAPIVolumeSource | None = field(default=None, name="downwardAPI")
    fc: FCVolumeSource | None = None
    azure_file: AzureFileVolumeSource | None = None
    config_map: ConfigMapVolumeSource | None = None
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None
    quobyte: QuobyteVolumeSource | None = None
    azure_disk: AzureDiskVolumeSource | None = None
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None
    projected: ProjectedVolumeSource | None = None
    portworx_volume: PortworxVolumeSource | None = None
    scale_io: ScaleIOVolumeSource | None = field(default=None, name="scaleIO")
    storageos: StorageOSVolumeSource | None = None
    csi: CSIVolumeSource | None = None
    ephemeral: EphemeralVolumeSource | None = None
    image: ImageVolumeSource | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "*volumeSource": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodSpec(Object, frozen=True, kw_only=True):
    volumes: Annotated[tuple[Volume, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge,retainKeys')] = ()
    init_containers: Annotated[tuple[Container, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    containers: Annotated[Nullable[tuple[Container, ...]], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = field(default_factory=null_list)
    ephemeral_containers: Annotated[tuple[EphemeralContainer, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    restart_policy: str = ""
    termination_grace_period_seconds: Int64 | None = None
    active_deadline_seconds: Int64 | None = None
    dns_policy: str = ""
    node_selector: Annotated[dict[str, str], merge(map_type='atomic')] = NO_ITEMS
    service_account_name: str = ""
    service_account: str = ""
    automount_service_account_token: bool | None = None
    node_name: str = ""
    host_network: bool = False
    host_pid: bool = field(default=False, name="hostPID")
    host_ipc: bool = field(default=False, name="hostIPC")
    share_process_namespace: bool | None = None
    security_context: PodSecurityContext | None = None
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    hostname: str = ""
    subdomain: str = ""
    affinity: Affinity | None = None
    scheduler_name: str = ""
    tolerations: tuple[Toleration, ...] = ()
    host_aliases: Annotated[tuple[HostAlias, ...], merge(list_map_keys=('ip',), patch_merge_key='ip', patch_strategy='merge')] = ()
    priority_class_name: str = ""
    priority: Int32 | None = None
    dns_config: PodDNSConfig | None = None
    readiness_gates: tuple[PodReadinessGate, ...] = ()
    runtime_class_name: str | None = None
    enable_service_links: bool | None = None
    preemption_policy: str | None = None
    overhead: dict[str, Quantity] = NO_ITEMS
    topology_spread_constraints: Annotated[tuple[TopologySpreadConstraint, ...], merge(list_map_keys=('topologyKey', 'whenUnsatisfiable'), patch_merge_key='topologyKey', patch_strategy='merge')] = ()
    set_hostname_as_fqdn: bool | None = field(default=None, name="setHostnameAsFQDN")
    os: PodOS | None = None
    host_users: bool | None = None
    scheduling_gates: Annotated[tuple[PodSchedulingGate, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    resource_claims: Annotated[tuple[PodResourceClaim, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge,retainKeys')] = ()
    resources: ResourceRequirements | None = None
    hostname_override: str | None = None
    scheduling_group: PodSchedulingGroup | None = None
    eviction_responders: Annotated[tuple[EvictionResponder, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("node_selector", "overhead",))
        to_nulls(self, lists=("containers",))

    __proto__: ClassVar[dict[str, int]] = {"active_deadline_seconds": 5, "affinity": 18, "automount_service_account_token": 21, "containers": 2, "dns_config": 26, "dns_policy": 6, "enable_service_links": 30, "ephemeral_containers": 34, "eviction_responders": 44, "host_aliases": 23, "host_ipc": 13, "host_network": 11, "host_pid": 12, "host_users": 37, "hostname": 16, "hostname_override": 41, "image_pull_secrets": 15, "init_containers": 20, "node_name": 10, "node_selector": 7, "os": 36, "overhead": 32, "preemption_policy": 31, "priority": 25, "priority_class_name": 24, "readiness_gates": 28, "resource_claims": 39, "resources": 40, "restart_policy": 3, "runtime_class_name": 29, "scheduler_name": 19, "scheduling_gates": 38, "scheduling_group": 43, "security_context": 14, "service_account": 9, "service_account_name": 8, "set_hostname_as_fqdn": 35, "share_process_namespace": 27, "subdomain": 17, "termination_grace_period_seconds": 4, "tolerations": 22, "topology_spread_constraints": 33, "volumes": 1}
    __required__: ClassVar[tuple[str, ...]] = ('containers',)


class PodCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    observed_generation: Int64 = 0
    status: str = field(default_factory=str)
    last_probe_time: NullTime = field(default_factory=null_text)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_probe_time", "last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_probe_time": 3, "last_transition_time": 4, "message": 6, "observed_generation": 7, "reason": 5, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class PodExtendedResourceClaimStatus(Object, frozen=True, kw_only=True):
    request_mappings: Nullable[tuple[ContainerExtendedResourceRequest, ...]] = field(default_factory=null_list)
    resource_claim_name: str = field(default_factory=str)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("request_mappings",))

    __proto__: ClassVar[dict[str, int]] = {"request_mappings": 1, "resource_claim_name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('requestMappings', 'resourceClaimName')


class PodIP(Object, frozen=True, kw_only=True):
    ip: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"ip": 1}
    __required__: ClassVar[tuple[str, ...]] = ('ip',)


class PodResourceClaimStatus(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    resource_claim_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "resource_claim_name": 2}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodVolumeHealth(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    health_conditions: Annotated[tuple[VolumeHealthCondition, ...], merge(list_map_keys=('status', 'reason'), patch_merge_key='status', patch_strategy='merge')] = ()
    last_transition_time: NullTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"health_conditions": 2, "last_transition_time": 3, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class PodStatus(Object, frozen=True, kw_only=True):
    observed_generation: Int64 = 0
    phase: str = ""
    conditions: Annotated[tuple[PodCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    message: str = ""
    reason: str = ""
    nominated_node_name: str = ""
    host_ip: str = field(default="", name="hostIP")
    host_ips: Annotated[tuple[HostIP, ...], merge(patch_merge_key='ip', patch_strategy='merge')] = field(default=(), name="hostIPs")
    pod_ip: str = field(default="", name="podIP")
    pod_ips: Annotated[tuple[PodIP, ...], merge(list_map_keys=('ip',), patch_merge_key='ip', patch_strategy='merge')] = field(default=(), name="podIPs")
    start_time: Time = ""
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    qos_class: str = ""
    ephemeral_container_statuses: tuple[ContainerStatus, ...] = ()
    resize: str = ""
    resource_claim_statuses: Annotated[tuple[PodResourceClaimStatus, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge,retainKeys')] = ()
    extended_resource_claim_status: PodExtendedResourceClaimStatus | None = None
    allocated_resources: dict[str, Quantity] = NO_ITEMS
    resources: ResourceRequirements | None = None
    node_allocatable_resource_claim_statuses: Annotated[tuple[NodeAllocatableResourceClaimStatus, ...], merge(list_map_keys=('resourceClaimName',), patch_merge_key='resourceClaimName', patch_strategy='merge')] = ()
    volume_health: Annotated[tuple[PodVolumeHealth, ...], merge(list_map_keys=('name',))] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("allocated_resources",))

    __proto__: ClassVar[dict[str, int]] = {"allocated_resources": 19, "conditions": 2, "container_statuses": 8, "ephemeral_container_statuses": 13, "extended_resource_claim_status": 18, "host_ip": 5, "host_ips": 16, "init_container_statuses": 10, "message": 3, "node_allocatable_resource_claim_statuses": 21, "nominated_node_name": 11, "observed_generation": 17, "phase": 1, "pod_ip": 6, "pod_ips": 12, "qos_class": 9, "reason": 4, "resize": 14, "resource_claim_statuses": 15, "resources": 20, "start_time": 7, "volume_health": 22}


class Pod(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Pod")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PodSpec = field(default_factory=PodSpec)
    status: PodStatus = field(default_factory=PodStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class PodAttachOptions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodAttachOptions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False
    container: str = ""

    __proto__: ClassVar[dict[str, int]] = {"container": 5, "stderr": 3, "stdin": 1, "stdout": 2, "tty": 4}


class PodExecOptions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodExecOptions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False
    container: str = ""
    command: Nullable[tuple[str, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("command",))

    __proto__: ClassVar[dict[str, int]] = {"command": 6, "container": 5, "stderr": 3, "stdin": 1, "stdout": 2, "tty": 4}
    __required__: ClassVar[tuple[str, ...]] = ('command',)


class PodLogOptions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodLogOptions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    container: str = ""
    follow: bool = False
    previous: bool = False
    since_seconds: Int64 | None = None
    since_time: Time = ""
    timestamps: bool = False
    tail_lines: Int64 | None = None
    limit_bytes: Int64 | None = None
    insecure_skip_tls_verify_backend: bool = field(default=False, name="insecureSkipTLSVerifyBackend")
    stream: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"container": 1, "follow": 2, "insecure_skip_tls_verify_backend": 9, "limit_bytes": 8, "previous": 3, "since_seconds": 4, "since_time": 5, "stream": 10, "tail_lines": 7, "timestamps": 6}


class PodPortForwardOptions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodPortForwardOptions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    ports: tuple[Int32, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"ports": 1}


class PodProxyOptions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodProxyOptions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    path: str = ""

    __proto__: ClassVar[dict[str, int]] = {"path": 1}


class PodTemplateSpec(Object, frozen=True, kw_only=True):
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PodSpec = field(default_factory=PodSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class PodTemplate(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodTemplate")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    template: PodTemplateSpec = field(default_factory=PodTemplateSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "template": 2}


class ReplicationControllerSpec(Object, frozen=True, kw_only=True):
    replicas: Int32 | None = None
    min_ready_seconds: Int32 = 0
    selector: Annotated[dict[str, str], merge(map_type='atomic')] = NO_ITEMS
    template: PodTemplateSpec | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("selector",))

    __proto__: ClassVar[dict[str, int]] = {"min_ready_seconds": 4, "replicas": 1, "selector": 2, "template": 3}
    __defaults__: ClassVar[dict[str, Any]] = {'replicas': 1, 'minReadySeconds': 0}


class ReplicationControllerCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    last_transition_time: NullTime = field(default_factory=null_text)
    reason: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 3, "message": 5, "reason": 4, "status": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class ReplicationControllerStatus(Object, frozen=True, kw_only=True):
    replicas: Int32 = field(default_factory=int)
    fully_labeled_replicas: Int32 = 0
    ready_replicas: Int32 = 0
    available_replicas: Int32 = 0
    observed_generation: Int64 = 0
    conditions: Annotated[tuple[ReplicationControllerCondition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"available_replicas": 5, "conditions": 6, "fully_labeled_replicas": 2, "observed_generation": 3, "ready_replicas": 4, "replicas": 1}
    __required__: ClassVar[tuple[str, ...]] = ('replicas',)


class ReplicationController(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ReplicationController")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ReplicationControllerSpec = field(default_factory=ReplicationControllerSpec)
    status: ReplicationControllerStatus = field(default_factory=ReplicationControllerStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class ScopedResourceSelectorRequirement(Object, frozen=True, kw_only=True):
    scope_name: str = field(default_factory=str)
    operator: str = field(default_factory=str)
    values: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"operator": 2, "scope_name": 1, "values": 3}
    __required__: ClassVar[tuple[str, ...]] = ('operator', 'scopeName')


class ScopeSelector(Object, frozen=True, kw_only=True):
    match_expressions: tuple[ScopedResourceSelectorRequirement, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"match_expressions": 1}


class ResourceQuotaSpec(Object, frozen=True, kw_only=True):
    hard: dict[str, Quantity] = NO_ITEMS
    scopes: tuple[str, ...] = ()
    scope_selector: ScopeSelector | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("hard",))

    __proto__: ClassVar[dict[str, int]] = {"hard": 1, "scope_selector": 3, "scopes": 2}


class ResourceQuotaStatus(Object, frozen=True, kw_only=True):
    hard: dict[str, Quantity] = NO_ITEMS
    used: dict[str, Quantity] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("hard", "used",))

    __proto__: ClassVar[dict[str, int]] = {"hard": 1, "used": 2}


class ResourceQuota(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ResourceQuota")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ResourceQuotaSpec = field(default_factory=ResourceQuotaSpec)
    status: ResourceQuotaStatus = field(default_factory=ResourceQuotaStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class Secret(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Secret")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    immutable: bool | None = None
    data: dict[str, Base64] = NO_ITEMS
    string_data: dict[str, str] = NO_ITEMS
    type: str = ""

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("data", "string_data",))

    __proto__: ClassVar[dict[str, int]] = {"data": 2, "immutable": 5, "metadata": 1, "string_data": 4, "type": 3}


class ServicePort(Object, frozen=True, kw_only=True):
    name: str = ""
    protocol: str = ""
    app_protocol: str | None = None
    port: Int32 = field(default_factory=int)
    target_port: IntOrString = field(default_factory=int)
    node_port: Int32 = 0

    __proto__: ClassVar[dict[str, int]] = {"app_protocol": 6, "name": 1, "node_port": 5, "port": 3, "protocol": 2, "target_port": 4}
    __required__: ClassVar[tuple[str, ...]] = ('port',)
    __defaults__: ClassVar[dict[str, Any]] = {'protocol': 'TCP'}


class SessionAffinityConfig(Object, frozen=True, kw_only=True):
    client_ip: ClientIPConfig | None = field(default=None, name="clientIP")

    __proto__: ClassVar[dict[str, int]] = {"client_ip": 1}


class ServiceSpec(Object, frozen=True, kw_only=True):
    ports: Annotated[tuple[ServicePort, ...], merge(list_map_keys=('port', 'protocol'), patch_merge_key='port', patch_strategy='merge')] = ()
    selector: Annotated[dict[str, str], merge(map_type='atomic')] = NO_ITEMS
    cluster_ip: str = field(default="", name="clusterIP")
    cluster_ips: tuple[str, ...] = field(default=(), name="clusterIPs")
    type: str = ""
    external_ips: tuple[str, ...] = field(default=(), name="externalIPs")
    session_affinity: str = ""
    load_balancer_ip: str = field(default="", name="loadBalancerIP")
    load_balancer_source_ranges: tuple[str, ...] = ()
    external_name: str = ""
    external_traffic_policy: str = ""
    health_check_node_port: Int32 = 0
    publish_not_ready_addresses: bool = False
    session_affinity_config: SessionAffinityConfig | None = None
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str | None = None
    allocate_load_balancer_node_ports: bool | None = None
    load_balancer_class: str | None = None
    internal_traffic_policy: str | None = None
    traffic_distribution: str | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("selector",))

    __proto__: ClassVar[dict[str, int]] = {"allocate_load_balancer_node_ports": 20, "cluster_ip": 3, "cluster_ips": 18, "external_ips": 5, "external_name": 10, "external_traffic_policy": 11, "health_check_node_port": 12, "internal_traffic_policy": 22, "ip_families": 19, "ip_family_policy": 17, "load_balancer_class": 21, "load_balancer_ip": 8, "load_balancer_source_ranges": 9, "ports": 1, "publish_not_ready_addresses": 13, "selector": 2, "session_affinity": 7, "session_affinity_config": 14, "traffic_distribution": 23, "type": 4}


class ServiceStatus(Object, frozen=True, kw_only=True):
    load_balancer: LoadBalancerStatus = field(default_factory=LoadBalancerStatus)
    conditions: Annotated[tuple[meta_v1.Condition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()

    __proto__: ClassVar[dict[str, int]] = {"conditions": 2, "load_balancer": 1}


class Service(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Service")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ServiceSpec = field(default_factory=ServiceSpec)
    status: ServiceStatus = field(default_factory=ServiceStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class ServiceAccount(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ServiceAccount")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    secrets: Annotated[tuple[ObjectReference, ...], merge(list_map_keys=('name',), patch_merge_key='name', patch_strategy='merge')] = ()
    image_pull_secrets: tuple[LocalObjectReference, ...] = ()
    automount_service_account_token: bool | None = None

    __proto__: ClassVar[dict[str, int]] = {"automount_service_account_token": 4, "image_pull_secrets": 3, "metadata": 1, "secrets": 2}


class ServiceProxyOptions(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ServiceProxyOptions")
    api_version: str = field(default_factory=lambda: "v1", name="apiVersion")
    path: str = ""

    __proto__: ClassVar[dict[str, int]] = {"path": 1}


class TopologySelectorLabelRequirement(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    values: Nullable[tuple[str, ...]] = field(default_factory=null_list)

    def __post_init__(self) -> None:
        to_nulls(self, lists=("values",))

    __proto__: ClassVar[dict[str, int]] = {"key": 1, "values": 2}
    __required__: ClassVar[tuple[str, ...]] = ('key', 'values')


class TopologySelectorTerm(Object, frozen=True, kw_only=True):
    match_label_expressions: tuple[TopologySelectorLabelRequirement, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"match_label_expressions": 1}

