"""The types of the API group-version resource.v1beta1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, Any, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int64, NO_ITEMS, Nullable, Object, Quantity, RawObject, Time, freeze_maps, merge, nothing, null_list, to_nulls, zero_quantity

from . import core_v1, meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class NetworkDeviceData(Object, frozen=True, kw_only=True):
    interface_name: str = ""
    ips: tuple[str, ...] = ()
    hardware_address: str = ""

    __proto__: ClassVar[dict[str, int]] = {"hardware_address": 3, "interface_name": 1, "ips": 2}


class AllocatedDeviceStatus(Object, frozen=True, kw_only=True):
    driver: str = field(default_factory=str)
    pool: str = field(default_factory=str)
    device: str = field(default_factory=str)
    share_id: str | None = field(default=None, name="shareID")
    conditions: Annotated[Nullable[tuple[meta_v1.Condition, ...]], merge(list_map_keys=('type',))] = field(default_factory=null_list)
    data: RawObject = None
    network_data: NetworkDeviceData | None = None

    def __post_init__(self) -> None:
        freeze_maps(self, free=("data",))
        to_nulls(self, lists=("conditions",))

    __proto__: ClassVar[dict[str, int]] = {"conditions": 4, "data": 5, "device": 3, "driver": 1, "network_data": 6, "pool": 2, "share_id": 7}
    __required__: ClassVar[tuple[str, ...]] = ('device', 'driver', 'pool')


class OpaqueDeviceConfiguration(Object, frozen=True, kw_only=True):
    driver: str = field(default_factory=str)
    parameters: RawObject = field(default_factory=nothing)

    def __post_init__(self) -> None:
        freeze_maps(self, free=("parameters",))

    __proto__: ClassVar[dict[str, int]] = {"driver": 1, "parameters": 2}
    __required__: ClassVar[tuple[str, ...]] = ('driver', 'parameters')


class DeviceAllocationConfiguration(Object, frozen=True, kw_only=True):
    source: str = field(default_factory=str)
    requests: tuple[str, ...] = ()
    opaque: OpaqueDeviceConfiguration | None = None

    __proto__: ClassVar[dict[str, int]] = {"requests": 2, "source": 1, "*deviceConfiguration": 3}
    __required__: ClassVar[tuple[str, ...]] = ('source',)


class DeviceToleration(Object, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: Int64 | None = None

    __proto__: ClassVar[dict[str, int]] = {"effect": 4, "key": 1, "operator": 2, "toleration_seconds": 5, "value": 3}
    __defaults__: ClassVar[dict[str, Any]] = {'operator': 'Equal'}


class DeviceRequestAllocationResult(Object, frozen=True, kw_only=True):
    request: str = field(default_factory=str)
    driver: str = field(default_factory=str)
    pool: str = field(default_factory=str)
    device: str = field(default_factory=str)
    admin_access: bool | None = None
    tolerations: tuple[DeviceToleration, ...] = ()
    binding_conditions: tuple[str, ...] = ()
    binding_failure_conditions: tuple[str, ...] = ()
    share_id: str | None = field(default=None, name="shareID")
    consumed_capacity: dict[str, Quantity] = NO_ITEMS
    skip_node_operations: Annotated[tuple[str, ...], merge(list_type="set")] = ()

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("consumed_capacity",))

    __proto__: ClassVar[dict[str, int]] = {"admin_access": 5, "binding_conditions": 7, "binding_failure_conditions": 8, "consumed_capacity": 10, "device": 4, "driver": 2, "pool": 3, "request": 1, "share_id": 9, "skip_node_operations": 11, "tolerations": 6}
    __required__: ClassVar[tuple[str, ...]] = ('device', 'driver', 'pool', 'request')


class DeviceAllocationResult(Object, frozen=True, kw_only=True):
    results: tuple[DeviceRequestAllocationResult, ...] = ()
    config: tuple[DeviceAllocationConfiguration, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"config": 2, "results": 1}


class AllocationResult(Object, frozen=True, kw_only=True):
    devices: DeviceAllocationResult = field(default_factory=DeviceAllocationResult)
    node_selector: core_v1.NodeSelector | None = None
    allocation_timestamp: Time = ""

    __proto__: ClassVar[dict[str, int]] = {"allocation_timestamp": 5, "devices": 1, "node_selector": 3}


class DeviceAttribute(Object, frozen=True, kw_only=True):
    int_: Int64 | None = None
    bool_: bool | None = None
    string: str | None = None
    version: str | None = None
    ints: tuple[Int64, ...] = ()
    bools: tuple[bool, ...] = ()
    strings: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    __proto__: ClassVar[dict[str, int]] = {"bool_": 3, "bools": 7, "int_": 2, "ints": 6, "string": 4, "strings": 8, "version": 5, "versions": 9}


class CapacityRequestPolicyRange(Object, frozen=True, kw_only=True):
    min: Quantity | None = None
    max: Quantity | None = None
    step: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"max": 2, "min": 1, "step": 3}
    __required__: ClassVar[tuple[str, ...]] = ('min',)


class CapacityRequestPolicy(Object, frozen=True, kw_only=True):
    default: Quantity | None = field(default_factory=nothing)
    valid_values: tuple[Quantity, ...] = ()
    valid_range: CapacityRequestPolicyRange | None = None

    __proto__: ClassVar[dict[str, int]] = {"default": 1, "valid_range": 4, "valid_values": 3}


class DeviceCapacity(Object, frozen=True, kw_only=True):
    value: Quantity = field(default_factory=zero_quantity)
    request_policy: CapacityRequestPolicy | None = None

    __proto__: ClassVar[dict[str, int]] = {"request_policy": 2, "value": 1}
    __required__: ClassVar[tuple[str, ...]] = ('value',)


class Counter(Object, frozen=True, kw_only=True):
    value: Quantity = field(default_factory=zero_quantity)

    __proto__: ClassVar[dict[str, int]] = {"value": 1}
    __required__: ClassVar[tuple[str, ...]] = ('value',)


class DeviceCounterConsumption(Object, frozen=True, kw_only=True):
    counter_set: str = field(default_factory=str)
    counters: dict[str, Counter] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("counters",))

    __proto__: ClassVar[dict[str, int]] = {"counter_set": 1, "counters": 2}
    __required__: ClassVar[tuple[str, ...]] = ('counterSet', 'counters')


class DeviceTaint(Object, frozen=True, kw_only=True):
    key: str = field(default_factory=str)
    value: str = ""
    effect: str = field(default_factory=str)
    time_added: Time = ""

    __proto__: ClassVar[dict[str, int]] = {"effect": 3, "key": 1, "time_added": 4, "value": 2}
    __required__: ClassVar[tuple[str, ...]] = ('effect', 'key')


class NodeAllocatableMapping(Object, frozen=True, kw_only=True):
    capacity_key: str | None = None
    capacity_multiplier: Quantity | None = None
    device_multiplier: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"capacity_key": 1, "capacity_multiplier": 2, "device_multiplier": 3}


class NodeAllocatableOverhead(Object, frozen=True, kw_only=True):
    per_pod: Quantity | None = None
    per_container: Quantity | None = None

    __proto__: ClassVar[dict[str, int]] = {"per_container": 2, "per_pod": 1}


class NodeAllocatableResource(Object, frozen=True, kw_only=True):
    mapping: NodeAllocatableMapping | None = None
    overhead: NodeAllocatableOverhead | None = None

    __proto__: ClassVar[dict[str, int]] = {"mapping": 3, "overhead": 4}


class BasicDevice(Object, frozen=True, kw_only=True):
    attributes: dict[str, DeviceAttribute] = NO_ITEMS
    capacity: dict[str, DeviceCapacity] = NO_ITEMS
    consumes_counters: tuple[DeviceCounterConsumption, ...] = ()
    node_name: str | None = None
    node_selector: core_v1.NodeSelector | None = None
    all_nodes: bool | None = None
    taints: tuple[DeviceTaint, ...] = ()
    binds_to_node: bool | None = None
    binding_conditions: tuple[str, ...] = ()
    binding_failure_conditions: tuple[str, ...] = ()
    allow_multiple_allocations: bool | None = None
    node_allocatable_resources: dict[str, NodeAllocatableResource] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("attributes", "capacity", "node_allocatable_resources",))

    __proto__: ClassVar[dict[str, int]] = {"all_nodes": 6, "allow_multiple_allocations": 11, "attributes": 1, "binding_conditions": 9, "binding_failure_conditions": 10, "binds_to_node": 8, "capacity": 2, "consumes_counters": 3, "node_allocatable_resources": 14, "node_name": 4, "node_selector": 5, "taints": 7}


class CELDeviceSelector(Object, frozen=True, kw_only=True):
    expression: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"expression": 1}
    __required__: ClassVar[tuple[str, ...]] = ('expression',)


class CapacityRequirements(Object, frozen=True, kw_only=True):
    requests: dict[str, Quantity] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("requests",))

    __proto__: ClassVar[dict[str, int]] = {"requests": 1}


class CounterSet(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    counters: dict[str, Counter] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("counters",))

    __proto__: ClassVar[dict[str, int]] = {"counters": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('counters', 'name')


class Device(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    basic: BasicDevice | None = None

    __proto__: ClassVar[dict[str, int]] = {"basic": 2, "name": 1}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class DeviceClaimConfiguration(Object, frozen=True, kw_only=True):
    requests: tuple[str, ...] = ()
    opaque: OpaqueDeviceConfiguration | None = None

    __proto__: ClassVar[dict[str, int]] = {"requests": 1, "*deviceConfiguration": 2}


class DeviceConstraint(Object, frozen=True, kw_only=True):
    requests: tuple[str, ...] = ()
    match_attribute: str | None = None
    distinct_attribute: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"distinct_attribute": 3, "match_attribute": 2, "requests": 1}


class DeviceSelector(Object, frozen=True, kw_only=True):
    cel: CELDeviceSelector | None = None

    __proto__: ClassVar[dict[str, int]] = {"cel": 1}


class DeviceSubRequest(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    device_class_name: str = field(default_factory=str)
    selectors: tuple[DeviceSelector, ...] = ()
    allocation_mode: str = ""
    count: Int64 = 0
    tolerations: tuple[DeviceToleration, ...] = ()
    capacity: CapacityRequirements | None = None

    __proto__: ClassVar[dict[str, int]] = {"allocation_mode": 4, "capacity": 8, "count": 5, "device_class_name": 2, "name": 1, "selectors": 3, "tolerations": 7}
    __required__: ClassVar[tuple[str, ...]] = ('deviceClassName', 'name')


class DeviceRequest(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    device_class_name: str = field(default_factory=str)
    selectors: tuple[DeviceSelector, ...] = ()
    allocation_mode: str = ""
    count: Int64 = 0
    admin_access: bool | None = None
    first_available: tuple[DeviceSubRequest, ...] = ()
    tolerations: tuple[DeviceToleration, ...] = ()
    capacity: CapacityRequirements | None = None

    __proto__: ClassVar[dict[str, int]] = {"admin_access": 6, "allocation_mode": 4, "capacity": 9, "count": 5, "device_class_name": 2, "first_available": 7, "name": 1, "selectors": 3, "tolerations": 8}
    __required__: ClassVar[tuple[str, ...]] = ('name',)


class DeviceClaim(Object, frozen=True, kw_only=True):
    requests: Nullable[tuple[DeviceRequest, ...]] = field(default_factory=null_list)
    constraints: tuple[DeviceConstraint, ...] = ()
    config: tuple[DeviceClaimConfiguration, ...] = ()

    def __post_init__(self) -> None:
        to_nulls(self, lists=("requests",))

    __proto__: ClassVar[dict[str, int]] = {"config": 3, "constraints": 2, "requests": 1}


class DeviceClassConfiguration(Object, frozen=True, kw_only=True):
    opaque: OpaqueDeviceConfiguration | None = None

    __proto__: ClassVar[dict[str, int]] = {"*deviceConfiguration": 1}


class DeviceClassSpec(Object, frozen=True, kw_only=True):
    selectors: tuple[DeviceSelector, ...] = ()
    config: tuple[DeviceClassConfiguration, ...] = ()
    extended_resource_name: str | None = None

    __proto__: ClassVar[dict[str, int]] = {"config": 2, "extended_resource_name": 4, "selectors": 1}


class DeviceClass(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "DeviceClass")
    api_version: str = field(default_factory=lambda: "resource.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: DeviceClassSpec = field(default_factory=DeviceClassSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class ResourceClaimSpec(Object, frozen=True, kw_only=True):
    devices: DeviceClaim = field(default_factory=DeviceClaim)

    __proto__: ClassVar[dict[str, int]] = {"devices": 1}


class ResourceClaimConsumerReference(Object, frozen=True, kw_only=True):
    api_group: str = ""
    resource: str = field(default_factory=str)
    name: str = field(default_factory=str)
    uid: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"api_group": 1, "name": 4, "resource": 3, "uid": 5}
    __required__: ClassVar[tuple[str, ...]] = ('name', 'resource', 'uid')


class ResourceClaimStatus(Object, frozen=True, kw_only=True):
    allocation: AllocationResult | None = None
    reserved_for: Annotated[tuple[ResourceClaimConsumerReference, ...], merge(list_map_keys=('uid',), patch_merge_key='uid', patch_strategy='merge')] = ()
    devices: Annotated[tuple[AllocatedDeviceStatus, ...], merge(list_map_keys=('driver', 'device', 'pool', 'shareID'))] = ()

    __proto__: ClassVar[dict[str, int]] = {"allocation": 1, "devices": 4, "reserved_for": 2}


class ResourceClaim(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ResourceClaim")
    api_version: str = field(default_factory=lambda: "resource.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ResourceClaimSpec = field(default_factory=ResourceClaimSpec)
    status: ResourceClaimStatus = field(default_factory=ResourceClaimStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class ResourceClaimTemplateSpec(Object, frozen=True, kw_only=True):
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ResourceClaimSpec = field(default_factory=ResourceClaimSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class ResourceClaimTemplate(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ResourceClaimTemplate")
    api_version: str = field(default_factory=lambda: "resource.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ResourceClaimTemplateSpec = field(default_factory=ResourceClaimTemplateSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}


class ResourcePool(Object, frozen=True, kw_only=True):
    name: str = field(default_factory=str)
    generation: Int64 = field(default_factory=int)
    resource_slice_count: Int64 = field(default_factory=int)

    __proto__: ClassVar[dict[str, int]] = {"generation": 2, "name": 1, "resource_slice_count": 3}
    __required__: ClassVar[tuple[str, ...]] = ('generation', 'name', 'resourceSliceCount')


class ResourceSliceSpec(Object, frozen=True, kw_only=True):
    driver: str = field(default_factory=str)
    pool: ResourcePool = field(default_factory=ResourcePool)
    node_name: str = ""
    node_selector: core_v1.NodeSelector | None = None
    all_nodes: bool = False
    devices: tuple[Device, ...] = ()
    per_device_node_selection: bool | None = None
    shared_counters: tuple[CounterSet, ...] = ()
    partition_type_attribute: str | None = None
    skip_node_operations: Annotated[tuple[str, ...], merge(list_type="set")] = ()

    __proto__: ClassVar[dict[str, int]] = {"all_nodes": 5, "devices": 6, "driver": 1, "node_name": 3, "node_selector": 4, "partition_type_attribute": 9, "per_device_node_selection": 7, "pool": 2, "shared_counters": 8, "skip_node_operations": 10}
    __required__: ClassVar[tuple[str, ...]] = ('driver', 'pool')


class ResourceSlice(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ResourceSlice")
    api_version: str = field(default_factory=lambda: "resource.k8s.io/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ResourceSliceSpec = field(default_factory=ResourceSliceSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

