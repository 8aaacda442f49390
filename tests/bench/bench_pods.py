"""From a request to what runs: on simulated nodes, and with real containers where this is root."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from shipslog.engine.cluster import Cluster
from shipslog.engine.testing.simulation import objects
from shipslog.store.objects.types import core_v1

from . import Row, daemon


def rc(name: str, replicas: int) -> core_v1.ReplicationController:
    return objects.rc(name, "default", replicas, probed=False)


def measure() -> list[Row]:
    rows = [daemon.loop_run(_library()), daemon.loop_run(_many())]
    if os.geteuid() == 0:
        rows += daemon.loop_run(_real())
    return rows


async def _library() -> Row:
    async with Cluster.open():
        pass  # its modules are imported now
    begun = time.perf_counter()
    async with Cluster.open() as cluster:
        await cluster.wait(core_v1.Node, "node")
        return Row(
            "library: open to a registered simulated node", (time.perf_counter() - begun) * 1000, "ms", 100, None, lower=True
        )


async def _until(cluster: Cluster, count: int, name: str, attribute: str) -> None:
    await cluster.wait(
        core_v1.ReplicationController, name, until=lambda r: getattr(r.status, attribute) == count, timeout_s=120
    )


async def _many() -> Row:
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    try:
        async with Cluster.open(directory / "cluster.db", nodes=10) as cluster:
            await cluster.wait(core_v1.ServiceAccount, "default")
            watch = cluster.watch("pods")
            begun = time.perf_counter()
            await cluster.create(rc("many", 500))
            bound: set[str] = set()
            while len(bound) < 500:
                for record in await watch.batch():
                    if record.entry.object.spec.node_name:
                        bound.add(record.entry.object.metadata.name)
            took = time.perf_counter() - begun
            watch.close()
            return Row("RC of 500 on 10 simulated nodes, create to all bound", took, "s", 0.4, 1.35, lower=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _real() -> list[Row]:
    from shipslog.runtime.containers.oci.node import OciNode
    from shipslog.runtime.images.store import ImageStore

    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    root = directory / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "bin/sleep").symlink_to("busybox")
    store = ImageStore(directory / "node/images")
    store.open()
    store.add("img", root, {"Cmd": ["/bin/busybox", "sleep", "3600"]})
    node = OciNode("bench", directory / "node", pod_cidr="10.234.5.0/24", cluster_cidr="10.234.0.0/16")
    times = []
    try:
        async with Cluster.open(directory / "cluster.db", runtime=[node], end_pods=lambda: True) as cluster:
            await cluster.wait(core_v1.ServiceAccount, "default")
            await cluster.wait(core_v1.Node, "bench")
            for i in range(6):
                name = f"one-{i}"
                made = rc(name, 0).spec.template
                assert made is not None
                meta = core_v1.meta_v1.ObjectMeta(name=name, namespace="default")
                begun = time.perf_counter()
                await cluster.create(core_v1.Pod(metadata=meta, spec=made.spec))
                await cluster.wait(core_v1.Pod, name, until=lambda p: p.status.phase == "Running")
                times.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            await cluster.create(rc("thirty", 30))
            await _until(cluster, 30, "thirty", "ready_replicas")
            thirty = time.perf_counter() - begun
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return [
        Row("one pod, image present, create to Running", sorted(times)[2] * 1000, "ms", 100, 800, lower=True),
        Row("RC of 30 on real containers, all Running", thirty, "s", 1.5, 3.9, lower=True),
    ]
