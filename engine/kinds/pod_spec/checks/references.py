"""References from a container or a volume to fields of its pod, to its resources, and to keys of other objects.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.core_v1 import (
    ConfigMapKeySelector,
    ObjectFieldSelector,
    ResourceFieldSelector,
    SecretKeySelector,
)
from shipslog.store.objects.values import quantity

KNOWN_FIELDS = frozenset(
    [
        "metadata.annotations",
        "metadata.labels",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.serviceAccountName",
        "spec.schedulerName",
        "status.phase",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ]
)
ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
HUGE = ("limits.hugepages-", "requests.hugepages-")
CPU_DIVISORS = frozenset({"1m", "1"})
BYTE_DIVISORS = frozenset(["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"])


def check_field_ref(faults: Faults, ref: ObjectFieldSelector, allowed: tuple[str, ...], path: str) -> None:
    if not ref.api_version:
        faults.required(f"{path}.apiVersion")
        return
    if not ref.field_path:
        faults.required(f"{path}.fieldPath")
        return
    field, subscript = split_subscript(ref.field_path)
    known = field in ("metadata.annotations", "metadata.labels") if subscript is not None else field in KNOWN_FIELDS
    if ref.api_version != "v1" or not (known or field == "spec.host"):
        words = "field label does not support subscript" if subscript is not None else "field label not supported"
        words = f"{words}: {ref.field_path}" if ref.api_version == "v1" else f"unsupported pod version: {ref.api_version}"
        faults.invalid(f"{path}.fieldPath", ref.field_path, f"error converting fieldPath: {words}")
    elif subscript is not None:
        key = subscript.lower() if field == "metadata.annotations" else subscript
        faults.invalid_each(path, key, names.qualified(key))
    elif ("spec.nodeName" if field == "spec.host" else field) not in allowed:
        faults.not_supported(f"{path}.fieldPath", field, allowed)


def split_subscript(path: str) -> tuple[str, str | None]:
    """`metadata.labels['a']` -> (metadata.labels, a); without a subscript (path, None)."""
    head, bracket, rest = path.partition("['")
    if head and bracket and rest.endswith("']"):
        return head, rest[:-2]
    return path, None


def check_resource_ref(faults: Faults, ref: ResourceFieldSelector, path: str, *, volume: bool) -> None:
    if volume and not ref.container_name:
        faults.required(f"{path}.containerName")
    elif not ref.resource:
        faults.required(f"{path}.resource")
    elif ref.resource not in RESOURCES and not ref.resource.startswith(HUGE):
        faults.not_supported(f"{path}.resource", ref.resource, RESOURCES)
    if str(ref.divisor) != "0":
        _check_divisor(faults, ref.resource, quantity.canonical(ref.divisor), f"{path}.divisor")


def _check_divisor(faults: Faults, resource: str, divisor: str, path: str) -> None:
    if resource in ("limits.cpu", "requests.cpu"):
        if divisor not in CPU_DIVISORS:
            faults.invalid(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource")
        return
    what = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(resource.partition(".")[2])
    if resource.startswith(HUGE):
        what = "hugepages"
    if (resource in RESOURCES or resource.startswith(HUGE)) and divisor not in BYTE_DIVISORS:
        listed = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
        faults.invalid(path, resource, f"only divisor's values {listed} are supported with the {what} resource")


def check_key_ref(faults: Faults, ref: ConfigMapKeySelector | SecretKeySelector, path: str) -> None:
    """One key of a ConfigMap or a Secret."""
    faults.invalid_each(f"{path}.name", ref.name, names.subdomain(ref.name))
    if not ref.key:
        faults.required(f"{path}.key")
    else:
        faults.invalid_each(f"{path}.key", ref.key, names.config_key(ref.key))
