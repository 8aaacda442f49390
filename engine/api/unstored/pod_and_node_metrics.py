"""metrics.k8s.io: what nodes and pods use. GET of one, LIST with selectors. Source: metrics-server."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shipslog.engine.api.request import requests, selection
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.response import shapes
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.usage import Usage
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import MethodNotAllowed, Unavailable, not_found
from shipslog.store.state import Entry, entry_of

AT_ONCE = 200  # objects that are measured before others have their turn


async def handle(call: Call, turn: asyncio.Lock) -> Reply:
    """Errors: NotFound for what is not there or not measured yet; MethodNotAllowed for anything but reading; Unavailable where
    an APIService says that somebody else measures."""
    kind, route = call.kind, call.route
    service = call.view.entry("apiservices.apiregistration.k8s.io", f"{kind.version}.{kind.group}")
    if service is not None and service.object.spec.service is not None:
        raise Unavailable(f'the server of the API service "{service.object.metadata.name}" cannot be asked')
    if call.past:
        raise MethodNotAllowed(f"/at/{route.at} is the past: what was used then is not on the log")
    if call.verb not in kind.verbs or route.subresource:
        raise requests.method_not_allowed(call)
    usage = Usage(call.cluster.runtimes, call.now_ns)
    if route.name:
        return await _one(call, kind, usage)
    chosen = selection.of_params(kind, call.params)
    entries: list[Entry] = []
    for number, measured in enumerate(_objects(call, kind)):
        if number % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        if chosen.matches(measured.object) and (made := _entry(kind, usage, measured.object)) is not None:
            entries.append(made)
    return shapes.many(kind, entries, {}, call.wanted, call, turn)


async def _one(call: Call, kind: Kind, usage: Usage) -> Reply:
    _, namespace, name = call.named()
    found = call.view.entry(kind.plural, name, namespace)
    made = _entry(kind, usage, found.object) if found is not None else None
    if made is None:
        what = f"{namespace}/{name}" if kind.namespaced and found is not None else name
        raise not_found("podmetrics" if kind.namespaced else "nodemetrics", kind.group, what)
    return await shapes.one(made, call.wanted, call) if not call.wanted.plain else Reply(made.encoded)


def _objects(call: Call, kind: Kind) -> Sequence[Entry]:
    return call.view.entries(kind.plural, (call.route.namespace or None) if kind.namespaced else None)


def _entry(kind: Kind, usage: Usage, of: Any) -> Entry | None:
    made: Any = usage.of_pod(of) if kind.namespaced else usage.of_node(of)
    return entry_of(kind, made, codec.encode(made), 0) if made is not None else None
