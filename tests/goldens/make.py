"""Make a golden log with the code as it is now: small, under one seed, with a bit of everything that a log can hold.

    python -m tests.goldens.make format-1

It is made once for each released format, and never again: what matters is that it is old.
"""

import asyncio
import gzip
import sys
from pathlib import Path

from shipslog.engine.cluster import MASTERS, Cluster
from shipslog.engine.pasts import view_at
from shipslog.engine.state import snapshots
from shipslog.engine.testing.simulation.virtual_time import VirtualClock, VirtualLoop, run
from shipslog.engine.time.clock import Entropy
from shipslog.reconcilers.catalogue import ALL
from shipslog.reconcilers.rule.decision import blind_to
from shipslog.runtime.containers.simulated import EXIT_CODE, RUNS_FOR, SimulatedNode
from shipslog.store.commands import Create
from shipslog.store.events import Event, Origin
from shipslog.store.log.memory import MemoryLog
from shipslog.store.log.retention import EPHEMERAL
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.objects.builtin import BUILTIN
from tests.e2e.guestbook import IN_ORDER

LOGS = Path(__file__).parent / "logs"
NOTED = core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="noted", namespace="default"))
HEARTBEATS_S = 1_500.0  # so long the cluster only beats: what may be forgotten


def pod(name: str, namespace: str = "default", image: str = "app", labels: dict[str, str] | None = None) -> dict[str, object]:
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5}
    container = {
        "name": "app",
        "image": image,
        "readinessProbe": probe,
        "livenessProbe": probe,
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
        "env": [{"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}}],
        "volumeMounts": [{"name": "settings", "mountPath": "/settings"}, {"name": "secret", "mountPath": "/secret"}],
        "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
    }
    volumes = [
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "secret", "secret": {"secretName": "key"}},
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
    ]
    spec = {"containers": [container], "volumes": volumes, "hostname": name, "subdomain": "sub", "restartPolicy": "OnFailure"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": spec,
    }


class SteppedBack(VirtualClock):
    """A clock that somebody puts back."""

    by_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() - self.by_ns


async def lives(disk: MemoryLog, loop: VirtualLoop) -> None:
    """Two engines on one log: the guestbook, pods that fail, pods and a namespace that go, an hour's heartbeats."""
    clock, entropy = SteppedBack(loop), Entropy(1)
    nodes = [SimulatedNode(f"n{i}", now_ns=clock.now_ns, number=i) for i in range(2)]
    async with Cluster.open(event_log=Kept(disk), runtime=nodes, clock=clock, entropy=entropy) as cluster:  # type: ignore[arg-type]
        alice, bob = cluster.as_user("alice", MASTERS), cluster.as_user("bob", MASTERS)
        await alice.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
        for namespace in ("default", "other"):
            meta = {"namespace": namespace}
            data = {"colour": "blue"}
            await alice.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**meta, "name": "settings"}, "data": data})
            await cluster.apply(
                {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "name": "key"}, "stringData": {"k": "not secret"}}
            )
        for manifest in IN_ORDER:
            await alice.apply(manifest)
        await cluster.apply(pod("whole", labels={"name": "frontend"}))
        await cluster.apply(pod("fails", labels={EXIT_CODE: "3", RUNS_FOR: "2"}))
        await cluster.apply(pod("no-image", image="missing"))
        await cluster.apply(pod("elsewhere", "other"))
        await asyncio.sleep(40)
        await bob.apply({**IN_ORDER[2], "spec": {**IN_ORDER[2]["spec"], "replicas": 1}})
        await cluster.submit(Create(object=NOTED), origin=Origin(verb="create", user_agent="make/1", address="127.0.0.1"))
        await cluster.delete(core_v1.Pod, "whole")
        await cluster.delete(core_v1.Namespace, "other", "")
        await asyncio.sleep(60)
        await cluster.delete(core_v1.Pod, "fails")
        await cluster.delete(core_v1.Pod, "no-image")
        await asyncio.sleep(HEARTBEATS_S)
    async with Cluster.open(event_log=Kept(disk), runtime=nodes, clock=clock, entropy=entropy) as cluster:  # type: ignore[arg-type]
        await asyncio.sleep(30)
        clock.by_ns = 60_000_000_000
        await asyncio.sleep(30)
        await cluster.delete(core_v1.ReplicationController, "frontend", propagation="Foreground")
        await asyncio.sleep(40)


class Kept:
    """A log that outlives the cluster on it."""

    def __init__(self, disk: MemoryLog) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> object:
        return getattr(self._disk, name)

    async def close(self) -> None: ...


async def keep(events: list[Event], path: Path) -> None:
    """The same history as a file: a batch a moment, a snapshot at two thirds, heartbeats let go of."""
    async with await SqliteLog.open(path) as log:
        batch: list[Event] = []
        for event in events:
            if batch and event.time_ns != batch[0].time_ns:
                await log.append(batch, expected_revision=log.revision)
                batch = []
            batch.append(event)
        await log.append(batch, expected_revision=log.revision)
        await log.save_snapshot(snapshots.take(await view_at(log, log.revision * 2 // 3)))
        blind = blind_to(ALL, [BUILTIN.by_resource(resource) for resource in EPHEMERAL])
        gone = await log.forget(events[-1].time_ns, blind=blind)
        print(f"{path}: {log.revision} events, {gone} of them let go of")


async def read(disk: MemoryLog) -> list[Event]:
    return [event async for batch in disk.read() for event in batch]


def main(name: str) -> None:
    path = LOGS / f"{name}.db"
    packed = path.with_name(path.name + ".gz")
    if packed.exists():
        raise SystemExit(f"{packed} is there: a golden log is made once")
    loop, disk = VirtualLoop(), MemoryLog()
    run(lives(disk, loop), loop)
    asyncio.run(keep(asyncio.run(read(disk)), path))
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    for beside in ("-lock", "-reserve"):
        path.with_name(path.name + beside).unlink()
    path.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
