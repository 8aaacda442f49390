"""exec, attach and port-forward of a pod: to whom the request goes, and with what. How they travel: `streams/`.

Tests: tests/engine/api/streams/test_forward.py, tests/engine/api/streams/test_leaks.py
"""

from typing import Any

from aiohttp import web

from shipslog.engine.api.request.requests import Call, entry_of
from shipslog.engine.api.request.routes import first, flag
from shipslog.engine.kinds.core.pod.containers import container_of
from shipslog.runtime.node import NodeRuntime
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types.core_v1 import Pod, PodAttachOptions, PodExecOptions, PodPortForwardOptions
from shipslog.store.refusals import BadRequest, Unavailable

from .admission import admitted


async def execute(call: Call) -> web.StreamResponse:
    """A new process in a container. Errors: as a kubelet words them."""
    command = tuple(call.params.get("command", ()))
    options, _ = await admitted(call, PodExecOptions(command=command, **_streams(call)))
    pod, runtime = _place(call, "exec into a container in")
    container = container_of(pod, options.container)
    if not options.command:
        raise BadRequest("you must specify at least 1 command for the container")
    return await _joined(call, runtime, pod, container, options, options.command)


async def attach(call: Call) -> web.StreamResponse:
    """The process that a container has."""
    options, _ = await admitted(call, PodAttachOptions(**_streams(call)))
    pod, runtime = _place(call, "use")
    return await _joined(call, runtime, pod, container_of(pod, options.container), options, None)


async def port_forward(call: Call) -> web.StreamResponse:
    from shipslog.engine.api import streams

    ports = call.params.get("ports", ())
    numbers = tuple(int(port) for port in ports if port.isascii() and port.isdigit() and len(port) < 6)
    await admitted(call, PodPortForwardOptions(ports=numbers))
    pod, runtime = _place(call, "use")
    return await streams.port_forward(call.request, runtime, pod, ports)


def _streams(call: Call) -> dict[str, Any]:
    """What a request says of the container and of its streams."""
    named = {name: flag(call.params, name) for name in ("stdin", "stdout", "stderr", "tty")}
    return {"container": first(call.params, "container"), **named}


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
    call: Call,
    runtime: NodeRuntime,
    pod: Pod,
    container: str,
    options: PodExecOptions | PodAttachOptions,
    argv: tuple[str, ...] | None,
) -> web.StreamResponse:
    from shipslog.engine.api import streams

    tty = options.tty
    return await streams.exec_stream(
        call.request, runtime, pod, container, argv, options.stdin, options.stdout, options.stderr and not tty, tty
    )
