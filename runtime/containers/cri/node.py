"""A node whose pods a CRI runtime runs. What it runs is told by labels, so that a daemon that comes back finds it.

Tests: tests/runtime/containers/cri/test_exits.py, tests/runtime/containers/test_contract.py
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from shipslog.runtime.commands import (
    AnyRuntimeCommand,
    ApplyNetworkPolicies,
    ApplyRuleset,
    CollectImages,
    Hook,
    PullImage,
    RefreshVolumes,
    RemovePodSandbox,
    RunPodSandbox,
    SetProbes,
    StartContainer,
    StopContainer,
    UpdateContainerResources,
    VolumeCommand,
)
from shipslog.runtime.containers import ending
from shipslog.runtime.containers.logs.limits import LIMITS, LogLimits
from shipslog.runtime.containers.logs.pod_logs import PodLogs, beside
from shipslog.runtime.containers.logs.rotation import renamed
from shipslog.runtime.containers.lost import container_lost
from shipslog.runtime.containers.oci.layout import instance_of
from shipslog.runtime.containers.resized import resized
from shipslog.runtime.images.reference import registry_of
from shipslog.runtime.machine import node_facts
from shipslog.runtime.machine.threads import OwnerThreads
from shipslog.runtime.network.dial import Ends, dial
from shipslog.runtime.network.lookup import Lookups
from shipslog.runtime.node import (
    ByteStream,
    LeftBehind,
    LogOptions,
    PacketRules,
    ProcessStreams,
    Report,
    StreamRefused,
    Written,
)
from shipslog.runtime.probing import hooks
from shipslog.runtime.probing.probes import Prober
from shipslog.runtime.stats.sampler import PodSubject, Sampler
from shipslog.runtime.stats.usage import NodeStats, Usage
from shipslog.runtime.volumes import pod_volumes
from shipslog.runtime.volumes.failed import SubPathFailed, VolumeFailed
from shipslog.runtime.volumes.node_volumes import NodeVolumes
from shipslog.store.facts import (
    ContainerExited,
    ContainerStarted,
    ContainerStartFailed,
    ImagesCollected,
    RuntimeFact,
    SandboxExited,
    SandboxFailed,
    SandboxRemoved,
    SandboxStarted,
)
from shipslog.store.state import PodRuntime
from shipslog.store.tasks import Tasks

from . import config, images, measured, outcomes, packets
from .client import ATTEMPT, CONTAINER, POD_UID, CallFailed, CriClient
from .mounts import Abilities
from .streams import CriPort, CriProcess
from .users import PodUsers

POLL_S, MESSAGE_BYTES = 0.25, 4096
POST_START_S = 30.0  # the call of a hook takes a thread: none does so for ever
PER_POD = 64  # calls at once: each stop takes as long as its grace period
READY, EXITED, RUNNING = 0, 2, 1


class CriNode:
    """NodeRuntime over a CRI socket. `data` keeps volumes, logs and what the runtime does not remember. Errors of `start`:
    RuntimeUnavailable."""

    def __init__(
        self,
        node: str,
        data: Path,
        socket: str,
        *,
        own: tuple[str, str] = ("", ""),
        rules: PacketRules | None = None,
        limits: LogLimits = LIMITS,
    ) -> None:
        """`own`: the node's part of the pods' ranges, and its addresses."""
        self.node, self.data, self._socket, self._own, self._rules = node, data.resolve(), socket, own, rules
        self.log_directory = node_facts.LOGS
        self._report: Report = lambda fact: None
        self._client: CriClient | None = None
        self._running: dict[str, tuple[str, str, int]] = {}  # container id -> pod uid, name, attempt
        self._began: dict[str, int] = {}  # by container id
        self._stopping: set[str] = set()
        self._lookups, self._users = Lookups(), PodUsers(self.data, instance_of(self.data))
        self._tasks = Tasks("cri")
        self._pods = OwnerThreads(PER_POD)  # their starts and ends; what is asked of them meanwhile waits elsewhere
        self._volumes = NodeVolumes(node, self.data, self.data, self._pods.run, self._remove_unknown)
        self._execs, self._looks, self._registries = OwnerThreads(), OwnerThreads(), OwnerThreads()
        self._probes: Prober | None = None
        self._logs = PodLogs(self.data, beside(self.data), limits, live=self._written_to, reopen=self._reopened)
        self._sampler = Sampler(node, self.data, self._subjects, groups=None, ask=self._asked)

    @property
    def client(self) -> CriClient:
        assert self._client is not None, "start first"
        return self._client

    # --- life ---

    async def start(self, report: Report, known: Sequence[PodRuntime]) -> None:
        self._report = report
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        await asyncio.to_thread(self._logs.kept.open)
        await asyncio.to_thread(self._users.open)
        self._client = await asyncio.to_thread(CriClient, self._socket, instance_of(self.data))
        cidr, address = self._own
        observed = await asyncio.to_thread(node_facts.observe, self.node, self.data, pod_cidr=cidr, crun="", address=address)
        version = f"{self.client.name}://{self.client.version}"
        observed = msgspec.structs.replace(observed, info={**observed.info, "containerRuntimeVersion": version})
        report(observed)
        self._probes = Prober(self.node, report, self.exec_output, self._lookups)
        for fact in await asyncio.to_thread(self._differences, known):
            report(fact)
        up = {sandbox.metadata.uid for sandbox in await asyncio.to_thread(self.client.sandboxes) if sandbox.state == READY}
        for fact in await self._volumes.begin(report, observed, known, up):
            report(fact)
        self._tasks.keep("exits", self._watch)
        self._logs.start()
        self._sampler.start()

    async def connect(self, address: str, port: int, *, tls: bool = False) -> Ends:
        return await dial(address, port, tls=tls)

    def troubles(self) -> Sequence[str]:
        return (*self._tasks.troubles(), *self._sampler.tasks.troubles(), *self._volumes.troubles())

    def stats(self, *, pods: bool = True) -> NodeStats:
        probes = self._probes.counts() if self._probes is not None else {}
        return self._sampler.stats(probes, pods=pods)

    def _subjects(self) -> list[PodSubject]:
        self._began = {container_id: at for container_id, at in self._began.items() if container_id in self._running}
        return measured.subjects(self._running, self._began)

    async def _asked(self) -> dict[str, Usage]:
        """By container id: what the runtime has measured."""
        return await self._looks.run("stats", self.client.usages) if self._running else {}

    def _differences(self, known: Sequence[PodRuntime]) -> list[RuntimeFact]:
        """What the log does not know yet."""
        facts: list[RuntimeFact] = []
        by_uid = {pod.pod_uid: pod for pod in known}
        alive = {s.metadata.uid: s for s in reversed(self.client.sandboxes()) if s.state == READY}
        for uid, found in alive.items():
            before = by_uid.get(uid)
            if before is None or before.sandbox_id != found.id:
                facts.append(self._sandbox_started(uid, found.id))
        for one in sorted(self.client.containers(), key=lambda c: int(c.labels[ATTEMPT])):
            uid, name, attempt = self._key(one)
            before = by_uid.get(uid)
            seen = before.containers.get(name) if before is not None else None
            if one.state not in (RUNNING, EXITED) or (seen is not None and seen.attempt > attempt):
                continue
            if seen is None or seen.attempt < attempt:
                facts.append(self._started(one.id))
            if one.state == EXITED and (seen is None or seen.attempt < attempt or seen.running):
                facts.append(self._exit(one.id))
            elif one.state == RUNNING:
                self._running[one.id], self._began[one.id] = (uid, name, attempt), one.created_at
        for uid, runtime in by_uid.items():
            if runtime.sandbox_id and uid not in alive:
                facts.append(SandboxExited(node=self.node, pod_uid=uid, sandbox_id=runtime.sandbox_id))
        return facts

    @staticmethod
    def _key(one: Any) -> tuple[str, str, int]:
        return one.labels[POD_UID], one.labels[CONTAINER], int(one.labels[ATTEMPT])

    async def _watch(self) -> None:
        """Ask what has ended: the interface has no word for it that every runtime knows."""
        while True:
            await asyncio.sleep(POLL_S)
            with contextlib.suppress(CallFailed):  # it is being restarted: what ended is found when it answers again
                await self._look()

    async def _look(self) -> None:
        """Report what has ended. Errors: CallFailed; what was not reported yet is reported the next time."""
        watched = list(self._running)  # strictly before the question: what starts meanwhile is not in the answer
        if not watched:
            return
        alive = {c.id for c in await self._looks.run("exits", self.client.containers) if c.state == RUNNING}
        for container_id in watched:
            key = self._running.get(container_id)
            if key is None or container_id in alive:
                continue
            if container_id not in self._stopping:
                self._report(await self._ended(container_id, *key))
            self._running.pop(container_id, None)  # strictly after: the question may have failed

    async def _ended(self, container_id: str, uid: str, name: str, attempt: int) -> ContainerExited:
        try:
            return await self._looks.run("exits", self._exit, container_id)
        except CallFailed as error:
            if error.code != "NOT_FOUND":
                raise
        shown = f"{self.client.name}://{container_id}"  # somebody else removed it
        return container_lost(self.node, uid, name, attempt, at_ns=time.time_ns(), container_id=shown)

    async def close(self, *, end_pods: bool = False) -> None:
        if self._probes is not None:
            await self._probes.close()
        await self._sampler.close()
        await self._logs.close()
        await self._volumes.close()
        await self._tasks.close()
        left = await self._remove_all() if self._client is not None and end_pods else []
        if self._client is not None:
            self._client.close()
        if self._rules is not None:
            await self._rules.close(remove=end_pods)
        if left:
            raise LeftBehind(left)

    async def _remove_all(self) -> list[str]:
        """Every pod of this node; -> what could not be removed."""
        try:
            uids = sorted({sandbox.metadata.uid for sandbox in await asyncio.to_thread(self.client.sandboxes)})
        except CallFailed as error:
            return [f"the pods of {self.node}: {error}"]
        ended = await asyncio.gather(*(self._pods.run(uid, self._remove, uid) for uid in uids), return_exceptions=True)
        return [f"pod {uid}: {why}" for uid, why in zip(uids, ended, strict=True) if why is not None]

    # --- commands ---

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        match command:
            case RunPodSandbox():
                return (await self._pods.run(command.pod_uid, self._run_sandbox, command),)
            case RefreshVolumes(pod_uid=uid):
                if (self.data / uid / "volumes").is_dir():
                    prepare = pod_volumes.prepare
                    await self._pods.run(uid, prepare, self.data / uid / "volumes", command.volumes, command.fs_group)
                return ()
            case PullImage():
                return (await self._registries.run(registry_of(command.image), images.pull, self.node, self.client, command),)
            case StartContainer():
                return await self._started_with_hook(command)
            case StopContainer():
                return (await self._stop(command),)
            case UpdateContainerResources(pod_uid=uid):
                return await self._pods.run(uid, self._resize, command)
            case RemovePodSandbox(pod_uid=uid):
                await self._pods.run(uid, self._remove, uid)
                return (SandboxRemoved(node=self.node, pod_uid=uid),)
            case SetProbes(targets=targets):
                if self._probes is not None:
                    await self._probes.set_targets(targets)
                return ()
            case ApplyRuleset() | ApplyNetworkPolicies():
                return (await packets.apply(self.node, self._rules, command),)
            case VolumeCommand():
                return (await self._volumes.execute(command),)
            case CollectImages(wanted_bytes=wanted):  # the runtime keeps its own store
                return (ImagesCollected(node=self.node, wanted_bytes=wanted, at_ns=time.time_ns()),)

    def _live_sandbox(self, uid: str) -> str:
        return next((s.id for s in self.client.sandboxes(uid) if s.state == READY), "")

    def _run_sandbox(self, command: RunPodSandbox) -> RuntimeFact:
        uid, directory = command.pod_uid, self.data / command.pod_uid
        reason = "FailedMount"
        try:
            directory.mkdir(exist_ok=True)
            self._logs.kept.begin(uid, command.namespace, command.name)
            pod_volumes.prepare(directory / "volumes", command.volumes, command.fs_group)
            kept = msgspec.structs.replace(command, volumes=pod_volumes.redacted(command.volumes))
            (directory / "pod.json").write_bytes(msgspec.json.encode(kept))
            reason = "FailedCreatePodSandBox"
            sandbox_id = self._live_sandbox(uid)
            if not sandbox_id:
                self._users.give(command, self.client)
                made = config.sandbox(self.client.api, command, directory, len(self.client.sandboxes(uid)))
                sandbox_id = self.client.run_sandbox(made, command.handler or "")
            return self._sandbox_started(uid, sandbox_id)
        except (OSError, CallFailed, VolumeFailed) as error:
            return SandboxFailed(node=self.node, pod_uid=uid, reason=reason, message=str(error), at_ns=time.time_ns())

    def _sandbox_started(self, uid: str, sandbox_id: str) -> SandboxStarted:
        ip, ips = self.client.sandbox_ips(sandbox_id)
        return SandboxStarted(node=self.node, pod_uid=uid, sandbox_id=sandbox_id, ip=ip, ips=ips, at_ns=time.time_ns())

    def _find(self, uid: str, name: str, attempt: int) -> Any | None:
        labels = {POD_UID: uid, CONTAINER: name, ATTEMPT: str(attempt)}
        return next((c for c in self.client.containers(labels) if c.state in (RUNNING, EXITED)), None)

    def _start(self, command: StartContainer) -> tuple[RuntimeFact, ...]:
        found = self._find(command.pod_uid, command.container, command.attempt)
        if found is None:
            try:
                container_id = self._create(command)
            except (CallFailed, OSError, VolumeFailed) as error:
                ran = isinstance(error, CallFailed) and "exec" in str(error)
                reason = "RunContainerError" if ran else "CreateContainerError"
                reason = "CreateContainerConfigError" if isinstance(error, SubPathFailed) else reason
                failed = ContainerStartFailed(
                    node=self.node, pod_uid=command.pod_uid, container=command.container, attempt=command.attempt,
                    reason=reason, message=str(error), at_ns=time.time_ns(),
                )  # fmt: skip
                return (failed,)
        else:
            container_id = found.id
        started = msgspec.structs.replace(self._started(container_id), limits=command.limits)
        facts: tuple[RuntimeFact, ...] = (started,)
        if found is not None and found.state == EXITED:
            return (*facts, self._exit(container_id))
        self._running[container_id] = (command.pod_uid, command.container, command.attempt)
        return facts

    async def _started_with_hook(self, command: StartContainer) -> tuple[RuntimeFact, ...]:
        """The start, and the end of a container whose handler failed."""
        uid, before = command.pod_uid, set(self._running)
        facts = await self._pods.run(uid, self._start, command)
        container_id = self._id_of(uid, command.container, command.attempt)
        if command.post_start is None or not container_id or container_id in before:
            return facts
        try:
            await self._hook(uid, container_id, command.post_start, POST_START_S)
        except hooks.HookFailed as error:
            self._stopping.add(container_id)
            await self._pods.run(uid, self.client.stop, container_id, 0)
            ended = await self._pods.run(uid, self._exit, container_id)
            return (*facts, msgspec.structs.replace(ended, message=f"FailedPostStartHook: {error}"))
        return facts

    def _id_of(self, uid: str, name: str, attempt: int) -> str:
        """Of a container that runs; "" for none."""
        return next((cid for cid, key in dict(self._running).items() if key == (uid, name, attempt)), "")

    def _resize(self, command: UpdateContainerResources) -> tuple[RuntimeFact, ...]:
        container_id = self._id_of(command.pod_uid, command.container, command.attempt)
        if not container_id:
            return ()
        return (resized(command, time.time_ns(), self.client.update(container_id, command.limits)),)

    async def _hook(self, uid: str, container_id: str, hook: Hook, timeout_s: float) -> None:
        async def exec_in(argv: tuple[str, ...], limit_s: float | None) -> tuple[int, bytes]:
            try:
                return await self._execs.run(uid, self.client.exec_sync, container_id, argv, limit_s or POST_START_S)
            except CallFailed as error:
                raise hooks.HookFailed(f"Exec lifecycle hook ({list(argv)}) failed - error: {error}") from error

        await hooks.run(hook, uid, exec_in=exec_in, lookups=self._lookups, timeout_s=timeout_s)

    def _create(self, command: StartContainer) -> str:
        sandbox_id = self._live_sandbox(command.pod_uid)
        if not sandbox_id:
            raise CallFailed("NOT_FOUND", "the pod has no sandbox")
        directory = self.data / command.pod_uid
        pod = msgspec.json.decode((directory / "pod.json").read_bytes(), type=RunPodSandbox)
        (directory / "containers" / command.container / str(command.attempt)).mkdir(parents=True, exist_ok=True)
        api = self.client.api
        try:
            target = self._running_id(command.pod_uid, command.target) if command.target else ""
        except StreamRefused as error:
            raise CallFailed("NOT_FOUND", f'the target container "{command.target}" does not run') from error
        can = self.client.abilities(pod.handler or "") if command.mounts else Abilities()
        made = config.container(api, command, pod, directory, target, can)
        container_id = self.client.create(sandbox_id, made, config.sandbox(api, pod, directory, 0))
        try:
            self.client.start(container_id)
        except CallFailed:
            with contextlib.suppress(CallFailed):
                self.client.remove(container_id)
            raise
        return container_id

    def _started(self, container_id: str) -> ContainerStarted:
        status = self.client.status(container_id)
        self._began[container_id] = status.started_at or status.created_at
        return outcomes.started(self.node, self.client.name, self._key(status), status)

    def _exit(self, container_id: str) -> ContainerExited:
        status = self.client.status(container_id)
        uid, name, attempt = self._key(status)
        message = ""
        with contextlib.suppress(OSError), (self.data / uid / f"termination-{name}-{attempt}").open("rb") as file:
            message = file.read(MESSAGE_BYTES).decode(errors="replace")
        return outcomes.exited(self.node, self.client.name, (uid, name, attempt), status, message)

    async def _stop(self, command: StopContainer) -> ContainerExited:
        uid = command.pod_uid
        found = await self._pods.run(uid, self._find, uid, command.container, command.attempt)
        if found is None:
            return container_lost(self.node, uid, command.container, command.attempt, at_ns=time.time_ns())
        first = found.id not in self._stopping  # a second command only has less patience
        self._stopping.add(found.id)
        if found.state == RUNNING:
            left_s = await ending.prepared(
                command, first=first, hook=partial(self._hook, uid, found.id), over=lambda: found.id not in self._running,
                report=self._report, runs=lambda name: (uid, name) in {key[:2] for key in self._running.values()},
            )  # fmt: skip
            await self._pods.run(uid, self.client.stop, found.id, math.ceil(left_s))
        return await self._pods.run(uid, self._exit, found.id)

    async def _remove_unknown(self, uid: str) -> None:
        try:
            await self._pods.run(uid, self._remove, uid)
        except CallFailed as error:
            raise OSError(str(error)) from error

    def _remove(self, uid: str) -> None:
        for found in self.client.sandboxes(uid):
            self.client.remove_sandbox(found.id)
        for container_id, (owner, _, _) in list(self._running.items()):
            if owner == uid:
                self._running.pop(container_id, None)
        directory = self.data / uid
        if directory.exists():
            self._logs.kept.keep_pod(uid)
            pod_volumes.remove(directory / "volumes")
            self._users.release(uid)
            pod_volumes.remove_tree(directory)  # what is mounted of sub-paths too

    # --- streams ---

    def _running_id(self, uid: str, name: str) -> str:
        found = [(attempt, cid) for cid, (u, n, attempt) in self._running.items() if (u, n) == (uid, name)]
        if not found:
            raise StreamRefused(500, f'container not found ("{name}")')
        return max(found)[1]

    async def exec(self, pod_uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool) -> ProcessStreams:
        found = self._running_id(pod_uid, container)
        url = await self._url(pod_uid, lambda: self.client.exec_url(found, tuple(argv), stdin=stdin, tty=tty))
        return await CriProcess.open(url, stdin=stdin, tty=tty)

    async def attach(self, pod_uid: str, container: str, *, stdin: bool, tty: bool) -> ProcessStreams:
        found = self._running_id(pod_uid, container)
        url = await self._url(pod_uid, lambda: self.client.attach_url(found, stdin=stdin, tty=tty))
        return await CriProcess.open(url, stdin=stdin, tty=tty)

    async def port_forward(self, pod_uid: str, port: int) -> ByteStream:
        sandbox_id = await self._execs.run(pod_uid, self._live_sandbox, pod_uid)
        return await CriPort.open(await self._url(pod_uid, lambda: self.client.port_url(sandbox_id, port)), port)

    async def _url(self, pod_uid: str, ask: Any) -> str:
        try:
            url: str = await self._execs.run(pod_uid, ask)
        except CallFailed as error:
            raise StreamRefused(500, str(error)) from error
        return url

    async def exec_output(self, pod_uid: str, container: str, argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
        """(exit code, what it wrote). Errors: StreamRefused."""
        found = self._running_id(pod_uid, container)
        try:
            return await self._execs.run(pod_uid, self.client.exec_sync, found, tuple(argv), timeout_s)
        except CallFailed as error:
            raise StreamRefused(500, str(error)) from error

    def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        return self._logs.read(
            pod_uid, container, attempt, options, lambda n: (pod_uid, container, n) in self._running.values()
        )

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Sequence[Written]:
        return self._logs.written(namespace, name, pod_uid)

    def _written_to(self) -> list[Path]:
        return [self.data / uid / "containers" / name / str(attempt) for uid, name, attempt in self._running.values()]

    def _reopened(self, path: Path) -> bool:
        """In a thread: the runtime goes on in a new file."""
        attempt, name, _, uid = (parent.name for parent in path.parents[:4])
        found = self._id_of(uid, name, int(attempt))
        if not found:
            return False
        renamed(path)
        with contextlib.suppress(CallFailed):  # it is being restarted: then it writes a new one anyway
            self.client.reopen_log(found)
        return True
