"""Ports of the node that are to be had on the machine: node ports of services and host ports of pods, relayed by this process.

Connections reach the node under its own address: what listens there does not see who the client was.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .outside import Outside

log = logger(__name__)
_UDP_IDLE_S = 60.0


class Port(NamedTuple):
    """`address` is the machine's; "" for all that it has."""

    protocol: str  # tcp or udp
    address: str
    port: int


class PublishedPorts:
    """Listens outside on what `publish` names, and hands on to the node at `address`."""

    def __init__(self, outside: Outside, address: str) -> None:
        self._outside, self._address = outside, address
        self._wanted: dict[str, frozenset[Port]] = {}
        self._open: dict[Port, asyncio.Server | asyncio.DatagramTransport] = {}
        self._relayed: set[_Side] = set()
        self._refused: set[Port] = set()
        self._changing = asyncio.Lock()
        self._tasks = Tasks("published ports")

    async def publish(self, owner: str, ports: frozenset[Port]) -> None:
        """These are what `owner` needs now. A port that somebody else has is told in the log, and tried again next time."""
        async with self._changing:
            self._wanted[owner] = ports
            wanted = frozenset().union(*self._wanted.values())
            for port in self._open.keys() - wanted:
                self._open.pop(port).close()
            self._refused &= wanted
            for port in sorted(port for port in wanted - self._open.keys() if port.protocol in ("tcp", "udp")):
                try:
                    self._open[port] = await self._listen(port)
                    self._refused.discard(port)
                except OSError as error:
                    if port not in self._refused:
                        log.warning("port_not_published", **port._asdict(), why=error.strerror)
                    self._refused.add(port)

    async def close(self) -> None:
        """Stop listening, and end what is being relayed."""
        for opened in self._open.values():
            opened.close()
        self._open.clear()
        for side in tuple(self._relayed):
            side.end()
        await self._tasks.close()
        await asyncio.sleep(0)  # the loop closes them

    async def _listen(self, port: Port) -> asyncio.Server | asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        everywhere = port.address in ("", "0.0.0.0")
        target = (self._address if everywhere else port.address, port.port)
        here = "0.0.0.0" if everywhere else port.address
        if port.protocol == "udp":
            bound = self._outside.bound(here, port.port, socket.SOCK_DGRAM)
            return (await loop.create_datagram_endpoint(lambda: _Datagrams(target, self._tasks), sock=bound))[0]
        listener = self._outside.bound(here, port.port)
        side = partial(_Side, target, among=self._relayed, tasks=self._tasks)
        return await loop.create_server(side, sock=listener, backlog=512)


class _Side(asyncio.Protocol):
    """One end of a relayed connection; what it reads, the other end writes."""

    def __init__(
        self,
        target: tuple[str, int] | None = None,
        *,
        other: "_Side | None" = None,
        among: "set[_Side] | None" = None,
        tasks: Tasks | None = None,
    ) -> None:
        self._target, self._other, self._tasks = target, other, tasks
        self._among: set[_Side] = among if among is not None else set()
        self._transport: asyncio.Transport | None = None
        self._early = b""  # read before the other end was there
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by birth
        self._among.add(self)
        if self._target is not None and self._tasks is not None:
            connecting = self._connect(self._target, self._transport)
            self._tasks.start(f"connecting to port {self._target[1]}", connecting, ordinary=OSError)

    async def _connect(self, target: tuple[str, int], transport: asyncio.Transport) -> None:
        try:
            _, other = await asyncio.get_running_loop().create_connection(lambda: _Side(other=self), *target)
        except BaseException:
            transport.abort()  # as the machine itself refuses what nobody listens for
            raise
        if transport.is_closing():
            other.end()
            return
        self._other = other
        if self._early:
            self.data_received(self._early)
        if self._ended:
            other.write_end()
        transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._other is not None:
            self._other.write(data)
        elif self._transport is not None:
            self._early += data
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        if self._other is not None:
            self._other.write_end()
        return self._other is None or not self._other._ended  # open until the other end has ended too

    def connection_lost(self, error: Exception | None) -> None:
        self._among.discard(self)
        if self._other is not None:
            self._other.end()

    # --- what the other end asks for ---

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def write_end(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def end(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def pause_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other._transport is not None and not self._other._transport.is_closing():
            self._other._transport.resume_reading()


class _Datagrams(asyncio.DatagramProtocol):
    """A socket outside; each client gets a socket inside, until it has been silent for a while."""

    def __init__(self, target: tuple[str, int], tasks: Tasks) -> None:
        self._target, self._tasks = target, tasks
        self._transport: asyncio.DatagramTransport | None = None
        self._clients: dict[tuple[str, int], _Answers | asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's are none by birth

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        found = self._clients.get(addr)
        if isinstance(found, _Answers):
            found.send(data)
        elif found is None:  # else it is being connected: datagrams may be lost
            name = f"connecting to port {self._target[1]}"
            self._clients[addr] = self._tasks.start(name, self._connect(addr, data), ordinary=OSError)

    async def _connect(self, client: tuple[str, int], first: bytes) -> None:
        def forget() -> None:
            self._clients.pop(client, None)

        assert self._transport is not None
        try:
            make = asyncio.get_running_loop().create_datagram_endpoint
            _, answers = await make(lambda: _Answers(self._transport, client, forget), remote_addr=self._target)
        except BaseException:
            forget()  # the next datagram tries again
            raise
        self._clients[client] = answers
        answers.send(first)

    def connection_lost(self, error: Exception | None) -> None:
        for found in list(self._clients.values()):
            found.close() if isinstance(found, _Answers) else found.cancel()


class _Answers(asyncio.DatagramProtocol):
    """The socket inside of one client."""

    def __init__(self, back: "asyncio.DatagramTransport | None", client: tuple[str, int], forget: Callable[[], None]) -> None:
        self._back, self._client, self._forget = back, client, forget
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's are none by birth

    def send(self, data: bytes) -> None:
        self._stay()
        if self._transport is not None:
            self._transport.sendto(data)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._stay()
        if self._back is not None:
            self._back.sendto(data, self._client)

    def _stay(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_UDP_IDLE_S, self.close)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._forget()
