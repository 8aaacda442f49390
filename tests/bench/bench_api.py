"""The API of a daemon: start, idle, POST, GET, LIST, watch. TLS on, every write synced."""

import asyncio
import time

from . import Row, daemon

CLIENTS, POSTS, GETS, OBJECTS, WATCHERS = 16, 8000, 16000, 3000, 50
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
        rows += daemon.loop_run(_load(one.port, context))
        return rows


async def _load(port: int, context: object) -> list[Row]:
    connections = [await daemon.Connection.open(port, context) for _ in range(CLIENTS)]  # type: ignore[arg-type]
    padding = "x" * 400

    async def post(client: int, connection: daemon.Connection) -> None:
        for i in range(POSTS // CLIENTS):
            body = daemon.encoded({"metadata": {"name": f"c{client}-{i}"}, "data": {"k": padding}})
            code, said = await connection.call("POST", MAPS, body)
            assert code == 201, said

    async def get(client: int, connection: daemon.Connection) -> None:
        for i in range(GETS // CLIENTS):
            code, _ = await connection.call("GET", f"{MAPS}/c{client}-{i % (POSTS // CLIENTS)}")
            assert code == 200

    rows = []
    for name, work, count, target, other in (
        ("durable POST of 512 bytes, 16 clients", post, POSTS, 4000, 1065),
        ("GET, 16 clients", get, GETS, 8000, 1623),
    ):
        begun = time.perf_counter()
        await asyncio.gather(*(work(i, c) for i, c in enumerate(connections)))
        rows.append(Row(name, count / (time.perf_counter() - begun), "/s", target, other))
    for i in range(OBJECTS):
        body = daemon.encoded({"metadata": {"name": f"l{i}", "namespace": "kube-public"}, "data": {"k": padding}})
        await connections[i % CLIENTS].call("POST", MAPS.replace("default", "kube-public"), body)
    times = []
    for _ in range(15):
        begun = time.perf_counter()
        code, data = await connections[0].call("GET", MAPS.replace("default", "kube-public"))
        times.append(time.perf_counter() - begun)
        assert code == 200 and data.count(b'"l') >= OBJECTS
    rows.append(Row("LIST of 3,000 ConfigMaps", sorted(times)[7] * 1000, "ms", 10, 59, lower=True))
    rows.append(await _watch(port, context, connections[0]))
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
