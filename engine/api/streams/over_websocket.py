"""exec and attach over WebSocket: a channel each for stdin, stdout, stderr, the end and resizing (KEP-4006; v5 adds
half-close).

Tests: tests/engine/api/streams/test_leaks.py
"""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from shipslog.runtime.node import StreamRefused
from shipslog.store.tasks import Tasks

from .channels import QUEUED, Channels, accepted
from .exec_attach import Wanted, failure, run, sizes_in

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "base64.channel.k8s.io",
)


class WebSocketClient:
    """An exec_attach.Client on messages."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket, self._channels = socket, Channels(socket)
        self._structured = (socket.ws_protocol or "").startswith(("v4", "v5"))
        self._stdin: asyncio.Queue[bytes] = asyncio.Queue(QUEUED)
        self._sizes: asyncio.Queue[tuple[int, int]] = asyncio.Queue(1)
        self._gone = asyncio.Event()

    async def receive(self) -> None:
        """Sort what comes until the client hangs up."""
        try:
            async for message in self._socket:
                await self._sort(*self._channels.parsed(message))
        finally:
            self._gone.set()

    async def _sort(self, channel: int, payload: bytes) -> None:
        if channel == STDIN and payload:
            await self._stdin.put(payload)
        elif channel == CLOSE and payload[:1] == b"\x00":
            await self._stdin.put(b"")
        elif channel == RESIZE and (size := sizes_in(payload)) is not None:
            if self._sizes.full():
                self._sizes.get_nowait()  # only the last one counts
            self._sizes.put_nowait(size)

    async def stdin(self) -> bytes:
        return await self._stdin.get()

    async def size(self) -> tuple[int, int] | None:
        return await self._sizes.get()

    async def write(self, stream: int, data: bytes) -> None:
        await self._channels.send(STDOUT if stream == 1 else STDERR, data)

    async def finish(self, status: dict[str, Any]) -> None:
        if self._structured:
            await self._channels.send(ERROR, msgspec.json.encode(status))
        elif status["status"] != "Success":
            await self._channels.send(ERROR, str(status["message"]).encode())
        await self._socket.close()

    async def gone(self) -> None:
        await self._gone.wait()


async def serve(request: web.BaseRequest, wanted: Wanted) -> web.StreamResponse:
    """The whole conversation. Errors: BadRequest for a client that speaks no protocol of ours."""
    socket = accepted(request, *PROTOCOLS)
    await socket.prepare(request)
    client = WebSocketClient(socket)
    try:
        async with Tasks("streams") as tasks:
            tasks.start("receiving", client.receive(), ordinary=ConnectionError)
            try:
                process = await wanted.open()
            except StreamRefused as refused:
                await client.finish(failure(str(refused)))
            else:
                await run(wanted, process, client)
    except ConnectionError:
        pass
    finally:
        await socket.close()
    return socket
