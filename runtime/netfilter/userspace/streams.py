"""TCP through the proxy: a client's connection and the one to its endpoint, and the kernel that moves bytes between them.

Bytes go from socket to pipe to socket by splice(2) and are never copied here. A connection has a pipe only while something is
in it, so a thousand quiet ones cost two descriptors each.

Tests: tests/runtime/netfilter/test_userspace.py, tests/runtime/netfilter/test_packets.py
"""

import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Callable

from .balance import Balance
from .bounds import Clients, Pipes
from .loop import READ, WRITE, Loop, Timer
from .words import Endpoint

QUIET_S, PROBES = 15, 9  # of a peer, until it is probed, and between probes; and how many it may miss
DIAL_S = (0.25, 0.5, 1.0, 2.0)  # how long one endpoint after the other may take to answer
PIPE_BYTES = 1 << 20
ROUNDS = 8  # pipes full of one connection before others have their turn
FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
BACKLOG = 4096
ACCEPTS = 64
NO_LINGER = struct.pack("ii", 1, 0)
ORIGINAL_DST = 80
PAUSE_S = 0.1  # without descriptors

Outside = Callable[[str], bool]


class Way:
    """One direction: what `source` sends goes to `sink`."""

    __slots__ = ("held", "more", "pipe", "sink", "source")

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.pipe: tuple[int, int] | None = None
        self.held = 0  # bytes in the pipe
        self.more = True  # the source has not ended

    def move(self, pipes: Pipes) -> None:
        """As much as goes now, within bounds. Errors: OSError when either end is broken."""
        for _ in range(ROUNDS):
            if not self.held and not self._fill(pipes):
                break
            if self.held and not self._drain():
                return
        if self.pipe is not None and not self.held:
            pipes.give(self.pipe, empty=True)
            self.pipe = None

    def _fill(self, pipes: Pipes) -> bool:
        """Whether the pipe holds anything now."""
        if not self.more:
            return False
        if self.pipe is None:
            self.pipe = pipes.take()
        try:
            self.held = os.splice(self.source.fileno(), self.pipe[1], PIPE_BYTES, flags=FLAGS)
        except BlockingIOError:
            return False
        if not self.held:
            self.more = False
            self.sink.shutdown(socket.SHUT_WR)
        return self.held > 0

    def _drain(self) -> bool:
        """Whether the pipe is empty now."""
        assert self.pipe is not None
        try:
            self.held -= os.splice(self.pipe[0], self.sink.fileno(), self.held, flags=FLAGS)
        except BlockingIOError:
            return False
        return not self.held

    def close(self, pipes: Pipes) -> None:
        if self.pipe is not None:
            pipes.give(self.pipe, empty=not self.held)
            self.pipe = None


