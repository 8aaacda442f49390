"""Which container of a pod is meant, and which of its starts. Errors in a kubelet's words.

Tests: tests/engine/api/subresource/test_pod_logs.py
"""

from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest


def container_of(pod: core_v1.Pod, name: str) -> str:
    """The container that is meant. Errors: BadRequest when it is not clear or not there."""
    spec = pod.spec
    regular, initial = [c.name for c in spec.containers], [c.name for c in spec.init_containers]
    names = [*regular, *initial, *(c.name for c in spec.ephemeral_containers)]
    if name:
        if name not in names:
            raise BadRequest(f"container {name} is not valid for pod {pod.metadata.name}")
        return name
    if len(names) == 1:
        return names[0]
    default: str = pod.metadata.annotations.get("kubectl.kubernetes.io/default-container", "")
    if default in names:
        return default
    message = f"a container name must be specified for pod {pod.metadata.name}, choose one of: [{' '.join(regular)}]"
    raise BadRequest(message + (f" or one of the init containers: [{' '.join(initial)}]" if initial else ""))


def attempt_of(pod: core_v1.Pod, container: str, *, previous: bool) -> int:
    """Which start of the container has the log. Errors: BadRequest when there was none."""
    statuses: tuple[core_v1.ContainerStatus, ...] = (
        *pod.status.container_statuses,
        *pod.status.init_container_statuses,
        *pod.status.ephemeral_container_statuses,
    )
    status = next((s for s in statuses if s.name == container), None)
    if status is None:
        raise BadRequest(f'container "{container}" in pod "{pod.metadata.name}" is waiting to start: no status reported yet')
    if previous:
        if status.last_state.terminated is None or not status.last_state.terminated.container_id:
            raise BadRequest(f'previous terminated container "{container}" in pod "{pod.metadata.name}" not found')
        # the runtime goes back by one; a container that waits to be restarted is itself the one before
        backs_off = status.state.waiting is not None and status.state.waiting.reason == "CrashLoopBackOff"
        return status.restart_count + 1 if backs_off else status.restart_count
    if status.state.waiting is not None and not status.container_id:
        reason = status.state.waiting.reason or "ContainerCreating"
        why = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}.get(
            reason, reason
        )
        raise BadRequest(f'container "{container}" in pod "{pod.metadata.name}" is waiting to start: {why}')
    return status.restart_count
