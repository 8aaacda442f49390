"""What a claim asks for: requests, constraints over them, settings; and which namespaces may ask for devices in use.

Tests: tests/engine/kinds/resource/test_devices.py
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.resource_v1 import (
    DeviceClaim,
    DeviceClaimConfiguration,
    DeviceConstraint,
    DeviceRequest,
    DeviceSubRequest,
    DeviceToleration,
    ExactDeviceRequest,
    ResourceClaimSpec,
)

from .devices import check_each, check_label, check_opaque, check_qualified, check_selectors, check_set, check_toleration

MOST, MOST_ALTERNATIVES, MOST_TOLERATIONS = 32, 8, 16
MODES = ("All", "ExactCount")
NOT_A_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
ONE_FORM = "exactly one of `exactly` or `firstAvailable` is required"
ADMIN_LABEL = "resource.kubernetes.io/admin-access"
NOT_ADMIN = f"admin access to devices requires the `{ADMIN_LABEL}: true` label on the containing namespace"


def default_claim(spec: ResourceClaimSpec) -> ResourceClaimSpec:
    """Each request is for one device, unless it says otherwise."""
    return replace(spec, devices=replace(spec.devices, requests=tuple(_default_request(r) for r in spec.devices.requests)))


def _default_request(request: DeviceRequest) -> DeviceRequest:
    exactly = None if request.exactly is None else replace(request.exactly, **_counted(request.exactly))
    alternatives = tuple(replace(alternative, **_counted(alternative)) for alternative in request.first_available)
    return replace(request, exactly=exactly, first_available=alternatives)


def _counted(request: ExactDeviceRequest | DeviceSubRequest) -> dict[str, Any]:
    mode = request.allocation_mode or "ExactCount"
    count = 1 if mode == "ExactCount" and not request.count else request.count
    return {"allocation_mode": mode, "count": count, "tolerations": tuple(_tolerant(t) for t in request.tolerations)}


def _tolerant(toleration: DeviceToleration) -> DeviceToleration:
    return replace(toleration, operator=toleration.operator or "Equal")


Requests = dict[str, frozenset[str]]


def requests_of(claim: DeviceClaim) -> Requests:
    """The names of a claim's requests, each with those of its alternatives."""
    return {r.name: frozenset(alternative.name for alternative in r.first_available) for r in claim.requests}


def check_claim(faults: Faults, claim: DeviceClaim, path: str) -> None:
    """`path`: spec.devices"""
    known = requests_of(claim)
    check_set(faults, claim.requests, MOST, f"{path}.requests", _check_request, lambda r: r.name)
    check_each(faults, claim.constraints, MOST, f"{path}.constraints", lambda f, c, at: _check_constraint(f, c, at, known))
    check_each(faults, claim.config, MOST, f"{path}.config", lambda f, c, at: _check_config(f, c, at, known))


def _check_request(faults: Faults, request: DeviceRequest, path: str) -> None:
    check_label(faults, request.name, f"{path}.name")
    if request.exactly is not None and request.first_available:
        faults.invalid(path, None, f"{ONE_FORM}, but multiple fields are set")
    elif request.exactly is not None:
        _check_one(faults, request.exactly, f"{path}.exactly")
    elif request.first_available:
        at = f"{path}.firstAvailable"
        check_set(faults, request.first_available, MOST_ALTERNATIVES, at, _check_alternative, lambda r: r.name)
    else:
        faults.required(path, ONE_FORM)


def _check_alternative(faults: Faults, request: DeviceSubRequest, path: str) -> None:
    check_label(faults, request.name, f"{path}.name")
    _check_one(faults, request, path)


def _check_one(faults: Faults, request: ExactDeviceRequest | DeviceSubRequest, path: str) -> None:
    class_name = request.device_class_name
    if not class_name:
        faults.required(f"{path}.deviceClassName")
    else:
        faults.invalid_each(f"{path}.deviceClassName", class_name, names.subdomain(class_name))
    check_selectors(faults, request.selectors, f"{path}.selectors")
    if request.allocation_mode == "All":
        if request.count:
            faults.invalid(f"{path}.count", request.count, "must not be specified when allocationMode is 'All'")
    elif request.allocation_mode == "ExactCount":
        if request.count <= 0:
            faults.invalid(f"{path}.count", request.count, "must be greater than zero")
    else:
        faults.not_supported(f"{path}.allocationMode", request.allocation_mode, MODES)
    check_each(faults, request.tolerations, MOST_TOLERATIONS, f"{path}.tolerations", check_toleration)


def _check_constraint(faults: Faults, constraint: DeviceConstraint, path: str, known: Requests) -> None:
    check_names(faults, constraint.requests, f"{path}.requests", known)
    same, distinct = constraint.match_attribute, constraint.distinct_attribute
    if same is not None and distinct is not None:
        words = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
        faults.invalid(path, None, words)
    elif same is not None:
        check_qualified(faults, same, f"{path}.matchAttribute", whole=True)
    elif distinct is not None:
        check_qualified(faults, distinct, f"{path}.distinctAttribute", whole=True)
    else:
        faults.required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required')


def _check_config(faults: Faults, config: DeviceClaimConfiguration, path: str, known: Requests) -> None:
    check_names(faults, config.requests, f"{path}.requests", known)
    check_opaque(faults, config.opaque, f"{path}.opaque")


def check_names(faults: Faults, given: Sequence[str], path: str, known: Requests) -> None:
    """Requests that are named elsewhere in the claim."""
    check_set(faults, given, MOST, path, lambda f, name, at: check_name(f, name, at, known), lambda name: name)


def check_name(faults: Faults, name: str, path: str, known: Requests) -> None:
    parts = name.split("/")
    if len(parts) > 2:
        faults.invalid(path, name, NOT_A_REQUEST)
        return
    for part in parts:
        check_label(faults, part, path)
    if parts[0] not in known or (parts[1:] and parts[1] not in known[parts[0]]):
        faults.invalid(path, name, NOT_A_REQUEST)


def check_admin_access(kind: Kind, name: str, namespace: str, claim: DeviceClaim, path: str, ctx: Admission) -> None:
    """Devices that others use are for who watches over them. Errors: Invalid."""
    asked = [i for i, request in enumerate(claim.requests) if request.exactly is not None and request.exactly.admin_access]
    if not asked:
        return
    home = ctx.view.get(core_v1.Namespace, namespace)
    if home is not None and home.metadata.labels.get(ADMIN_LABEL) == "true":
        return
    faults = Faults()
    for i in asked:
        faults.forbidden(f"{path}.requests[{i}].exactly.adminAccess", NOT_ADMIN)
    faults.refuse(kind, name)
