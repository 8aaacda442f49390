"""The door: takes connections in, no more at once than the process has file descriptors to spare."""

import asyncio
import contextlib
import resource
import socket
import ssl
from collections.abc import Sequence

from aiohttp import web

from shipslog.engine.auth.connection import HEAD_BYTES, HEADERS, HttpConnection
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

BACKLOG = 1024
ACCEPTED_AT_ONCE = 64  # others get their turn between
IDLE_S = 300.0  # after which a silent connection is closed
HANDSHAKE_S, SHUTDOWN_S = 10.0, 1.0  # of TLS
SHARE = 2  # of the descriptors one in so many may be a connection; the rest is for pods, the log and terminals
AGAIN_S = 1.0  # until somebody is taken in again when there was no descriptor for him
QUIET_S = 60.0  # between two lines in the log about the same thing
LONGEST_LINE = 2 * HEAD_BYTES  # for aiohttp: the whole head is bounded before this

log = logger(__name__)


class Connections(web.Server):
    """aiohttp's server, with connections of ours and without access logs."""

    def __call__(self) -> HttpConnection:
        return HttpConnection(
            self, loop=self._loop, access_log=None, keepalive_timeout=IDLE_S, lingering_time=1.0, auto_decompress=False,
            max_line_size=LONGEST_LINE, max_field_size=LONGEST_LINE, max_headers=HEADERS,
        )  # fmt: skip

    @property
    def count(self) -> int:
        return len(self._connections)

    async def end(self, timeout_s: float) -> None:
        """Let requests that are under way finish, for so long; those on which nothing is asked are closed at once. Nothing is
        left open."""
        http = [(conn, conn.transport) for conn in self._connections if isinstance(conn, HttpConnection)]
        busy = [(conn, transport) for conn, transport in http if conn.busy]
        self.pre_shutdown()
        await self.shutdown(timeout_s)
        _abort([one for one in http if one not in busy])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_S):  # the last of an answer is on its way still
                for conn, _ in busy:
                    await conn.ended.wait()
        _abort(busy)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_S):
                for conn, _ in http:
                    await conn.ended.wait()


def _abort(connections: list[tuple[HttpConnection, asyncio.Transport | None]]) -> None:
    for conn, transport in connections:
        if transport is not None and not conn.ended.is_set():
            transport.abort()


class Door:
    """Accepts on bound sockets, shakes hands, and hands over to a server.

    `tls` None: in plain. `bound`: how many connections there are at most, with those that are still shaking hands; one more is
    closed at once."""

    def __init__(self, server: Connections, tls: ssl.SSLContext | None, bound: int | None = None) -> None:
        self._server, self._tls = server, tls
        self.bound = bound if bound is not None else connections_bound()
        self._greeting = Tasks("door")
        self._listeners: Sequence[socket.socket] = ()
        self._logged_s: float | None = None

    def open(self, listeners: Sequence[socket.socket]) -> None:
        """Listen on sockets that are bound. Errors: OSError."""
        self._listeners = listeners
        for listener in listeners:
            listener.listen(BACKLOG)
            self._listen(listener)

    def _listen(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    async def close(self) -> None:
        """Take nobody in any more. Who is in stays."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener.fileno())
            listener.close()
        self._listeners = ()
        await self._greeting.close()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                made, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as error:  # no descriptor, no memory, a rule of the machine: it may be over in a moment
                self._say(error.strerror or str(error))
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener.fileno())  # it stays readable: asking again at once would only burn time
                loop.call_later(AGAIN_S, self._listen, listener)
                return
            if self._server.count + len(self._greeting) >= self.bound:
                made.close()
                self._say("no more connections are taken at once")
                continue
            made.setblocking(False)
            self._greeting.start("handshake", self._greet(made))

    async def _greet(self, made: socket.socket) -> None:
        """Shake hands. Who cannot is nobody's concern: nothing is logged."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await loop.connect_accepted_socket(
                self._server,
                made,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S if self._tls is not None else None,
                ssl_shutdown_timeout=SHUTDOWN_S if self._tls is not None else None,
            )

    def _say(self, why: str) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._logged_s is None or now_s - self._logged_s >= QUIET_S:
            self._logged_s = now_s
            descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            log.warning(
                "connections_refused", why=why, bound=self.bound, file_descriptors=descriptors,
                advice="find who opens so many; or raise the limit of file descriptors (ulimit -n) and start again",
            )  # fmt: skip


def connections_bound() -> int:
    """How many connections this process may have, by its limit of file descriptors."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(8, (1 << 20 if descriptors == resource.RLIM_INFINITY else descriptors) // SHARE)
