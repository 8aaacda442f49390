"""What a kubelet tells people of its pods: Kubernetes Events, worded as kubelet words them.

Of what a node reported, when it is on the log (`tells`); and of what a decision does and shows (`killing`, `backing_off`).
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Say, reference
from shipslog.runtime.commands import StopContainer
from shipslog.store.commands import Update
from shipslog.store.facts import (
    ContainerExited,
    ContainerFact,
    ContainerStarted,
    ContainerStartFailed,
    Fact,
    ImagePulled,
    ImagePullFailed,
    LifecycleHookFailed,
    NodeObserved,
    PodFact,
    PodNetworkLost,
    PodNetworkMended,
    ProbeFlipped,
    SandboxExited,
    SandboxFailed,
)
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

from .bound_pod import full_name, images_of

POST_START = "FailedPostStartHook: "  # how a runtime begins to say that the handler failed


def tells(view: View, fact: Fact) -> Iterable[Say]:
    """The Events about a fact that a node reported."""
    match fact:
        case ImagePulled() | ImagePullFailed():
            return _of_pull(view, fact)
        case NodeObserved(node=node):
            about = core_v1.ObjectReference(kind="Node", name=node, uid=node)  # as kubelet names it before it knows the uid
            return (Say(about=about, reason="Starting", message="Starting kubelet.", host=node),)
        case PodFact(pod_uid=uid):
            entry = view.by_uid(uid)
            return (*_of_image(view, entry.object, fact), *_of_pod(entry.object, fact)) if entry is not None else ()
    return ()


def _of_image(view: View, pod: core_v1.Pod, fact: PodFact) -> Iterator[Say]:
    """Every start tells of its image. The pull itself told a container that waited for it before its first start."""
    runtime = view.pod_runtime(pod.metadata.uid)
    if runtime is None or not isinstance(fact, ContainerStarted) or fact.container not in runtime.containers:
        return
    started = runtime.containers[fact.container]
    image = view.image(fact.node, started.image)
    if image is None or image.pulled is None:
        return
    waits_since_ns = started.last_exit.at_ns if started.last_exit is not None else runtime.sandbox_started_at_ns
    was_pulled_for_it = image.pulled.at_ns >= waits_since_ns
    if started.attempt or not was_pulled_for_it:
        pulled = image.pulled if was_pulled_for_it else replace(image.pulled, present=True)
        yield from _of_pull_for(reference(pod, field_path(pod, fact.container)), pulled)


def _of_pod(pod: core_v1.Pod, fact: PodFact) -> Iterator[Say]:
    about = reference(pod, field_path(pod, fact.container) if isinstance(fact, ContainerFact) else "")

    def normal(reason: str, message: str) -> Say:
        return Say(about=about, reason=reason, message=message, host=fact.node)

    def warning(reason: str, message: str) -> Say:
        return Say(about=about, type="Warning", reason=reason, message=message, host=fact.node)

    match fact:
        case ContainerStarted():
            yield normal("Created", f"Created container: {fact.container}")
            yield normal("Started", f"Started container {fact.container}")
        case ContainerStartFailed():
            yield warning("Failed", f"Error: {fact.message}")
        case ContainerExited(message=message) if message.startswith(POST_START):
            yield warning("FailedPostStartHook", message.removeprefix(POST_START))
        case LifecycleHookFailed():
            yield warning(f"Failed{fact.hook}Hook", fact.message)
        case SandboxFailed(reason="FailedMount"):
            yield warning("FailedMount", fact.message)
        case SandboxFailed(reason="FailedKillPod"):
            yield warning("FailedKillPod", f"error killing pod: {fact.message}")
        case SandboxFailed():
            yield warning("FailedCreatePodSandBox", f"Failed to create pod sandbox: {fact.message}")
        case SandboxExited():
            yield normal("SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
        case PodNetworkLost():
            yield warning("NetworkNotReady", f"network is not ready: {fact.message}")
        case PodNetworkMended():
            yield warning("NetworkMended", fact.message)
        case ProbeFlipped(healthy=False) if fact.message:
            yield warning("Unhealthy", f"{fact.probe.capitalize()} probe failed: {fact.message}")
        case ProbeFlipped(healthy=True) if fact.message:
            yield warning("ProbeWarning", f"{fact.probe.capitalize()} probe warning: {fact.message}")


def _of_pull(view: View, fact: ImagePulled | ImagePullFailed) -> Iterator[Say]:
    """Every container that waited for the image hears of it."""
    for pod in view.pods_on(fact.node):
        if pod.status.phase in ("", "Pending") and not pod.metadata.deletion_timestamp:
            for container in (*pod.spec.init_containers, *pod.spec.containers):
                if fact.image in images_of(pod.spec, container) and not _has_begun(view, pod, container.name):
                    yield from _of_pull_for(reference(pod, field_path(pod, container.name)), fact)


def _has_begun(view: View, pod: core_v1.Pod, container: str) -> bool:
    runtime = view.pod_runtime(pod.metadata.uid)
    state = runtime.containers.get(container) if runtime is not None else None
    return state is not None and (state.running or state.exit is not None)


def _of_pull_for(about: core_v1.ObjectReference, fact: ImagePulled | ImagePullFailed) -> Iterator[Say]:
    def normal(reason: str, message: str) -> Say:
        return Say(about=about, reason=reason, message=message, host=fact.node)

    def warning(reason: str, message: str) -> Say:
        return Say(about=about, type="Warning", reason=reason, message=message, host=fact.node)

    pulling = normal("Pulling", f'Pulling image "{fact.image}"')
    if isinstance(fact, ImagePulled) and fact.present:
        yield normal("Pulled", f'Container image "{fact.image}" already present on machine')
    elif isinstance(fact, ImagePulled):
        yield pulling
        yield normal("Pulled", f'Successfully pulled image "{fact.image}". Image size: {fact.size_bytes} bytes.')
    elif fact.reason == "InvalidImageName":
        yield warning("InspectFailed", f'Failed to apply default image tag "{fact.image}": {fact.message}')
        yield warning("Failed", f"Error: {fact.reason}")
    elif fact.reason == "ErrImageNeverPull":
        yield warning("ErrImageNeverPull", fact.message)
        yield warning("Failed", f"Error: {fact.reason}")
    else:
        if fact.reason == "ErrImagePull":
            yield pulling
        yield warning("Failed", f'Failed to pull image "{fact.image}": {fact.message}')
        yield warning("Failed", f"Error: {fact.reason}")


def killing(pod: core_v1.Pod, stop: StopContainer) -> Say:
    """Said when a container is told to end."""
    message = stop.reason or f"Stopping container {stop.container}"
    return Say(
        about=reference(pod, field_path(pod, stop.container)), reason="Killing", message=message, after=stop, host=stop.node
    )


def backing_off(pod: core_v1.Pod, update: Update) -> Iterator[Say]:
    """Said when a pod's status is updated: a back-off shows there before anything else happens."""
    status: core_v1.PodStatus = update.object.status
    for container in (*status.init_container_statuses, *status.container_statuses):
        waiting, kind = container.state.waiting, "Warning"
        match waiting.reason if waiting is not None else "":
            case "CrashLoopBackOff":
                reason, message = "BackOff", f"Back-off restarting failed container {container.name} in pod {full_name(pod)}"
            case "CreateContainerConfigError":
                reason, message = "Failed", f"Error: {waiting.message if waiting is not None else ''}"
            case "ImagePullBackOff":
                because = waiting.message if waiting is not None else ""  # of a container's image, or of one that is a volume
                kind, reason, message = "Normal", "BackOff", because.partition(": ")[0]
            case _:
                continue
        yield Say(
            about=reference(pod, field_path(pod, container.name)), type="Warning" if kind == "Warning" else "Normal",
            reason=reason, message=message, after=update, host=pod.spec.node_name,
        )  # fmt: skip


