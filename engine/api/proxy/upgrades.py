"""Requests that become something else (WebSocket, SPDY): the two connections are joined, and what goes over them is not read.

Each way the reader waits for the writer, so a slow end slows the other down and little is held."""

import asyncio
import contextlib

import h11
from aiohttp import web

from shipslog.engine.api.response import replies
from shipslog.engine.api.streams.takeover import take_over_raw
from shipslog.store.tasks import Tasks

from .exchange import Exchange

PIECE = 64 * 1024
LAST_S = 2.0
QUEUED = 16  # pieces of the client that wait to be passed on, before it is read no further


async def join(request: web.BaseRequest, exchange: Exchange, answer: h11.InformationalResponse) -> web.StreamResponse:
    """Until one end has had enough. `answer`: that the protocol is switched; it goes back as it came."""
    early, (reader, writer) = exchange.switched
    head = b"HTTP/1.1 101 Switching Protocols\r\n"
    head += b"".join(b"%b: %b\r\n" % pair for pair in answer.headers.raw_items()) + b"\r\n" + early
    came: asyncio.Queue[bytes] = asyncio.Queue()
    gone = asyncio.Event()

    def fed(data: bytes) -> None:
        came.put_nowait(data)
        if came.qsize() >= QUEUED:
            raw.throttle(True)

    def lost() -> None:
        gone.set()
        came.put_nowait(b"")

    raw = take_over_raw(request, head, fed, lost)

    async def onward() -> None:
        while data := await came.get():
            if came.qsize() < QUEUED // 2:
                raw.throttle(False)
            writer.write(data)
            await writer.drain()

    async def back() -> None:
        while data := await reader.read(PIECE):
            await raw.send(data)
        await raw.drain()

    try:
        async with Tasks("proxy") as tasks:
            ways = [
                tasks.start("onward", onward(), ordinary=OSError),
                tasks.start("back", back(), ordinary=OSError),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), LAST_S)  # what the client said last is to get there
    finally:
        raw.close()
    return replies.Lost()
