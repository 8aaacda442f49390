"""The server's life: certificates, socket, TLS, and a graceful end."""

import asyncio
import socket
from pathlib import Path

import structlog
from aiohttp import web

from shipslog.engine.cluster import Cluster
from shipslog.engine.replay import Recording

from .account_tokens import AccountTokens
from .authentication import Authenticator, Connection, admin_token
from .certificates import Pki
from .handler import Handler

BACKLOG = 1024
IDLE_S = 300.0  # after which a silent connection is closed
LIMITS = {"max_line_size": 1 << 20, "max_field_size": 1 << 20}  # as Kubernetes: selectors and tokens may be long
STOP_S = 5.0  # for requests that are under way

log = structlog.get_logger()


class Connections(web.Server):
    """aiohttp's server, with connections of ours and without access logs."""

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, access_log=None, keepalive_timeout=IDLE_S, lingering_time=1.0, **LIMITS)


class ApiServer:
    """Kubernetes' API over TLS, for a cluster or for a recording of one.

    `data`: directory of the administrator's token. `port` 0 takes a free one; `port` says which after `start`."""

    def __init__(
        self, cluster: Cluster | Recording, *, pki: Pki, data: Path, bind: str = "127.0.0.1", port: int = 6443
    ) -> None:
        self._cluster, self._pki, self._bind, self.port = cluster, pki, bind, port
        tokens = AccountTokens(pki.account_key)
        authenticator = Authenticator(cluster.view, tokens, admin_token(data / "token"))
        self.handler = Handler(cluster, authenticator, tokens)
        self._server: Connections | None = None
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Errors: OSError, saying which address is taken."""
        self._server = Connections(self.handler, handler_cancellation=True)
        loop = asyncio.get_running_loop()
        try:
            listener = _listening(self._bind, self.port)
        except OSError as error:
            raise OSError(
                error.errno, f"cannot listen on {self._bind}:{self.port}: {error.strerror}. Choose another --port."
            ) from error
        self.port = listener.getsockname()[1]
        self._listener = await loop.create_server(
            self._server, sock=listener, ssl=self._pki.server_context(), backlog=BACKLOG, ssl_handshake_timeout=10.0,
            ssl_shutdown_timeout=1.0,
        )  # fmt: skip
        self.handler.ready = True
        log.info("api_listening", bind=self._bind, port=self.port)

    async def stop(self) -> None:
        """End watches, let requests finish, close."""
        if self._listener is None or self._server is None:
            return
        self.handler.ready = False
        self._listener.close()
        for watch in tuple(self.handler.watching):
            watch.close()
        await self._server.shutdown(STOP_S)
        self._listener = None


def _listening(bind: str, port: int) -> socket.socket:
    """A bound socket. Errors: OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
