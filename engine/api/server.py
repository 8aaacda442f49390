"""The server's life: certificates, socket, TLS, and a graceful end."""

import asyncio
import socket
from pathlib import Path

import structlog
from aiohttp import web

from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.auth.authentication import Authenticator, Connection, admin_token
from shipslog.engine.auth.certificates import Pki
from shipslog.engine.served import Served
from shipslog.runtime.rootless.outside import Outside, bound

from .handler import Handler

BACKLOG = 1024
IDLE_S = 300.0  # after which a silent connection is closed
LIMITS = {"max_line_size": 1 << 20, "max_field_size": 1 << 20}  # as Kubernetes: selectors and tokens may be long
STOP_S = 5.0  # for requests that are under way

log = structlog.get_logger()


class Connections(web.Server):
    """aiohttp's server, with connections of ours and without access logs."""

    def __call__(self) -> Connection:
        return Connection(
            self, loop=self._loop, access_log=None, keepalive_timeout=IDLE_S, lingering_time=1.0, auto_decompress=False,
            **LIMITS,
        )  # fmt: skip


class ApiServer:
    """Kubernetes' API over TLS, for a cluster or for a recording of one.

    `data`: directory of the administrator's token. `port` 0 takes a free one; `port` says which after `start`. `outside`: for a
    process in a network of its own; then the API is to be had there too."""

    def __init__(
        self, cluster: Served, *, pki: Pki, data: Path, bind: str = "127.0.0.1", port: int = 6443,
        outside: Outside | None = None,
    ) -> None:  # fmt: skip
        self._cluster, self._pki, self._bind, self.port = cluster, pki, bind, port
        tokens = AccountTokens(pki.account_key)
        authenticator = Authenticator(cluster.view, tokens, admin_token(data / "token"))
        self.handler = Handler(cluster, authenticator, tokens)
        self._outside = outside
        self._server: Connections | None = None
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen. Errors: OSError, saying which address is taken."""
        self._server = Connections(self.handler, handler_cancellation=True)
        loop = asyncio.get_running_loop()
        try:
            listening = self._bound()
        except OSError as error:
            raise OSError(
                error.errno, f"cannot listen on {self._bind}:{self.port}: {error.strerror}. Choose another --port."
            ) from error
        tls = self._pki.server_context()
        self._listeners = [
            await loop.create_server(
                self._server, sock=listener, ssl=tls, backlog=BACKLOG, ssl_handshake_timeout=10.0, ssl_shutdown_timeout=1.0
            )
            for listener in listening
        ]
        self.handler.ready = True
        log.info("api_listening", bind=self._bind, port=self.port)

    async def stop(self) -> None:
        """End watches, let requests finish, close."""
        if not self._listeners or self._server is None:
            return
        self.handler.ready = False
        for listener in self._listeners:
            listener.close()
        for watch in tuple(self.handler.watching):
            watch.close()
        await self._server.shutdown(STOP_S)
        self._listeners = []

    def _bound(self) -> list[socket.socket]:
        if self._outside is None:
            listener = bound(self._bind, self.port)
            self.port = listener.getsockname()[1]
            return [listener]
        listener = self._outside.bound(self._bind, self.port)
        self.port = listener.getsockname()[1]
        return [listener, bound("0.0.0.0", self.port)]
