"""Slices of a pool: devices that a driver has, on one node, on some or on all.

Tests: tests/engine/kinds/resource/test_devices.py
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.pod_spec.checks.placement import check_node_selector
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.resource_v1 import (
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceCounterConsumption,
    NodeAllocatableResource,
    ResourceSlice,
    ResourceSliceSpec,
)
from shipslog.store.objects.values.quantity import nanos
from shipslog.store.objects.values.times import api_time

from .capacities import check_capacity
from .devices import (
    check_binding_conditions,
    check_driver,
    check_each,
    check_label,
    check_pool,
    check_qualified,
    check_set,
    check_skipped,
    check_taint,
)

MOST_DEVICES, MOST_RICH_DEVICES, MOST_SETS, MOST_COUNTERS, MOST_CONSUMED = 128, 64, 8, 32, 2
MOST_ATTRIBUTES, MOST_VALUES, MOST_TAINTS, LONGEST_VALUE = 32, 48, 16, 64
WHERE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
WHERE_DEVICE = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the "
    "ResourceSlice spec"
)
NOT_WHERE = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice "
    "spec"
)
TRUE_OR_UNSET = "must be either unset or set to true"
_NUMBER, _PRE = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
is_version = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE}(\.{_PRE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII
).fullmatch
ON_NODES = re.compile("cpu|memory|ephemeral-storage|pods|hugepages-.+")


class ResourceSliceRules(WithSpec):
    about = "Devices that a driver has: some of a pool, on one node, on some or on all."
    columns = (
        NAME,
        Column("Node", "The node whose devices they are."),
        Column("Driver", "Whose devices they are."),
        Column("Pool", "The pool that the slice is a part of."),
        AGE,
    )
    selectable = {"spec.nodeName": lambda o: o.spec.node_name or "", "spec.driver": lambda o: o.spec.driver}

    def cells(self, obj: ResourceSlice, now_ns: int) -> list[Any]:
        spec, created = obj.spec, age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, spec.node_name or "", spec.driver, spec.pool.name, created]

    def create(self, kind: Kind, obj: ResourceSlice, ctx: Admission) -> ResourceSlice:
        made: ResourceSlice = super().create(kind, obj, ctx)
        return _dated(made, ctx)

    def update(self, kind: Kind, old: ResourceSlice, new: ResourceSlice, subresource: str, ctx: Admission) -> ResourceSlice:
        made: ResourceSlice = super().update(kind, old, _dated(new, ctx), subresource, ctx)
        return made

    def check(self, faults: Faults, obj: ResourceSlice) -> None:
        spec = obj.spec
        check_driver(faults, spec.driver, "spec.driver")
        check_pool(faults, spec.pool.name, "spec.pool.name")
        if spec.pool.resource_slice_count <= 0:
            faults.invalid("spec.pool.resourceSliceCount", spec.pool.resource_slice_count, "must be greater than zero")
        if spec.pool.generation < 0:
            words = "must be greater than or equal to zero"
            faults.invalid("spec.pool.generation", spec.pool.generation, words)
        _check_where(faults, spec, "spec")
        if spec.shared_counters and spec.devices:
            faults.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed")
        most = MOST_RICH_DEVICES if any(_is_rich(device) for device in spec.devices) else MOST_DEVICES
        each = bool(spec.per_device_node_selection)
        path = "spec.devices"
        check_set(faults, spec.devices, most, path, lambda f, d, at: _check_device(f, d, at, each), lambda d: d.name)
        check_set(faults, spec.shared_counters, MOST_SETS, "spec.sharedCounters", _check_counters, lambda c: c.name)
        if spec.partition_type_attribute is not None:
            _check_partitions(faults, spec, spec.partition_type_attribute)
        check_skipped(faults, spec.skip_node_operations, "spec.skipNodeOperations")

    def check_change(self, faults: Faults, old: ResourceSlice, new: ResourceSlice) -> None:
        self.check(faults, new)
        for field, was, now in (
            ("pool.name", old.spec.pool.name, new.spec.pool.name),
            ("driver", old.spec.driver, new.spec.driver),
            ("nodeName", old.spec.node_name, new.spec.node_name),
        ):
            if was != now:
                faults.invalid(f"spec.{field}", now, IMMUTABLE)


def _dated(obj: ResourceSlice, ctx: Admission) -> ResourceSlice:
    """Taints say since when they are there."""
    if all(taint.time_added for device in obj.spec.devices for taint in device.taints):
        return obj
    now = api_time(ctx.now_ns)
    devices = tuple(
        replace(device, taints=tuple(replace(taint, time_added=taint.time_added or now) for taint in device.taints))
        for device in obj.spec.devices
    )
    return replace(obj, spec=replace(obj.spec, devices=devices))


def _is_rich(device: Device) -> bool:
    return bool(device.taints or device.consumes_counters) or any(map(_lists, device.attributes.values()))


def _lists(attribute: DeviceAttribute) -> int:
    """How many values an attribute lists."""
    return len(attribute.ints) + len(attribute.bools) + len(attribute.strings) + len(attribute.versions)


def _check_where(faults: Faults, spec: ResourceSliceSpec, path: str) -> None:
    """On which nodes the devices are."""
    fields = []
    if spec.node_name is not None:
        if spec.node_name:
            fields.append("`nodeName`")
            faults.invalid_each(f"{path}.nodeName", spec.node_name, names.subdomain(spec.node_name))
        else:
            faults.invalid(f"{path}.nodeName", "", "must be either unset or set to a non-empty string")
    if spec.node_selector is not None:
        fields.append("`nodeSelector`")
        check_node_selector(faults, spec.node_selector, f"{path}.nodeSelector")
        terms = spec.node_selector.node_selector_terms
        if len(terms) != 1:
            faults.invalid(f"{path}.nodeSelector.nodeSelectorTerms", terms, "must have exactly one node selector term")
    for field, value in (("allNodes", spec.all_nodes), ("perDeviceNodeSelection", spec.per_device_node_selection)):
        if value:
            fields.append(f"`{field}`")
        elif value is not None:
            faults.invalid(f"{path}.{field}", value, TRUE_OR_UNSET)
    if not fields:
        faults.required(path, WHERE)
    elif len(fields) > 1:
        faults.invalid(path, f"{{{', '.join(fields)}}}", f"{WHERE}, but multiple fields are set")


def _check_device(faults: Faults, device: Device, path: str, each: bool) -> None:
    check_label(faults, device.name, f"{path}.name")
    if (count := len(device.attributes) + len(device.capacity)) > MOST_ATTRIBUTES:
        words = f"the total number of attributes and capacities must not exceed {MOST_ATTRIBUTES}"
        faults.invalid(path, count, words)
    if (count := sum(max(1, _lists(attribute)) for attribute in device.attributes.values())) > MOST_VALUES:
        faults.invalid(path, count, f"the total number of attribute values must not exceed {MOST_VALUES}")
    for name, attribute in sorted(device.attributes.items()):
        check_qualified(faults, name, f"{path}.attributes")
        _check_attribute(faults, attribute, f"{path}.attributes[{name}]")
    for name, capacity in sorted(device.capacity.items()):
        check_qualified(faults, name, f"{path}.capacity")
        check_capacity(faults, capacity, f"{path}.capacity[{name}]", shared=bool(device.allow_multiple_allocations))
    check_each(faults, device.taints, MOST_TAINTS, f"{path}.taints", check_taint)
    consumed = f"{path}.consumesCounters"
    check_set(faults, device.consumes_counters, MOST_CONSUMED, consumed, _check_consumed, lambda c: c.counter_set)
    if each:
        _check_device_where(faults, device, path)
    elif device.node_name is not None or device.node_selector is not None or device.all_nodes is not None:
        faults.invalid(path, None, NOT_WHERE)
    check_binding_conditions(faults, device.binding_conditions, device.binding_failure_conditions, path)
    for name, resource in sorted(device.node_allocatable_resources.items()):
        at = f"{path}.nodeAllocatableResources[{name}]"
        if ON_NODES.fullmatch(name) is None:
            faults.invalid(at, name, "must be a node allocatable resource name")
        _check_of_node(faults, resource, device.capacity, at)


def _check_device_where(faults: Faults, device: Device, path: str) -> None:
    fields = []
    if device.node_name is not None:
        if device.node_name:
            fields.append("`nodeName`")
            faults.invalid_each(f"{path}.nodeName", device.node_name, names.subdomain(device.node_name))
        else:
            faults.invalid(f"{path}.nodeName", "", "must not be empty")
    if device.node_selector is not None:
        fields.append("`nodeSelector`")
        check_node_selector(faults, device.node_selector, f"{path}.nodeSelector")
    if device.all_nodes:
        fields.append("`allNodes`")
    elif device.all_nodes is not None:
        faults.invalid(f"{path}.allNodes", False, TRUE_OR_UNSET)
    if not fields:
        faults.required(path, WHERE_DEVICE)
    elif len(fields) > 1:
        faults.invalid(path, f"{{{', '.join(fields)}}}", WHERE_DEVICE)


def _check_attribute(faults: Faults, attribute: DeviceAttribute, path: str) -> None:
    """One value, or one list of values, of one type."""
    strings, versions = [("string", attribute.string)], [("version", attribute.version)]
    strings += [(f"strings[{i}]", value) for i, value in enumerate(attribute.strings)]
    versions += [(f"versions[{i}]", value) for i, value in enumerate(attribute.versions)]
    for field, value in (*strings, *versions):
        if value is not None and len(value) > LONGEST_VALUE:
            faults.too_long(f"{path}.{field}", LONGEST_VALUE)
    for field, value in versions:
        if value is not None and not is_version(value):
            faults.invalid(f"{path}.{field}", value, "must be a string compatible with semver.org spec 2.0.0")
    single = (attribute.int_, attribute.bool_, attribute.string, attribute.version)
    several = (attribute.ints, attribute.bools, attribute.strings, attribute.versions)
    if sum(value is not None for value in single) + sum(bool(values) for values in several) != 1:
        faults.invalid(path, attribute, "exactly one value must be specified")


def _check_counters(faults: Faults, counters: CounterSet, path: str) -> None:
    if not counters.name:
        faults.required(f"{path}.name")
    else:
        check_label(faults, counters.name, f"{path}.name")
    _check_amounts(faults, counters.counters, f"{path}.counters")


def _check_consumed(faults: Faults, consumed: DeviceCounterConsumption, path: str) -> None:
    if not consumed.counter_set:
        faults.required(f"{path}.counterSet")
    else:
        check_label(faults, consumed.counter_set, f"{path}.counterSet")
    _check_amounts(faults, consumed.counters, f"{path}.counters")


def _check_amounts(faults: Faults, amounts: Mapping[str, Counter], path: str) -> None:
    if not amounts:
        faults.required(path)
    elif len(amounts) > MOST_COUNTERS:
        faults.too_many(path, len(amounts), MOST_COUNTERS)
    else:
        for name in sorted(amounts):
            check_label(faults, name, path)


def _check_of_node(
    faults: Faults, resource: NodeAllocatableResource, capacities: Mapping[str, DeviceCapacity], path: str
) -> None:
    """How much of a node's own resources a device takes."""
    mapping, overhead = resource.mapping, resource.overhead
    if mapping is None and overhead is None:
        faults.required(path, "at least one of mapping or overhead must be set")
    if mapping is not None:
        key, at = mapping.capacity_key, f"{path}.mapping"
        if key == "":
            faults.invalid(f"{at}.capacityKey", "", "capacityKey must not be an empty string")
        elif key is not None and key not in capacities:
            faults.not_found(f"{at}.capacityKey", key)
        if key is not None and mapping.capacity_multiplier is None:
            faults.required(f"{at}.capacityMultiplier", "capacityMultiplier is required when capacityKey is set")
        if key is None and mapping.capacity_multiplier is not None:
            faults.required(f"{at}.capacityKey", "capacityKey is required when capacityMultiplier is set")
        multipliers = (("capacityMultiplier", mapping.capacity_multiplier), ("deviceMultiplier", mapping.device_multiplier))
        for field, amount in multipliers:
            if amount is not None and nanos(amount) <= 0:
                faults.invalid(f"{at}.{field}", str(amount), "must be positive")
    if overhead is not None:
        at = f"{path}.overhead"
        if overhead.per_pod is None and overhead.per_container is None:
            faults.invalid(at, "", "at least one of perPod or perContainer must be set")
        for field, amount in (("perPod", overhead.per_pod), ("perContainer", overhead.per_container)):
            if amount is not None and nanos(amount) < 0:
                faults.invalid(f"{at}.{field}", str(amount), "must be non-negative")


def _check_partitions(faults: Faults, spec: ResourceSliceSpec, name: str) -> None:
    """The attribute by which partitions of one device are told apart: each that consumes counters has it, as a text."""
    path = "spec.partitionTypeAttribute"
    found = Faults()
    check_qualified(found, name, path, whole=True)
    for cause in found.causes:
        faults.tell(cause.reason, cause.message, cause.field)
    if not any(device.consumes_counters for device in spec.devices):
        faults.invalid(path, name, "may only be set on a slice which declares devices that consume counters")
        return
    if found:
        return
    bare = name.removeprefix(f"{spec.driver}/")
    for i, device in enumerate(spec.devices):
        at = f"spec.devices[{i}].attributes[{name}]"
        attribute = device.attributes.get(name) or device.attributes.get(bare)
        if not device.consumes_counters:
            continue
        if attribute is None:
            words = "device consumes counters and `partitionTypeAttribute` names this attribute, so it must be set"
            faults.required(at, words)
        elif attribute.string is None:
            faults.invalid(at, attribute, "must be a string value because `partitionTypeAttribute` names this attribute")


STRATEGY = ResourceSliceRules()