def keep_alive(peer: socket.socket) -> None:
    """Have the kernel notice within three minutes that somebody is gone who did not say so; two hours are its default."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, QUIET_S), (socket.TCP_KEEPINTVL, QUIET_S), (socket.TCP_KEEPCNT, PROBES)):
        peer.setsockopt(socket.IPPROTO_TCP, option, value)


class Relay:
    """One client from its arrival to its end."""

    def __init__(self, listener: "Listener", client: socket.socket, peer: str) -> None:
        self._loop, self._pipes, self._listener = listener.loop, listener.pipes, listener
        self._client, self._peer = client, peer
        self._server: socket.socket | None = None
        self._tried: list[Endpoint] = []
        self._timer: Timer | None = None
        self._ways: tuple[Way, Way] | None = None
        self._events: dict[int, int] = {}
        self._outside = listener.balance.spec.local is not None and listener.outside(peer)
        listener.relays.add(self)
        self._dial()

    def _dial(self) -> None:
        """The next endpoint; the client is sent away when none is left."""
        while len(self._tried) < len(DIAL_S):
            endpoint = self._listener.balance.choose(
                self._peer, time.monotonic(), outside=self._outside, tried=self._tried
            )  # fmt: skip
            if endpoint is None:
                break
            wait_s = DIAL_S[len(self._tried)]
            self._tried.append(endpoint)
            kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            server = None
            try:
                server = socket.socket(self._client.family, kind)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code = server.connect_ex(endpoint)
            except OSError as error:
                code = error.errno or errno.EIO
            if server is not None and code in (0, errno.EINPROGRESS):
                self._server = server
                self._loop.watch(server.fileno(), WRITE, self._dialled)
                self._timer = self._loop.later(wait_s, self._dial_again)
                return
            if server is not None:
                server.close()
        self.close(hard=True)

    def _dialled(self, events: int) -> None:
        assert self._server is not None
        if self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._dial_again()
            return
        if self._timer is not None:
            self._timer.cancel()
        self._ways = (Way(self._client, self._server), Way(self._server, self._client))
        keep_alive(self._server)
        self._loop.forget(self._server.fileno())
        for one in (self._client, self._server):
            self._events[one.fileno()] = READ
            self._loop.watch(one.fileno(), READ, self._moved)
        self._moved(0)

    def _dial_again(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._loop.forget(self._server.fileno())
            self._server.close()
            self._server = None
        self._dial()

    def _moved(self, events: int) -> None:
        assert self._ways is not None
        try:
            for way in self._ways:
                way.move(self._pipes)
        except OSError:
            self.close(hard=True)
            return
        if not any(way.more or way.held for way in self._ways):
            self.close(hard=False)
            return
        there, back = self._ways
        for one, comes, goes in ((self._client, there, back), (self._server, back, there)):
            assert one is not None
            wanted = (READ if comes.more and not comes.held else 0) | (WRITE if goes.held else 0)
            self._want(one.fileno(), wanted)

    def _want(self, descriptor: int, wanted: int) -> None:
        held = self._events[descriptor]
        if held == wanted:
            return
        self._events[descriptor] = wanted
        if not wanted:  # its end would be told all the time, and there is nothing to do about it yet
            self._loop.forget(descriptor)
        elif held:
            self._loop.change(descriptor, wanted)
        else:
            self._loop.watch(descriptor, wanted, self._moved)

    def close(self, *, hard: bool) -> None:
        """`hard`: the ends learn that something is missing, by a reset. Idempotent."""
        if self in self._listener.relays:
            self._listener.relays.discard(self)
            self._listener.clients.go(self._peer)
        if self._timer is not None:
            self._timer.cancel()
        for way in self._ways or ():
            way.close(self._pipes)
        self._ways = None
        for one in (self._client, self._server):
            if one is not None and one.fileno() >= 0:
                self._loop.forget(one.fileno())
                if hard:
                    with contextlib.suppress(OSError):
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                one.close()
        self._listener.ended()


class Listener:
    """Where the clients of one service port are redirected to. `ended` is told after each relay's end."""

    def __init__(
        self, loop: Loop, pipes: Pipes, clients: Clients, balance: Balance, outside: Outside, ended: Callable[[], None]
    ) -> None:
        self.loop, self.pipes, self.clients = loop, pipes, clients
        self.balance, self.outside, self.ended = balance, outside, ended
        self.relays: set[Relay] = set()
        self._six = balance.spec.family == "IPv6"
        kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_INET6 if self._six else socket.AF_INET, kind)
        if self._six:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self._socket.bind(("::" if self._six else "0.0.0.0", 0))
        self._socket.listen(BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        loop.watch(self._socket.fileno(), READ, self._accept)

    def _accept(self, events: int) -> None:
        for _ in range(ACCEPTS):
            try:
                client, peer = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self.loop.change(self._socket.fileno(), 0)
                    self.loop.later(PAUSE_S, self._resume)
                    return
                continue
            # nobody knows this port but the kernel; and one client leaves places to others
            if not self._was_redirected(client) or not self.clients.come(peer[0]):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                client.close()
                continue
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            keep_alive(client)
            Relay(self, client, peer[0])

    def _resume(self) -> None:
        if self._socket.fileno() >= 0:
            self.loop.change(self._socket.fileno(), READ)

    def _was_redirected(self, client: socket.socket) -> bool:
        level, size = (socket.IPPROTO_IPV6, 28) if self._six else (socket.IPPROTO_IP, 16)
        try:
            address = client.getsockopt(level, ORIGINAL_DST, size)
        except OSError:
            return False
        return int.from_bytes(address[2:4], "big") != self.port

    def renew(self, balance: Balance) -> None:
        self.balance = balance

    def close(self) -> None:
        """Nobody comes any more; who is there stays."""
        self.loop.forget(self._socket.fileno())
        self._socket.close()