RESIZE = {"PodResizePending": "", "PodResizeInProgress": "ResizeStarted"}


def resizing(pod: core_v1.Pod, update: Update) -> Iterator[Say]:
    """Said when a pod's status begins, or ceases, to tell of a resize."""
    status: core_v1.PodStatus = update.object.status
    before = {c.type: c for c in pod.status.conditions if c.type in RESIZE}
    after = {c.type: c for c in status.conditions if c.type in RESIZE}
    resizes: list[tuple[str, str]] = []
    for type_, condition in after.items():
        old = before.get(type_)
        if old is None or (old.reason, old.message) != (condition.reason, condition.message):
            reason = f"Resize{condition.reason}" if condition.reason else RESIZE[type_]
            resizes.append((reason, condition.message or "Pod resize started"))
    if before and not after:
        resizes.append(("ResizeCompleted", "Pod resize completed"))
    for reason, message in resizes:
        kind = "Normal" if reason in ("ResizeStarted", "ResizeCompleted") else "Warning"
        yield Say(
            about=reference(pod), type="Warning" if kind == "Warning" else "Normal", reason=reason, message=message,
            after=update, host=pod.spec.node_name,
        )  # fmt: skip


def field_path(pod: core_v1.Pod, container: str) -> str:
    """`spec.containers{web}`, the part of a pod that an Event is about."""
    spec = pod.spec
    kinds = (("initContainers", spec.init_containers), ("ephemeralContainers", spec.ephemeral_containers))
    room = next((name for name, containers in kinds if any(c.name == container for c in containers)), "containers")
    return f"spec.{room}{{{container}}}"
