"""The resize subresource: CPU and memory of containers that run, and nothing else. Source: pkg/registry/core/pod/strategy.go
(podResizeStrategy) and pkg/apis/core/validation (ValidatePodResize) of Kubernetes.
Tests: tests/engine/kinds/core/test_pod_resize.py
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.checks.spec import MIRROR, check_pod
from shipslog.store.objects.pods import qos_class
from shipslog.store.objects.types.core_v1 import Container, Pod, PodStatus, ResourceRequirements
from shipslog.store.objects.values.scalars import Quantity

RESIZED = ("cpu", "memory")


def only_resized(old: Pod, new: Pod) -> Pod:
    """The old pod with what a resize may bring of the new one: the metadata, and the resources of containers."""
    spec = replace(
        old.spec,
        containers=_resized(old.spec.containers, new.spec.containers),
        init_containers=_resized(old.spec.init_containers, new.spec.init_containers),
    )
    meta = replace(new.metadata, owner_references=old.metadata.owner_references)
    return replace(old, metadata=meta, spec=spec)


def _resized(old: tuple[Container, ...], new: tuple[Container, ...]) -> tuple[Container, ...]:
    """Containers that are there neither before nor after are left for the checks to find."""
    held = {c.name: c for c in old}
    return tuple(
        replace(held[c.name], resources=c.resources, resize_policy=c.resize_policy) if c.name in held else c for c in new
    )


def check_resize(faults: Faults, old: Pod, new: Pod) -> None:
    """What is wrong with a resize."""
    if old.spec.resources is not None:
        faults.forbidden("spec.resources", "pods with pod-level resources cannot be resized")
        return
    if MIRROR in old.metadata.annotations:
        faults.forbidden("", "static pods cannot be resized")
        return
    if old.spec.os is not None and old.spec.os.name == "windows":
        faults.forbidden("", "windows pods cannot be resized")
        return
    check_pod(faults, new)
    if (old.status.qos_class or qos_class(old.spec)) != (now := qos_class(new.spec)):
        faults.invalid("spec", now, "Pod QOS Class may not change as a result of resizing")
    if not _is_supported(old.status):
        faults.forbidden("spec", "Pod running on node without support for resize")
    if not (
        _same_containers(faults, old.spec.containers, new.spec.containers, "containers")
        & _same_containers(faults, old.spec.init_containers, new.spec.init_containers, "initContainers")
    ):
        return
    for name, before, after in (
        ("containers", old.spec.containers, new.spec.containers),
        ("initContainers", old.spec.init_containers, new.spec.init_containers),
    ):
        for i, (o, n) in enumerate(zip(before, after, strict=True)):
            _check_container(faults, o, n, f"spec.{name}[{i}].resources", initial=name == "initContainers")


def _is_supported(status: PodStatus) -> bool:
    """By what the node tells of the first container that runs; one that tells nothing yet may support it."""
    for container in status.container_statuses:
        if container.state.running is not None:
            return container.resources is not None
    return True


def _same_containers(faults: Faults, old: Sequence[Container], new: Sequence[Container], field: str) -> bool:
    if len(old) != len(new):
        faults.forbidden(f"spec.{field}", f"{field} may not be added or removed on resize")
        return False
    good = True
    for i, (o, n) in enumerate(zip(old, new, strict=True)):
        if o.name != n.name:
            faults.forbidden(f"spec.{field}[{i}].name", f"{field} may not be renamed or reordered on resize")
            good = False
    return good


def _check_container(faults: Faults, old: Container, new: Container, path: str, *, initial: bool) -> None:
    sidecar = initial and old.restart_policy == "Always"
    if initial and not sidecar:
        if old != new:
            faults.forbidden("spec", "resources for non-sidecar init containers are immutable")
        return
    if _removed(old.resources.requests, new.resources.requests):
        faults.forbidden(f"{path}.requests", "resource requests cannot be removed")
    if _removed(old.resources.limits, new.resources.limits):
        faults.forbidden(f"{path}.limits", "resource limits cannot be removed")
    if replace(new, resources=_with_old(old.resources, new.resources)) != old:
        what = "cpu and memory resources for sidecar containers" if sidecar else "cpu and memory resources"
        faults.forbidden("spec", f"only {what} are mutable")


def _removed(old: Mapping[str, Quantity], new: Mapping[str, Quantity]) -> bool:
    return any(name not in new for name in old if name in RESIZED)


def _with_old(old: ResourceRequirements, new: ResourceRequirements) -> ResourceRequirements:
    """The new resources with CPU and memory as they were."""

    def put_back(before: Mapping[str, Quantity], after: Mapping[str, Quantity]) -> dict[str, Quantity]:
        kept = {name: amount for name, amount in after.items() if name not in RESIZED}
        return kept | {name: amount for name, amount in before.items() if name in RESIZED}

    return replace(new, requests=put_back(old.requests, new.requests), limits=put_back(old.limits, new.limits))
