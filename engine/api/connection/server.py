"""The server's life: certificates, socket, TLS, and a graceful end.

Tests: tests/engine/auth/test_authentication.py, tests/engine/auth/test_connection.py
"""

import errno
import socket
import ssl
from pathlib import Path

from shipslog.engine.api.aggregation.aggregator import Aggregator
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.auth.authentication import Authenticator, admin_token
from shipslog.engine.auth.certificates import Pki
from shipslog.engine.cluster import Cluster
from shipslog.engine.served import Served
from shipslog.runtime.network.listeners import listener
from shipslog.runtime.rootless.outside import Outside, bound
from shipslog.store.logger import logger

from .accepting import Connections, Door
from .handler import Handler

STOP_S = 5.0  # for requests that are under way

log = logger(__name__)


class CannotListen(OSError):
    """An address and port that cannot be had; the message says why and which option to change."""

    def __init__(self, bind: str, port: int, error: OSError, option: str = "--port") -> None:
        where = f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}"
        match error.errno:
            case errno.EADDRINUSE:
                holder = listener(port)
                why = f"{where} is in use{f' by {holder}' if holder else ''}. Choose another {option}, or 0 for a free one."
            case errno.EADDRNOTAVAIL:
                why = f"{where} is no address of this machine. Choose another --bind, for example 127.0.0.1."
            case errno.EACCES | errno.EPERM:
                why = f"{where} is not for this user. Choose a {option} from 1024 on."
            case _:
                why = f"{where}: {error.strerror}. Choose another {option} or --bind."
        super().__init__(error.errno, why)

    def __str__(self) -> str:
        return f"cannot listen: {self.strerror}"


class ApiServer:
    """Kubernetes' API over TLS, for a cluster or for a recording of one.

    `data`: directory of the administrator's token. `port` 0 takes a free one; `port` says which after `start`. `listening`:
    sockets that are bound already, see `listen`."""

    def __init__(
        self,
        cluster: Served,
        *,
        pki: Pki,
        data: Path,
        bind: str = "127.0.0.1",
        port: int = 6443,
        listening: list[socket.socket] | None = None,
    ) -> None:
        self._cluster, self._pki, self._bind, self.port = cluster, pki, bind, port
        tokens = AccountTokens(pki.account_key)
        authenticator = Authenticator(cluster.view, tokens, admin_token(data / "token"), cluster.clock.now_ns)
        self.handler = Handler(cluster, authenticator, tokens)
        self._listening = listening
        self._server: Connections | None = None
        self._door: Door | None = None

    async def start(self) -> None:
        """Listen. Errors: OSError, saying which address is taken."""
        self._server = Connections(self.handler, handler_cancellation=True)
        listening = self._listening or listen(self._bind, self.port)
        self.port = listening[0].getsockname()[1]
        self._tls = self._pki.server_context()
        self._door = Door(self._server, self._tls)
        self._door.open(listening)
        self.handler.ready = True
        log.info("api_listening", bind=self._bind, port=self.port)

    @property
    def tls(self) -> ssl.SSLContext:
        """Of who is asked on other ports with the same certificate, which is renewed with it."""
        return self._tls

    def aggregate(self, cluster: Cluster) -> None:
        """From now on pass on what others answer for. `cluster`: the one that is served, and lives. Errors: OSError."""
        self.handler.aggregator = aggregator = Aggregator(cluster, self._pki)
        cluster.background.keep("aggregation", aggregator.run)

    def renew(self, pki: Pki) -> None:
        """Show the certificate of `pki` to who connects from now on."""
        pki.refresh(self._tls)

    async def stop(self) -> None:
        """End watches, let requests finish, close."""
        if self._door is None or self._server is None:
            return
        self.handler.ready = False
        await self._door.close()
        for watch in tuple(self.handler.watching):
            watch.close()
        self.handler.readers.stop()
        await self._server.end(STOP_S)
        self._door = None


def listen(bind: str, port: int, outside: Outside | None = None, inside: str = "0.0.0.0") -> list[socket.socket]:
    """Sockets of one port, bound and not yet listening; 0 takes a free one. `outside`: for a process in a network of its own;
    then the API is to be had in both, in its own at `inside`. Errors: OSError, saying which address is taken."""
    try:
        if outside is None:
            return [bound(bind, port)]
        first = outside.bound(bind, port)
        try:
            return [first, bound(inside, first.getsockname()[1])]
        except BaseException:
            first.close()
            raise
    except OSError as error:
        raise CannotListen(bind, port, error) from error
