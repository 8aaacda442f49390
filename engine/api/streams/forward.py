"""Port forwarding: pairs of streams (data and error) to ports inside a pod, over SPDY, on TLS or inside a WebSocket."""

import asyncio
import contextlib
from typing import Protocol

from aiohttp import WSMsgType, web

from shipslog.runtime.node import ByteStream, NodeRuntime, StreamRefused
from shipslog.runtime.spdy import SpdyConnection, SpdyError, Stream
from shipslog.store.objects.types import core_v1
from shipslog.store.tasks import Tasks

from .channels import accepted
from .over_spdy import negotiated, upgrade

PROTOCOL = "portforward.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"


class End(Protocol):
    """A client's end of one stream."""

    async def read(self) -> bytes:
        """b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Errors: ConnectionError when the client is gone."""

    async def close(self) -> None: ...

    def abandon(self) -> None:
        """Nobody reads any more."""


async def over_spdy(request: web.BaseRequest, runtime: NodeRuntime, pod: core_v1.Pod) -> None:
    """Serve until the client hangs up. Errors: Forbidden when no protocol fits."""
    connection, raw, _ = upgrade(request, negotiated(request, (PROTOCOL,)))
    try:
        await serve(connection, runtime, pod)
    finally:
        connection.end()
        raw.close()


async def tunnelled(request: web.BaseRequest, runtime: NodeRuntime, pod: core_v1.Pod) -> web.StreamResponse:
    """The same SPDY frames, carried in binary messages of a WebSocket."""
    socket = accepted(request, TUNNEL)
    await socket.prepare(request)

    async def send(data: bytes) -> None:
        if socket.closed:
            raise ConnectionResetError("the client is gone")
        await socket.send_bytes(data)

    reading = asyncio.Event()
    reading.set()
    connection = SpdyConnection(send, lambda stop: reading.clear() if stop else reading.set())

    async def serving() -> None:
        try:
            await serve(connection, runtime, pod)
        finally:
            await socket.close()  # nobody takes what still comes

    async with Tasks("port forwarding") as tasks:
        tasks.start("serving", serving(), ordinary=ConnectionError)
        try:
            with contextlib.suppress(SpdyError):
                async for message in socket:
                    if message.type is WSMsgType.BINARY:
                        connection.feed(message.data)
                        await reading.wait()
        finally:
            connection.end()
            await tasks.finished()
            await socket.close()
    return socket


async def serve(connection: SpdyConnection, runtime: NodeRuntime, pod: core_v1.Pod) -> None:
    """A connection into the pod for each pair of streams."""
    waiting: dict[str, dict[str, Stream]] = {}
    async with Tasks("port forwarding") as tasks:
        while (stream := await connection.accept()) is not None:
            key = stream.headers.get("requestid", str(stream.id))
            pair = waiting.setdefault(key, {})
            pair[stream.headers.get("streamtype", "")] = stream
            if "error" in pair and "data" in pair:
                del waiting[key]
                port = pair["data"].headers.get("port", "")
                tasks.start(f"port {port}", carry(port, pair["data"], pair["error"], runtime, pod))


async def carry(port: str, data: End, error: End, runtime: NodeRuntime, pod: core_v1.Pod) -> None:
    """One connection into the pod, until it ends; what went wrong is told on `error`."""
    try:
        inside = await runtime.port_forward(pod.metadata.uid, int(port))
    except Exception as refused:
        with contextlib.suppress(ConnectionError):
            await error.write(f"error forwarding port {port} to pod {pod.metadata.name}: {refused}".encode())
            await error.close()
            await data.close()
        data.abandon()
        if isinstance(refused, StreamRefused | ValueError | OSError):
            return
        raise  # the client was told, and whoever keeps this node is to know as well
    try:
        async with Tasks("port forwarding") as tasks:
            tasks.start("upwards", _up(data, inside), ordinary=OSError)
            with contextlib.suppress(OSError):
                while chunk := await inside.read():
                    await data.write(chunk)
    finally:
        for end in (data, error):
            end.abandon()
            with contextlib.suppress(ConnectionError):
                await end.close()
        await inside.close()


async def _up(data: End, inside: ByteStream) -> None:
    try:
        while chunk := await data.read():
            await inside.write(chunk)
        await inside.close_write()
    except OSError:
        raise  # the pod hears no more, and may still have something to say
    except Exception:
        await inside.close()  # half a connection would only hang
        raise
