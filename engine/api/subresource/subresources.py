"""Requests for parts of objects: one handler for each sort that a kind's room may say a part is of.

A handler's module is imported when one is first asked for, all but those of what every client writes."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from shipslog.engine.api.request import requests
from shipslog.engine.api.request.requests import Call, entry_of
from shipslog.engine.api.request.routes import unknown_path
from shipslog.engine.api.verbs import writes
from shipslog.engine.api.verbs.reads import formatted
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.kinds.subresources import Attach, Exec, Log, Part, PortForward, Posted, Proxy, Scale, Subresource, Token

from . import binding_and_eviction

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


def handlers(tokens: AccountTokens) -> dict[type[Subresource], Handler]:
    """What answers a request, by the sort of the subresource; its verb is one of those that the subresource has."""

    async def token(call: Call) -> web.StreamResponse:
        from . import token_requests

        return await token_requests.handle(call, tokens)

    return {
        Attach: _attach,
        Exec: _exec,
        Log: _log,
        Part: part,
        PortForward: _port_forward,
        Posted: binding_and_eviction.to_subresource,
        Proxy: _proxy,
        Scale: _scale,
        Token: token,
    }


async def handle(call: Call, by_sort: dict[type[Subresource], Handler]) -> web.StreamResponse:
    """Errors: NotFound for a subresource that the kind does not have, MethodNotAllowed for a verb that it does not take."""
    call.named()
    subresource = call.subresource
    if subresource is None:
        raise unknown_path()
    if call.verb not in subresource.verbs:
        raise requests.method_not_allowed(call)
    return await by_sort[type(subresource)](call)


async def _attach(call: Call) -> web.StreamResponse:
    from . import pod_streams

    return await pod_streams.attach(call)


async def _exec(call: Call) -> web.StreamResponse:
    from . import pod_streams

    return await pod_streams.execute(call)


async def _log(call: Call) -> web.StreamResponse:
    from . import pod_logs

    return await pod_logs.handle(call)


async def _port_forward(call: Call) -> web.StreamResponse:
    from . import pod_streams

    return await pod_streams.port_forward(call)


async def _proxy(call: Call) -> web.StreamResponse:
    from shipslog.engine.api import proxy

    return await proxy.handle(call)


async def _scale(call: Call) -> web.StreamResponse:
    from . import scale

    return await scale.handle(call)


async def part(call: Call) -> web.StreamResponse:
    """The whole object, of which only that part is written."""
    if call.verb == "get":
        return await formatted(entry_of(call), call.wanted, call)
    write = {"update": writes.update, "patch": writes.patch}[call.verb]
    return await write(call, call.route.subresource)
