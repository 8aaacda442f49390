"""What runs, evolved from runtime facts: pure functions from a pod's (or an image's) state and a fact to the next state.

Facts may come late or twice (a crash lies between an effect and its record), so each is checked against the attempt that
the state is at; what is older, or known already, changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shipslog.store.facts import (
    CONTAINER_STATUS_UNKNOWN,
    ContainerExited,
    ContainerFact,
    ContainerResized,
    ContainerStarted,
    ContainerStartFailed,
    ImagePulled,
    ImagePullFailed,
    LifecycleHookFailed,
    PodFact,
    PodNetworkLost,
    PodNetworkMended,
    ProbeFlipped,
    SandboxExited,
    SandboxFailed,
    SandboxStarted,
    VolumeExpanded,
    VolumeExpansionFailed,
    VolumeFact,
    VolumeMade,
    VolumeOperationFailed,
    VolumeRemoved,
    VolumeScrubbed,
)
from shipslog.store.state import ContainerRuntime, ImageState, PodRuntime, ProbeState, VolumeState

RESET_AFTER_NS = 600 * 1_000_000_000  # a container that ran for ten minutes starts its back-off anew


def evolve_pod(pod: PodRuntime | None, fact: PodFact, image: str = "") -> PodRuntime | None:
    """The pod's state after the fact; the same object when the fact says nothing new. `image`: what the pod's spec names now
    for the container that the fact is about."""
    match fact:
        case SandboxStarted():
            base = pod or PodRuntime(pod_uid=fact.pod_uid, node=fact.node)
            return replace(
                base, node=fact.node, sandbox_id=fact.sandbox_id, ip=fact.ip, ips=fact.ips, sandbox_started_at_ns=fact.at_ns,
                sandbox_failure="", sandbox_message="", sandbox_failures=0, network_failure="",
            )  # fmt: skip
        case SandboxFailed(reason="FailedMount") if pod is not None and pod.sandbox_id:
            return pod  # a volume of a pod that runs: it keeps what it has
        case SandboxFailed():
            base = pod or PodRuntime(pod_uid=fact.pod_uid, node=fact.node)
            return replace(
                base, sandbox_failure=fact.reason, sandbox_message=fact.message, sandbox_failures=base.sandbox_failures + 1,
                sandbox_failed_at_ns=fact.at_ns,
            )  # fmt: skip
        case SandboxExited():
            if pod is None or pod.sandbox_id != fact.sandbox_id:
                return pod
            return replace(pod, sandbox_id="", ip="")
        case PodNetworkLost() | PodNetworkMended():
            why = fact.message if isinstance(fact, PodNetworkLost) else ""
            return pod if pod is None or pod.network_failure == why else replace(pod, network_failure=why)
        case LifecycleHookFailed():
            return pod
        case ContainerFact():
            if pod is None:
                if not isinstance(fact, ContainerStarted):
                    return None  # a word about a pod that was removed
                pod = PodRuntime(pod_uid=fact.pod_uid, node=fact.node)
            before = pod.containers.get(fact.container)
            after = evolve_container(before, fact, image)
            return pod if after is before or after is None else replace(pod, containers={**pod.containers, after.name: after})
    return pod


def evolve_container(state: ContainerRuntime | None, fact: ContainerFact, image: str = "") -> ContainerRuntime | None:
    """The container's state after the fact; unchanged for what is older than its newest attempt. `image`: what the pod's spec
    names now."""
    if state is not None and fact.attempt < state.attempt:
        return state
    newer = state is None or fact.attempt > state.attempt
    last_exit = (state.exit or state.last_exit) if state is not None and newer else (state.last_exit if state else None)
    failures = state.failures if state is not None else 0
    match fact:
        case ContainerStarted():
            if state is not None and not newer and (state.running or state.exit is not None):
                return state
            return ContainerRuntime(
                name=fact.container, attempt=fact.attempt, running=True, container_id=fact.container_id,
                image_id=fact.image_id, image=image, started_at_ns=fact.at_ns, last_exit=last_exit, failures=failures,
                limits=fact.limits, user=fact.user, stop_signal=fact.stop_signal, settles_ns=fact.settles_ns,
            )  # fmt: skip
        case ContainerResized():
            if state is None or newer or not state.running:
                return state
            if fact.failure:
                return replace(
                    state, resize_failure=fact.failure, resize_wanted=fact.limits, resize_failed_at_ns=fact.at_ns
                )  # fmt: skip
            return replace(state, limits=fact.limits, resize_failure="", resize_wanted=None, resize_failed_at_ns=0)
        case ContainerStartFailed():
            if state is not None and not newer and (state.running or state.exit is not None):
                return state
            return ContainerRuntime(
                name=fact.container, attempt=fact.attempt, last_exit=last_exit, start_failure=fact.reason,
                start_message=fact.message, failed_at_ns=fact.at_ns, failures=failures + 1,
            )  # fmt: skip
        case ContainerExited():
            if state is not None and not newer and state.exit is not None:
                return state
            started = fact.started_at_ns or (state.started_at_ns if state is not None and not newer else 0)
            ran_long = started and fact.at_ns - started >= RESET_AFTER_NS
            base = state if state is not None and not newer else ContainerRuntime(name=fact.container, attempt=fact.attempt)
            seen = fact.reason != CONTAINER_STATUS_UNKNOWN
            return replace(
                base, running=False, container_id=fact.container_id or base.container_id, exit=fact, last_exit=last_exit,
                started_at_ns=started, failures=failures if not seen else 1 if ran_long else failures + 1,
            )  # fmt: skip
        case ProbeFlipped():
            if state is None or newer or not state.running:
                return state
            probe = ProbeState(healthy=fact.healthy, message=fact.message, at_ns=fact.at_ns)
            return replace(state, probes={**state.probes, fact.probe: probe})
    return state


def evolve_image(state: ImageState | None, fact: ImagePulled | ImagePullFailed) -> ImageState:
    """The last word about an image, and how often in a row it could not be had."""
    if isinstance(fact, ImagePulled):
        return ImageState(pulled=fact)
    failures = state.failures if state is not None else 0
    return ImageState(pulled=state.pulled if state else None, failed=fact, failures=failures + 1)


def heard_ns(state: ImageState) -> int:
    """When the last word about an image came."""
    return max((fact.at_ns for fact in (state.pulled, state.failed) if fact is not None), default=0)


def evolve_volume(state: VolumeState | None, fact: VolumeFact) -> VolumeState | None:
    """The state of storage on a node after the fact; None when nothing of it is left."""
    base = state or VolumeState(volume=fact.volume, node=fact.node)
    match fact:
        case VolumeMade():
            return replace(base, path=fact.path, failures=0, message="", failed_at_ns=0)
        case VolumeScrubbed():
            return replace(base, scrubbed_for=fact.claim_uid, failures=0, message="", failed_at_ns=0)
        case VolumeExpanded():
            return replace(base, expanded_bytes=fact.size_bytes, failures=0, message="", failed_at_ns=0)
        case VolumeOperationFailed() | VolumeExpansionFailed():
            return replace(base, failures=base.failures + 1, message=fact.message, failed_at_ns=fact.at_ns)
        case VolumeRemoved():
            return None
    return state


def put_back(table: dict[Any, Any], to: Mapping[Any, Any], key: object) -> None:
    """What the table has under a key is what `to` has there."""
    if key in to:
        table[key] = to[key]
    else:
        table.pop(key, None)
