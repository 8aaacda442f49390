"""Pods that a node runs from files, each shown by a mirror pod in the API.

A directory holds a manifest a file. What a file says is there within a moment of its change, as a pod of the API that only its
node can make: named after the node, with the annotations that kubelets give. A file that has changed ends its pod, and the next
begins when that is gone; one that is gone takes its pod along; a mirror that somebody deletes comes back. A file that cannot be
used is told, on the node and in the daemon's log, and what ran from it goes on.

Source: kubelet's file source (pkg/kubelet/config) and mirror client, Kubernetes 1.32.
"""

import asyncio
import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.structs import replace

from shipslog.engine import manifests
from shipslog.engine.commit.committer import Committer
from shipslog.reconcilers.kubelet.eviction.ranking import MIRROR, SOURCE
from shipslog.reconcilers.rule.decision import Say
from shipslog.runtime.machine import linux
from shipslog.store.commands import Create, Delete
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted
from shipslog.store.logger import logger
from shipslog.store.objects.scheme import Scheme
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import Refusal
from shipslog.store.state import Entry
from shipslog.store.wording import counted

HASH, SEEN = "kubernetes.io/config.hash", "kubernetes.io/config.seen"
EVERY_S = 20.0  # though nothing is heard of a change
REGISTERED_S = 0.1  # until the node is looked for again
SETTLE_S = 0.1  # who writes a file often writes twice
LARGEST = 1 << 20  # bytes of one file
MOST = 500  # files
CHANGES = linux.IN_CLOSE_WRITE | linux.IN_MOVED_TO | linux.IN_MOVED_FROM | linux.IN_DELETE

log = logger(__name__)
Told = Callable[[Say], None]


class BadFile(Exception):
    """A file is no manifest of a pod; the message says why."""


class StaticPods:
    """Those of one node. `say` tells an Event. One task runs `run`."""

    def __init__(self, committer: Committer, node: str, path: Path | None, say: Told) -> None:
        """`path` None: there are none any more, and what ran from files before goes."""
        self._committer, self._node, self._path, self._say = committer, node, path, say
        self._read: dict[str, tuple[bytes, core_v1.Pod | BadFile]] = {}  # by file: a hash of it, and what it means
        self._good: dict[str, tuple[str, str]] = {}  # by file: namespace and name of the pod that it made last
        self._faults: dict[str, str] = {}  # by file, as told last
        self._wake = asyncio.Event()
        committer.listeners.append(self.on_event)

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """One of ours is gone: the next may begin."""
        gone = isinstance(event.fact, ObjectDeleted) and event.fact.resource == "pods"
        if gone and previous is not None and _is_ours(previous.object, self._node):
            self._wake.set()

    def troubles(self) -> list[str]:
        """For anybody to see."""
        count = len(self._faults)
        what = counted(count, "file", "files")
        return [f"static pods of {self._node}: {what} cannot be used; the events of the node say why"] if count else []

    async def run(self) -> None:
        """Keep what runs as the files say."""
        while self._committer.view.get(core_v1.Node, self._node) is None:
            await asyncio.sleep(REGISTERED_S)
        if self._path is None:
            await self.look()
            return
        with self._watched(self._path):
            while True:
                self._wake.clear()
                await self.look()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), EVERY_S)
                    await asyncio.sleep(SETTLE_S)

    @contextlib.contextmanager
    def _watched(self, path: Path) -> Iterator[None]:
        """Changes wake us; where nobody can tell of them, time does."""
        try:
            heard = linux.inotify_open(str(path if path.is_dir() else path.parent), CHANGES)
        except OSError as error:
            log.warning("static_pods_not_watched", path=str(path), why=str(error))
            yield
            return

        def changed() -> None:
            for _ in linux.inotify_names(heard):
                self._wake.set()

        loop = asyncio.get_running_loop()
        loop.add_reader(heard, changed)
        try:
            yield
        finally:
            loop.remove_reader(heard)
            os.close(heard)

    async def look(self) -> None:
        """Read all files once, and make, end and tell what follows."""
        view = self._committer.view
        found = await asyncio.to_thread(self._pods, view.scheme, self._path) if self._path is not None else {}
        wanted: dict[tuple[str, str], core_v1.Pod] = {}
        faults: dict[str, str] = {}
        for file, read_ in found.items():
            try:
                pod = self._mirror(read_)
                key = pod.metadata.namespace, pod.metadata.name
                if key in wanted:
                    raise BadFile(f"another file has a pod {'/'.join(key)}")
                wanted[key] = pod
                self._good[file] = key
            except BadFile as error:
                faults[file] = str(error)
        kept = {self._good[file] for file in faults if file in self._good}
        unknown = any(file not in self._good for file in faults)  # it may be what one of them was made from
        gone = {self._good.pop(file) for file in self._good.keys() - found.keys()}
        for pod in [p for p in view.pods_on(self._node) if _is_ours(p, self._node)]:
            key = pod.metadata.namespace, pod.metadata.name
            new = wanted.get(key)
            if new is not None and new.metadata.annotations[HASH] == pod.metadata.annotations.get(HASH):
                del wanted[key]
            elif new is not None or (key not in kept and (key in gone or not unknown)):
                wanted.pop(key, None)  # it is made when the one before it is gone
                await self._end(pod)
        for pod in wanted.values():
            await self._make(pod, faults)
        self._tell(faults)

    async def _end(self, pod: core_v1.Pod) -> None:
        meta = pod.metadata
        if meta.deletion_timestamp:
            return
        delete = Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid)
        with contextlib.suppress(Refusal):  # it is gone, or it is looked at again
            await self._committer.submit(delete, actor=f"system:node:{self._node}", groups=("system:nodes",))

    async def _make(self, pod: core_v1.Pod, faults: dict[str, str]) -> None:
        try:
            await self._committer.submit(
                Create(object=pod), actor=f"system:node:{self._node}", groups=("system:nodes", "system:authenticated")
            )
        except Refusal as refusal:
            key = pod.metadata.namespace, pod.metadata.name
            faults[next(file for file, made in self._good.items() if made == key)] = refusal.message

    def _tell(self, faults: dict[str, str]) -> None:
        """Each fault once for as long as it stays the same."""
        about = core_v1.ObjectReference(kind="Node", name=self._node, uid=self._node)
        for file, why in faults.items():
            if self._faults.get(file) != why:
                log.warning("static_pod_refused", node=self._node, file=file, why=why)
                message = f"{file}: {why}"
                self._say(Say(about=about, type="Warning", reason="InvalidStaticPod", message=message, host=self._node))
        self._faults = faults

    def _pods(self, scheme: Scheme, path: Path) -> dict[str, core_v1.Pod | BadFile]:
        """What the files say, by file; one that holds what it held is not looked into again. It blocks: in a thread."""
        found: dict[str, tuple[bytes, core_v1.Pod | BadFile]] = {}
        bad: dict[str, core_v1.Pod | BadFile] = {}
        for file, content in read(path).items():
            if isinstance(content, BadFile):
                bad[file] = content
                continue
            held, digest = self._read.get(file), hashlib.sha256(content).digest()
            found[file] = held if held is not None and held[0] == digest else (digest, manifest(scheme, content))
        self._read = found
        return {**{file: pod for file, (_, pod) in found.items()}, **bad}

    def _mirror(self, pod: core_v1.Pod | BadFile) -> core_v1.Pod:
        """The pod of the API for a file. Errors: BadFile."""
        if isinstance(pod, BadFile):
            raise BadFile(str(pod))
        view = self._committer.view
        digest = hashlib.sha256(self._node.encode() + b"\0" + codec.encode(pod)).hexdigest()[:32]
        meta, node = pod.metadata, view.get(core_v1.Node, self._node)
        if not meta.name or node is None:
            raise BadFile("its pod has no name")
        seen = api_time(self._committer.clock.now_ns())
        notes = {**meta.annotations, HASH: digest, MIRROR: digest, SEEN: seen, SOURCE: "file"}
        owner = meta_v1.OwnerReference(api_version="v1", kind="Node", name=self._node, uid=node.metadata.uid, controller=True)
        meta = meta_v1.ObjectMeta(
            name=f"{meta.name}-{self._node}", namespace=meta.namespace, labels=meta.labels, annotations=notes,
            owner_references=(owner,),
        )  # fmt: skip
        stays = core_v1.Toleration(operator="Exists", effect="NoExecute")
        tolerations = pod.spec.tolerations if stays in pod.spec.tolerations else (*pod.spec.tolerations, stays)
        return replace(pod, metadata=meta, spec=replace(pod.spec, node_name=self._node, tolerations=tolerations))


