"""GET of /log: what a container wrote, from the runtime of its node."""

import datetime
from collections.abc import AsyncIterator

from aiohttp import web
from msgspec.structs import replace

from shipslog.engine.api.request import heads
from shipslog.engine.api.request.requests import Call, entry_of
from shipslog.engine.api.request.routes import Params, first, flag
from shipslog.engine.api.response.outlets import outlet_of
from shipslog.engine.kinds.core.pod.containers import attempt_of, container_of
from shipslog.engine.kinds.faults import Faults, invalid
from shipslog.runtime.node import LogOptions, StreamRefused
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest, Refusal, Unavailable


async def handle(call: Call) -> web.StreamResponse:
    """Stream the log as plain text; in the past what was written until then, by the container that ran then.
    Errors: NotFound, BadRequest as a kubelet words them."""
    pod: core_v1.Pod = entry_of(call).object
    options = options_of(call.params, call.now_ns, call.route.name)
    if call.past:
        options = replace(options, until_ns=call.now_ns)
    container = container_of(pod, first(call.params, "container"))
    if not pod.spec.node_name:
        return web.Response(status=204)  # there is nobody to ask, and nothing yet to tell
    attempt = attempt_of(pod, container, previous=options.previous)
    runtime = call.cluster.runtimes.get(pod.spec.node_name)
    if runtime is None:
        raise Unavailable(f'node "{pod.spec.node_name}" is not run by this server; its logs are there')
    return await streamed(call, runtime.logs(pod.metadata.uid, container, attempt, options))


async def streamed(call: Call, source: AsyncIterator[bytes]) -> web.StreamResponse:
    """A log as plain text, as it comes. Errors: BadRequest, Unavailable as a kubelet words them."""
    out = outlet_of(call.request, "text/plain")
    try:
        try:
            chunk: bytes | None = await anext(source)
        except StopAsyncIteration:
            chunk = None
        await out.open()
        while chunk is not None:
            await out.write([chunk])
            chunk = await anext(source, None)
        await out.close()
    except StreamRefused as error:
        if out.response.prepared:
            raise ConnectionResetError(str(error)) from error
        raise refusal_of(error) from error
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
    return out.response


def options_of(params: Params, now_ns: int, pod: str = "") -> LogOptions:
    """What a query says. `pod`: whose logs are asked for. Errors: BadRequest, Invalid."""
    faults = Faults()
    since, tail, limit = (heads.integer(params, name) for name in ("sinceSeconds", "tailLines", "limitBytes"))
    if tail is not None:
        faults.not_negative("tailLines", tail)
    if limit is not None and limit < 1:
        faults.invalid("limitBytes", limit, "must be greater than 0")
    if since is not None and first(params, "sinceTime"):
        faults.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    elif since is not None and since < 1:
        faults.invalid("sinceSeconds", since, "must be greater than 0")
    if faults.causes:
        raise invalid("PodLogOptions", "", pod, faults.causes)
    since_ns = now_ns - since * 1_000_000_000 if since is not None else None
    if text := first(params, "sinceTime"):
        since_ns = time_ns(text)
    return LogOptions(
        follow=flag(params, "follow"), previous=flag(params, "previous"), timestamps=flag(params, "timestamps"),
        tail_lines=tail,
        since_ns=since_ns, limit_bytes=limit,
    )  # fmt: skip


def refusal_of(error: StreamRefused) -> Refusal:
    """A runtime's refusal in the API's words."""
    return BadRequest(str(error)) if error.code < 500 else Unavailable(str(error))


def time_ns(text: str) -> int:
    """Nanoseconds of an RFC 3339 time. Errors: BadRequest."""
    try:
        moment = datetime.datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise BadRequest(f'"{text}" is no RFC 3339 time (2026-11-23T10:32:00Z)') from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
