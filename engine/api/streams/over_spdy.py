"""exec and attach over SPDY/3.1: a stream each for errors, stdin, stdout, stderr and resizing.

Tests: tests/runtime/test_spdy.py, tests/engine/api/streams/test_leaks.py
"""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from shipslog.runtime.node import StreamRefused
from shipslog.runtime.spdy import SpdyConnection, Stream
from shipslog.store.refusals import BadRequest, Forbidden

from .exec_attach import OPEN_S, Wanted, failure, run, sizes_in
from .takeover import RawConnection, take_over

PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
LINGER_S = 2.0  # for a client to take the last bytes and hang up


def negotiated(request: web.BaseRequest, known: tuple[str, ...]) -> str:
    """The first of our protocols that the client offers. Errors: Forbidden, naming ours."""
    offered = [p.strip() for header in request.headers.getall("X-Stream-Protocol-Version", []) for p in header.split(",")]
    for protocol in known:
        if protocol in offered:
            return protocol
    if not offered and known[-1] == "channel.k8s.io":
        return "channel.k8s.io"
    raise Forbidden(f"unable to negotiate a protocol: the client offers {offered}, the server knows {list(known)}")


def upgrade(request: web.BaseRequest, protocol: str) -> tuple[SpdyConnection, RawConnection, asyncio.Event]:
    """A SPDY connection on the request's transport; the event is set when the client is gone."""
    lost = asyncio.Event()
    connection = SpdyConnection(_unset)

    def gone() -> None:
        lost.set()
        connection.end()

    headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": protocol}
    raw = take_over(request, headers, lambda data: connection.feed(data), gone)
    connection.send = raw.send
    connection.throttled_by(raw.throttle)
    return connection, raw, lost


async def _unset(data: bytes) -> None:
    raise ConnectionResetError("the connection is not open yet")


class SpdyClient:
    """An exec_attach.Client on streams."""

    def __init__(self, streams: dict[str, Stream], protocol: str, lost: asyncio.Event) -> None:
        self._streams, self._protocol, self._lost = streams, protocol, lost

    async def stdin(self) -> bytes:
        return await self._streams["stdin"].read() if "stdin" in self._streams else b""

    async def size(self) -> tuple[int, int] | None:
        stream = self._streams.get("resize")
        while stream is not None and (data := await stream.read()):
            for line in data.replace(b"}", b"}\n").splitlines():
                size = sizes_in(line)
                if size is not None:
                    return size
        return None

    async def write(self, stream: int, data: bytes) -> None:
        target = self._streams.get("stdout" if stream == 1 else "stderr")
        if target is not None:
            await target.write(data)

    async def finish(self, status: dict[str, Any]) -> None:
        error = self._streams["error"]
        if self._protocol == "v4.channel.k8s.io":
            await error.write(msgspec.json.encode(status))
        elif status["status"] != "Success":
            await error.write(str(status["message"]).encode())
        for stream in self._streams.values():
            await stream.close()

    async def gone(self) -> None:
        await self._lost.wait()


async def serve(request: web.BaseRequest, wanted: Wanted) -> None:
    """The whole conversation. Errors: Forbidden, BadRequest before it begins; StreamRefused is told on the error stream."""
    protocol = negotiated(request, PROTOCOLS)
    connection, raw, lost = upgrade(request, protocol)
    try:
        expected = {"error"} | {n for n in ("stdin", "stdout", "stderr") if getattr(wanted, n)}
        if wanted.tty and protocol in ("v3.channel.k8s.io", "v4.channel.k8s.io"):
            expected.add("resize")
        streams = await asyncio.wait_for(_open(connection, expected), OPEN_S)
        client = SpdyClient(streams, protocol, lost)
        try:
            process = await wanted.open()
        except StreamRefused as refused:
            await client.finish(failure(str(refused)))
        else:
            await run(wanted, process, client)
        await raw.drain()
        await asyncio.wait_for(lost.wait(), LINGER_S)
    except (TimeoutError, ConnectionError):
        pass
    finally:
        connection.end()
        raw.close()


async def _open(connection: SpdyConnection, expected: set[str]) -> dict[str, Stream]:
    found: dict[str, Stream] = {}
    while expected - found.keys():
        stream = await connection.accept()
        if stream is None:
            raise ConnectionResetError("the client hung up before it opened its streams")
        kind = stream.headers.get("streamtype", "")
        if kind not in ("error", "stdin", "stdout", "stderr", "resize"):
            raise BadRequest(f"invalid stream type {kind!r}")
        found[kind] = stream
    return found
