"""A request for a proxy subresource, from its target to the last byte of the answer."""

from collections.abc import AsyncIterator
from urllib.parse import unquote

import h11
from aiohttp import web

from shipslog.engine.api.connection.accepting import connections_bound
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.response import replies
from shipslog.engine.api.streams import upgrade
from shipslog.engine.api.subresource.admission import admitted
from shipslog.runtime.network.dial import Ends, dial
from shipslog.store.objects.types.core_v1 import NodeProxyOptions, PodProxyOptions, ServiceProxyOptions
from shipslog.store.refusals import BadRequest, TooManyRequests, Unavailable
from shipslog.store.tasks import Tasks

from . import bodies, heads, links, targets, upgrades
from .exchange import Exchange, NoAnswer
from .targets import Target

TRYING = "error trying to reach service: "
SHARE = 2  # of the connections that the server takes, one in so many may go on to somewhere
HEAD_SEGMENTS = {True: 8, False: 6}  # of a path, before what goes on: of what is in a namespace, and of a node
_under_way: set[object] = set()


async def handle(call: Call) -> web.StreamResponse:
    """Errors: NotFound, BadRequest, Unavailable with Kubernetes' words; TooManyRequests."""
    prefix, path = split(call)
    if not path and call.request.method in ("GET", "HEAD") and not upgrade(call.request):
        query = call.request.raw_path.partition("?")
        return replies.Reply(b"", 301, "text/html; charset=utf-8", [("Location", f"{query[0]}/{query[1]}{query[2]}")])
    options = {"pods": PodProxyOptions, "services": ServiceProxyOptions, "nodes": NodeProxyOptions}[call.route.resource]
    await admitted(call, options(path=path or "/"))
    target = _target(call)
    if target is None:
        return await _kubelet(call, path or "/")
    if len(_under_way) >= connections_bound() // SHARE:
        raise TooManyRequests("too many connections go on from here to pods and nodes; try again later", retry_after_s=1)
    me = object()
    _under_way.add(me)
    try:
        ends = await _connected(target)
        return await Passing(call, target, prefix, path or "/").exchange(Exchange(ends))
    finally:
        _under_way.discard(me)


def _target(call: Call) -> Target | None:
    """None: the kubelet of a node."""
    if call.route.resource == "pods":
        return targets.of_pod(call)
    if call.route.resource == "services":
        return targets.of_service(call)
    return targets.of_node(call)


async def _kubelet(call: Call, path: str) -> web.StreamResponse:
    from shipslog.engine.api.kubelet.kubelet import Kubelet

    _, name, _ = targets.split(call.route.name, "node")
    runtime = call.cluster.runtimes.get(name)
    if runtime is None:
        raise Unavailable(f'{TRYING}the kubelet of node "{name}" is not run by this server')
    return await Kubelet(call.cluster, runtime).answer(call.request, path, call.params)


def split(call: Call) -> tuple[str, str]:
    """(the proxy's own path, the path behind it), as they were sent; the latter "" where not even a slash follows."""
    raw = call.request.raw_path.partition("?")[0]
    parts = raw.split("/", HEAD_SEGMENTS[bool(call.route.namespace)])
    prefix = "/".join(parts[: HEAD_SEGMENTS[bool(call.route.namespace)]])
    if unquote(prefix).count("/") != prefix.count("/"):
        raise BadRequest("a name in the path holds an encoded slash")
    return prefix, raw[len(prefix) :]


async def _connected(target: Target) -> Ends:
    try:
        if target.runtime is None:
            return await dial(target.host, target.port, tls=target.tls)
        return await target.runtime.connect(target.host, target.port, tls=target.tls)
    except OSError as error:
        raise Unavailable(f"{TRYING}{error}") from error


class Passing:
    """One request on its way."""

    def __init__(self, call: Call, target: Target, prefix: str, path: str) -> None:
        self._request, self._target, self._prefix, self._path = call.request, target, prefix, path
        query = call.request.raw_path.partition("?")
        self._wanted = path + query[1] + query[2]

    def _head(self) -> heads.Headers:
        request, uri = self._request, heads.forwarded_uri(self._prefix, self._path)
        headers = heads.onward(request, self._target.authority, uri, upgrade=bool(upgrade(request)))
        return heads.framed(headers, has_body=request.body_exists)

    async def exchange(self, exchange: Exchange) -> web.StreamResponse:
        request = self._request
        try:
            async with Tasks("proxy") as tasks:
                try:
                    await exchange.send_head(request.method, self._wanted, self._head())
                    tasks.start("request body", self._send(exchange), ordinary=(OSError, web.RequestPayloadError))
                    answer = await exchange.answer()
                except ValueError as error:
                    raise BadRequest(f"the request cannot be passed on: {error}") from error
                except OSError as error:
                    raise Unavailable(f"{TRYING}{error if isinstance(error, NoAnswer) else 'EOF'}") from error
                if isinstance(answer, h11.InformationalResponse):
                    return await upgrades.join(request, exchange, answer)
                return await self._answered(exchange, answer.status_code, answer.reason, heads.back(answer.headers.raw_items()))
        finally:
            exchange.close()

    async def _send(self, exchange: Exchange) -> None:
        """The body; when it breaks off nobody is to wait for what would come of it."""
        try:
            await exchange.send_body(self._body())
        except Exception:
            exchange.close()
            raise

    async def _body(self) -> AsyncIterator[bytes]:
        request = self._request
        if not request.body_exists:
            return
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        async for piece in request.content.iter_any():
            yield piece

    async def _answered(
        self, exchange: Exchange, code: int, reason: bytes, headers: list[tuple[str, str]]
    ) -> web.StreamResponse:
        """Errors: ConnectionError where the answer breaks off: the client is to see that too."""
        values = {name.lower(): value for name, value in headers}
        rewrite = False
        if location := values.get("location"):
            headers = [(n, self._link(location) if n.lower() == "location" else v) for n, v in headers]
        elif values.get("content-type", "").partition(";")[0].strip() == "text/html":
            rewrite = bodies.can_rewrite(values.get("content-encoding", ""))
        has_body = self._request.method != "HEAD" and code not in (204, 304)
        response = web.StreamResponse(status=code, reason=reason.decode("latin-1") or None)
        for name, value in headers:
            if not (rewrite and has_body and name.lower() == "content-length"):
                response.headers.add(name, value)
        if has_body and "Content-Length" not in response.headers and self._request.version >= (1, 1):
            response.enable_chunked_encoding()
        await response.prepare(self._request)
        chunks = exchange.body()
        if rewrite and has_body:
            chunks = bodies.rewritten(chunks, links.Page(self._link), values.get("content-encoding", ""))
        try:
            async for piece in chunks:
                if piece and has_body:
                    await response.write(piece)
        except (OSError, bodies.NotEncoded) as error:
            raise ConnectionResetError("the answer breaks off") from error
        if has_body:
            await response.write_eof()
        return response

    def _link(self, url: str) -> str:
        asked = self._request.headers.get("Host", "")
        return links.rewritten(url, prefix=self._prefix, host=self._target.authority, asked_host=asked)
