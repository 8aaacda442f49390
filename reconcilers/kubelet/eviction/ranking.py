"""Which pods go first when a node runs short: those that use more than they asked for, then by priority, then by how much.

Source: kubelet's eviction helpers (rankMemoryPressure, rankDiskPressureFunc, rankPIDPressure), Kubernetes 1.32.
"""

from collections.abc import Iterable, Mapping

from shipslog.store.facts import PodUse
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity

CRITICAL_PRIORITY = 2_000_000_000
STATIC = ("file", "http")
SOURCE, MIRROR = "kubernetes.io/config.source", "kubernetes.io/config.mirror"
_NOTHING = PodUse()


def ranked(pods: Iterable[core_v1.Pod], resource: str, uses: Mapping[str, PodUse]) -> list[core_v1.Pod]:
    """The pods, whoever goes first before the others; those of which nothing was measured first of all."""

    def order(pod: core_v1.Pod) -> tuple[object, ...]:
        found = uses.get(pod.metadata.uid)
        used, asked = amount_of(found or _NOTHING, resource), request_of(pod.spec, resource)
        over = () if resource == "pids" else (found is not None and used <= asked,)
        more = used if resource == "pids" else used - asked
        return (found is not None, *over, pod.spec.priority or 0, -more, pod.metadata.namespace, pod.metadata.name)

    return sorted(pods, key=order)


def amount_of(use: PodUse, resource: str) -> int:
    """How much of something a pod uses."""
    match resource:
        case "memory":
            return use.memory_bytes
        case "ephemeral-storage":
            return use.disk_bytes
        case "inodes":
            return use.inodes
    return use.processes


def request_of(spec: core_v1.PodSpec, resource: str) -> int:
    """How much of it a pod asked for: what its containers need together, or one that begins needs alone."""
    if spec.resources is not None and resource in spec.resources.requests:
        return quantity.value(spec.resources.requests[resource])
    asked = sum(quantity.value(c.resources.requests.get(resource, 0)) for c in spec.containers)
    beside = 0  # what sidecars need that run by then
    for container in spec.init_containers:
        needs = quantity.value(container.resources.requests.get(resource, 0))
        if container.restart_policy == "Always":
            beside, asked = beside + needs, max(asked + needs, beside + needs)
        else:
            asked = max(asked, beside + needs)
    return asked + quantity.value(spec.overhead.get(resource, 0))


def is_critical(pod: core_v1.Pod) -> bool:
    """Whether a node may not take its place from it."""
    notes = pod.metadata.annotations
    static = MIRROR in notes or notes.get(SOURCE) in STATIC
    return static or (pod.spec.priority or 0) >= CRITICAL_PRIORITY
