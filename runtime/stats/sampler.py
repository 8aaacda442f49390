"""Samples a node every ten seconds and keeps the newest two minutes; at the disks it looks once a minute, in a thread."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from shipslog.store.tasks import Tasks

from . import machine
from .groups import Groups, integer, text
from .history import History
from .machine import Processes
from .tree_sizes import TreeSizes
from .usage import NOTHING, ContainerStats, Disk, Measured, NodeStats, PodStats, Usage

EVERY_S, DISKS_EVERY_S = 10.0, 60.0
PAUSES = 20  # times as long as it took to look at parts of large trees, until more of them is looked at
NODE, DAEMON, PODS = "node", "kubelet", "pods"
NO_PROBES: Mapping[tuple[str, str, str, str], int] = {}
PER_TURN = 20  # groups that are read before others have their turn


class ContainerSubject(Struct, frozen=True, kw_only=True):
    """A container that runs, and where what it uses can be read."""

    name: str
    attempt: int
    container_id: str = ""
    image: str = ""
    began_ns: int
    group: str = ""  # "" without control groups
    pid: int = 0
    layer: Path | None = None
    logs: tuple[Path, ...] = ()


class PodSubject(Struct, frozen=True, kw_only=True):
    uid: str
    namespace: str = ""
    name: str = ""
    began_ns: int
    group: str = ""
    alone: bool = False  # its one container is all that ran in its group, so what that used the pod did
    network_pid: int = 0  # a process in its network namespace; 0 for the machine's
    containers: tuple[ContainerSubject, ...] = ()
    volumes: tuple[tuple[str, Path], ...] = ()


class Sampler:
    """One node's. `subjects` tells what runs now; `groups` is None where there are no control groups: then by processes, or by
    what a runtime answers that is asked (by container id)."""

    def __init__(
        self,
        node: str,
        data: Path,
        subjects: Callable[[], Sequence[PodSubject]],
        *,
        groups: Groups | None,
        top_group: str = "",
        images: Path | None = None,
        ask: Callable[[], Awaitable[Mapping[str, Usage]]] | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._node, self._data, self._subjects, self._groups = node, data, subjects, groups
        self._top, self._images, self._now_ns, self._ask = top_group, images, now_ns, ask
        self._history, self.tasks = History(), Tasks("stats")
        self._began_ns = self._boot_ns = now_ns()
        self._pods: Sequence[PodSubject] = ()
        self._disks: dict[str, Disk] = {}
        self._sizes = TreeSizes()

    def start(self) -> None:
        self._boot_ns = self._now_ns() - int(float((text("/proc/uptime").split() or ["0"])[0]) * 1e9)
        self.tasks.keep("sampling", self._sample_for_ever)
        self.tasks.keep("disks", self._look_for_ever)

    async def close(self) -> None:
        await self.tasks.close()

    # --- sampling ---

    async def _sample_for_ever(self) -> None:
        while True:
            await self.sample()
            await asyncio.sleep(EVERY_S)

    async def sample(self) -> None:
        """One round."""
        at_ns, pods = self._now_ns(), tuple(self._subjects())
        reported = await self._ask() if self._ask is not None else {}
        processes = Processes() if self._groups is None and self._ask is None and pods else None
        seen = {NODE, DAEMON}
        self._history.add(NODE, machine.whole(at_ns), self._boot_ns)
        self._history.add(DAEMON, self._own(at_ns), self._began_ns)
        if self._groups is not None and self._top and (all_pods := self._groups.read(self._top, at_ns)) is not None:
            self._history.add(PODS, all_pods, self._began_ns)
            seen.add(PODS)
        for number, pod in enumerate(pods):
            if number % PER_TURN == PER_TURN - 1:
                await asyncio.sleep(0)
            self._sample_pod(pod, at_ns, processes, reported, seen)
        self._pods = pods
        self._history.keep(seen)

    def _sample_pod(
        self, pod: PodSubject, at_ns: int, processes: Processes | None, reported: Mapping[str, Usage], seen: set[str]
    ) -> None:
        parts: list[Usage] = []
        for one in pod.containers:
            found = reported.get(one.container_id) or self._read(one.group, one.pid, at_ns, processes)
            if found is not None:
                parts.append(found)
                seen.add(key := f"{pod.uid}/{one.name}")
                self._history.add(key, found, one.began_ns)
        if pod.alone and len(parts) == 1 and self._groups is not None:
            whole: Usage | None = parts[0]
        else:
            whole = self._groups.read(pod.group, at_ns) if self._groups is not None and pod.group else None
        whole = whole or together(parts, at_ns)
        network = f"/proc/{pod.network_pid}/net/dev" if pod.network_pid else ""
        seen.add(pod.uid)
        self._history.add(pod.uid, replace(whole, interfaces=machine.interfaces(network)) if network else whole, pod.began_ns)

    def _read(self, group: str, pid: int, at_ns: int, processes: Processes | None) -> Usage | None:
        if self._groups is not None and group:
            return self._groups.read(group, at_ns)
        return processes.tree(pid, at_ns) if processes is not None and pid else None

    def _own(self, at_ns: int) -> Usage:
        """This daemon."""
        times, pages = os.times(), text("/proc/self/statm").split()
        resident = integer(pages[1]) * machine.PAGE if len(pages) > 1 else 0
        user, system = int(times.user * 1e9), int(times.system * 1e9)
        return Usage(
            at_ns=at_ns, cpu_ns=user + system, cpu_user_ns=user, cpu_system_ns=system, memory_bytes=resident,
            working_set_bytes=resident, rss_bytes=resident, processes=1,
        )  # fmt: skip

    # --- disks ---

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S / 2)
            await asyncio.to_thread(self.look_at_disks, tuple(self._subjects()))
            next_s = time.monotonic() + DISKS_EVERY_S
            while (rest_s := next_s - time.monotonic()) > 0:
                began_s = time.monotonic()
                await asyncio.to_thread(self.go_on_with_disks)
                await asyncio.sleep(
                    min(max((time.monotonic() - began_s) * PAUSES, 1.0), rest_s) if self._sizes.unfinished else rest_s
                )

    def go_on_with_disks(self) -> None:
        """What large trees take besides what was seen of them. It blocks: in a thread."""
        for key, path in self._sizes.unfinished.items():
            self._disks = {**self._disks, **_there({key: self._sizes.taken(key, path, self._now_ns())})}

    def look_at_disks(self, pods: Sequence[PodSubject]) -> None:
        """What layers, logs, volumes and images take. It blocks: in a thread."""
        at_ns, found = self._now_ns(), dict[str, Disk | None]()
        taken = self._sizes.taken
        for pod in pods:
            for one in pod.containers:
                if one.layer is not None:
                    key = f"{pod.uid}/{one.name}/root"
                    found[key] = taken(key, one.layer, at_ns)
                if one.logs:
                    found[f"{pod.uid}/{one.name}/logs"] = _files(one.logs, at_ns)
            for name, path in pod.volumes:
                key = f"{pod.uid}/volume/{name}"
                found[key] = taken(key, path, at_ns)
        if self._images is not None:
            found["images"] = taken("images", self._images, at_ns)
        self._sizes.keep(found.keys())
        self._disks = _there(found)

    # --- asking ---

    def stats(self, probes: Mapping[tuple[str, str, str, str], int] = NO_PROBES, *, pods: bool = True) -> NodeStats:
        """What is known now; costs nothing but a look at what is in memory. `probes`: see NodeStats."""
        at_ns, measured = self._now_ns(), dict[str, PodStats]()
        for pod in self._pods if pods else ():
            if (whole := self._history.of(pod.uid)) is not None:
                measured[pod.uid] = self._of_pod(pod, whole)
        nothing = Measured(began_ns=self._boot_ns, samples=(replace(NOTHING, at_ns=at_ns),))
        system = {name: found for name in (DAEMON, PODS) if (found := self._history.of(name)) is not None}
        return NodeStats(
            node=self._node,
            measured=self._history.of(NODE) or nothing,
            pods=measured,
            system=system,
            disk=machine.disk(self._data, at_ns),
            images=self._disks.get("images"),
            cores=os.cpu_count() or 1,
            memory_capacity_bytes=machine.meminfo().get("MemTotal", 0),
            most_processes=machine.most_processes(),
            probes=probes,
        )

    def _of_pod(self, pod: PodSubject, whole: Measured) -> PodStats:
        containers = []
        for one in pod.containers:
            key = f"{pod.uid}/{one.name}"
            if (measured := self._history.of(key)) is not None:
                containers.append(
                    ContainerStats(
                        name=one.name,
                        attempt=one.attempt,
                        container_id=one.container_id,
                        image=one.image,
                        measured=measured,
                        root=self._disks.get(f"{key}/root"),
                        logs=self._disks.get(f"{key}/logs"),
                    )
                )
        volumes = [(name, self._disks.get(f"{pod.uid}/volume/{name}")) for name, _ in pod.volumes]
        return PodStats(
            uid=pod.uid, namespace=pod.namespace, name=pod.name, measured=whole, containers=tuple(containers),
            volumes=tuple((name, disk) for name, disk in volumes if disk is not None),
        )  # fmt: skip


def together(parts: Sequence[Usage], at_ns: int) -> Usage:
    """The counters of several subjects as one's."""
    summed = {
        name: sum(getattr(part, name) for part in parts)
        for name in Usage.__struct_fields__
        if name not in ("at_ns", "pressure", "interfaces", "memory_limit_bytes")
    }
    return Usage(at_ns=at_ns, **summed)


def _there(found: Mapping[str, Disk | None]) -> dict[str, Disk]:
    return {key: disk for key, disk in found.items() if disk is not None}


def _files(paths: Sequence[Path], at_ns: int) -> Disk | None:
    """What logs take, with those that were turned over: their names begin as theirs."""
    used = count = 0
    for path in (found for first in paths for found in first.parent.glob(f"{first.name}*")):
        try:
            used += path.lstat().st_blocks * machine.BLOCK
        except OSError:
            continue
        count += 1
    return machine.disk(paths[0].parent, at_ns, used_bytes=used, used_inodes=count)
