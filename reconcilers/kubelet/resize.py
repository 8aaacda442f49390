"""Pods that are to use more or less than they do: what of it the node has room for, and how far it has come.

A pod's spec says what is wanted. What a container has stands in its status: `resources` once they hold, `allocatedResources`
from when the node has room for them. Until then the other rules see the pod as it was, so that a container that is started
again meanwhile gets what there is room for. Source: KEP-1287, kubelet's allocation manager.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.scheduler.fit import load_of
from shipslog.runtime.commands import UpdateContainerResources
from shipslog.store.objects.pods import requests_of
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.scalars import Quantity
from shipslog.store.state import ContainerRuntime

from . import backoff, resources
from .bound_pod import AnyContainer, BoundPod, is_sidecar
from .plan import PodPlan

RESIZED = ("cpu", "memory")
PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
AGAIN_S = 10.0  # until it is tried again: something else may have gone from the node, or memory been given back
Amounts = Mapping[str, Quantity]


class Resize(Struct, frozen=True):
    """What the node makes of what a pod wants. `spec`: what it is to have now. `reason`, `message`: why it is no more."""

    spec: core_v1.PodSpec
    reason: str = ""  # Deferred, Infeasible
    message: str = ""


def resize_of(pod: BoundPod) -> Resize:
    """`pod`: as its object says."""
    held = {s.name: s for s in (*pod.pod.status.init_container_statuses, *pod.pod.status.container_statuses)}
    changed = {c.name for c in _resizable(pod.spec) if (s := held.get(c.name)) is not None and _differs(s, c)}
    if not changed:
        return Resize(pod.spec)
    grown = any(not _same(held[c.name].allocated_resources, _asked(c)) for c in _resizable(pod.spec) if c.name in changed)
    reason, message = _room(pod) if grown else ("", "")
    if not reason:
        return Resize(pod.spec)
    before = {name: s.resources for name in changed if (s := held[name]).resources is not None}

    def as_before(containers: tuple[core_v1.Container, ...]) -> tuple[core_v1.Container, ...]:
        return tuple(replace(c, resources=before[c.name]) if c.name in before else c for c in containers)

    spec = pod.spec
    kept = replace(spec, containers=as_before(spec.containers), init_containers=as_before(spec.init_containers))
    return Resize(kept, reason, message)


def _resizable(spec: core_v1.PodSpec) -> Iterator[core_v1.Container]:
    yield from (c for c in spec.init_containers if is_sidecar(c))
    yield from spec.containers


def _differs(status: core_v1.ContainerStatus, container: core_v1.Container) -> bool:
    has, wants = status.resources, container.resources
    if has is None:
        return False
    return not (_same(has.requests, wants.requests) and _same(has.limits, wants.limits))


def _same(one: Amounts, other: Amounts) -> bool:
    """Of CPU and memory, as amounts: 1 and 1000m are the same."""
    return one == other or all(quantity.nanos(one.get(name, 0)) == quantity.nanos(other.get(name, 0)) for name in RESIZED)


def _asked(container: AnyContainer) -> dict[str, Quantity]:
    """The requests; a limit without one counts as one."""
    return {**{k: v for k, v in container.resources.limits.items() if k in RESIZED}, **container.resources.requests}


def _room(pod: BoundPod) -> tuple[str, str]:
    """(reason, message) why what is asked for cannot be; ("", "") where there is room."""
    node = pod.view.get(core_v1.Node, pod.node)
    if node is None:
        return "", ""
    others = [_as_allocated(other) for other in pod.view.pods_on(pod.node) if other.metadata.uid != pod.uid]
    load, asked = load_of(node, others), requests_of(pod.spec)
    for name in ("memory", "cpu"):
        wanted, capacity = asked.get(name, 0), load.capacity.get(name, 0)
        if wanted > capacity:
            return "Infeasible", f"Node didn't have enough capacity: {name}, requested: {wanted}, capacity: {capacity}"
    for name in RESIZED:
        wanted, used, capacity = asked.get(name, 0), load.used.get(name, 0), load.capacity.get(name, 0)
        if used + wanted > capacity:
            words = f"{name}, requested: {wanted}, used: {used}, capacity: {capacity}"
            return "Deferred", f"Node didn't have enough resource: {words}"
    return "", ""


def _as_allocated(pod: core_v1.Pod) -> core_v1.Pod:
    """Another pod with what it has, not with what it would like to have."""
    held = {s.name: s.allocated_resources for s in pod.status.container_statuses if s.allocated_resources}
    if not held:
        return pod
    containers = tuple(
        replace(c, resources=replace(c.resources, requests={**c.resources.requests, **held[c.name]})) if c.name in held else c
        for c in pod.spec.containers
    )
    return replace(pod, spec=replace(pod.spec, containers=containers))


# --- carrying it out ---


def behind(spec: core_v1.PodSpec, state: ContainerRuntime, container: AnyContainer) -> bool:
    """Whether a container that runs has not what it is to have. Of one whose runtime does not tell nothing is done."""
    return state.limits is not None and state.limits != resources.limits_of(spec, container)


def needs_restart(spec: core_v1.PodSpec, state: ContainerRuntime, container: AnyContainer) -> bool:
    """Whether it is to be started again, because the policy of a resource that changes says so."""
    if state.limits is None or not isinstance(container, core_v1.Container):
        return False
    want = resources.limits_of(spec, container)
    policies = {p.resource_name: p.restart_policy for p in container.resize_policy}
    cpu = (state.limits.cpu_request_milli, state.limits.cpu_limit_milli) != (want.cpu_request_milli, want.cpu_limit_milli)
    memory = state.limits.memory_limit_bytes != want.memory_limit_bytes
    return (cpu and policies.get("cpu") == "RestartContainer") or (memory and policies.get("memory") == "RestartContainer")


def plan_resize(pod: BoundPod, plan: PodPlan, stopped: set[str]) -> None:
    """Give containers that run what they are to have. `stopped`: those that are being ended."""
    for state in pod.running():
        container = pod.container(state.name)
        if container is None or state.name in stopped or not behind(pod.spec, state, container):
            continue
        want = resources.limits_of(pod.spec, container)
        if state.resize_failure and state.resize_wanted == want:
            wait_s = backoff.remaining_s(state.resize_failed_at_ns, AGAIN_S, pod.now)
            if wait_s:
                plan.because(state.resize_failure)
                plan.again(wait_s)
                continue
        plan.do(update_command(pod, state, container), f"Resizing {state.name}")


def update_command(pod: BoundPod, state: ContainerRuntime, container: AnyContainer) -> UpdateContainerResources:
    cpu, memory = resources.pod_limits(pod.spec)
    return UpdateContainerResources(
        node=pod.node, pod_uid=pod.uid, container=state.name, attempt=state.attempt, pod_cpu_limit_milli=cpu,
        limits=resources.limits_of(pod.spec, container), pod_memory_limit_bytes=memory,
    )  # fmt: skip


# --- telling of it ---


def told_resources(pod: BoundPod, container: AnyContainer) -> tuple[dict[str, Quantity], core_v1.ResourceRequirements | None]:
    """(allocatedResources, resources) of a container's status. `pod`: as it has been allocated."""
    state = pod.state(container.name)
    if state is None or state.limits is None or not isinstance(container, core_v1.Container):
        return {}, None  # its runtime does not tell: as of a node that cannot resize
    allocated = dict(_asked(container))
    if state.running and behind(pod.spec, state, container):
        statuses = (*pod.pod.status.init_container_statuses, *pod.pod.status.container_statuses)
        return allocated, next((s.resources for s in statuses if s.name == container.name), None)
    return allocated, container.resources


def conditions(pod: BoundPod) -> dict[str, core_v1.PodCondition]:
    """What a pod's conditions say of its resize; {} when there is none."""
    found = {}
    if pod.resize_reason:
        why = pod.resize_reason, pod.resize_message
        found[PENDING] = core_v1.PodCondition(type=PENDING, status="True", reason=why[0], message=why[1])
    under_way = [s for s in pod.running() if (c := pod.container(s.name)) is not None and behind(pod.spec, s, c)]
    if under_way:
        failed = next((s.resize_failure for s in under_way if s.resize_failure), "")
        found[IN_PROGRESS] = core_v1.PodCondition(
            type=IN_PROGRESS, status="True", reason="Error" if failed else "", message=failed
        )  # fmt: skip
    return found
