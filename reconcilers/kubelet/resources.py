"""What containers may use: quantities as millicores and bytes, the OOM score.

Tests: tests/runtime/containers/test_contract.py, tests/reconcilers/kubelet/test_lifecycle.py
"""

from collections.abc import Sequence
from typing import Any

from shipslog.store.facts import ContainerLimits
from shipslog.store.objects.pods import qos_class
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity

from .bound_pod import AnyContainer, is_sidecar

GUARANTEED_OOM, BEST_EFFORT_OOM = -997, 1000
NODE_CRITICAL_PRIORITY = 2_000_001_000
HUGE = "hugepages-"
NOTHING = core_v1.ResourceRequirements()


def is_extended(name: str) -> bool:
    """A resource that somebody else than Kubernetes has given a name."""
    return "/" in name and "kubernetes.io/" not in name


def limits_of(spec: core_v1.PodSpec, container: AnyContainer) -> ContainerLimits:
    """What its runtime is to hold a container to. Where it has no limit of its own, the pod's is its limit."""
    limits = {**_whole(spec).limits, **container.resources.limits}
    return ContainerLimits(
        cpu_request_milli=quantity.milli(_request(container, "cpu")), cpu_limit_milli=quantity.milli(limits.get("cpu", 0)),
        memory_limit_bytes=quantity.value(limits.get("memory", 0)),
    )  # fmt: skip


def huge_pages(container: AnyContainer) -> dict[str, int]:
    """Bytes of huge pages that a container may use, by the size of a page: 2Mi, 1Gi."""
    limits = container.resources.limits
    return {name.removeprefix(HUGE): quantity.value(limits[name]) for name in sorted(limits) if name.startswith(HUGE)}


def pod_limits(spec: core_v1.PodSpec) -> tuple[int, int]:
    """(millicores, bytes) that all containers of the pod may use together; 0 for no limit. Without a limit of its own a pod has
    the sum of its containers', or none if one of them has none."""
    found, whole = [limits_of(spec, container) for container in spec.containers], _whole(spec).limits
    cpu = quantity.milli(whole["cpu"]) if "cpu" in whole else _sum([one.cpu_limit_milli for one in found])
    memory = quantity.value(whole["memory"]) if "memory" in whole else _sum([one.memory_limit_bytes for one in found])
    return cpu, memory


def _whole(spec: core_v1.PodSpec) -> core_v1.ResourceRequirements:
    return spec.resources if spec.resources is not None else NOTHING


def _request(container: AnyContainer, name: str) -> Any:
    """A limit without a request counts as one."""
    return container.resources.requests.get(name, container.resources.limits.get(name, 0))


def _sum(limits: Sequence[int]) -> int:
    return sum(limits) if all(limits) else 0


def _memory_request_bytes(spec: core_v1.PodSpec, container: AnyContainer) -> int:
    """What a container asks for, and its share of what only its pod does."""
    own = quantity.value(_request(container, "memory"))
    if (whole := _whole(spec).requests.get("memory")) is None:
        return own
    every = (*spec.containers, *(c for c in spec.init_containers if is_sidecar(c)))
    rest = quantity.value(whole) - sum(quantity.value(_request(one, "memory")) for one in every)
    return own + max(0, rest) // len(every)


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
    score = 1000 - (1000 * _memory_request_bytes(pod.spec, container)) // memory_capacity_bytes
    return min(max(score, 1000 + GUARANTEED_OOM), BEST_EFFORT_OOM - 1)
