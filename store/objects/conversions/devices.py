"""Devices of resource.k8s.io/v1beta1: a request says at once which devices it is for, and a device has its parts in `basic`.

Source: pkg/apis/resource/v1beta1 (conversion) of Kubernetes.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import Any

from shipslog.store.objects.types import resource_v1 as v1
from shipslog.store.objects.types import resource_v1beta1 as old
from shipslog.store.objects.wire import codec

FIELDS = {"spec.nodeName": "spec.nodeName", "spec.driver": "spec.driver"}
FLAT = ("deviceClassName", "selectors", "allocationMode", "count", "adminAccess", "tolerations", "capacity")
TO_HUB = {kind.__name__: kind for kind in (v1.DeviceClass, v1.ResourceClaim, v1.ResourceClaimTemplate, v1.ResourceSlice)}
FROM_HUB = {kind.__name__: kind for kind in (old.DeviceClass, old.ResourceClaim, old.ResourceClaimTemplate, old.ResourceSlice)}


def to_hub(obj: Any) -> Any:
    """As it is stored."""
    struct = TO_HUB[type(obj).__name__]
    value = codec.to_builtins(obj)
    for request in _requests(value, struct.__name__):
        exactly = {name: request.pop(name) for name in FLAT if name in request}
        if any(exactly.values()):
            request["exactly"] = exactly
    if struct is v1.ResourceSlice:
        spec = value["spec"]
        for field in ("nodeName", "allNodes"):
            if not spec.get(field):
                spec.pop(field, None)
        spec["devices"] = [
            {"name": device.get("name", ""), **(device.get("basic") or {})} for device in spec.get("devices", ())
        ]
    return _made(struct, value)


def from_hub(obj: Any) -> Any:
    """As v1beta1 shows it."""
    struct = FROM_HUB[type(obj).__name__]
    value = codec.to_builtins(obj)
    for request in _requests(value, struct.__name__):
        request |= request.pop("exactly", None) or {}
    if struct is old.ResourceSlice:
        spec = value["spec"]
        devices = [dict(device) for device in spec.get("devices", ())]
        spec["devices"] = [{"name": device.pop("name", ""), "basic": device} for device in devices]
    return _made(struct, value)


def _requests(value: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The requests of a claim, or of a template of one; they may be written to."""
    if kind not in ("ResourceClaim", "ResourceClaimTemplate"):
        return []
    spec = value["spec"]["spec"] if kind == "ResourceClaimTemplate" else value["spec"]
    devices = spec.get("devices") or {}
    return list(devices.get("requests") or ())


def _made(struct: type[Any], value: dict[str, Any]) -> Any:
    head = {"kind": struct.__name__, "apiVersion": struct().api_version}
    made, _ = codec.from_builtins(struct, {**value, **head}, validation="Ignore")
    return made
