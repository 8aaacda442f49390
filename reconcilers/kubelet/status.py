"""What a kubelet reports of a pod: phase, conditions and the state of each container, from what its node reported.

Source: kubelet's generateAPIPodStatus, getPhase and status.Generate*Condition, Kubernetes 1.32.

Tests: tests/reconcilers/kubelet/test_lifecycle.py
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from shipslog.store.facts import ContainerExited
from shipslog.store.objects.memo import remembered
from shipslog.store.objects.pods import TERMINAL, qos_class
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.scalars import NO_ITEMS
from shipslog.store.objects.values.times import api_time
from shipslog.store.state import ContainerRuntime

from . import resize
from .backoff import remaining_s
from .bound_pod import AnyContainer, BoundPod, ended, is_sidecar
from .containers import init_failed, should_restart, started

Waiting = Mapping[str, core_v1.ContainerStateWaiting]
KUBELET_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


def status_of(pod: BoundPod, waiting: Waiting, *, reason: str = "", message: str = "") -> core_v1.PodStatus:
    """The status now. `waiting` says why containers wait; `reason` and `message` end the pod as Failed."""
    old = pod.pod.status
    init = tuple(_container(pod, c, waiting) for c in pod.spec.init_containers)
    apps = tuple(_container(pod, c, waiting) for c in sorted(pod.spec.containers, key=lambda c: c.name))
    extra = tuple(_container(pod, c, waiting) for c in pod.spec.ephemeral_containers)
    phase = old.phase if old.phase in TERMINAL else "Failed" if reason else phase_of(pod)
    whole = pod.spec.resources if pod.sandbox_up else old.resources  # a pod that has some as a whole
    addresses = pod.ips or tuple(one.ip for one in old.pod_ips) or ((old.pod_ip,) if old.pod_ip else ())
    return replace(
        old,
        phase=phase,
        reason=reason or old.reason,
        message=message or old.message,
        conditions=_conditions(pod, phase, init, apps),
        host_ip=pod.host_ip,
        host_ips=tuple(core_v1.HostIP(ip=address) for address in pod.host_ips),
        pod_ip=addresses[0] if addresses else "",
        pod_ips=tuple(core_v1.PodIP(ip=address) for address in addresses),
        start_time=old.start_time or api_time(pod.now),
        init_container_statuses=init,
        container_statuses=apps,
        ephemeral_container_statuses=extra,
        qos_class=old.qos_class or qos_class(pod.spec),
        allocated_resources=whole.requests if whole is not None else NO_ITEMS,
        resources=whole,
        observed_generation=pod.pod.metadata.generation,
    )


def refusal(pod: BoundPod, reason: str, message: str) -> core_v1.PodStatus:
    """The status of a pod that the node did not take: nothing is said of containers that never were."""
    old = pod.pod.status
    return replace(
        old, phase="Failed", reason=reason, message=f"Pod was rejected: {message}",
        start_time=old.start_time or api_time(pod.now), qos_class=old.qos_class or qos_class(pod.spec),
        observed_generation=pod.pod.metadata.generation,
    )  # fmt: skip


# --- phase ---


def phase_of(pod: BoundPod) -> str:
    """Pending, Running, Succeeded or Failed."""
    ends = [ended(pod.state(c.name)) for c in pod.spec.containers]
    running = [s is not None and s.running for s in (pod.state(c.name) for c in pod.spec.containers)]
    if all(end is not None for end in ends) and (pod.pod.metadata.deletion_timestamp or _final(pod, ends)):
        if any(True for _ in pod.running()):
            return "Running"  # a sidecar is not gone yet: nobody may take the pod for over
        return "Succeeded" if all(end is not None and end.exit_code == 0 for end in ends) else "Failed"
    if init_failed(pod):
        return "Pending" if any(True for _ in pod.running()) else "Failed"
    if not initialized(pod) and not any(running):
        return "Pending"
    if any(
        end is None and not runs and not _ran_before(pod, c)
        for end, runs, c in zip(ends, running, pod.spec.containers, strict=True)
    ):
        return "Pending"
    return "Running"


def _final(pod: BoundPod, ends: Iterable[ContainerExited | None]) -> bool:
    return all(
        end is not None and not should_restart(pod, c, end.exit_code) for c, end in zip(pod.spec.containers, ends, strict=True)
    )


def _ran_before(pod: BoundPod, container: AnyContainer) -> bool:
    state = pod.state(container.name)
    return state is not None and state.last_exit is not None


def initialized(pod: BoundPod) -> bool:
    """Every init container has done its part; once the others ran it stays so."""
    return not _incomplete(pod)


def _incomplete(pod: BoundPod) -> list[str]:
    """The init containers that are not done."""
    left = []
    for container in pod.spec.init_containers:
        if is_sidecar(container):
            done = started(pod, container) or any(pod.state(c.name) is not None for c in pod.spec.containers)
        else:
            end = ended(pod.state(container.name))
            done = end is not None and end.exit_code == 0
        if not done:
            left.append(container.name)
    return left


# --- containers ---


def _container(pod: BoundPod, container: AnyContainer, waiting: Waiting) -> core_v1.ContainerStatus:
    state = pod.state(container.name)
    if state is None:
        why = waiting.get(container.name) or _not_yet(pod)
        return core_v1.ContainerStatus(
            name=container.name, image=container.image, state=core_v1.ContainerState(waiting=why),
            started=_begun(container, False), volume_mounts=_mounts(pod, container),
        )  # fmt: skip
    end, now = ended(state), core_v1.ContainerState()
    last = _terminated(state.last_exit)
    if state.running:
        now = core_v1.ContainerState(running=core_v1.ContainerStateRunning(started_at=api_time(state.started_at_ns)))
    elif container.name in waiting:
        now = core_v1.ContainerState(waiting=waiting[container.name])
        last = _terminated(end) or last
    elif end is not None:
        now = core_v1.ContainerState(terminated=_terminated(end))
    else:
        why = core_v1.ContainerStateWaiting(reason=state.start_failure or "ContainerCreating", message=state.start_message)
        now = core_v1.ContainerState(waiting=why)
    runs, (allocated, held) = started(pod, container), resize.told_resources(pod, container)
    image = pod.view.image(pod.node, container.image)
    image_id = state.image_id or (image.pulled.image_id if image is not None and image.pulled is not None else "")
    return core_v1.ContainerStatus(
        name=container.name,
        state=now,
        last_state=core_v1.ContainerState(terminated=last),
        ready=_is_ready(pod, container),
        restart_count=state.attempt,
        image=state.image or container.image,
        image_id=image_id,
        container_id=state.container_id or (state.last_exit.container_id if state.last_exit else ""),
        started=_begun(container, runs),
        allocated_resources=allocated,
        resources=held,
        volume_mounts=_mounts(pod, container),
        user=_user(state),
        stop_signal=state.stop_signal or None,
    )


def _begun(container: AnyContainer, runs: bool) -> bool | None:
    """Nothing is said of a container that was added to look at others."""
    return None if isinstance(container, core_v1.EphemeralContainer) else runs


def _user(state: ContainerRuntime) -> core_v1.ContainerUser | None:
    if not state.user:
        return None
    uid, gid, *groups = state.user
    return core_v1.ContainerUser(linux=core_v1.LinuxContainerUser(uid=uid, gid=gid, supplemental_groups=tuple(groups)))


def _mounts(pod: BoundPod, container: AnyContainer) -> tuple[core_v1.VolumeMountStatus, ...]:
    """As they were asked for: what a runtime is told of them has no names of volumes."""
    if not container.volume_mounts:
        return ()
    images = {volume.name: volume.image.reference for volume in pod.spec.volumes if volume.image is not None}
    return tuple(
        core_v1.VolumeMountStatus(
            name=mount.name,
            mount_path=mount.mount_path,
            read_only=mount.read_only,
            recursive_read_only=_recursive(mount) if mount.read_only else None,
            volume_status=_image_of(pod, images[mount.name]) if mount.name in images else None,
        )
        for mount in container.volume_mounts
    )


def _recursive(mount: core_v1.VolumeMount) -> str:
    return "Enabled" if mount.recursive_read_only in ("Enabled", "IfPossible") else "Disabled"


def _image_of(pod: BoundPod, reference: str) -> core_v1.VolumeStatus | None:
    """Which image a volume is, once it is there."""
    held = pod.view.image(pod.node, reference)
    if held is None or held.pulled is None:
        return None
    return core_v1.VolumeStatus(image=core_v1.ImageVolumeStatus(image_ref=held.pulled.image_id))


def _not_yet(pod: BoundPod) -> core_v1.ContainerStateWaiting:
    return core_v1.ContainerStateWaiting(reason="PodInitializing" if pod.spec.init_containers else "ContainerCreating")


def _terminated(end: ContainerExited | None) -> core_v1.ContainerStateTerminated | None:
    if end is None:
        return None
    return core_v1.ContainerStateTerminated(
        exit_code=end.exit_code, signal=end.signal, reason=end.reason or ("Error" if end.exit_code else "Completed"),
        message=end.message, started_at=api_time(end.started_at_ns), finished_at=api_time(end.at_ns),
        container_id=end.container_id,
    )  # fmt: skip


def _is_ready(pod: BoundPod, container: AnyContainer) -> bool:
    """An app container is ready when it runs and its probe says so; an init container when it has done its part; one that was
    added to look at others never."""
    state = pod.state(container.name)
    if state is None or isinstance(container, core_v1.EphemeralContainer):
        return False
    if not state.running:
        end = ended(state)
        is_init = any(c.name == container.name for c in pod.spec.init_containers)
        return is_init and not is_sidecar(container) and end is not None and end.exit_code == 0
    if not started(pod, container):
        return False
    probe = state.probes.get("readiness")
    if container.readiness_probe is None:
        return not settling_s(pod, container)
    return probe is not None and probe.healthy


def settling_s(pod: BoundPod, container: AnyContainer) -> float:
    """Seconds until a container that runs, and has no readiness probe, counts as ready; 0 when it does."""
    state = pod.state(container.name)
    if state is None or not state.running or not state.settles_ns or container.readiness_probe is not None:
        return 0
    return remaining_s(state.started_at_ns, state.settles_ns / 1e9, pod.now)


# --- conditions ---


def _conditions(
    pod: BoundPod, phase: str, init: tuple[core_v1.ContainerStatus, ...], apps: tuple[core_v1.ContainerStatus, ...]
) -> tuple[core_v1.PodCondition, ...]:
    new = {
        "PodReadyToStartContainers": _ready_to_start(pod),
        "Initialized": _initialized(pod, phase),
        **_ready(pod, phase, init, apps),
        **(resize.conditions(pod) if phase not in TERMINAL else {}),
    }
    old = {c.type: c for c in pod.pod.status.conditions}
    new["PodScheduled"] = _condition("PodScheduled", True)  # also of one that was bound by whoever made it
    seen = pod.pod.metadata.generation
    out = [_since(condition, old.get(type_), api_time(pod.now), seen) for type_, condition in new.items()]
    ours = (*KUBELET_CONDITIONS, resize.PENDING, resize.IN_PROGRESS)
    return (*out, *(c for c in pod.pod.status.conditions if c.type not in ours and c.type not in new))


def _since(new: core_v1.PodCondition, held: core_v1.PodCondition | None, at: str, seen: int) -> core_v1.PodCondition:
    """The condition with the time since when it is so: `at`, or that of `held` where the status is the same. `seen`: the
    generation of the pod."""
    since = held.last_transition_time if held is not None and held.status == new.status else at
    return _shared(new.type, new.status, new.reason, new.message, since, seen=seen)


@remembered(1024)
def _shared(type_: str, status: str, reason: str, message: str, since: str, *, seen: int) -> core_v1.PodCondition:
    """One for all pods of which the same holds since the same second: there are many."""
    return core_v1.PodCondition(
        type=type_, status=status, reason=reason, message=message, last_transition_time=since, observed_generation=seen
    )  # fmt: skip


def _condition(type_: str, holds: bool, reason: str = "", message: str = "") -> core_v1.PodCondition:
    return _shared(type_, "True" if holds else "False", reason, message, "", seen=0)


def _ready_to_start(pod: BoundPod) -> core_v1.PodCondition:
    """It has a sandbox, and that is on the network."""
    if pod.sandbox_up and pod.runtime is not None and pod.runtime.network_failure:
        return _condition("PodReadyToStartContainers", False, "NetworkNotReady", pod.runtime.network_failure)
    return _condition("PodReadyToStartContainers", pod.sandbox_up)


def _initialized(pod: BoundPod, phase: str) -> core_v1.PodCondition:
    left = _incomplete(pod)
    if not left:
        return _condition("Initialized", True, "PodCompleted" if phase == "Succeeded" else "")
    if phase == "Failed":
        return _condition("Initialized", False, "PodFailed")
    return _condition(
        "Initialized", False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(left)}]"
    )


def _ready(
    pod: BoundPod, phase: str, init: tuple[core_v1.ContainerStatus, ...], apps: tuple[core_v1.ContainerStatus, ...]
) -> dict[str, core_v1.PodCondition]:
    if phase in TERMINAL:
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return {t: _condition(t, False, reason) for t in ("Ready", "ContainersReady")}
    sidecars = {c.name for c in pod.spec.init_containers if is_sidecar(c)}
    unready = [s.name for s in (*(s for s in init if s.name in sidecars), *apps) if not s.ready]
    if unready:
        why = f"containers with unready status: [{' '.join(unready)}]"
        return {t: _condition(t, False, "ContainersNotReady", why) for t in ("Ready", "ContainersReady")}
    ready = _condition("Ready", True)
    states = {c.type: c.status for c in pod.pod.status.conditions}
    missing = [g.condition_type for g in pod.spec.readiness_gates if states.get(g.condition_type) != "True"]
    if missing:
        gates = ", ".join(_gate(gate, gate in states) for gate in missing)
        ready = _condition("Ready", False, "ReadinessGatesNotReady", f"{gates}.")
    return {"Ready": ready, "ContainersReady": _condition("ContainersReady", True)}


def _gate(gate: str, known: bool) -> str:
    return f'corresponding condition of pod readiness gate "{gate}" {"is not True" if known else "does not exist"}'
