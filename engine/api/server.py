"""The server's life: certificates, socket, TLS, and a graceful end."""

import socket
from pathlib import Path

import structlog

from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.auth.authentication import Authenticator, admin_token
from shipslog.engine.auth.certificates import Pki
from shipslog.engine.served import Served
from shipslog.runtime.rootless.outside import Outside, bound

from .door import Connections, Door
from .handler import Handler

STOP_S = 5.0  # for requests that are under way

log = structlog.get_logger()


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
        self._door: Door | None = None

    async def start(self) -> None:
        """Listen. Errors: OSError, saying which address is taken."""
        self._server = Connections(self.handler, handler_cancellation=True)
        try:
            listening = self._bound()
        except OSError as error:
            raise OSError(
                error.errno, f"cannot listen on {self._bind}:{self.port}: {error.strerror}. Choose another --port."
            ) from error
        self._door = Door(self._server, self._pki.server_context())
        self._door.open(listening)
        self.handler.ready = True
        log.info("api_listening", bind=self._bind, port=self.port)

    async def stop(self) -> None:
        """End watches, let requests finish, close."""
        if self._door is None or self._server is None:
            return
        self.handler.ready = False
        await self._door.close()
        for watch in tuple(self.handler.watching):
            watch.close()
        await self._server.shutdown(STOP_S)
        self._door = None

    def _bound(self) -> list[socket.socket]:
        if self._outside is None:
            listener = bound(self._bind, self.port)
            self.port = listener.getsockname()[1]
            return [listener]
        listener = self._outside.bound(self._bind, self.port)
        self.port = listener.getsockname()[1]
        return [listener, bound("0.0.0.0", self.port)]
