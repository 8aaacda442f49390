"""A thousand watchers on one kind, and what a watch costs in protobuf beside JSON."""

import asyncio
import ssl
import time
from typing import cast

from tests.e2e.conftest import Cluster

from . import Row, daemon

WATCHERS, READING, UPDATES, EVERY_S = 1000, 40, 200, 0.01
PAIR, ROUNDS = 50, 4  # watchers in each form, which take turns
DRAINED_S = 0.1
MAPS = "/api/v1/namespaces/default/configmaps"
PROTOBUF = "Accept: application/vnd.kubernetes.protobuf;stream=watch\r\n"


def measure() -> list[Row]:
    with daemon.cluster("--runtime", "simulated") as (one, _):
        found: list[Row] = daemon.loop_run(_measure(one, daemon.admin_context(one)))
        return found


async def _measure(one: Cluster, context: ssl.SSLContext) -> list[Row]:
    writer = await daemon.Connection.open(one.port, context)
    await writer.call("POST", MAPS, _written(0))
    return [await _thousand(one, context, writer), await _protobuf(one, context, writer)]


def _written(number: int) -> bytes:
    return daemon.encoded({"metadata": {"name": "w"}, "data": {"n": str(number)}})


class Drain(asyncio.Protocol):
    """A watcher that takes in what comes and looks at none of it: the client shares the machine with the server."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            self.ready.set_result(None)


async def _drains(one: Cluster, context: ssl.SSLContext, count: int, more: str = "") -> list[Drain]:
    head = f"GET {MAPS}?watch=1&fieldSelector=metadata.name%3Dw HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()
    made = []
    for _ in range(count):
        _, drain = await asyncio.get_running_loop().create_connection(lambda: Drain(head), "127.0.0.1", one.port, ssl=context)
        await drain.ready
        made.append(drain)
    return made


async def _rest(drains: list[Drain]) -> None:
    """Let what has come wait in the sockets, and take it all at once: decrypting each by itself would take a core."""
    while True:
        for drain in drains:
            drain.transport.pause_reading()
        await asyncio.sleep(DRAINED_S)
        for drain in drains:
            drain.transport.resume_reading()
        await asyncio.sleep(0)


async def _thousand(one: Cluster, context: ssl.SSLContext, writer: daemon.Connection) -> Row:
    """How long after it was asked for an update is seen by those of a thousand watchers who read, the slowest of them."""
    seen: dict[int, list[float]] = {}
    readers: list[asyncio.Task[None]] = []
    drains: list[Drain] = []

    async def read(connection: daemon.Connection) -> None:
        while True:
            line = await connection.reader.readline()
            if (at := line.find(b'"n":"')) >= 0:
                number = int(line[at + 5 : line.index(b'"', at + 5)])
                seen.setdefault(number, []).append(time.perf_counter())

    for _ in range(READING):  # among the others, not before or behind them
        connection = await daemon.Connection.open(one.port, context)
        connection.send("GET", f"{MAPS}?watch=1&fieldSelector=metadata.name%3Dw")
        await connection.reader.readuntil(b"\r\n\r\n")
        readers.append(asyncio.ensure_future(read(connection)))
        drains += await _drains(one, context, (WATCHERS - READING) // READING)
    readers.append(asyncio.ensure_future(_rest(drains)))
    asked, spent = {}, daemon.Spent(one)
    begun = time.perf_counter()
    for n in range(1, UPDATES + 1):
        await asyncio.sleep(max(0.0, begun + n * EVERY_S - time.perf_counter()))
        asked[n] = time.perf_counter()
        code, said = await writer.call("PUT", f"{MAPS}/w", _written(n))
        assert code == 200, said
    await asyncio.sleep(0.5)
    rate, where = UPDATES / (time.perf_counter() - 0.5 - begun), spent.where(UPDATES)
    for task in readers:
        task.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for drain in drains:
        drain.transport.abort()
    late = sorted(max(seen[n]) - asked[n] for n in asked if len(seen.get(n, ())) == READING)
    assert len(late) >= UPDATES * 0.99, f"only {len(late)} of {UPDATES} updates were seen by all"
    name = f"update at {rate:.0f}/s to 1,000 watchers, p99"
    return Row(name, late[len(late) * 99 // 100] * 1000, "ms", 20, None, lower=True, where=where)


async def _protobuf(one: Cluster, context: ssl.SSLContext, writer: daemon.Connection) -> Row:
    """The CPU of the daemon for updates that so many watch in JSON, and then in protobuf, in turns."""
    spent_us, where, number = {"": 0.0, PROTOBUF: 0.0}, "", UPDATES
    for turn in range(2 * ROUNDS):
        form = PROTOBUF if turn % 2 else ""
        drains = await _drains(one, context, PAIR, form)
        spent = daemon.Spent(one)
        for _ in range(UPDATES):
            number += 1
            code, said = await writer.call("PUT", f"{MAPS}/w", _written(number))
            assert code == 200, said
        await asyncio.sleep(0.1)
        spent_us[form] += spent.each_us(UPDATES)
        where = spent.where(UPDATES) if form else where
        for drain in drains:
            drain.transport.abort()
        await asyncio.sleep(0.1)
    share = spent_us[PROTOBUF] / spent_us[""] * 100
    return Row(f"CPU of {PAIR} watches in protobuf, of that in JSON", share, "%", 105, None, lower=True, where=where)
