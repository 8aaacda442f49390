"""Pods that take more disk than they may: of a volume, of all their containers together, or of one of them.

Source: kubelet's localStorageEviction, Kubernetes 1.32.
"""

from collections.abc import Iterable

from shipslog.store.facts import PodUse
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.scalars import Quantity
from shipslog.store.projections import index

STORAGE = "ephemeral-storage"


def excess(pod: core_v1.Pod, use: PodUse) -> str:
    """What of its limits a pod goes beyond, as Kubernetes words it; "" for nothing."""
    return _of_volumes(pod.spec, use) or _of_pod(pod.spec, use) or _of_containers(pod.spec, use)


def has_limits(spec: core_v1.PodSpec) -> bool:
    """Whether there is anything that it could go beyond."""
    volumes = (v.empty_dir for v in spec.volumes if v.empty_dir is not None)
    return any(v.size_limit for v in volumes) or any(STORAGE in c.resources.limits for c in _all(spec))


def _limited(pod: core_v1.Pod) -> tuple[str, ...]:
    return (pod.spec.node_name,) if pod.status.phase not in TERMINAL and has_limits(pod.spec) else ()


LIMITED = index("pods with limits of disk by node", ("pods",), _limited)


def _all(spec: core_v1.PodSpec) -> Iterable[core_v1.Container]:
    return (*spec.init_containers, *spec.containers)


def _of_volumes(spec: core_v1.PodSpec, use: PodUse) -> str:
    for volume in spec.volumes:
        limit = volume.empty_dir.size_limit if volume.empty_dir is not None else None
        if limit and 0 < quantity.value(limit) < use.volumes.get(volume.name, 0):
            return f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{_shown(limit)}". '
    return ""


def _of_pod(spec: core_v1.PodSpec, use: PodUse) -> str:
    limits = [c.resources.limits[STORAGE] for c in spec.containers if STORAGE in c.resources.limits]
    sidecars = [c.resources.limits for c in spec.init_containers if c.restart_policy == "Always"]
    limits += [found[STORAGE] for found in sidecars if STORAGE in found]
    if not limits:
        return ""
    limit = sum(quantity.value(one) for one in limits)
    once = (c.resources.limits.get(STORAGE, 0) for c in spec.init_containers if c.restart_policy != "Always")
    limit = max(limit, *(quantity.value(one) for one in once), 0)
    if use.disk_bytes <= limit:
        return ""
    shown = _shown(limits[0]) if len(limits) == 1 else quantity.in_bytes(limit)
    return f"Pod ephemeral local storage usage exceeds the total limit of containers {shown}. "


def _of_containers(spec: core_v1.PodSpec, use: PodUse) -> str:
    for container in _all(spec):
        limit = container.resources.limits.get(STORAGE)
        if limit is not None and use.disk.get(container.name, 0) > quantity.value(limit):
            return f'Container {container.name} exceeded its local ephemeral storage limit "{_shown(limit)}". '
    return ""


def _shown(limit: Quantity) -> str:
    return quantity.canonical(str(limit))
