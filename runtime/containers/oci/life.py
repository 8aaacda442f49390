"""The life of a node's pods: sandboxes and containers made, watched, ended, taken up again after a crash, and removed.

State changes on the loop only; what blocks runs in threads: in the node's mount namespace, or in a fresh thread where a
pod's own namespaces are entered.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from shipslog.runtime.commands import (
    PortMapping,
    RefreshVolumes,
    RunPodSandbox,
    StartContainer,
    StopContainer,
    UpdateContainerResources,
)
from shipslog.runtime.containers import ending
from shipslog.runtime.containers.logs.limits import LogLimits
from shipslog.runtime.containers.logs.pod_logs import PodLogs
from shipslog.runtime.containers.lost import container_lost
from shipslog.runtime.containers.oci.pod_sandbox.node_namespace import NodeNamespace
from shipslog.runtime.containers.oci.recovery.records import ContainerRecord, SandboxRecord
from shipslog.runtime.containers.resized import resized
from shipslog.runtime.images.store import ImageStore
from shipslog.runtime.machine.environment import OciSettings
from shipslog.runtime.machine.threads import OwnerThreads, Throttle
from shipslog.runtime.network import pod_network
from shipslog.runtime.network.addresses import Addresses
from shipslog.runtime.network.lookup import Lookups
from shipslog.runtime.network.nat import Nat, NatFailed
from shipslog.runtime.node import LeftBehind, Report, StreamRefused
from shipslog.runtime.probing import hooks
from shipslog.runtime.stats.sampler import PodSubject
from shipslog.runtime.volumes import pod_volumes
from shipslog.store.facts import ContainerExited, ContainerStartFailed, RuntimeFact, SandboxExited
from shipslog.store.state import PodRuntime
from shipslog.store.tasks import END_S, Tasks

from . import container, images_in_use, layout, pods, programs, resizing, streams
from .cgroups import Cgroups
from .conmon_log import reopened
from .container import ContainerPlace, Exit, StartFailed
from .exits import Exits
from .layout import Layout, container_id
from .naming import Naming
from .pod_sandbox import pause, sandbox
from .pods import SCHEME, Container, Pods, PodState, container_exited, container_started
from .recovery import adoption, leftovers, records

GONE_S = 5.0  # for a process to be gone after KILL
PATIENCE_S = 10.0  # a start that takes longer keeps no other one waiting
PER_POD = 8  # threads at once
T = TypeVar("T")


class NodeLife:
    """Everything that one node runs. `open` first."""

    def __init__(
        self, node: str, data: Path, settings: OciSettings, *, pod_cidr: str, cluster_cidr: str, limits: LogLimits
    ) -> None:
        self.node, self.settings = node, settings
        self.layout: Layout = layout.layout_of(data, rootless=settings.rootless)
        self.instance = layout.instance_of(data)
        self.bridge = layout.bridge_name(self.instance)
        self.images = ImageStore(
            self.layout.images, skopeo_path=settings.skopeo, ids=settings.ids if settings.rootless else None,
            used=partial(images_in_use.ids_used, self.layout.pods),
        )  # fmt: skip
        self._addresses = Addresses(pod_cidr, self.layout.data / "next-address")
        self._naming = Naming(self.instance, self._addresses, settings)
        self._cgroups = Cgroups(settings, self.instance)
        self._nat = Nat(self.instance, bridge=self.bridge, pod_cidr=pod_cidr, cluster_cidr=cluster_cidr)
        self._namespace = NodeNamespace(self.layout.pinned, hide_unified=settings.hide_unified)
        self.logs = PodLogs(self.layout.pods, self.layout.logs, limits, live=self._written_to, reopen=reopened)
        self._place = ContainerPlace(
            layout=self.layout, settings=settings, images=self.images, cgroups=self._cgroups, logs=self.logs.kept
        )
        self.sandboxes: sandbox.SandboxPlace | None = None
        self._making = Throttle(settings.workers, patience_s=PATIENCE_S)
        self._ending = Throttle(settings.workers * 2, patience_s=PATIENCE_S)  # most of it is waiting
        self._in_node, self._in_machine = OwnerThreads(PER_POD, enter=self._namespace.enter), OwnerThreads(PER_POD)
        self.pods = Pods()
        self._exits = Exits(node, self._place, self.pods, self._clean)
        self.lookups = Lookups()
        self._report: Report = lambda fact: None
        self.tasks, self._removals = Tasks("node"), Tasks("removals")

    def crun_command(self, record: ContainerRecord) -> tuple[str, ...]:
        """How what made a container is called from anywhere: inside the node's mount namespace."""
        inside = ("nsenter", f"--mount={self.layout.pinned / 'mnt'}", "--")
        return (*inside, *programs.command(self.settings, self.layout, record.program))

    # --- opening: the machine, and what runs already ---

    async def open(self, report: Report, known: Sequence[PodRuntime]) -> list[RuntimeFact]:
        """Prepare the machine and take up what runs; -> what the log does not know yet. Errors: RuntimeUnavailable, OSError."""
        self._report = report
        await asyncio.to_thread(self._prepare)
        self._exits.open(report)
        found = await self.inside("", adoption.find, self.layout)
        exits = await self._take_up(found)
        up = [pod.sandbox for pod in self.pods if pod.sandbox is not None]
        ports = {ip: one.request.port_mappings for one in up for ip in one.addresses}
        await self._nat.load(ports)
        self._exits.begin()
        self.logs.start()
        return adoption.differences(self.node, found, exits, known, time.time_ns())

    def _prepare(self) -> None:
        places = self.layout
        for path in (places.data, places.pods, places.exits, places.images, places.run, places.run / "sockets", places.crun):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        places.run.chmod(0o711)  # what is in it is closed, but for the mounts of pods with users of their own
        places.pinned.mkdir(parents=True, exist_ok=True)
        places.netns.mkdir(parents=True, exist_ok=True)
        self.images.open()
        self.logs.kept.open()
        self._namespace.open()
        command = pause.install(places.data)
        self.make_bridge()
        if pod_network.enable_forwarding():
            (places.data / "forwarding").touch()
        if any(network.version == 6 for network in self._addresses.networks):
            leftovers.switch_forwarding_6_on(places)
        self.sandboxes = sandbox.SandboxPlace(
            layout=places, mount_ns_fd=self._namespace.descriptor, bridge=self.bridge, gateways=self._addresses.gateways,
            pause_command=command, cgroups=self._cgroups,
        )  # fmt: skip

    async def _take_up(self, found: Sequence[adoption.FoundPod]) -> dict[str, Exit]:
        """Remember what runs, end what cannot go on; -> the exits that have happened, by container id."""
        exits: dict[str, Exit] = {}
        known_ids: set[str] = set()
        for pod in found:
            state = self.pods.ensure(pod.pod_uid)
            if pod.alive and pod.sandbox is not None:
                state.sandbox = pod.sandbox
                self._naming.hold(pod.sandbox)
                self._watch_pause(state)
            elif pod.sandbox is not None:
                await self.fresh(pod.pod_uid, sandbox.end_pause, pod.sandbox)
                await self.fresh(pod.pod_uid, sandbox.remove_network, self.layout, pod.sandbox)
            for record in pod.half_made:
                await self._undo(record)
            for record in pod.containers:
                known_ids.add(record.container_id)
                ended = await self.inside(pod.pod_uid, adoption.exit_of, self._place, record, pod.alive)
                one = Container(record)
                one.announced = True
                self.pods.add(one)
                if ended is not None:
                    exits[record.container_id] = ended
                    self._exits.end(one, ended)
                self._exits.watch(one)
        await asyncio.to_thread(leftovers.end_stray_conmons, self.layout, known_ids)
        await self._end_unknown([pod.sandbox for pod in self.pods if pod.sandbox is not None])
        return exits

    async def _end_unknown(self, known: "Sequence[SandboxRecord]") -> None:
        if self.sandboxes is not None:
            command = self.sandboxes.pause_command[0]
            ending = partial(leftovers.end_unknown, bridge=self.bridge, pause_command=command, known=known)
            await self.fresh("", ending, self.layout, self._cgroups, self.instance)

    async def _undo(self, record: ContainerRecord) -> None:
        bundle = self.bundle(record)
        found = adoption.with_process(record, bundle)
        for process in (found.conmon, found.process):  # in this order: nobody is left who would write down an exit
            if process is not None:
                process.kill(9)
        await self.inside(record.pod_uid, container.delete, self._place, record)
        (self.layout.exits / record.container_id).unlink(missing_ok=True)
        records.write(bundle / container.RECORD_FILE, msgspec.structs.replace(record, phase="failed"))

    def make_bridge(self) -> None:
        """The bridge of its pods, if it is not there, or not as it should be. Errors: OSError."""
        pod_network.ensure_bridge(self.bridge, self._addresses.interfaces)

    # --- threads ---

    async def inside(self, pod_uid: str, function: Callable[..., T], *arguments: Any) -> T:
        """Run in the node's mount namespace, for a pod."""
        return await self._in_node.run(pod_uid, function, *arguments)

    async def fresh(self, pod_uid: str, function: Callable[..., T], *arguments: Any) -> T:
        """Run in the machine's namespaces; the thread may enter other ones."""
        return await self._in_machine.run(pod_uid, function, *arguments)

    # --- sandboxes ---

    async def run_pod(self, request: RunPodSandbox) -> SandboxRecord:
        """The pod's sandbox, made if it is not there. Errors: VolumeFailed, OSError, AddressesExhausted, NatFailed."""
        assert self.sandboxes is not None
        pod = self.pods.ensure(request.pod_uid)
        async with pod.lock:
            if pod.sandbox is not None:
                pod.sandbox = await self.fresh(pod.uid, sandbox.update, self.sandboxes, request, pod.sandbox)
                return pod.sandbox
            before = records.read(self.layout.pod(request.pod_uid) / sandbox.SANDBOX_FILE, SandboxRecord)
            if before is not None:
                await self._forget_sandbox(before)
            record = self._naming.name(request, before.generation + 1 if before is not None else 0)
            await asyncio.to_thread(self.logs.kept.begin, pod.uid, request.namespace, request.name)
            try:
                async with self._making.place():
                    made = await self.fresh(pod.uid, sandbox.create, self.sandboxes, request, record)
                if made.ip and request.port_mappings:
                    await self._nat.map_ports(made.addresses, request.port_mappings)
            except BaseException:
                written = records.read(self.layout.pod(request.pod_uid) / sandbox.SANDBOX_FILE, SandboxRecord)
                await self._forget_sandbox(written or record)
                raise
            pod.sandbox = made
            self._watch_pause(pod)
            return made

    async def _forget_sandbox(self, record: SandboxRecord) -> None:
        assert self.sandboxes is not None
        uid = record.request.pod_uid
        await self.fresh(uid, sandbox.end_pause, record)
        await asyncio.to_thread(sandbox.end_unwritten, self.sandboxes, record.sandbox_id)
        await self.fresh(uid, sandbox.remove_network, self.layout, record)
        if record.ip:
            await self._nat.unmap_ports(record.addresses, record.request.port_mappings)
        self._naming.release(record)

    def _watch_pause(self, pod: PodState) -> None:
        assert pod.sandbox is not None
        if (descriptor := pod.sandbox.pause.open() if pod.sandbox.pause is not None else None) is None:
            return
        pod.pause_fd = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._pause_ended, pod)

    def _unwatch_pause(self, pod: PodState) -> None:
        if pod.pause_fd >= 0:
            asyncio.get_running_loop().remove_reader(pod.pause_fd)
            os.close(pod.pause_fd)
            pod.pause_fd = -1

    def _pause_ended(self, pod: PodState) -> None:
        """Nobody asked for it: the pod has lost its namespaces."""
        with contextlib.suppress(ChildProcessError, OSError):
            os.waitid(os.P_PIDFD, pod.pause_fd, os.WEXITED | os.WNOHANG)
        self._unwatch_pause(pod)
        lost, pod.sandbox = pod.sandbox, None
        if lost is None:
            return
        for one in pod.containers.values():
            if not one.ended.done() and one.record.process is not None:
                one.record.process.kill(9)
        self._report(SandboxExited(node=self.node, pod_uid=pod.uid, sandbox_id=lost.sandbox_id))

    async def remove_pod(self, pod_uid: str) -> None:
        """Nothing of the pod is left afterwards, also where the caller stops waiting: the next one waits for it. Idempotent."""
        await asyncio.shield(self._removals.start(f"pod {pod_uid}", self._remove_pod(pod_uid), ordinary=Exception))

    async def _remove_pod(self, pod_uid: str) -> None:
        assert self.sandboxes is not None
        pod = self.pods.ensure(pod_uid)
        async with pod.lock:
            self._unwatch_pause(pod)
            for one in [one for one in pod.containers.values() if not one.ended.done()]:
                one.silent = True
                await self._kill(one)
            for one in list(pod.containers.values()):
                if one.cleanup is not None:
                    await asyncio.wait((one.cleanup,))  # if it failed it was told, and what it left is taken away here
            record = pod.sandbox or records.read(self.layout.pod(pod_uid) / sandbox.SANDBOX_FILE, SandboxRecord)
            pod.sandbox = None
            async with self._ending.place():  # a thread for each of hundreds would leave the loop no turn
                await self.fresh(pod_uid, self._remove_all_of, pod_uid, record)
            if record is not None:
                await asyncio.to_thread(sandbox.end_unwritten, self.sandboxes, record.sandbox_id)
                if record.ip and record.request.port_mappings:
                    await self._nat.unmap_ports(record.addresses, record.request.port_mappings)
                self._naming.release(record)
            self.pods.forget_pod(pod_uid)

    def _remove_all_of(self, pod_uid: str, record: SandboxRecord | None) -> None:
        """What blocks of it: in a fresh thread."""
        assert self.sandboxes is not None
        attempts = adoption.containers_of(self.layout.pod(pod_uid))
        self.logs.kept.keep_pod(pod_uid)
        sandbox.remove(self.sandboxes, pod_uid, record)
        for attempt in attempts:
            (self.layout.exits / attempt.container_id).unlink(missing_ok=True)

    async def refresh_volumes(self, command: RefreshVolumes) -> None:
        """Bring the files of a running pod's volumes up to date. Errors: VolumeFailed, OSError."""
        if (pod := self.pods.get(command.pod_uid)) is None:
            return
        async with pod.lock:
            if pod.sandbox is not None:
                where = self.layout.pod(pod.uid) / "volumes"
                await self.inside(pod.uid, pod_volumes.prepare, where, command.volumes, command.fs_group)

    def host_ports(self) -> list[PortMapping]:
        """Of all pods that have a sandbox."""
        return [mapping for pod in self.pods if pod.sandbox is not None for mapping in pod.sandbox.request.port_mappings]

    # --- containers ---

    async def start_container(self, request: StartContainer) -> tuple[RuntimeFact, ...]:
        """Make one attempt; -> that it started (and ended, if it did at once), or why not."""
        if (pod := self.pods.get(request.pod_uid)) is None:
            return (self._not_started(request, "CreateContainerError", "the pod has no sandbox"),)
        async with pod.lock:
            present = pod.containers.get((request.container, request.attempt))
            if present is not None:
                return self._outcome(present)
            newest = pod.newest(request.container)
            if newest is not None and (newest.record.attempt > request.attempt or not newest.ended.done()):
                return self._outcome(newest)
            if pod.sandbox is None:
                return (self._not_started(request, "CreateContainerError", "the pod has no sandbox"),)
            try:
                async with self._making.place():
                    seen = self._process_of(request.pod_uid, request.target)
                    record = await self.inside(pod.uid, container.create, self._place, pod.sandbox, request, seen)
            except StartFailed as error:
                return (self._not_started(request, error.reason, str(error)),)
            one = Container(record)
            self.pods.add(one)
            self._exits.see(one)
            self._exits.watch(one)
        if request.post_start is not None and not one.ended.done():
            await self._post_start(one, request)
        return self._outcome(one)

    def _process_of(self, pod_uid: str, name: str) -> int:
        """The first process of a container that runs; 0 for none. Errors: StartFailed."""
        if not name:
            return 0
        pod = self.pods.get(pod_uid)
        one = pod.newest(name) if pod is not None else None
        if one is None or one.ended.done() or one.record.process is None:
            raise StartFailed("CreateContainerError", f'the target container "{name}" does not run')
        return one.record.process.pid

    def _outcome(self, one: Container) -> tuple[RuntimeFact, ...]:
        one.announced = True
        started = container_started(self.node, one.record)
        return (started,) if one.exit is None else (started, container_exited(self.node, one.record, one.exit))

    def _not_started(self, request: StartContainer, reason: str, message: str) -> ContainerStartFailed:
        return ContainerStartFailed(
            node=self.node, pod_uid=request.pod_uid, container=request.container, attempt=request.attempt, reason=reason,
            message=message, at_ns=time.time_ns(),
        )  # fmt: skip

    async def _post_start(self, one: Container, request: StartContainer) -> None:
        assert request.post_start is not None
        try:
            await hooks.until(one.ended.done, self._hook(one, request.post_start, None))
        except hooks.HookFailed as error:
            one.awaited += 1
            await self._kill(one)
            ended = one.exit
            if ended is not None:
                one.ended = asyncio.get_running_loop().create_future()
                one.ended.set_result(msgspec.structs.replace(ended, message=f"FailedPostStartHook: {error}"))

    async def _hook(self, one: Container, hook: Any, timeout_s: float | None) -> None:
        exec_in = partial(streams.exec_output, self.crun_command(one.record), one.record)
        await hooks.run(hook, one.record.pod_uid, exec_in=exec_in, lookups=self.lookups, timeout_s=timeout_s)

    async def stop_container(self, command: StopContainer) -> ContainerExited:
        """Hook, signal, and KILL when the grace period is over; -> how it ended."""
        if (one := self.find(command.pod_uid, command.container, command.attempt)) is None:
            lost = SCHEME + container_id(command.pod_uid, command.container, command.attempt)
            return container_lost(
                self.node, command.pod_uid, command.container, command.attempt, at_ns=time.time_ns(), container_id=lost
            )
        if not one.ended.done():
            one.awaited += 1
            left_s = await ending.prepared(
                command, first=one.awaited == 1, hook=partial(self._hook, one), over=one.ended.done, report=self._report,
                runs=partial(self.pods.runs, command.pod_uid),
            )  # fmt: skip
            if left_s and one.record.process is not None and not one.ended.done():
                one.record.process.kill(one.record.stop_signal)
                await asyncio.wait((one.ended,), timeout=left_s)
            await self._kill(one)
        assert one.exit is not None
        return container_exited(self.node, one.record, one.exit)

    async def resize(self, command: UpdateContainerResources) -> tuple[RuntimeFact, ...]:
        """Let a container that runs use more or less; nothing of one that does not."""
        pod, one = self.pods.get(command.pod_uid), self.find(command.pod_uid, command.container, command.attempt)
        if pod is None or one is None or one.ended.done():
            return ()
        async with pod.lock:
            tried = await self.inside(pod.uid, resizing.resize, self._place, one.record, command, self.bundle(one.record))
            one.record, failure = tried
        return (resized(command, time.time_ns(), failure),) if not one.ended.done() else ()

    async def _kill(self, one: Container) -> None:
        """End it now, if it has not ended; it has ended afterwards."""
        if one.ended.done():
            return
        record = one.record = msgspec.structs.replace(one.record, killed=True)
        with contextlib.suppress(FileNotFoundError):  # somebody removed its directory: it is to end all the same
            records.write(self.bundle(record) / container.RECORD_FILE, record)
        if record.process is not None:
            record.process.kill(9)
        await asyncio.wait((one.ended,), timeout=GONE_S)
        if not one.ended.done():
            self._exits.see(one)
        if not one.ended.done():
            self._exits.end(one, container.lost_exit(time.time_ns()))

    def _clean(self, one: Container) -> None:
        one.cleanup = self.tasks.start(f"removal of {one.record.container_id}", self._delete(one.record))

    async def _delete(self, record: ContainerRecord) -> None:
        async with self._ending.place():
            await self.inside(record.pod_uid, container.delete, self._place, record)

    # --- looking ---

    @property
    def top_group(self) -> str:
        return self._cgroups.top

    def subjects(self) -> list[PodSubject]:
        """What runs now, and where what it uses can be read."""
        return [pods.subject_of(pod, self.layout, self._cgroups) for pod in self.pods if pod.sandbox is not None]

    def _written_to(self) -> list[Path]:
        return [self.bundle(one.record) for pod in self.pods for one in pod.containers.values() if not one.ended.done()]

    def bundle(self, record: ContainerRecord) -> Path:
        return self.layout.container(record.pod_uid, record.container, record.attempt)

    def find(self, pod_uid: str, name: str, attempt: int) -> Container | None:
        pod = self.pods.get(pod_uid)
        return pod.containers.get((name, attempt)) if pod is not None else None

    def running(self, pod_uid: str, name: str) -> Container:
        """Errors: StreamRefused."""
        pod = self.pods.get(pod_uid)
        one = pod.newest(name) if pod is not None else None
        if one is None or one.ended.done():
            raise StreamRefused(500, f'unable to upgrade connection: container not found ("{name}")')
        return one

    def live_sandbox(self, pod_uid: str) -> SandboxRecord:
        """Errors: StreamRefused."""
        pod = self.pods.get(pod_uid)
        if pod is None or pod.sandbox is None:
            raise StreamRefused(500, "the pod's sandbox is not running")
        return pod.sandbox

    # --- the end ---

    async def close(self, *, end_pods: bool) -> None:
        """Let go of everything; with `end_pods` nothing of the node is left on the machine but its images.
        Errors: LeftBehind, when all else is done."""
        left: list[str] = []
        if end_pods:
            uids = [pod.uid for pod in self.pods]
            ended = await asyncio.gather(*(self.remove_pod(uid) for uid in uids), return_exceptions=True)
            left += [f"pod {uid}: {why}" for uid, why in zip(uids, ended, strict=True) if why is not None]
        await self.logs.close()
        self._exits.close()
        for pod in self.pods:
            self._unwatch_pause(pod)
        await self.tasks.finished()
        await self._removals.finished(END_S)
        await self._in_node.finished()
        await self._in_machine.finished()
        try:
            await self._nat.close(remove=end_pods)
        except (OSError, NatFailed) as error:  # no reason not to do the rest
            left.append(f"packet rules: {error}")
        if not end_pods:
            await asyncio.to_thread(self._namespace.close)
            return
        try:
            await self._end_unknown(())
        except OSError as error:
            left.append(f"what has no record: {error}")
        ending = partial(leftovers.leave, self.layout, self._cgroups, self._namespace, bridge=self.bridge)
        left += await asyncio.to_thread(ending, keep_records=bool(left))
        if left:
            raise LeftBehind(left)
