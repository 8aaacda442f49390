"""Long lists: how long they take, compressed and not, and whether the daemon ever has a second copy of one."""

import asyncio
import gzip
import time
from pathlib import Path

from tests.e2e.conftest import Cluster

from . import Row, daemon

CLIENTS, MAPS, PODS, TIMES = 16, 3000, 10_000, 11
MAP_PATH, POD_PATH = "/api/v1/namespaces/kube-public/configmaps", "/api/v1/namespaces/kube-public/pods"
POD_BYTES = 5000
GZIP = "Accept-Encoding: gzip\r\n"


def measure() -> list[Row]:
    with daemon.cluster("--runtime", "simulated") as (one, _):
        found: list[Row] = daemon.loop_run(_measure(one, daemon.admin_context(one)))
        return found


async def _measure(one: Cluster, context: object) -> list[Row]:
    connections = [await daemon.Connection.open(one.port, context) for _ in range(CLIENTS)]  # type: ignore[arg-type]
    await _fill(connections, MAP_PATH, MAPS, {"data": {"k": "x" * 400}}, {})
    spec = {"schedulerName": "nobody", "containers": [{"name": "app", "image": "app"}]}  # it stays as it is
    await _fill(connections, POD_PATH, PODS, {"spec": spec}, {"padding": "x" * (POD_BYTES - 1100)})
    plain_ms, plain_us, data, where = await _listed(one, connections[0], MAP_PATH)
    gzip_ms, gzip_us, squeezed, where_gzip = await _listed(one, connections[0], MAP_PATH, GZIP)
    assert gzip.decompress(squeezed) == data
    alone = []
    for _ in range(TIMES):
        begun = time.thread_time()
        gzip.compress(data, 1)
        alone.append((time.thread_time() - begun) * 1000)
    alone_ms = sorted(alone)[TIMES // 2]
    pid = int(one.daemon["pid"])
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak of what is resident begins anew
    _, before = daemon.usage(pid)
    pods_ms, pods_us, data, where_pods = await _listed(one, connections[0], POD_PATH)
    grown = _peak(pid) - before
    size = len(data) / (1 << 20)
    return [
        Row("LIST of 3,000 ConfigMaps", plain_ms, "ms", 8, 81, lower=True, cpu=plain_us / 1000, where=where),
        Row("the same with gzip", gzip_ms, "ms", None, None, lower=True, cpu=gzip_us / 1000),
        Row(
            "CPU for gzip of that list",
            (gzip_us - plain_us) / 1000,
            "ms",
            1.25 * alone_ms,
            alone_ms,
            lower=True,
            note="compared: gzip alone, at Kubernetes' level",
            where=where_gzip,
        ),
        Row(f"LIST of 10,000 pods, {size:.0f} MiB", pods_ms, "ms", 45, None, lower=True, cpu=pods_us / 1000, where=where_pods),
        Row("memory that it takes at its peak", grown, "MiB", size / 4, size, lower=True, note="compared: a copy of it"),
    ]


async def _fill(connections: list[daemon.Connection], path: str, count: int, rest: object, annotations: object) -> None:
    async def fill(client: int, connection: daemon.Connection) -> None:
        for i in range(client, count, CLIENTS):
            meta = {"name": f"l{i}", "annotations": annotations}
            code, said = await connection.call("POST", path, daemon.encoded({"metadata": meta, **rest}))  # type: ignore[dict-item]
            assert code == 201, said

    await asyncio.gather(*(fill(i, c) for i, c in enumerate(connections)))


async def _listed(one: Cluster, connection: daemon.Connection, path: str, more: str = "") -> tuple[float, float, bytes, str]:
    """-> (ms of the median, µs of CPU, what came, where the time went)"""
    times, data = [], b""
    spent = daemon.Spent(one)
    for _ in range(TIMES):
        begun = time.perf_counter()
        connection.send("GET", path, more=more)
        code, data = await connection.answer()
        times.append((time.perf_counter() - begun) * 1000)
        assert code == 200
    return sorted(times)[TIMES // 2], spent.each_us(TIMES), data, spent.where(TIMES)


def _peak(pid: int) -> float:
    """MiB that were resident at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
