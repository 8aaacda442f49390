"""The API of a daemon: start, idle, POST, GET, watch. TLS on, every write synced, who owns which field kept."""

import asyncio
import time

from tests.e2e.conftest import Cluster

from . import Row, daemon

CLIENTS, POSTS, GETS, WATCHERS = 16, 8000, 16000, 50
MAPS = "/api/v1/namespaces/default/configmaps"


def measure() -> list[Row]:
    with daemon.cluster("--runtime", "simulated") as (one, started):
        rows = [Row("cold start to /readyz", started * 1000, "ms", 500, 3600, lower=True)]
        pid = int(one.daemon["pid"])
        time.sleep(2)
        cpu, resident = daemon.usage(pid)
        time.sleep(12)
        later, _ = daemon.usage(pid)
        rows.append(Row("idle, resident", resident, "MiB", 80, 455, lower=True))
        rows.append(Row("idle, CPU of a core", (later - cpu) / 12 * 100, "%", 0.3, 3.0, lower=True))
        context = daemon.admin_context(one)
        rows += daemon.loop_run(_load(one, context))
        return rows


async def _load(one: Cluster, context: object) -> list[Row]:
    connections = [await daemon.Connection.open(one.port, context) for _ in range(CLIENTS)]  # type: ignore[arg-type]
    padding = "x" * 400
    took: list[float] = []

    async def post(client: int, connection: daemon.Connection) -> None:
        for i in range(POSTS // CLIENTS):
            body = daemon.encoded({"metadata": {"name": f"c{client}-{i}"}, "data": {"k": padding}})
            asked = time.perf_counter()
            code, said = await connection.call("POST", MAPS, body)
            took.append(time.perf_counter() - asked)
            assert code == 201, said

    async def get(client: int, connection: daemon.Connection) -> None:
        for i in range(GETS // CLIENTS):
            code, _ = await connection.call("GET", f"{MAPS}/c{client}-{i % (POSTS // CLIENTS)}")
            assert code == 200

    rows = []
    for name, work, count, target, other in (
        ("durable POST of 512 bytes, 16 clients", post, POSTS, 6000, 1065),
        ("GET, 16 clients", get, GETS, 20000, 1623),
    ):
        spent, begun = daemon.Spent(one), time.perf_counter()
        await asyncio.gather(*(work(i, c) for i, c in enumerate(connections)))
        rate, alone = count / (time.perf_counter() - begun), 1e6 / spent.each_us(count)
        rows.append(Row(name, rate, "/s", target, other, cpu=alone, where=spent.where(count)))
    slowest = sorted(took)[len(took) * 99 // 100] * 1000
    rows.insert(1, Row("the same, p99", slowest, "ms", 5, 40, lower=True, where=rows[0].where))
    rows.append(await _watch(one.port, context, connections[0]))
    return rows


async def _watch(port: int, context: object, writer: daemon.Connection) -> Row:
    """How long after the reply the slowest of 50 watchers has seen an update: the 99th of a hundred updates."""
    seen: dict[int, list[float]] = {}
    ready = asyncio.Semaphore(0)

    async def watcher() -> None:
        connection = await daemon.Connection.open(port, context)  # type: ignore[arg-type]
        connection.writer.write(f"GET {MAPS}?watch=1&fieldSelector=metadata.name%3Dw HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await connection.reader.readuntil(b"\r\n\r\n")
        ready.release()
        while True:
            line = await connection.reader.readline()
            at = line.find(b'"n":"')
            if at >= 0:
                seen.setdefault(int(line[at + 5 : line.index(b'"', at + 5)]), []).append(time.perf_counter())

    await writer.call("POST", MAPS, daemon.encoded({"metadata": {"name": "w"}, "data": {"n": "0"}}))
    tasks = [asyncio.ensure_future(watcher()) for _ in range(WATCHERS)]
    for _ in range(WATCHERS):
        await ready.acquire()
    await asyncio.sleep(0.3)
    replied: dict[int, float] = {}
    for n in range(1, 101):
        await writer.call("PUT", f"{MAPS}/w", daemon.encoded({"metadata": {"name": "w"}, "data": {"n": str(n)}}))
        replied[n] = time.perf_counter()
        await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    late = sorted(max(seen[n]) - replied[n] for n in replied if len(seen.get(n, ())) == WATCHERS)
    assert len(late) == 100, f"only {len(late)} of 100 updates were seen by all"
    return Row("update seen by the slowest of 50 watchers, p99", late[98] * 1000, "ms", 2.5, 2.7, lower=True)
