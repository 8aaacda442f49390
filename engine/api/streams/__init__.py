"""exec, attach and port-forward: over WebSocket for new clients, over SPDY/3.1 for the others.

Tests: tests/engine/api/streams/test_forward.py, tests/engine/api/streams/test_leaks.py
"""

from collections.abc import Sequence

from aiohttp import web

from shipslog.engine.api.response import replies
from shipslog.runtime.node import NodeRuntime
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest


async def exec_stream(
    request: web.BaseRequest,
    runtime: NodeRuntime,
    pod: core_v1.Pod,
    container: str,
    argv: tuple[str, ...] | None,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
) -> web.StreamResponse:
    """exec, or attach where `argv` is None. Errors: BadRequest for a request that does not ask to be upgraded."""
    from . import over_spdy, over_websocket  # few ever ask, and each way has its own protocol
    from .exec_attach import Wanted

    wanted = Wanted(runtime, pod, container, argv, stdin, stdout, stderr, tty)
    match upgrade(request):
        case "websocket":
            return await over_websocket.serve(request, wanted)
        case "spdy/3.1":
            await over_spdy.serve(request, wanted)
            return replies.Lost()
    raise BadRequest("Upgrade request required")


async def port_forward(
    request: web.BaseRequest, runtime: NodeRuntime, pod: core_v1.Pod, ports: Sequence[str]
) -> web.StreamResponse:
    """Ports of a pod; `ports` is what the query says. Errors: BadRequest for a request that does
    not ask to be upgraded."""
    from . import channels, forward, forward_channels

    match upgrade(request):
        case "websocket" if forward.TUNNEL in channels.offered(request):
            return await forward.tunnelled(request, runtime, pod)
        case "websocket":
            return await forward_channels.serve(request, runtime, pod, ports)
        case "spdy/3.1":
            await forward.over_spdy(request, runtime, pod)
            return replies.Lost()
    raise BadRequest("Upgrade request required")


def upgrade(request: web.BaseRequest) -> str:
    """What the client wants the connection to become: "websocket", "spdy/3.1"; "" where it wants nothing."""
    if "upgrade" not in request.headers.get("Connection", "").lower():
        return ""
    return request.headers.get("Upgrade", "").lower()
