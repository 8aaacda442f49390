"""Takes a connection over from the HTTP server after a 101: raw bytes both ways, with backpressure both ways.

Tests: tests/engine/api/streams/test_forward.py, tests/engine/api/streams/test_leaks.py
"""

import asyncio
from collections.abc import Callable

from aiohttp import web


class RawConnection(asyncio.Protocol):
    """The transport's new protocol. `feed` gets what comes; `lost` hears the end, and so does `before`, its old protocol."""

    def __init__(
        self, transport: asyncio.Transport, before: asyncio.Protocol, feed: Callable[[bytes], None], lost: Callable[[], None]
    ) -> None:
        self._transport, self._before, self._feed, self._lost = transport, before, feed, lost
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = False

    def data_received(self, data: bytes) -> None:
        try:
            self._feed(data)
        except Exception:
            self._transport.abort()  # what the peer sends makes no sense any more

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._writable.set()
        self._lost()
        self._before.connection_lost(exc)  # else the HTTP server keeps the connection, its parser and its TLS state for ever

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def send(self, data: bytes) -> None:
        """Errors: ConnectionResetError when the peer is gone."""
        await self._writable.wait()
        if self._gone:
            raise ConnectionResetError("the client is gone")
        self._transport.write(data)

    def throttle(self, stop: bool) -> None:
        """Read no more for now, or go on."""
        if self._gone:
            return
        if stop:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    async def drain(self) -> None:
        """Wait until little is left to be sent."""
        await self._writable.wait()

    def close(self) -> None:
        self._transport.close()


def take_over(
    request: web.BaseRequest, headers: dict[str, str], feed: Callable[[bytes], None], lost: Callable[[], None]
) -> RawConnection:
    """Answer 101 and own the connection. Errors: ConnectionResetError."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return take_over_raw(request, f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode(), feed, lost)


def take_over_raw(
    request: web.BaseRequest, head: bytes, feed: Callable[[bytes], None], lost: Callable[[], None]
) -> RawConnection:
    """The same with an answer that is there already. What the client sent behind its request is fed first."""
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client is gone")
    raw = RawConnection(transport, request.protocol, feed, lost)
    transport.set_protocol(raw)
    transport.write(head)
    if early := request.protocol._message_tail:
        request.protocol._message_tail = b""
        raw.data_received(early)
    transport.resume_reading()
    return raw
