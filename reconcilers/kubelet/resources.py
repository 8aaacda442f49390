"""What containers may use: quantities as millicores and bytes, the OOM score.

Tests: tests/runtime/containers/test_contract.py, tests/reconcilers/kubelet/test_lifecycle.py
"""

from collections.abc import Iterable
from typing import Any

from shipslog.store.facts import ContainerLimits
from shipslog.store.objects import core_v1, quantity
from shipslog.store.objects.pods import qos_class

from .bound_pod import AnyContainer

GUARANTEED_OOM, BEST_EFFORT_OOM = -997, 1000
NODE_CRITICAL_PRIORITY = 2_000_001_000


def cpu_limit_milli(container: AnyContainer) -> int:
    """Millicores; 0 for no limit."""
    return quantity.milli(container.resources.limits.get("cpu", 0))


def cpu_request_milli(container: AnyContainer) -> int:
    """Millicores; a limit without a request counts as one."""
    return quantity.milli(_request(container, "cpu"))


def memory_limit_bytes(container: AnyContainer) -> int:
    """Bytes; 0 for no limit."""
    return quantity.value(container.resources.limits.get("memory", 0))


def limits_of(container: AnyContainer) -> ContainerLimits:
    """What its runtime is to hold it to."""
    return ContainerLimits(
        cpu_request_milli=cpu_request_milli(container), cpu_limit_milli=cpu_limit_milli(container),
        memory_limit_bytes=memory_limit_bytes(container),
    )  # fmt: skip


def memory_request_bytes(container: AnyContainer) -> int:
    return quantity.value(_request(container, "memory"))


def _request(container: AnyContainer, name: str) -> Any:
    return container.resources.requests.get(name, container.resources.limits.get(name, 0))


def pod_limit(values: Iterable[int]) -> int:
    """The sum, or 0 (none) if one container has no limit."""
    limits = tuple(values)
    return sum(limits) if all(limits) else 0


def oom_score_adj(pod: core_v1.Pod, container: AnyContainer, memory_capacity_bytes: int) -> int:
    """How soon the kernel kills the container when memory runs out. Source: kubelet's GetContainerOOMScoreAdjust."""
    if (pod.spec.priority or 0) >= NODE_CRITICAL_PRIORITY:
        return GUARANTEED_OOM
    match pod.status.qos_class or qos_class(pod.spec):
        case "Guaranteed":
            return GUARANTEED_OOM
        case "BestEffort":
            return BEST_EFFORT_OOM
    if not memory_capacity_bytes:
        return BEST_EFFORT_OOM - 1
    score = 1000 - (1000 * memory_request_bytes(container)) // memory_capacity_bytes
    return min(max(score, 1000 + GUARANTEED_OOM), BEST_EFFORT_OOM - 1)