def manifest(scheme: Scheme, content: bytes) -> core_v1.Pod | BadFile:
    """What the content of a file means."""
    try:
        documents = list(manifests.documents(content))
        if len(documents) != 1:
            return BadFile(f"it holds {len(documents)} documents, and should hold one pod")
        _, pod = manifests.parse(scheme, documents[0])
    except Refusal as refusal:
        return BadFile(refusal.message)
    return pod if isinstance(pod, core_v1.Pod) else BadFile(f"it holds a {pod.kind}, and should hold a Pod")


def _is_ours(pod: core_v1.Pod, node: str) -> bool:
    notes = pod.metadata.annotations
    return pod.spec.node_name == node and notes.get(SOURCE) == "file" and MIRROR in notes


def read(path: Path) -> dict[str, bytes | BadFile]:
    """What the files of a directory hold, or the one file; hidden ones are left out. What is gone holds none."""
    try:
        files = sorted(p for p in path.iterdir() if not p.name.startswith(".")) if path.is_dir() else [path]
    except OSError as error:
        return {str(path): BadFile(f"it cannot be read: {error.strerror}")}
    found = ((file.name, _content(file)) for file in files[:MOST])
    return {name: content for name, content in found if content is not None}


def _content(file: Path) -> bytes | BadFile | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would keep us waiting
    except FileNotFoundError:
        return None
    except OSError as error:
        return BadFile(f"it cannot be read: {error.strerror}")
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            return None
        if not stat.S_ISREG(status.st_mode):
            return BadFile("it is no file")
        if status.st_size > LARGEST:
            return BadFile(f"it is longer than {LARGEST} bytes")
        return os.read(descriptor, LARGEST)
    except OSError as error:
        return BadFile(f"it cannot be read: {error.strerror}")
    finally:
        os.close(descriptor)
