"""What is killed: writers of a log that say each revision which was acknowledged. Each goes on where the one before it died."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from shipslog.engine.cluster import Cluster
from shipslog.runtime.commands import AnyRuntimeCommand
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.events import Event
from shipslog.store.facts import ObjectModified, RuntimeFact
from shipslog.store.log import sqlite_connection
from shipslog.store.log.event_log import LogFull, Snapshot
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.types import core_v1, meta_v1

T0 = 1_800_000_000_000_000_000
Say = Callable[[str], None]
Writer = Callable[[Path, Say], Awaitable[None]]


def event(revision: int, size: int) -> Event:
    """Its content follows from its revision, so that what is read can be compared."""
    data = (b"%d " % revision * (size // 2 + 1))[:size]
    raw = msgspec.Raw(b'{"apiVersion":"v1","kind":"ConfigMap","data":{"d":"%s"}}' % data)
    fact = ObjectModified(resource="configmaps", namespace="default", name=f"n{revision % 7}", uid="u", object=raw)
    return Event(revision=revision, time_ns=T0 + revision, actor="alice", cause=None, fact=fact)


async def append(log: SqliteLog, say: Say, count: int, size: int, *, urgent: bool = False) -> None:
    after = log.revision
    await log.append([event(r, size) for r in range(after + 1, after + count + 1)], expected_revision=after, urgent=urgent)
    say(str(log.revision))


async def small(path: Path, say: Say) -> None:
    """Small batches, a checkpoint every few of them, and one at the close."""
    sqlite_connection.CHECKPOINT_PAGES = 20
    async with await SqliteLog.open(path) as log:
        for _ in range(30):
            await append(log, say, 3, 200)


async def objects(path: Path, say: Say) -> None:
    """Objects of 200 KB, one a batch; checkpoints where they come by themselves."""
    sqlite_connection.CHECKPOINT_PAGES = 150
    async with await SqliteLog.open(path) as log:
        for _ in range(6):
            await append(log, say, 1, 200_000)


async def batches(path: Path, say: Say) -> None:
    """Batches of 480 KB."""
    sqlite_connection.CHECKPOINT_PAGES = 200
    async with await SqliteLog.open(path) as log:
        for _ in range(3):
            await append(log, say, 240, 2_000)


async def snapshots(path: Path, say: Say) -> None:
    """Snapshots of several parts between batches; older ones go."""
    sqlite_connection.CHECKPOINT_PAGES = 300
    async with await SqliteLog.open(path) as log:
        for _ in range(2):
            await append(log, say, 10, 1_000)
            await log.save_snapshot(Snapshot(log.revision, T0 + log.revision, b"s" * 1_200_000))


class Written:
    """A simulated node that writes down each command of containers before it carries it out."""

    def __init__(self, node: SimulatedNode, journal: Path) -> None:
        self._node, self.node = node, node.node
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __getattr__(self, name: str) -> object:
        return getattr(self._node, name)

    async def execute(self, command: AnyRuntimeCommand) -> Sequence[RuntimeFact]:
        os.write(self._journal, b"%s\n" % msgspec.json.encode(command))
        return await self._node.execute(command)


async def cluster(path: Path, say: Say) -> None:
    """A whole engine: pods are made and go, and the node's hands are killed in the middle."""
    node = SimulatedNode("node", now_ns=lambda: T0)
    async with Cluster.open(path, runtime=[Written(node, path.with_name("journal"))]) as opened:  # type: ignore[list-item]
        for i in range(3):
            name = f"pod-{os.getpid()}-{i}"
            spec = core_v1.PodSpec(containers=(core_v1.Container(name="app", image="app"),))
            await opened.create(core_v1.Pod(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), spec=spec))
            say(f"{opened.view.revision}")
            await opened.wait(core_v1.Pod, name, until=lambda pod: pod.status.phase == "Running")
            say(f"{opened.view.revision}")


async def full(path: Path, say: Say) -> None:
    """On a disk that has too little room: what is refused was not written, what makes room is, what was acknowledged stays."""
    async with await SqliteLog.open(path) as log:
        refused = 0
        while refused < 3:
            try:
                await append(log, say, 20, 10_000)
            except LogFull:
                refused += 1
                await append(log, say, 1, 200, urgent=True)


WRITERS: dict[str, Writer] = {w.__name__: w for w in (small, objects, batches, snapshots, cluster, full)}


def work(writer: Writer, path: Path) -> Callable[[int], None]:
    """For `stops.run`: the writer, saying what it has to say into a pipe."""

    def run(pipe: int) -> None:
        def say(what: str) -> None:
            os.write(pipe, f"{what}\n".encode())

        asyncio.run(_run(say))

    async def _run(say: Say) -> None:
        await writer(path, say)

    return run
