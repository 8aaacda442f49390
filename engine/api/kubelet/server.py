"""The kubelet's own ports: one with names and rights, and one that only reads and asks for neither, where it is wanted."""

import errno
import socket
import ssl

from aiohttp import web
from msgspec import Struct

from shipslog.engine.api.connection.accepting import Connections, Door
from shipslog.engine.api.connection.server import CannotListen
from shipslog.engine.api.request import negotiation
from shipslog.engine.api.request.heads import target
from shipslog.engine.api.request.routes import params
from shipslog.engine.api.response import replies
from shipslog.engine.auth.attributes import Attributes
from shipslog.engine.auth.authentication import ANONYMOUS, Authenticator
from shipslog.engine.auth.authorization import authorize, forbidden
from shipslog.engine.served import Served
from shipslog.runtime.node import NodeRuntime
from shipslog.runtime.rootless.outside import bound
from shipslog.store.logger import logger
from shipslog.store.refusals import MethodNotAllowed, Refusal, Unauthorized

from .rights import VERBS, subresources

STOP_S = 2.0
PORT = 10250

log = logger(__name__)


class Ports(Struct, frozen=True):
    """A node's sockets, bound and not yet listening."""

    listening: socket.socket
    reading: socket.socket | None = None
    measuring: socket.socket | None = None  # cAdvisor's

    @property
    def number(self) -> int:
        port: int = self.listening.getsockname()[1]
        return port

    def close(self) -> None:
        for one in (self.listening, self.reading, self.measuring):
            if one is not None:
                one.close()


class KubeletServer:
    """One node's ports, once they are open."""

    def __init__(
        self,
        cluster: Served,
        runtime: NodeRuntime,
        authenticator: Authenticator,
        *,
        tls: ssl.SSLContext,
        ports: Ports,
    ) -> None:
        self._cluster, self._runtime, self._authenticator = cluster, runtime, authenticator
        self._servers = [Connections(self._named, handler_cancellation=True)]
        self._doors = [Door(self._servers[0], tls)]
        self._sockets = [ports.listening]
        for listener, handler in ((ports.reading, self._unnamed), (ports.measuring, self._measured)):
            if listener is not None:
                self._servers.append(Connections(handler, handler_cancellation=True))
                self._doors.append(Door(self._servers[-1], None))
                self._sockets.append(listener)

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(one.getsockname()[1] for one in self._sockets)

    def start(self) -> None:
        """Errors: OSError."""
        for door, listener in zip(self._doors, self._sockets, strict=True):
            door.open([listener])
        log.info("kubelet_listening", node=self._runtime.node, ports=self.ports)

    async def stop(self) -> None:
        for door in self._doors:
            await door.close()
        for server in self._servers:
            await server.shutdown(STOP_S)

    async def _named(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answered(request, read_only=False)

    async def _unnamed(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answered(request, read_only=True)

    async def _measured(self, request: web.BaseRequest) -> web.StreamResponse:
        from . import cadvisor

        try:
            path, query = target(request)
            return await cadvisor.answer(request, self._cluster, self._runtime, path, params(query))
        except Refusal as refusal:
            return replies.refused(refusal)
        except Exception:
            return replies.refused(replies.failed(request))

    async def _answered(self, request: web.BaseRequest, *, read_only: bool) -> web.StreamResponse:
        try:
            path, query = target(request)
            if not read_only:
                self._check(request, path)
            from .kubelet import Kubelet  # and all that it serves: many a node is never asked

            kubelet = Kubelet(self._cluster, self._runtime)
            response = await kubelet.answer(request, path, params(query), read_only=read_only)
        except Refusal as refusal:
            response = replies.refused(refusal, wanted=negotiation.of_errors(request.headers.get("Accept", "")))
        except ConnectionError:
            response = replies.Lost()
        except Exception:
            response = replies.refused(replies.failed(request))
        if "Upgrade" in request.headers and not isinstance(response, web.WebSocketResponse):
            response.force_close()  # what the client sends from now on is no request
        return response

    def _check(self, request: web.BaseRequest, path: str) -> None:
        """Who asks, and whether they may: any of the path's subresources will do. Errors: Unauthorized, Forbidden."""
        user = self._authenticator.user(request)
        if user is ANONYMOUS:
            raise Unauthorized("Unauthorized")
        verb = VERBS.get(request.method)
        if verb is None:
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        wanted = [Attributes(verb, "", "", "v1", "nodes", part, "", self._runtime.node) for part in subresources(path)]
        verdicts = [authorize(user, one, self._cluster.view) for one in wanted]
        if not any(verdict.allowed for verdict in verdicts):
            raise forbidden(user, wanted[-1], verdicts[-1].reason)


def opened(address: str, kubelet_port: int | None, read_only_port: int, cadvisor_port: int = 0) -> Ports:
    """`kubelet_port` None: the usual one, or a free one where somebody has that. The others 0: none.
    Errors: CannotListen, naming the option."""
    try:
        listening = bound_or_free(address, PORT if kubelet_port is None else kubelet_port, exact=kubelet_port is not None)
    except OSError as error:
        raise CannotListen(address, kubelet_port or PORT, error, option="--kubelet-port") from error
    others: list[socket.socket | None] = []
    for option, port in (("--read-only-port", read_only_port), ("--cadvisor-port", cadvisor_port)):
        try:
            others.append(bound(address, port) if port else None)
        except OSError as error:
            Ports(listening, *others).close()
            raise CannotListen(address, port, error, option=option) from error
    return Ports(listening, *others)


def bound_or_free(address: str, port: int, *, exact: bool) -> socket.socket:
    """A socket on a port; on a free one where somebody has that already and nobody asked for it. Errors: OSError."""
    try:
        return bound(address, port)
    except OSError as error:
        if exact or error.errno != errno.EADDRINUSE:
            raise
        return bound(address, 0)
