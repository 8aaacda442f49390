"""The log of docs/reading-a-log.md: a morning in a small shop, on simulated nodes and in virtual time.

    python -m tests.docs.shop

It was made once and is kept as it is, so that what the page prints stays true whatever rules decide later.
"""

import asyncio
import gzip
import tempfile
from pathlib import Path
from typing import Any

from shipslog.engine.cluster import MASTERS, Cluster
from shipslog.engine.testing.simulation.virtual_time import VirtualClock, VirtualLoop, run
from shipslog.engine.time.clock import Entropy
from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.rule.decision import blind_to
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.commands import Delete
from shipslog.store.events import Event, Origin
from shipslog.store.log.memory import MemoryLog
from shipslog.store.log.retention import EPHEMERAL
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1

PACKED = Path(__file__).parent / "shop.db.gz"
BEGINS_NS = 6_480 * 1_000_000_000  # 09:48, counted from when virtual time begins
KUBECTL = Origin(verb="delete", user_agent="kubectl/v1.32.0", address="10.0.0.7")


def controller(replicas: int) -> dict[str, Any]:
    container = {"name": "web", "image": "shop/web:1", "ports": [{"containerPort": 80}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"app": "web"}, "template": template}
    return {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


def settings(text: str) -> dict[str, Any]:
    meta = {"name": "settings", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"web.conf": text}}


def secret(value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "card", "namespace": "shop"},
        "stringData": {"key": value},
    }


CONF = "listen 80\nworkers 4\ntimeout 30s\nlog info\n"


class Morning(VirtualClock):
    def now_ns(self) -> int:
        return super().now_ns() + BEGINS_NS


async def happens(disk: MemoryLog, loop: VirtualLoop) -> None:
    """09:48 alice opens the shop; 09:52 bob wants three; 10:04 settings change; 10:12 mallory deletes the controller."""
    clock = Morning(loop)
    nodes = [SimulatedNode(f"n{i}", now_ns=clock.now_ns, number=i) for i in range(2)]
    async with Cluster.open(event_log=disk, runtime=nodes, clock=clock, entropy=Entropy(7)) as cluster:
        alice, bob, mallory = (cluster.as_user(name, MASTERS) for name in ("alice", "bob", "mallory"))
        await alice.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        for manifest in (controller(2), SERVICE, settings(CONF), secret("first-secret")):
            await alice.apply(manifest)
        await asyncio.sleep(240)
        await bob.scale("rc", "web", 3, "shop")
        await asyncio.sleep(720)
        await bob.apply(settings(CONF.replace("30s", "3s")))
        await bob.apply(secret("second-secret"))
        await asyncio.sleep(480)
        await cluster.submit(
            Delete(resource="replicationcontrollers", namespace="shop", name="web", propagation="Background"),
            actor=mallory.actor, groups=mallory.groups, origin=KUBECTL,
        )  # fmt: skip
        await mallory.gone(core_v1.ReplicationController, "web", "shop")
        await asyncio.sleep(60)
        disk.close = _open  # type: ignore[method-assign]  # the log outlives the cluster


async def _open() -> None: ...


async def _keep(events: list[Event], path: Path) -> None:
    async with await SqliteLog.open(path) as log:
        for start in range(0, len(events), 200):
            await log.append(events[start : start + 200], expected_revision=start)
        await log.forget(events[-1].time_ns, blind=blind_to(ALL, [BUILTIN.by_resource(resource) for resource in EPHEMERAL]))


def unpacked(directory: Path) -> Path:
    """A copy of the log, as a file that can be read."""
    path = directory / "shop.db"
    path.write_bytes(gzip.decompress(PACKED.read_bytes()))
    return path


def main() -> None:
    if PACKED.exists():
        raise SystemExit(f"{PACKED} is there: it is made once")
    loop, disk = VirtualLoop(), MemoryLog()
    run(happens(disk, loop), loop)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "shop.db"
        asyncio.run(_keep(disk._events, path))
        PACKED.write_bytes(gzip.compress(path.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
