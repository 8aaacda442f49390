"""Pods as plain processes of this machine: no image, no namespace, no address of their own. For where containers cannot run.

Each container is a small shell that runs its command, writes its output and, at its end, its exit code: so a daemon that
comes back finds what runs and what has ended. A container's command has to be one that this machine has.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

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
    VolumeSource,
)
from shipslog.runtime.containers import ending, env_files
from shipslog.runtime.containers.logs.limits import LIMITS, LogLimits
from shipslog.runtime.containers.logs.pod_logs import PodLogs, beside
from shipslog.runtime.containers.logs.rotation import copied
from shipslog.runtime.machine import node_facts, trees
from shipslog.runtime.network.dial import Ends, dial
from shipslog.runtime.network.lookup import Lookups
from shipslog.runtime.node import ByteStream, LeftBehind, LogOptions, ProcessStreams, Report, StreamRefused, Written
from shipslog.runtime.probing import hooks
from shipslog.runtime.probing.probes import Prober
from shipslog.runtime.stats.sampler import ContainerSubject, PodSubject, Sampler
from shipslog.runtime.stats.usage import NodeStats
from shipslog.runtime.volumes import pod_volumes
from shipslog.runtime.volumes.directories import Directories
from shipslog.store.facts import (
    ContainerExited,
    ContainerStarted,
    ContainerStartFailed,
    ImagePulled,
    ImagesCollected,
    NetworkPoliciesApplied,
    RulesetApplied,
    RuntimeFact,
    SandboxExited,
    SandboxFailed,
    SandboxRemoved,
    SandboxStarted,
)
from shipslog.store.state import PodRuntime
from shipslog.store.tasks import Tasks

from .lost import container_lost
from .oci import streams
from .process_shell import ProcessRecord, environment_of, spawned
from .resized import resized
from .settling import settles_ns

POLL_S = 0.05  # for the exit files of what another daemon started


class SandboxRecord(Struct, frozen=True, kw_only=True):
    sandbox_id: str
    started_at_ns: int


class ProcessNode:
    """NodeRuntime on plain processes. `data` keeps what they write."""

    def __init__(self, node: str, data: Path, *, address: str = "127.0.0.1", limits: LogLimits = LIMITS) -> None:
        self.log_directory = node_facts.LOGS
        self.node, self.data = node, data.resolve()
        self.addresses = tuple(address.split(","))  # of the node and so of each pod, one of a family
        self._directories = Directories(node, self.data.with_name(f"{self.data.name}-volumes"))  # in it are pods alone
        self._report: Report = lambda fact: None
        self._known: dict[tuple[str, str, int], ProcessRecord] = {}
        self._awaited: set[tuple[str, str, int]] = set()
        self._children: set[int] = set()  # shells that this process started: it has to reap them
        self._lookups = Lookups()
        self._tasks = Tasks("processes")
        self._probes: Prober | None = None
        self._logs = PodLogs(self.data, beside(self.data), limits, live=self._written_to, reopen=copied)
        self._sampler = Sampler(node, self.data, self._subjects, groups=None)

    # --- life ---

    async def start(self, report: Report, known: Sequence[PodRuntime]) -> None:
        self._report = report
        self.data.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self._logs.kept.open)
        own = ",".join(self.addresses) if any(":" in one for one in self.addresses) else ""
        observed = await asyncio.to_thread(node_facts.observe, self.node, self.data, pod_cidr="", crun="", address=own)
        info = {**observed.info, "containerRuntimeVersion": "process://1"}
        report(msgspec.structs.replace(observed, info=info))
        self._probes = Prober(self.node, report, self.exec_output, self._lookups)
        for fact in (*self._take_up(known), *await self._directories.empty()):
            report(fact)
        self._tasks.keep("exits", self._watch)
        self._logs.start()
        self._sampler.start()

    async def connect(self, address: str, port: int, *, tls: bool = False) -> Ends:
        return await dial(address, port, tls=tls)

    def troubles(self) -> Sequence[str]:
        return (*self._tasks.troubles(), *self._sampler.tasks.troubles())

    def stats(self, *, pods: bool = True) -> NodeStats:
        probes = self._probes.counts() if self._probes is not None else {}
        return self._sampler.stats(probes, pods=pods)

    def _subjects(self) -> list[PodSubject]:
        pods: dict[str, list[ContainerSubject]] = {}
        for record in self._known.values():
            log = self._directory(record.pod_uid, record.container, record.attempt) / "log"
            one = ContainerSubject(
                name=record.container, attempt=record.attempt, container_id=record.container_id, pid=self._pid(record),
                began_ns=record.started_at_ns, logs=(log,),
            )  # fmt: skip
            pods.setdefault(record.pod_uid, []).append(one)
        return [
            PodSubject(uid=uid, began_ns=min(c.began_ns for c in all_), containers=tuple(all_)) for uid, all_ in pods.items()
        ]

    def _take_up(self, known: Sequence[PodRuntime]) -> list[RuntimeFact]:
        facts: list[RuntimeFact] = []
        by_uid = {pod.pod_uid: pod for pod in known}
        for directory in sorted(self.data.iterdir()):
            sandbox = self._sandbox(directory.name)
            if sandbox is None:
                continue
            before = by_uid.get(directory.name)
            if before is None or before.sandbox_id != sandbox.sandbox_id:
                facts.append(self._sandbox_started(directory.name, sandbox))
            for path in sorted(directory.glob("containers/*/*/record.json")):
                record = msgspec.json.decode(path.read_bytes(), type=ProcessRecord)
                seen = before.containers.get(record.container) if before is not None else None
                if seen is not None and seen.attempt > record.attempt:
                    continue
                if seen is None or seen.attempt < record.attempt:
                    facts.append(self._started(record))
                if seen is None or seen.attempt < record.attempt or seen.running:
                    self._known[record.pod_uid, record.container, record.attempt] = record
        for uid, runtime in by_uid.items():
            if self._sandbox(uid) is None and runtime.sandbox_id:
                facts.append(SandboxExited(node=self.node, pod_uid=uid, sandbox_id=runtime.sandbox_id))
        return facts

    async def _watch(self) -> None:
        """Tell of what has ended."""
        while True:
            self._reap()
            for key, record in list(self._known.items()):
                ended = self._exit(record)
                if ended is not None:
                    del self._known[key]
                    if key not in self._awaited:
                        self._report(ended)
            await asyncio.sleep(POLL_S)

    def _reap(self) -> None:
        for pid in list(self._children):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
            self._children.discard(pid)

    async def close(self, *, end_pods: bool = False) -> None:
        await self._sampler.close()
        await self._logs.close()
        if self._probes is not None:
            await self._probes.close()
        await self._tasks.close()
        await self._directories.close()
        left = []
        for directory in list(self.data.iterdir()) if end_pods else []:
            try:
                await self._remove(directory.name)
            except OSError as error:
                left.append(f"pod {directory.name}: {error}")
        if left:
            raise LeftBehind(left)

    # --- commands ---

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        match command:
            case RunPodSandbox():
                return (self._run_sandbox(command),)
            case RefreshVolumes(pod_uid=uid):
                self._write_volumes(uid, command.volumes)
                return ()
            case PullImage(image=image):
                return (ImagePulled(node=self.node, image=image, image_id="process", present=True, at_ns=time.time_ns()),)
            case StartContainer():
                return await self._start(command)
            case StopContainer():
                return (await self._stop(command),)
            case UpdateContainerResources():
                return self._resize(command)
            case RemovePodSandbox(pod_uid=uid):
                await self._remove(uid)
                return (SandboxRemoved(node=self.node, pod_uid=uid),)
            case SetProbes(targets=targets):
                if self._probes is not None:
                    await self._probes.set_targets(targets)
                return ()
            case ApplyRuleset(ruleset=ruleset):
                return (RulesetApplied(node=self.node, digest=ruleset.digest, services=len(ruleset.services)),)
            case ApplyNetworkPolicies(policies=policies):
                return (NetworkPoliciesApplied(node=self.node, digest=policies.digest, pods=command.addresses),)
            case VolumeCommand():
                return (await self._directories.execute(command),)
            case CollectImages(wanted_bytes=wanted):  # there are none
                return (ImagesCollected(node=self.node, wanted_bytes=wanted, at_ns=time.time_ns()),)

    def _sandbox(self, uid: str) -> SandboxRecord | None:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self.data / uid / "sandbox.json").read_bytes(), type=SandboxRecord)
        return None

    def _run_sandbox(self, command: RunPodSandbox) -> RuntimeFact:
        record = self._sandbox(command.pod_uid)
        directory = self.data / command.pod_uid
        try:
            directory.mkdir(exist_ok=True)
            self._write_volumes(command.pod_uid, command.volumes)
            self._logs.kept.begin(command.pod_uid, command.namespace, command.name)
            if record is None:
                record = SandboxRecord(sandbox_id=f"process-{command.pod_uid}", started_at_ns=time.time_ns())
                _write(directory / "sandbox.json", msgspec.json.encode(record))
        except OSError as error:
            return SandboxFailed(
                node=self.node,
                pod_uid=command.pod_uid,
                reason="FailedCreatePodSandBox",
                message=str(error),
                at_ns=time.time_ns(),
            )
        return self._sandbox_started(command.pod_uid, record)

    def _write_volumes(self, uid: str, volumes: tuple[VolumeSource, ...]) -> None:
        if not (self.data / uid).is_dir():
            return
        for volume in volumes:
            directory = self.data / uid / "volumes" / volume.name
            directory.mkdir(parents=True, exist_ok=True)
            if volume.kind == "files":
                mine = tuple(msgspec.structs.replace(file, user=msgspec.UNSET) for file in volume.files)
                pod_volumes.write_files(directory, mine)  # all here run as one user

    def _sandbox_started(self, uid: str, record: SandboxRecord) -> SandboxStarted:
        return SandboxStarted(
            node=self.node,
            pod_uid=uid,
            sandbox_id=record.sandbox_id,
            ip=self.addresses[0],
            at_ns=record.started_at_ns,
            ips=self.addresses if len(self.addresses) > 1 else (),
        )

    async def _start(self, command: StartContainer) -> tuple[RuntimeFact, ...]:
        """A container that is there already is told of, not started again."""
        directory = self._directory(command.pod_uid, command.container, command.attempt)
        if self._sandbox(command.pod_uid) is None:
            return (self._not_started(command, "CreateContainerError", "the pod has no sandbox"),)
        record = self._record(directory)
        fresh = record is None
        if record is None:
            argv = [*command.command, *command.args]
            program = shutil.which(argv[0]) if argv else None
            if program is None:
                why = (
                    f"{argv[0]}: no such program on this machine"
                    if argv
                    else "a pod on plain processes has to name its command"
                )
                return (self._not_started(command, "RunContainerError", why),)
            try:
                files = env_files.values(command.env_files or (), self.data / command.pod_uid / "volumes")
            except env_files.EnvFileUnusable as error:
                return (self._not_started(command, "CreateContainerConfigError", str(error)),)
            record = ProcessRecord(
                pod_uid=command.pod_uid, container=command.container, attempt=command.attempt, started_at_ns=time.time_ns(),
                env=(*command.env, *files), working_dir=command.working_dir, limits=command.limits,
            )  # fmt: skip
            trees.remove(directory)
            directory.mkdir(parents=True)
            (directory / "log").touch()
            await self._spawn(directory, record, [program, *argv[1:]])
            _write(directory / "record.json", msgspec.json.encode(record))
        self._known[record.pod_uid, record.container, record.attempt] = record
        if fresh and command.post_start is not None:
            try:
                await hooks.until(lambda: self._exit(record) is not None, self._hook(record, command.post_start, None))
            except hooks.HookFailed as error:
                return self._started(record), await self._ended_by(record, f"FailedPostStartHook: {error}")
        return (self._started(record),)

    def _runs(self, uid: str, name: str) -> bool:
        return any(self._exit(record) is None for key, record in list(self._known.items()) if key[:2] == (uid, name))

    async def _hook(self, record: ProcessRecord, hook: Hook, timeout_s: float | None) -> None:
        exec_in = partial(self._run_beside, record)
        await hooks.run(hook, record.pod_uid, exec_in=exec_in, lookups=self._lookups, timeout_s=timeout_s)

    async def _ended_by(self, record: ProcessRecord, message: str) -> ContainerExited:
        """Kill it, for a reason of ours."""
        self._awaited.add((record.pod_uid, record.container, record.attempt))
        while (ended := self._exit(record)) is None:
            self._signal(record, signal.SIGKILL)
            await asyncio.sleep(0.02)
        return msgspec.structs.replace(ended, message=message)

    async def _spawn(self, directory: Path, record: ProcessRecord, argv: list[str]) -> None:
        self._children.add(spawned(directory, record, argv))
        deadline = time.monotonic() + 5
        while not (directory / "pid").exists() and time.monotonic() < deadline:
            await asyncio.sleep(0.002)

    def _started(self, record: ProcessRecord) -> ContainerStarted:
        return ContainerStarted(
            node=self.node, pod_uid=record.pod_uid, container=record.container, attempt=record.attempt,
            container_id=record.container_id, image_id="process", at_ns=record.started_at_ns, limits=record.limits,
            settles_ns=settles_ns(record.attempt),
        )  # fmt: skip

    def _not_started(self, command: StartContainer, reason: str, message: str) -> ContainerStartFailed:
        return ContainerStartFailed(
            node=self.node, pod_uid=command.pod_uid, container=command.container, attempt=command.attempt, reason=reason,
            message=message, at_ns=time.time_ns(),
        )  # fmt: skip

    async def _stop(self, command: StopContainer) -> ContainerExited:
        key = (command.pod_uid, command.container, command.attempt)
        record = self._record(self._directory(*key))
        if record is None:
            return self._lost(*key)
        first = key not in self._awaited  # a second command only has less patience
        self._awaited.add(key)
        left_s = await ending.prepared(
            command, first=first, hook=partial(self._hook, record), over=lambda: self._exit(record) is not None,
            report=self._report, runs=partial(self._runs, command.pod_uid),
        )  # fmt: skip
        deadline = time.monotonic() + left_s
        self._signal(record, signal.SIGTERM)
        while (ended := self._exit(record)) is None:
            if time.monotonic() >= deadline:
                self._signal(record, signal.SIGKILL)
            await asyncio.sleep(0.02)
        return ended

    def _resize(self, command: UpdateContainerResources) -> tuple[RuntimeFact, ...]:
        key = command.pod_uid, command.container, command.attempt
        if key not in self._known:
            return ()
        record = self._known[key] = msgspec.structs.replace(self._known[key], limits=command.limits)
        _write(self._directory(*key) / "record.json", msgspec.json.encode(record))
        return (resized(command, time.time_ns()),)

    def _pid(self, record: ProcessRecord) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int((self._directory(record.pod_uid, record.container, record.attempt) / "pid").read_text())
        return 0

    def _signal(self, record: ProcessRecord, number: signal.Signals) -> None:
        pid = self._pid(record)
        if pid > 1:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)

    async def _remove(self, uid: str) -> None:
        for path in (self.data / uid).glob("containers/*/*/record.json"):
            record = msgspec.json.decode(path.read_bytes(), type=ProcessRecord)
            self._known.pop((record.pod_uid, record.container, record.attempt), None)
            while self._exit(record) is None:
                self._signal(record, signal.SIGKILL)
                await asyncio.sleep(0.02)
        await asyncio.to_thread(self._logs.kept.keep_pod, uid)
        await asyncio.to_thread(trees.remove, self.data / uid)

    # --- looking ---

    def _directory(self, uid: str, container: str, attempt: int) -> Path:
        return self.data / uid / "containers" / container / str(attempt)

    def _record(self, directory: Path) -> ProcessRecord | None:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((directory / "record.json").read_bytes(), type=ProcessRecord)
        return None

    def _exit(self, record: ProcessRecord) -> ContainerExited | None:
        """How it ended; None while it runs."""
        file = self._directory(record.pod_uid, record.container, record.attempt) / "exit"
        try:
            code, at_ns = int(file.read_text()), file.stat().st_mtime_ns
        except (OSError, ValueError):
            return None if self._alive(record) else self._lost(record.pod_uid, record.container, record.attempt)
        return ContainerExited(
            node=self.node, pod_uid=record.pod_uid, container=record.container, attempt=record.attempt,
            container_id=record.container_id, exit_code=code, signal=code - 128 if code > 128 else 0,
            reason="Error" if code else "Completed", started_at_ns=record.started_at_ns, at_ns=at_ns,
        )  # fmt: skip

    def _alive(self, record: ProcessRecord) -> bool:
        """Its shell may still have to write how it ended: that counts as alive."""
        directory = str(self._directory(record.pod_uid, record.container, record.attempt)).encode()
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    if directory in Path("/proc", name, "cmdline").read_bytes().split(b"\0"):
                        return True
        return (self._directory(record.pod_uid, record.container, record.attempt) / "exit").exists()

    def _lost(self, uid: str, container: str, attempt: int) -> ContainerExited:
        return container_lost(self.node, uid, container, attempt, at_ns=time.time_ns())

    # --- streams ---

    def _running(self, uid: str, container: str) -> ProcessRecord:
        found = [r for (u, c, _), r in self._known.items() if (u, c) == (uid, container) and self._exit(r) is None]
        if not found:
            raise StreamRefused(500, f'container not found ("{container}")')
        return max(found, key=lambda r: r.attempt)

    async def exec(self, pod_uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool) -> ProcessStreams:
        command = self._beside(self._running(pod_uid, container), argv)
        return streams.start_process(command, stdin, tty)

    def _beside(self, record: ProcessRecord, argv: Sequence[str]) -> list[str]:
        """A command in the environment and the directory of a container."""
        directory = self._directory(record.pod_uid, record.container, record.attempt)
        where, environment = record.working_dir or str(directory), environment_of(directory, record)
        return [
            "/usr/bin/env",
            "--ignore-environment",
            f"--chdir={where}",
            *(f"{k}={v}" for k, v in environment.items()),
            *argv,
        ]

    async def exec_output(self, pod_uid: str, container: str, argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
        """(exit code, what it wrote, at most 10 KiB). Errors: StreamRefused, TimeoutError (it was killed)."""
        return await self._run_beside(self._running(pod_uid, container), argv, timeout_s)

    async def _run_beside(self, record: ProcessRecord, argv: Sequence[str], timeout_s: float | None) -> tuple[int, bytes]:
        return await streams.collect(self._beside(record, argv), timeout_s)

    async def attach(self, pod_uid: str, container: str, *, stdin: bool, tty: bool) -> ProcessStreams:
        record = self._running(pod_uid, container)
        log = shlex.quote(str(self._directory(pod_uid, container, record.attempt) / "log"))
        follow = ["/bin/sh", "-c", f"tail -n 0 -f {log} | cut -d ' ' -f 4-"]
        return streams.start_process(follow, False, False)

    async def port_forward(self, pod_uid: str, port: int) -> ByteStream:
        try:
            kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            return await streams.connected(socket.socket(socket.AF_INET, kind), port)
        except OSError as error:
            raise StreamRefused(500, f"cannot connect to port {port}: {error.strerror or error}") from error

    def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        def running(number: int) -> bool:
            record = self._record(self._directory(pod_uid, container, number))
            return record is not None and self._exit(record) is None

        return self._logs.read(pod_uid, container, attempt, options, running)

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Sequence[Written]:
        return self._logs.written(namespace, name, pod_uid)

    def _written_to(self) -> list[Path]:
        records = [record for record in self._known.values() if self._exit(record) is None]
        return [self._directory(record.pod_uid, record.container, record.attempt) for record in records]


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.rename(path)
