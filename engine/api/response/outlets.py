"""Where a stream goes: into the chunks of an answer, or, for a client that asks for a WebSocket, into messages.

Tests: tests/engine/api/streams/test_logs.py, tests/engine/api/verbs/test_watches.py
"""

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from aiohttp import web

from shipslog.engine.api.streams import upgrade
from shipslog.engine.api.streams.channels import accepted
from shipslog.store.tasks import Tasks

HEADERS = {"Cache-Control": "no-cache, private"}


class Outlet(Protocol):
    """One stream to one client."""

    @property
    def response(self) -> web.StreamResponse:
        """What the server is to be given at the end."""

    async def open(self) -> None:
        """Send the head. Errors: ConnectionError."""

    async def write(self, parts: Sequence[bytes]) -> None:
        """Send parts that belong together each for itself. Errors: ConnectionError."""

    def framed(self, parts: Sequence[bytes]) -> bytes | None:
        """The parts as they stand on the connection, for whoever writes there at once; None where that cannot be."""

    async def close(self) -> None: ...


class Chunks:
    """An ordinary answer, chunked."""

    def __init__(self, request: web.BaseRequest, media: str) -> None:
        self._request = request
        self.response = web.StreamResponse(headers={"Content-Type": media, **HEADERS})
        self.response.enable_chunked_encoding()

    async def open(self) -> None:
        await self.response.prepare(self._request)

    async def write(self, parts: Sequence[bytes]) -> None:
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if data:
            await self.response.write(data)

    def framed(self, parts: Sequence[bytes]) -> bytes | None:
        data = b"".join(parts)
        return _chunk(data) if data else b""

    async def close(self) -> None:
        await self.response.write_eof()


@lru_cache(maxsize=1)  # what a thousand watches send one after the other is the same
def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Messages:
    """A WebSocket: each part is a message, of text or of bytes; in base64 where the client speaks `base64.binary.k8s.io`."""

    def __init__(self, request: web.BaseRequest, *, text: bool) -> None:
        self._request, self._text = request, text
        self.response = accepted(request, *(() if text else ("binary.k8s.io", "base64.binary.k8s.io")))
        self._tasks = Tasks("outlet")

    async def open(self) -> None:
        await self.response.prepare(self._request)
        self._tasks.start("listening", self._listen(), ordinary=OSError)

    async def _listen(self) -> None:
        """Until the client closes; then nothing is left to be said to it, and the connection's end ends the stream."""
        try:
            async for _ in self.response:
                pass
        except Exception:
            self._hang_up()
            raise
        self._hang_up()

    def _hang_up(self) -> None:
        if self._request.transport is not None:
            self._request.transport.close()

    async def write(self, parts: Sequence[bytes]) -> None:
        for part in parts:
            if self.response.closed:
                raise ConnectionResetError("the client is gone")
            if self._text:
                await self.response.send_str(part.decode())
            elif "base64" in (self.response.ws_protocol or ""):
                await self.response.send_str(base64.b64encode(part).decode())
            else:
                await self.response.send_bytes(part)

    def framed(self, parts: Sequence[bytes]) -> bytes | None:
        return None

    async def close(self) -> None:
        await self._tasks.close()
        await self.response.close()


def outlet_of(request: web.BaseRequest, media: str, *, text: bool = False) -> Outlet:
    """What the client asks for. `text`: the parts are text, and so are the messages."""
    return Messages(request, text=text) if upgrade(request) == "websocket" else Chunks(request, media)
