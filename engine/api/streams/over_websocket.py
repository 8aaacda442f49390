"""exec and attach over WebSocket: one message a piece, its first byte the channel (KEP-4006; v5 adds half-close)."""

import asyncio
import base64
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from shipslog.runtime.node import StreamRefused

from .remote import Wanted, failure, run, sizes_in

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
BINARY = ("v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io")
BASE64 = ("v4.base64.channel.k8s.io", "base64.channel.k8s.io")
MAX_MESSAGE = 4 << 20
QUEUED = 64  # messages that a slow process may be behind


class WebSocketClient:
    """A remote.Client on messages."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._base64 = (socket.ws_protocol or "") in BASE64
        self._structured = (socket.ws_protocol or "").startswith(("v4", "v5"))
        self._stdin: asyncio.Queue[bytes] = asyncio.Queue(QUEUED)
        self._sizes: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self._gone = asyncio.Event()

    async def receive(self) -> None:
        """Sort what comes until the client hangs up."""
        try:
            async for message in self._socket:
                if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                    continue
                await self._sort(message.data)
        finally:
            self._gone.set()

    async def _sort(self, data: bytes | str) -> None:
        if self._base64:
            text = data if isinstance(data, str) else data.decode("latin-1")
            channel, payload = (int(text[0]) if text[:1].isdigit() else -1), base64.b64decode(text[1:] or "")
        else:
            raw = data if isinstance(data, bytes) else data.encode("latin-1", "replace")
            if not raw:
                return
            channel, payload = raw[0], raw[1:]
        if channel == STDIN and payload:
            await self._stdin.put(payload)
        elif channel == CLOSE and payload[:1] == b"\x00":
            await self._stdin.put(b"")
        elif channel == RESIZE and (size := sizes_in(payload)) is not None:
            self._sizes.put_nowait(size)

    async def stdin(self) -> bytes:
        return await self._stdin.get()

    async def size(self) -> tuple[int, int] | None:
        return await self._sizes.get()

    async def write(self, stream: int, data: bytes) -> None:
        await self._send(STDOUT if stream == 1 else STDERR, data)

    async def _send(self, channel: int, data: bytes) -> None:
        if self._socket.closed:
            raise ConnectionResetError("the client is gone")
        if self._base64:
            await self._socket.send_str(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send_bytes(bytes((channel,)) + data)

    async def finish(self, status: dict[str, Any]) -> None:
        if self._structured:
            await self._send(ERROR, msgspec.json.encode(status))
        elif status["status"] != "Success":
            await self._send(ERROR, str(status["message"]).encode())
        await self._socket.close()

    async def gone(self) -> None:
        await self._gone.wait()


async def serve(request: web.BaseRequest, wanted: Wanted) -> web.StreamResponse:
    """The whole conversation."""
    socket = web.WebSocketResponse(protocols=(*BINARY, *BASE64), max_msg_size=MAX_MESSAGE, autoping=True, timeout=2.0)
    await socket.prepare(request)
    client = WebSocketClient(socket)
    receiving = asyncio.ensure_future(client.receive())
    try:
        try:
            process = await wanted.open()
        except StreamRefused as refused:
            await client.finish(failure(str(refused)))
        else:
            await run(wanted, process, client)
    except ConnectionError:
        pass
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await socket.close()
    return socket
