"""A node with real containers: how many begin at once, how fast they are gone, how soon traffic stops, what it costs to wait.

Everything is in one process, without the API: what is measured is the engine with its node. Needs root.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from shipslog.engine.cluster import Cluster
from shipslog.store.facts import ProbeFlipped
from shipslog.store.objects.types import core_v1

from . import Row, daemon

MANY, FEW = 110, 30
SETTLED_S, IDLE_S = 5.0, 65.0  # so long nothing happens before; disks are looked at once in such a time
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: NAME}}
spec:
  containers:
  - name: c
    image: img
    imagePullPolicy: IfNotPresent
    command: [/bin/busybox, sh, -c, "trap exit TERM; /bin/busybox httpd -p 8080; /bin/busybox sleep 99999 & wait"]
"""
PROBE = "    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 10}\n"
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{port: 80, targetPort: 8080}]}
"""


def measure() -> list[Row]:
    return daemon.loop_run(_real()) if os.geteuid() == 0 else []


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


async def _pods(cluster: Cluster, names: list[str], more: str = "") -> float:
    """Seconds until all are ready."""
    begun = time.perf_counter()
    await cluster.apply("\n---\n".join((POD + more).replace("NAME", name) for name in names))
    for name in names:
        await cluster.wait(core_v1.Pod, name, until=_is_ready, timeout_s=120)
    return time.perf_counter() - begun


def _is_ready(pod: core_v1.Pod) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


async def _gone(cluster: Cluster, names: list[str]) -> float:
    """Seconds until nothing is left of them, in the API and on the machine."""
    uids = [cluster.get(core_v1.Pod, name).metadata.uid for name in names]
    begun = time.perf_counter()
    for name in names:
        await cluster.delete(core_v1.Pod, name)
    for name in names:
        await cluster.gone(core_v1.Pod, name, timeout_s=120)
    assert not any(cluster.view.pod_runtime(uid) for uid in uids)
    return time.perf_counter() - begun


async def _refuses(address: str) -> bool:
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(address, 80)
    except OSError:
        return True
    writer.close()
    return False


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():
        await asyncio.sleep(0.001)


async def _traffic_stops(cluster: Cluster, name: str) -> float:
    """Seconds from a pod's report that it is not ready to the first connection that its service refuses."""
    pod = await cluster.wait(core_v1.Pod, name, until=_is_ready)
    await cluster.apply(SERVICE.replace("NAME", name))
    address = (await cluster.wait(core_v1.Service, name, until=lambda s: s.spec.cluster_ip)).spec.cluster_ip

    async def answers() -> bool:
        return not await _refuses(address)

    await _until(answers)
    begun = time.perf_counter()
    cluster.host.report(
        ProbeFlipped(
            node="bench", pod_uid=pod.metadata.uid, container="c", attempt=0, probe="readiness", healthy=False, message="bench",
            at_ns=time.time_ns(),
        )
    )  # fmt: skip
    await _until(lambda: _refuses(address))
    return time.perf_counter() - begun


async def _idle(cluster: Cluster) -> tuple[float, float]:
    """(per cent of a core, MiB): of this process, while nobody asks for anything."""
    revision = -1
    while revision != (revision := cluster.view.revision):
        await asyncio.sleep(SETTLED_S)
    cpu_s, begun_s = time.process_time(), time.perf_counter()
    await asyncio.sleep(IDLE_S)
    idle = (time.process_time() - cpu_s) / (time.perf_counter() - begun_s) * 100
    return idle, int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def _real() -> list[Row]:
    from shipslog.runtime.containers.oci.layout import instance_of
    from shipslog.runtime.containers.oci.node import OciNode
    from shipslog.runtime.images.store import ImageStore
    from shipslog.runtime.netfilter.nftables import NftablesAdapter

    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    root = directory / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    store = ImageStore(directory / "node/images")
    store.open()
    store.add("img", root, {})
    rules = NftablesAdapter(instance_of(directory / "node"))
    node = OciNode("bench", directory / "node", pod_cidr="10.234.6.0/24", cluster_cidr="10.234.0.0/16", rules=rules)
    try:
        async with Cluster.open(directory / "cluster.db", runtime=[node], end_pods=lambda: True) as cluster:
            await cluster.wait(core_v1.ServiceAccount, "default")
            await cluster.wait(core_v1.Node, "bench")
            ends = []
            for i in range(7):
                await _pods(cluster, [f"one-{i}"])
                ends.append(await _gone(cluster, [f"one-{i}"]))
            few = [f"few-{i}" for i in range(FEW)]
            await _pods(cluster, few, PROBE)
            stops = [await _traffic_stops(cluster, name) for name in few[:7]]
            idle, resident = await _idle(cluster)
            await _gone(cluster, few)
            many = await _pods(cluster, [f"many-{i}" for i in range(MANY)])
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return [
        Row(f"{MANY} pods on one node, created to all ready", many, "s", 4, None, lower=True),
        Row("a pod deleted, its process ends at once, to nothing left", _median(ends) * 1000, "ms", 80, None, lower=True),
        Row("a pod says it is not ready, to its traffic refused", _median(stops) * 1000, "ms", 60, None, lower=True),
        Row(f"{FEW} pods that idle, CPU of a core", idle, "%", 0.5, None, lower=True),
        Row(f"{FEW} pods that idle, resident", resident, "MiB", 70, None, lower=True),
    ]
