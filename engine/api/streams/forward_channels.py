"""Port forwarding over WebSocket channels: the ports stand in the query, and the i-th has channel 2i for its data and 2i+1
for errors. The first message of each channel is its port, two bytes, little-endian.

Tests: tests/engine/api/streams/test_forward.py
"""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from shipslog.runtime.node import NodeRuntime
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest
from shipslog.store.tasks import Tasks

from .channels import QUEUED, Channels, accepted
from .forward import carry

PROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")
MAX_PORTS = 64


class Channel:
    """One direction or both of a port: a forward.End."""

    def __init__(self, channels: Channels, number: int) -> None:
        self._channels, self._number = channels, number
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue(QUEUED)
        self._abandoned = False

    async def feed(self, data: bytes) -> None:
        if data and not self._abandoned:
            await self.incoming.put(data)

    async def read(self) -> bytes:
        return await self.incoming.get()

    async def write(self, data: bytes) -> None:
        await self._channels.send(self._number, data)

    async def close(self) -> None:
        """Channels have no end of their own: the socket closes when all ports are done."""

    def abandon(self) -> None:
        self._abandoned = True
        while not self.incoming.empty():
            self.incoming.get_nowait()


def ports_of(values: Sequence[str]) -> list[int]:
    """The ports of a query, `ports=80,443` or one each. Errors: BadRequest."""
    texts = [text for value in values for text in value.split(",")]
    if not texts:
        raise BadRequest('query parameter "ports" is required')
    if len(texts) > MAX_PORTS:
        raise BadRequest(f'query parameter "ports" names {len(texts)} ports: at most {MAX_PORTS} fit into one connection')
    for text in texts:
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
            raise BadRequest(f'query parameter "ports" is wrong: "{text[:20]}" is no port (1 to 65535)')
    return [int(text) for text in texts]


async def serve(request: web.BaseRequest, runtime: NodeRuntime, pod: core_v1.Pod, values: Sequence[str]) -> web.StreamResponse:
    """Serve until every port is done or the client hangs up. Errors: BadRequest for ports or protocols that make no sense."""
    ports = ports_of(values)
    socket = accepted(request, *PROTOCOLS)
    await socket.prepare(request)
    channels = Channels(socket)
    ends = [Channel(channels, number) for number in range(2 * len(ports))]
    try:
        async with Tasks("port forwarding") as tasks, Tasks("port forwarding") as carrying:
            for i, port in enumerate(ports):
                work = _port(port, ends[2 * i], ends[2 * i + 1], runtime, pod)
                carrying.start(f"port {port}", work, ordinary=ConnectionError)
            done = tasks.start("all ports", carrying.finished())
            receiving = tasks.start("receiving", _receive(channels, ends), ordinary=ConnectionError)
            await asyncio.wait((receiving, done), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await socket.close()
    return socket


async def _port(port: int, data: Channel, error: Channel, runtime: NodeRuntime, pod: core_v1.Pod) -> None:
    for channel in (data, error):
        await channel.write(port.to_bytes(2, "little"))
    await carry(str(port), data, error, runtime, pod)


async def _receive(channels: Channels, ends: Sequence[Channel]) -> None:
    async for message in channels.socket:
        number, payload = channels.parsed(message)
        if 0 <= number < len(ends) and number % 2 == 0:
            await ends[number].feed(payload)
