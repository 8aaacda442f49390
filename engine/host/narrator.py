"""Tells people what happens: Kubernetes Event objects, made in one place from decisions and facts.

The same thing said again raises a count instead of making a new object. Writing them is never in the way: they are
collected and committed a little later, and after an hour they go; the log remembers them all the same.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import structlog

from shipslog.engine.commit.committer import Committed, Committer
from shipslog.engine.time.clock import api_time
from shipslog.reconcilers.rule.decision import Concern, Reconciler
from shipslog.runtime.commands import AnyRuntimeCommand, PullImage, StartContainer, StopContainer
from shipslog.store.commands import AnyObjectCommand, Bind, Create, Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import (
    ContainerExited,
    ContainerFact,
    ContainerStarted,
    ContainerStartFailed,
    ImagePulled,
    ImagePullFailed,
    NodeObserved,
    PodFact,
    ProbeFlipped,
    SandboxExited,
    SandboxFailed,
)  # fmt: skip
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.refusals import Refusal
from shipslog.store.state import Entry

POST_START = "FailedPostStartHook: "  # how a runtime begins to say that the handler failed
DELAY_S = 0.1  # collected for so long before they are written
TTL_S = 3600.0
CHUNK = 64  # written at a time
REMEMBERED = 4096  # distinct messages whose counts are known
WAITING = 1024  # pulls whose pods are known

log = structlog.get_logger()


class Saying(msgspec.Struct, frozen=True):
    """What is to be said about which object."""

    about: core_v1.ObjectReference
    type: str  # Normal, Warning
    reason: str
    message: str
    component: str
    host: str = ""
    at_ns: int = 0


class Narrator:
    """Listens to the committer and the host. `flush` writes what was collected; it is called by itself."""

    def __init__(self, committer: Committer) -> None:
        self.committer = committer
        self.view = committer.view
        self._said: OrderedDict[tuple[str, ...], tuple[str, str, int]] = OrderedDict()  # -> name, namespace, count
        self._queue: dict[tuple[str, ...], tuple[Saying, int]] = {}
        self._pulling: OrderedDict[tuple[str, str], dict[str, str]] = OrderedDict()  # (node, image) -> pod uid: field path
        self._stamp = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        committer.listeners.append(self.on_event)

    # --- listening ---

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """A fact became durable."""
        for saying in self._of_fact(event):
            self.say(saying)

    def on_decision(
        self, reconciler: Reconciler, key: str, sent: Sequence[AnyRuntimeCommand], objects: Sequence[AnyObjectCommand],
        results: Sequence[Any],
    ) -> None:  # fmt: skip
        """A decision was committed: `sent` goes to runtimes, `results` are those of its object commands."""
        now_ns = self.view.time_ns
        component = reconciler.actor.removeprefix("system:controller:").removeprefix("system:")
        for command, result in zip(objects, results, strict=True):
            for saying in self._of_command(command, result, component, now_ns):
                self.say(saying)
        for other in sent:
            for saying in self._of_runtime(other, now_ns):
                self.say(saying)

    def on_concern(self, reconciler: Reconciler, key: str, concern: Concern) -> None:
        """Something is in the way of a pod."""
        about = self._reference(key.removeprefix("pod/"))
        if about is not None:
            node = self.view.by_uid(about.uid).object.spec.node_name  # type: ignore[union-attr]
            self.say(Saying(about, "Warning", concern.reason, concern.message, "kubelet", node, self.view.time_ns))

    def _of_command(self, command: AnyObjectCommand, result: Any, component: str, now_ns: int) -> Iterator[Saying]:
        match command:
            case Create(object=core_v1.Pod() as pod):
                owner = next((o for o in pod.metadata.owner_references if o.controller), None)
                if owner is None:
                    return
                about = self._reference(owner.uid)
                if about is None:
                    return
                if isinstance(result, Refusal):
                    message = f"Error creating: {result.message}"
                    yield Saying(about, "Warning", "FailedCreate", message, component, at_ns=now_ns)
                elif isinstance(result, Committed):
                    message = f"Created pod: {result.entry.object.metadata.name}"
                    yield Saying(about, "Normal", "SuccessfulCreate", message, component, at_ns=now_ns)
            case Delete(resource="pods") if isinstance(result, Committed):
                owner = next((o for o in result.entry.object.metadata.owner_references if o.controller), None)
                about = self._reference(owner.uid) if owner is not None and component.startswith("repl") else None
                if about is not None:
                    yield Saying(about, "Normal", "SuccessfulDelete", f"Deleted pod: {command.name}", component, at_ns=now_ns)
            case Bind() if isinstance(result, Committed):
                message = f"Successfully assigned {command.namespace}/{command.name} to {command.node}"
                pod = result.entry.object
                yield Saying(reference(pod), "Normal", "Scheduled", message, "default-scheduler", at_ns=now_ns)
            case Update(object=core_v1.Pod() as pod, subresource="status"):
                for condition in pod.status.conditions:
                    if condition.type == "PodScheduled" and condition.reason == "Unschedulable":
                        about = reference(pod)
                        yield Saying(about, "Warning", "FailedScheduling", condition.message, "default-scheduler", at_ns=now_ns)
                yield from self._of_waiting(pod, now_ns)

    def _of_waiting(self, pod: core_v1.Pod, now_ns: int) -> Iterator[Saying]:
        """Back-offs show in a pod's status before anything else happens."""
        node = pod.spec.node_name
        statuses = [("spec.initContainers", s) for s in pod.status.init_container_statuses]
        statuses += [("spec.containers", s) for s in pod.status.container_statuses]
        for path, status in statuses:
            waiting = status.state.waiting
            if waiting is None:
                continue
            about = reference(pod, f"{path}{{{status.name}}}")
            if waiting.reason == "CrashLoopBackOff":
                where = f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"
                message = f"Back-off restarting failed container {status.name} in pod {where}"
                yield Saying(about, "Warning", "BackOff", message, "kubelet", node, now_ns)
            elif waiting.reason == "CreateContainerConfigError":
                yield Saying(about, "Warning", "Failed", f"Error: {waiting.message}", "kubelet", node, now_ns)
            elif waiting.reason == "ImagePullBackOff":
                yield Saying(about, "Normal", "BackOff", f'Back-off pulling image "{status.image}"', "kubelet", node, now_ns)

    def _of_runtime(self, command: Any, now_ns: int) -> Iterator[Saying]:
        match command:
            case PullImage():
                waiting = self._pulling.setdefault((command.node, command.image), {})
                for pod in self.view.pods_on(command.node):
                    for container in (*pod.spec.init_containers, *pod.spec.containers):
                        if container.image == command.image and pod.status.phase in ("", "Pending"):
                            waiting[pod.metadata.uid] = f"spec.containers{{{container.name}}}"
                while len(self._pulling) > WAITING:
                    self._pulling.popitem(last=False)
            case StopContainer():
                about = self._reference(command.pod_uid, f"spec.containers{{{command.container}}}")
                if about is not None:
                    message = command.reason or f"Stopping container {command.container}"
                    yield Saying(about, "Normal", "Killing", message, "kubelet", command.node, now_ns)
            case StartContainer():
                pass  # said when it has come of it

    def _of_fact(self, event: Event) -> Iterator[Saying]:
        fact = event.fact
        if isinstance(fact, ImagePulled | ImagePullFailed):
            yield from self._of_pull(fact, event.time_ns)
        elif isinstance(fact, NodeObserved):
            about = core_v1.ObjectReference(api_version="", kind="Node", name=fact.node, uid=fact.node)
            yield Saying(about, "Normal", "Starting", "Starting kubelet.", "kubelet", fact.node, event.time_ns)
        elif isinstance(fact, PodFact):
            path = f"spec.containers{{{fact.container}}}" if isinstance(fact, ContainerFact) else ""
            about_pod = self._reference(fact.pod_uid, path)
            if about_pod is not None:
                for type_, reason, message in _of_pod(fact):
                    yield Saying(about_pod, type_, reason, message, "kubelet", fact.node, event.time_ns)

    def _of_pull(self, fact: ImagePulled | ImagePullFailed, at_ns: int) -> Iterator[Saying]:
        for uid, path in self._pulling.pop((fact.node, fact.image), {}).items():
            about = self._reference(uid, path)
            if about is None:
                continue
            tried = isinstance(fact, ImagePulled) and not fact.present
            if tried or (isinstance(fact, ImagePullFailed) and fact.reason == "ErrImagePull"):
                yield Saying(about, "Normal", "Pulling", f'Pulling image "{fact.image}"', "kubelet", fact.node, at_ns)
            if isinstance(fact, ImagePulled):
                if fact.present:
                    message = f'Container image "{fact.image}" already present on machine'
                else:
                    message = f'Successfully pulled image "{fact.image}". Image size: {fact.size_bytes} bytes.'
                yield Saying(about, "Normal", "Pulled", message, "kubelet", fact.node, at_ns)
            elif fact.reason == "InvalidImageName":
                message = f'Failed to apply default image tag "{fact.image}": {fact.message}'
                yield Saying(about, "Warning", "InspectFailed", message, "kubelet", fact.node, at_ns)
                yield Saying(about, "Warning", "Failed", f"Error: {fact.reason}", "kubelet", fact.node, at_ns)
            elif fact.reason == "ErrImageNeverPull":
                yield Saying(about, "Warning", "ErrImageNeverPull", fact.message, "kubelet", fact.node, at_ns)
                yield Saying(about, "Warning", "Failed", f"Error: {fact.reason}", "kubelet", fact.node, at_ns)
            else:
                message = f'Failed to pull image "{fact.image}": {fact.message}'
                yield Saying(about, "Warning", "Failed", message, "kubelet", fact.node, at_ns)
                yield Saying(about, "Warning", "Failed", f"Error: {fact.reason}", "kubelet", fact.node, at_ns)

    def _reference(self, uid: str, path: str = "") -> core_v1.ObjectReference | None:
        entry = self.view.by_uid(uid)
        return reference(entry.object, path) if entry is not None else None

    # --- saying ---

    def say(self, saying: Saying) -> None:
        """Have it written soon."""
        if self._closed:
            return
        about = saying.about
        key = (about.uid, about.field_path, saying.type, saying.reason, saying.message, saying.component, saying.host)
        self._queue[key] = (saying, self._queue[key][1] + 1 if key in self._queue else 1)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self.flush())

    async def flush(self) -> None:
        """Write what was collected, a few at a time."""
        while self._queue and not self._closed:
            keys = list(self._queue)[:CHUNK]
            writes = [self._write(key, *self._queue.pop(key)) for key in keys]
            for result in await asyncio.gather(*writes, return_exceptions=True):
                if isinstance(result, Exception):
                    log.debug("event_not_written", why=str(result))
        self._expire()

    async def _write(self, key: tuple[str, ...], saying: Saying, times: int) -> None:
        known = self._said.get(key)
        actor = f"system:node:{saying.host}" if saying.component == "kubelet" else f"system:{saying.component}"
        if known is not None:
            name, namespace, count = known
            current = self.view.get(core_v1.Event, name, namespace)
            if current is not None:
                event = msgspec.structs.replace(current, count=count + times, last_timestamp=api_time(saying.at_ns))
                self._said[key] = (name, namespace, count + times)
                await self.committer.submit(Update(object=event), actor=actor, groups=("system:masters",))
                return
        self._stamp = max(self._stamp + 1, saying.at_ns)  # names are in the order of what happened, as Kubernetes' are
        event = event_object(saying, times, f"{self._stamp:x}")
        self._said[key] = (event.metadata.name, event.metadata.namespace, times)
        while len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        await self.committer.submit(Create(object=event), actor=actor, groups=("system:masters",))

    def _expire(self) -> None:
        """Delete the Events that nobody repeated for an hour."""
        limit = api_time(max(self.view.time_ns - int(TTL_S * 1_000_000_000), 0))
        for event in self.view.list(core_v1.Event):
            if (event.last_timestamp or event.metadata.creation_timestamp) < limit:
                meta = event.metadata
                delete = Delete(resource="events", namespace=meta.namespace, name=meta.name, uid=meta.uid)
                task = asyncio.get_running_loop().create_task(self.committer.submit(delete, actor="system:engine"))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def close(self) -> None:
        """Say nothing more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()


def _of_pod(fact: PodFact) -> Iterator[tuple[str, str, str]]:
    """(type, reason, message) of what happened to a pod."""
    match fact:
        case ContainerStarted():
            yield "Normal", "Created", f"Created container: {fact.container}"
            yield "Normal", "Started", f"Started container {fact.container}"
        case ContainerStartFailed():
            yield "Warning", "Failed", f"Error: {fact.message}"
        case ContainerExited(message=message) if message.startswith(POST_START):
            yield "Warning", "FailedPostStartHook", message.removeprefix(POST_START)
        case SandboxFailed(reason="FailedMount"):
            yield "Warning", "FailedMount", fact.message
        case SandboxFailed():
            yield "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {fact.message}"
        case SandboxExited():
            yield "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created."
        case ProbeFlipped(healthy=False) if fact.message:
            yield "Warning", "Unhealthy", f"{fact.probe.capitalize()} probe failed: {fact.message}"


def reference(obj: Any, path: str = "") -> core_v1.ObjectReference:
    """An ObjectReference to a stored object."""
    meta = obj.metadata
    return core_v1.ObjectReference(
        api_version=obj.api_version, kind=obj.kind, namespace=meta.namespace, name=meta.name, uid=meta.uid,
        resource_version=meta.resource_version, field_path=path,
    )  # fmt: skip


def event_object(saying: Saying, times: int, suffix: str) -> core_v1.Event:
    """The Event object of a saying."""
    about, at = saying.about, api_time(saying.at_ns)
    return core_v1.Event(
        metadata=meta_v1.ObjectMeta(name=f"{about.name}.{suffix}", namespace=about.namespace or "default"),
        involved_object=about, type=saying.type, reason=saying.reason, message=saying.message[:1024],
        source=core_v1.EventSource(component=saying.component, host=saying.host), reporting_component=saying.component,
        reporting_instance=saying.host, first_timestamp=at, last_timestamp=at, count=times,
    )  # fmt: skip
