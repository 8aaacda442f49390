"""exec, attach and port-forward of a pod: to whom the request goes, and with what. How they travel: `streams/`.

Tests: tests/engine/api/streams/test_forward.py, tests/engine/api/streams/test_leaks.py
"""

from aiohttp import web

from shipslog.engine.kinds.core.pod.containers import container_of
from shipslog.runtime.node import NodeRuntime
from shipslog.store.objects.core_v1 import Pod
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.refusals import BadRequest, Unavailable

from .requests import Call, entry_of
from .routes import first, flag


async def execute(call: Call) -> web.StreamResponse:
    """A new process in a container. Errors: as a kubelet words them."""
    pod, runtime = _place(call, "exec into a container in")
    container = container_of(pod, first(call.params, "container"))
    argv = tuple(call.params.get("command", ()))
    if not argv:
        raise BadRequest("you must specify at least 1 command for the container")
    return await _joined(call, runtime, pod, container, argv)


async def attach(call: Call) -> web.StreamResponse:
    """The process that a container has."""
    pod, runtime = _place(call, "use")
    return await _joined(call, runtime, pod, container_of(pod, first(call.params, "container")), None)


async def port_forward(call: Call) -> web.StreamResponse:
    from . import streams

    pod, runtime = _place(call, "use")
    return await streams.port_forward(call.request, runtime, pod, call.params.get("ports", ()))


def _place(call: Call, what: str) -> tuple[Pod, NodeRuntime]:
    """The pod, and the node that runs it. Errors: BadRequest, Unavailable."""
    pod: Pod = entry_of(call).object
    node = pod.spec.node_name
    if not node:
        raise BadRequest(f"pod {pod.metadata.name} does not have a host assigned")
    if pod.status.phase in TERMINAL:
        raise BadRequest(f"cannot {what} a completed pod; current phase is {pod.status.phase}")
    runtime = call.cluster.runtimes.get(node)
    if runtime is None:
        raise Unavailable(f'node "{node}" is not run by this server')
    return pod, runtime


async def _joined(
    call: Call, runtime: NodeRuntime, pod: Pod, container: str, argv: tuple[str, ...] | None
) -> web.StreamResponse:
    from . import streams

    params = call.params
    tty = flag(params, "tty")
    return await streams.exec_stream(
        call.request, runtime, pod, container, argv, flag(params, "stdin"), flag(params, "stdout"),
        flag(params, "stderr") and not tty, tty,
    )  # fmt: skip
