"""What the downward API tells a container of its own pod: fields and resources, as text.

Tests: tests/reconcilers/kubelet/test_expansion.py, tests/reconcilers/kubelet/test_lifecycle.py
"""

from collections.abc import Callable, Mapping

from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity

from .bound_pod import AnyContainer, BoundPod

FIELDS: Mapping[str, Callable[[BoundPod], str]] = {
    "metadata.name": lambda p: p.pod.metadata.name,
    "metadata.namespace": lambda p: p.pod.metadata.namespace,
    "metadata.uid": lambda p: p.uid,
    "metadata.labels": lambda p: lines(p.pod.metadata.labels),
    "metadata.annotations": lambda p: lines(p.pod.metadata.annotations),
    "spec.nodeName": lambda p: p.node,
    "spec.serviceAccountName": lambda p: p.spec.service_account_name,
    "status.hostIP": lambda p: p.host_ip,
    "status.hostIPs": lambda p: ",".join(p.host_ips),
    "status.podIP": lambda p: p.ip,
    "status.podIPs": lambda p: ",".join(p.ips),
}


class ConfigError(Exception):
    """Something that a container or a volume needs is not there (yet); the message is what the status says."""


def field_value(pod: BoundPod, path: str) -> str:
    """The value of a fieldRef. Errors: ConfigError for a path that is none."""
    name, bracket, rest = path.partition("[")
    if bracket:
        key = rest.rstrip("]").strip("'\"")
        if name == "metadata.labels":
            return pod.pod.metadata.labels.get(key, "")
        if name == "metadata.annotations":
            return pod.pod.metadata.annotations.get(key, "")
    elif path in FIELDS:
        return FIELDS[path](pod)
    raise ConfigError(f"unsupported fieldPath: {path}")


def lines(values: Mapping[str, str]) -> str:
    """`key="value"` a line, by key, quoted as Go does."""
    return "\n".join(f"{key}={_quoted(value)}" for key, value in sorted(values.items()))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f'"{escaped}"'


def resource_value(pod: BoundPod, selector: core_v1.ResourceFieldSelector, default: AnyContainer | None) -> str:
    """The value of a resourceFieldRef, rounded up to its divisor; a missing limit is what the node has to give.

    Errors: ConfigError for an unknown container or resource."""
    container = pod.container(selector.container_name) if selector.container_name else default
    if container is None:
        raise ConfigError(f"container {selector.container_name} not found")
    kind, _, name = selector.resource.partition(".")
    if kind not in ("limits", "requests") or not name:
        raise ConfigError(f"unsupported container resource : {selector.resource}")
    limits, requests = container.resources.limits, container.resources.requests
    amount = limits.get(name) if kind == "limits" else requests.get(name, limits.get(name, 0))
    if amount is None:
        amount = pod.observed.allocatable.get(name, 0)
    divisor = selector.divisor or "1"
    if name == "cpu":
        return str(_divide_up(quantity.milli(amount), quantity.milli(divisor) or 1000))
    return str(_divide_up(quantity.value(amount), quantity.value(divisor) or 1))


def _divide_up(amount: int, divisor: int) -> int:
    return -(-amount // divisor)
