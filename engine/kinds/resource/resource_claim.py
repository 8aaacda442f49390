"""Claims on devices: what is asked for, what was given, and to whom.

Tests: tests/engine/kinds/resource/test_devices.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.conditions import check_conditions
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.pod_spec.checks.placement import check_node_selector
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.resource_v1 import (
    AllocatedDeviceStatus,
    AllocationResult,
    DeviceAllocationConfiguration,
    DeviceRequestAllocationResult,
    NetworkDeviceData,
    ResourceClaim,
    ResourceClaimConsumerReference,
)

from .device_claims import Requests, check_admin_access, check_claim, check_name, check_names, default_claim, requests_of
from .devices import (
    LONGEST_PARAMETERS,
    check_binding_conditions,
    check_driver,
    check_each,
    check_json,
    check_label,
    check_opaque,
    check_pool,
    check_set,
    check_share,
    check_skipped,
    check_toleration,
)

MOST_CONSUMERS, MOST_RESULTS, MOST_CONFIGS, MOST_CONDITIONS, MOST_ADDRESSES = 256, 32, 64, 8, 16
LONGEST_INTERFACE, LONGEST_HARDWARE_ADDRESS = 256, 128
SOURCES = ("FromClaim", "FromClass")
NOT_ADDED = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"


class ResourceClaimRules(WithSpec):
    about = "A claim on devices: what is asked for, what was given, and to whom."
    counts = False
    columns = (NAME, Column("State", "Whether it is pending, allocated, reserved, deleted."), AGE)

    def cells(self, obj: ResourceClaim, now_ns: int) -> list[Any]:
        return [obj.metadata.name, _state(obj), age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: ResourceClaim) -> ResourceClaim:
        return replace(obj, spec=default_claim(obj.spec))

    def update(self, kind: Kind, old: ResourceClaim, new: ResourceClaim, subresource: str, ctx: Admission) -> ResourceClaim:
        """A status is written alone: nothing of the metadata with it but who wrote what."""
        if subresource != "status":
            return replace(new, status=old.status)
        meta = replace(
            new.metadata, labels=old.metadata.labels, annotations=old.metadata.annotations,
            finalizers=old.metadata.finalizers, owner_references=old.metadata.owner_references,
        )  # fmt: skip
        return replace(new, metadata=meta, spec=old.spec)

    def check(self, faults: Faults, obj: ResourceClaim) -> None:
        check_claim(faults, obj.spec.devices, "spec.devices")

    def check_change(self, faults: Faults, old: ResourceClaim, new: ResourceClaim) -> None:
        if old.spec != new.spec:
            faults.invalid("spec", new.spec, IMMUTABLE)

    def check_status(self, faults: Faults, old: ResourceClaim, new: ResourceClaim) -> None:
        status, was, known = new.status, old.status, requests_of(new.spec.devices)
        path = "status.reservedFor"
        check_set(faults, status.reserved_for, MOST_CONSUMERS, path, _check_consumer, lambda consumer: consumer.uid)
        results = status.allocation.devices.results if status.allocation is not None else ()
        given = {(r.driver, r.pool, r.device, r.share_id) for r in results}
        for i, device in enumerate(status.devices):
            at = f"status.devices[{i}]"
            _check_device(faults, device, at)
            if _id(device) not in given:
                faults.invalid(at, "/".join(part for part in _id(device) if part), "must be an allocated device in the claim")
            if any(_id(device) == _id(other) for other in status.devices[:i]):
                faults.duplicate(at, "/".join(part for part in _id(device) if part))
        if status.reserved_for and status.allocation is None:
            faults.forbidden(path, "may not be specified when `allocated` is not set")
        elif status.reserved_for and new.metadata.deletion_timestamp and set(status.reserved_for) - set(was.reserved_for):
            faults.forbidden(path, NOT_ADDED)
        if was.allocation is not None and status.allocation is not None:
            if was.allocation != status.allocation:
                faults.invalid("status.allocation", status.allocation, IMMUTABLE)
        elif status.allocation is not None:
            _check_allocation(faults, status.allocation, "status.allocation", known)

    def allocate(self, kind: Kind, old: ResourceClaim | None, obj: ResourceClaim, ctx: Admission) -> ResourceClaim:
        if old is None:
            meta = obj.metadata
            check_admin_access(kind, meta.name, meta.namespace, obj.spec.devices, "spec.devices", ctx)
        return obj


def _id(device: AllocatedDeviceStatus) -> tuple[str, str, str, str | None]:
    return device.driver, device.pool, device.device, device.share_id


def _state(claim: ResourceClaim) -> str:
    """deleted,allocated,reserved"""
    states = ["deleted"] if claim.metadata.deletion_timestamp else []
    if claim.status.allocation is None:
        states += [] if states else ["pending"]
    else:
        states += ["allocated", *(["reserved"] if claim.status.reserved_for else [])]
    return ",".join(states)


def _check_consumer(faults: Faults, consumer: ResourceClaimConsumerReference, path: str) -> None:
    for field, value in (("resource", consumer.resource), ("name", consumer.name), ("uid", consumer.uid)):
        if not value:
            faults.required(f"{path}.{field}")


def _check_allocation(faults: Faults, allocation: AllocationResult, path: str, known: Requests) -> None:
    devices, at = allocation.devices, f"{path}.devices"
    check_each(faults, devices.results, MOST_RESULTS, f"{at}.results", lambda f, r, where: _check_result(f, r, where, known))
    check_each(faults, devices.config, MOST_CONFIGS, f"{at}.config", lambda f, c, where: _check_config(f, c, where, known))
    if allocation.node_selector is not None:
        check_node_selector(faults, allocation.node_selector, f"{path}.nodeSelector")


def _check_result(faults: Faults, result: DeviceRequestAllocationResult, path: str, known: Requests) -> None:
    check_name(faults, result.request, f"{path}.request", known)
    check_driver(faults, result.driver, f"{path}.driver")
    check_pool(faults, result.pool, f"{path}.pool")
    check_label(faults, result.device, f"{path}.device")
    check_binding_conditions(faults, result.binding_conditions, result.binding_failure_conditions, path)
    for i, toleration in enumerate(result.tolerations):
        check_toleration(faults, toleration, f"{path}.tolerations[{i}]")
    check_share(faults, result.share_id, f"{path}.shareID")
    check_skipped(faults, result.skip_node_operations, f"{path}.skipNodeOperations")


def _check_config(faults: Faults, config: DeviceAllocationConfiguration, path: str, known: Requests) -> None:
    if not config.source:
        faults.required(f"{path}.source")
    elif config.source not in SOURCES:
        faults.not_supported(f"{path}.source", config.source, SOURCES)
    check_names(faults, config.requests, f"{path}.requests", known)
    check_opaque(faults, config.opaque, f"{path}.opaque")


def _check_device(faults: Faults, device: AllocatedDeviceStatus, path: str) -> None:
    """What a driver says of a device that it gave."""
    check_driver(faults, device.driver, f"{path}.driver")
    check_pool(faults, device.pool, f"{path}.pool")
    check_label(faults, device.device, f"{path}.device")
    check_share(faults, device.share_id, f"{path}.shareID")
    if len(device.conditions) > MOST_CONDITIONS:
        faults.too_many(f"{path}.conditions", len(device.conditions), MOST_CONDITIONS)
    check_conditions(faults, device.conditions, f"{path}.conditions")
    if device.data is not None:
        check_json(faults, device.data, f"{path}.data", LONGEST_PARAMETERS)
    if device.network_data is not None:
        _check_network(faults, device.network_data, f"{path}.networkData")


def _check_network(faults: Faults, data: NetworkDeviceData, path: str) -> None:
    if len(data.interface_name) > LONGEST_INTERFACE:
        faults.too_long(f"{path}.interfaceName", LONGEST_INTERFACE)
    if len(data.hardware_address) > LONGEST_HARDWARE_ADDRESS:
        faults.too_long(f"{path}.hardwareAddress", LONGEST_HARDWARE_ADDRESS)
    check_set(faults, data.ips, MOST_ADDRESSES, f"{path}.ips", _check_address, lambda address: address)


def _check_address(faults: Faults, address: str, path: str) -> None:
    """An address with the prefix of its network: 10.9.8.7/24."""
    if names.cidr(address):
        words = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
        faults.invalid(path, address, words)


STRATEGY = ResourceClaimRules()
