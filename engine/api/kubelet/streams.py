"""exec, attach, run, portForward and containerLogs, as a kubelet is asked for them."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from aiohttp import web

from shipslog.engine.api import streams as api_streams
from shipslog.engine.api.request.routes import first, flag
from shipslog.engine.api.response import replies
from shipslog.engine.api.response.outlets import outlet_of
from shipslog.engine.api.subresource import pod_logs
from shipslog.engine.kinds.core.pod.containers import attempt_of, container_of
from shipslog.runtime.node import LogOptions, StreamRefused
from shipslog.store.objects.types.core_v1 import Pod
from shipslog.store.refusals import BadRequest, Internal, NotFound, Refusal, Unavailable

if TYPE_CHECKING:
    from .kubelet import Asked

RUN_S = 120.0
OUTPUT_BYTES = 16 << 20  # of a command that is run for its output


def pod_at(asked: "Asked", *, tail: int) -> tuple[Pod, str]:
    """(the pod, its container or "") of /WHAT/NAMESPACE/POD[/UID][/CONTAINER]; `tail`: segments behind the pod.
    Errors: NotFound."""
    parts = asked.parts[1:]
    if len(parts) not in (2 + tail, 3 + tail):
        raise NotFound("the server could not find the requested resource")
    entry = asked.cluster.view.entry("pods", parts[1], parts[0])
    pod: Pod | None = entry.object if entry is not None else None
    uid = parts[2] if len(parts) == 3 + tail else ""
    if pod is None or pod.spec.node_name != asked.node or uid not in ("", pod.metadata.uid):
        raise NotFound("pod does not exist")
    return pod, parts[-1] if tail else ""


async def execute(asked: "Asked") -> web.StreamResponse:
    pod, container = pod_at(asked, tail=1)
    argv = tuple(asked.params.get("command", ()))
    if not argv:
        raise BadRequest("you must specify at least 1 command for the container")
    return await _joined(asked, pod, container, argv)


async def attach(asked: "Asked") -> web.StreamResponse:
    pod, container = pod_at(asked, tail=1)
    return await _joined(asked, pod, container, None)


async def _joined(asked: "Asked", pod: Pod, container: str, argv: tuple[str, ...] | None) -> web.StreamResponse:
    params = asked.params

    def wanted(new: str, old: str) -> bool:
        return flag(params, new) or flag(params, old)

    tty = flag(params, "tty")
    return await api_streams.exec_stream(
        asked.request, asked.runtime, pod, container_of(pod, container), argv, wanted("stdin", "input"),
        wanted("stdout", "output"), wanted("stderr", "error") and not tty, tty,
    )  # fmt: skip


async def port_forward(asked: "Asked") -> web.StreamResponse:
    pod, _ = pod_at(asked, tail=0)
    return await api_streams.port_forward(asked.request, asked.runtime, pod, asked.params.get("port", ()))


async def run(asked: "Asked") -> web.StreamResponse:
    """A command, and what it wrote: no stream. Errors: Internal with the exit code for one that fails, as a kubelet says it."""
    if asked.request.method != "POST":
        raise NotFound("the server could not find the requested resource")
    pod, container = pod_at(asked, tail=1)
    argv = tuple(first(asked.params, "cmd").split(" "))
    if argv == ("",):
        raise BadRequest("the query says in cmd= what is to be run")
    try:
        process = await asked.runtime.exec(pod.metadata.uid, container_of(pod, container), argv, stdin=False, tty=False)
    except StreamRefused as error:
        raise _refused(error) from error
    written = bytearray()
    try:
        async with asyncio.timeout(RUN_S):
            async for _, data in process.output():
                written += data[: OUTPUT_BYTES - len(written)]
            code = await process.wait()
    except TimeoutError as error:
        raise Unavailable(f"the command did not end within {RUN_S:g} s, and was ended") from error
    finally:
        await process.close()
    if code:
        raise Internal(f"command {argv[0]!r} exited with {code}: {bytes(written[:1024]).decode(errors='replace')}")
    return replies.Reply(bytes(written), 200, "text/plain; charset=utf-8")


async def logs(asked: "Asked") -> web.StreamResponse:
    pod, container = pod_at(asked, tail=1)
    name = container_of(pod, container)
    options = options_of(asked)
    source = asked.runtime.logs(pod.metadata.uid, name, attempt_of(pod, name, previous=options.previous), options)
    out = outlet_of(asked.request, "text/plain")
    try:
        chunk = await anext(source, None)
        await out.open()
        while chunk is not None:
            await out.write([chunk])
            chunk = await anext(source, None)
        await out.close()
    except StreamRefused as error:
        raise ConnectionResetError(str(error)) if out.response.prepared else _refused(error) from error
    finally:
        with contextlib.suppress(AttributeError):
            await source.aclose()  # type: ignore[attr-defined]
    return out.response


def options_of(asked: "Asked") -> LogOptions:
    """As of the API's /log, with the words of long ago for some of it. Errors: BadRequest, Invalid."""
    params = dict(asked.params)
    tail = params.pop("tail", None)
    if tail and "tailLines" not in params and tail[0] != "all":
        params["tailLines"] = tail
    return pod_logs.options_of(params, asked.now_ns)


def _refused(error: StreamRefused) -> Refusal:
    return NotFound(str(error)) if error.code < 500 else Internal(str(error))
