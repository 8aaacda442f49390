"""What one node has of pods and containers in memory, and what came of them as facts.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import signal
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from shipslog.runtime.containers.oci.recovery.records import ContainerRecord, SandboxRecord
from shipslog.runtime.containers.settling import settles_ns
from shipslog.runtime.stats.sampler import ContainerSubject, PodSubject
from shipslog.store.facts import ContainerExited, ContainerStarted, SandboxStarted

from .cgroups import Cgroups
from .container import Exit
from .layout import Layout
from .pod_sandbox import sandbox

SCHEME = "shipslog://"


class Container:
    """One attempt. `ended` is set once, with its exit."""

    def __init__(self, record: ContainerRecord) -> None:
        self.record = record
        self.ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self.announced = False  # whether ContainerStarted is on its way: an exit must not overtake it
        self.awaited = 0  # commands that will return the exit themselves
        self.silent = False  # its exit is nobody's business: a failed hook has been reported instead
        self.cleanup: asyncio.Task[None] | None = None
        self.pidfds: set[int] = set()  # of its process and its conmon, while both are watched
        self.unwatched = False  # its conmon is gone
        self.patience: asyncio.TimerHandle | None = None  # its process is gone, conmon has not said how

    @property
    def exit(self) -> Exit | None:
        return self.ended.result() if self.ended.done() else None


class PodState:
    """One pod: its sandbox, and its containers by name and attempt."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.lock = asyncio.Lock()
        self.sandbox: SandboxRecord | None = None
        self.containers: dict[tuple[str, int], Container] = {}
        self.pause_fd = -1

    def newest(self, name: str) -> Container | None:
        attempts = [attempt for container, attempt in self.containers if container == name]
        return self.containers[name, max(attempts)] if attempts else None


class Pods:
    """All pods of the node."""

    def __init__(self) -> None:
        self._pods: dict[str, PodState] = {}
        self._by_id: dict[str, Container] = {}

    def __iter__(self) -> Iterator[PodState]:
        return iter(list(self._pods.values()))

    def get(self, uid: str) -> PodState | None:
        return self._pods.get(uid)

    def runs(self, uid: str, name: str) -> bool:
        """Whether a container of the pod runs."""
        pod = self.get(uid)
        one = pod.newest(name) if pod is not None else None
        return one is not None and not one.ended.done()

    def ensure(self, uid: str) -> PodState:
        return self._pods.setdefault(uid, PodState(uid))

    def add(self, container: Container) -> None:
        record = container.record
        self.ensure(record.pod_uid).containers[record.container, record.attempt] = container
        self._by_id[record.container_id] = container

    def forget(self, container: Container) -> None:
        record = container.record
        pod = self._pods.get(record.pod_uid)
        if pod is not None:
            pod.containers.pop((record.container, record.attempt), None)
        self._by_id.pop(record.container_id, None)

    def forget_pod(self, uid: str) -> None:
        pod = self._pods.pop(uid, None)
        for container in list(pod.containers.values()) if pod is not None else []:
            self._by_id.pop(container.record.container_id, None)

    def by_id(self, container_id: str) -> Container | None:
        return self._by_id.get(container_id)


def sandbox_started(node: str, record: SandboxRecord) -> SandboxStarted:
    return SandboxStarted(
        node=node, pod_uid=record.request.pod_uid, sandbox_id=record.sandbox_id, ip=record.ip, at_ns=record.started_at_ns,
        ips=record.addresses if len(record.addresses) > 1 else (),
    )  # fmt: skip


def container_started(node: str, record: ContainerRecord) -> ContainerStarted:
    return ContainerStarted(
        node=node, pod_uid=record.pod_uid, container=record.container, attempt=record.attempt,
        container_id=SCHEME + record.container_id, image_id=record.image_id, at_ns=record.started_at_ns, limits=record.limits,
        user=record.user, stop_signal=signal.Signals(record.stop_signal).name if record.user else "",
        settles_ns=settles_ns(record.attempt),
    )  # fmt: skip


def container_exited(node: str, record: ContainerRecord, ended: Exit) -> ContainerExited:
    return ContainerExited(
        node=node, pod_uid=record.pod_uid, container=record.container, attempt=record.attempt,
        container_id=SCHEME + record.container_id, exit_code=ended.code, signal=ended.signal, reason=ended.reason,
        message=ended.message, started_at_ns=record.started_at_ns, at_ns=ended.at_ns,
    )  # fmt: skip


def subject_of(pod: PodState, layout: Layout, cgroups: Cgroups) -> PodSubject:
    """What of a pod with a sandbox is measured, and where."""
    assert pod.sandbox is not None
    request = pod.sandbox.request
    running = sorted((one.record for one in pod.containers.values() if not one.ended.done()), key=lambda r: r.container)
    on_disk = [v for v in request.volumes if v.kind == "emptyDir" and v.medium == ""]
    return PodSubject(
        uid=pod.uid,
        namespace=request.namespace,
        name=request.name,
        began_ns=pod.sandbox.started_at_ns,
        group=cgroups.pod_path(pod.uid),
        network_pid=pod.sandbox.pause.pid if pod.sandbox.pause is not None and not request.host_network else 0,
        alone=len(pod.containers) == 1 and len(running) == 1 and running[0].attempt == 0 and cgroups.enabled,
        containers=tuple(
            _container_subject(record, layout, cgroups, with_pod=number == 0) for number, record in enumerate(running)
        ),
        volumes=tuple((volume.name, layout.pod(pod.uid) / "volumes" / volume.name) for volume in on_disk),
    )


def _container_subject(record: ContainerRecord, layout: Layout, cgroups: Cgroups, *, with_pod: bool) -> ContainerSubject:
    """`with_pod`: what the pod's files in /etc hold counts as this one's: a container may write there as much as it likes."""
    bundle = layout.container(record.pod_uid, record.container, record.attempt)
    layer, logs = _places(layout.pods, record.pod_uid, bundle, with_pod)
    return ContainerSubject(
        name=record.container,
        attempt=record.attempt,
        container_id=record.container_id,
        image=record.image_id,
        began_ns=record.started_at_ns,
        group=cgroups.path(record.pod_uid, record.container_id) if cgroups.enabled else "",
        pid=record.process.pid if record.process is not None else 0,
        layer=layer,
        logs=logs,
    )


@lru_cache(1_024)  # as `layout` keeps a container's: the nodes' numbers are asked for every few seconds
def _places(pods: Path, pod_uid: str, bundle: Path, with_pod: bool) -> tuple[Path, tuple[Path, ...]]:
    """What a container has written to: its layer, and the files beside it."""
    of_pod = [pods / pod_uid / name for name in sandbox.FILES] if with_pod else []
    return bundle / "upper", (bundle / "log", bundle / "termination-log", *of_pod)
