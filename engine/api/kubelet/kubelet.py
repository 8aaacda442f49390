"""The paths of a kubelet: which is for whom, and who answers."""

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from aiohttp import web
from msgspec import Struct

from shipslog.engine.api.request.routes import Params, flag
from shipslog.engine.api.response import replies
from shipslog.engine.served import Served
from shipslog.runtime.node import NodeRuntime

from . import config, exposition, files, pods, streams, summary

NOTHING_HERE = "404 page not found\n"
PING = {"/healthz", "/healthz/ping", "/healthz/log", "/healthz/syncloop"}
READ_ONLY = (
    "/healthz",
    "/pods",
    "/stats",
    "/metrics",
    "/spec",
    "/containerLogs",
)  # what is served without asking who it is for
STREAMS = {"exec": streams.execute, "attach": streams.attach, "run": streams.run, "portForward": streams.port_forward}


class Asked(Struct, frozen=True):
    """One request: its path behind the node, decoded, without a slash at its end, and its query."""

    request: web.BaseRequest
    cluster: Served
    runtime: NodeRuntime
    path: str
    raw: str  # as it came
    params: Params
    now_ns: int

    @property
    def node(self) -> str:
        return self.runtime.node

    @property
    def parts(self) -> list[str]:
        """What stands between the slashes."""
        return self.path.strip("/").split("/")


class Kubelet:
    """One node's."""

    def __init__(self, cluster: Served, runtime: NodeRuntime) -> None:
        self._cluster, self._runtime = cluster, runtime

    async def answer(
        self, request: web.BaseRequest, raw_path: str, params: Params, *, read_only: bool = False
    ) -> web.StreamResponse:
        """Errors: Refusal. `raw_path`: behind the node, percent-encoded. `read_only`: on the port that asks for no names."""
        path = unquote(raw_path).rstrip("/") or "/"
        asked = Asked(request, self._cluster, self._runtime, path, raw_path, params, self._cluster.clock.now_ns())
        if read_only and (request.method not in ("GET", "HEAD") or not path.startswith(READ_ONLY)):
            return replies.text(NOTHING_HERE, 404)
        if path in PING:
            return replies.text("ok")
        handler = _handler(asked)
        if handler is None:
            return replies.text(NOTHING_HERE, 404)
        return await handler(asked)


Handler = Callable[[Asked], Awaitable[web.StreamResponse]]


def _handler(asked: Asked) -> Handler | None:
    top, method = asked.parts[0], asked.request.method
    if top in STREAMS:
        return STREAMS[top] if method in ("GET", "POST") else None
    if method not in ("GET", "HEAD"):
        return None
    fixed: dict[str, Handler] = {
        "/pods": pods.bound,
        "/runningpods": pods.running,
        "/stats/summary": summary.answer,
        "/spec": config.spec,
        "/configz": config.answer,
        "/metrics": exposition.own,
        "/metrics/cadvisor": exposition.cadvisor,
        "/metrics/resource": exposition.resource,
        "/metrics/probes": exposition.probes,
    }
    if asked.path in fixed:
        return fixed[asked.path]
    if top == "containerLogs":
        return streams.logs
    if top == "logs":
        return files.answer
    return None


def only_cpu_and_memory(params: Params) -> bool:
    """What a summary may be asked to be."""
    return flag(params, "only_cpu_and_memory")
