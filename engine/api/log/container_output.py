"""GET /log/written: what containers wrote, also those that are gone: of which there is a list, and each start's output.

    /log/written?namespace=NS&name=POD          a JSON object a line (Told), in the order of their ends
    /log/written?uid=UID
    /log/written/UID/CONTAINER/ATTEMPT?...       the text; the parameters are those of a pod's log

Who may read the log of a pod of that name may read those of the ones before it.
"""

import asyncio

import msgspec
from aiohttp import web

from shipslog.engine.api.request.requests import Call, method_not_allowed
from shipslog.engine.api.request.routes import first
from shipslog.engine.api.response.outlets import outlet_of
from shipslog.engine.api.subresource import pod_logs
from shipslog.engine.auth.attributes import Attributes
from shipslog.engine.auth.authorization import authorize
from shipslog.runtime.node import NodeRuntime, Written
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import BadRequest, NotFound

from . import chronicle

PATH = f"{chronicle.PREFIX}written"
_encode = msgspec.json.Encoder().encode


class Told(msgspec.Struct, frozen=True):
    """One start of a container: when it last wrote, how many bytes there are, and whether it is gone."""

    node: str
    namespace: str
    pod: str
    uid: str
    container: str
    attempt: int
    until: str
    size: int
    gone: bool


def is_of(path: str) -> bool:
    return path.rstrip("/") == PATH or path.startswith(PATH + "/")


async def answer(call: Call) -> web.StreamResponse:
    """Errors: BadRequest, Forbidden, NotFound."""
    if call.request.method != "GET":
        raise method_not_allowed(call)
    rest = call.route.path.removeprefix(PATH).strip("/")
    if rest:
        return await _text(call, rest.split("/"))
    namespace, name, uid = (first(call.params, part) for part in ("namespace", "name", "uid"))
    if not uid and not (namespace and name):
        raise BadRequest(f"{PATH} needs namespace and name of a pod, or its uid")
    found = await _found(call, namespace, name, uid)
    if not found and name:
        _require(call, namespace, name)
    out = outlet_of(call.request, chronicle.MEDIA, text=True)
    await out.open()
    await out.write([_encode(_log_of(runtime, written)) + b"\n" for runtime, written in found])
    await out.close()
    return out.response


async def _text(call: Call, parts: list[str]) -> web.StreamResponse:
    if len(parts) != 3 or not parts[2].isdecimal():
        raise BadRequest(f"{call.route.path}: write {PATH}/UID/CONTAINER/ATTEMPT")
    uid, container, attempt = parts
    for runtime, written in await _found(call, "", "", uid):
        if (written.container, str(written.attempt)) == (container, attempt):
            source = runtime.logs(uid, container, written.attempt, pod_logs.options_of(call.params, call.now_ns))
            return await pod_logs.streamed(call, source)
    raise NotFound(f"nothing that container {container!r} of pod {uid!r} wrote in its start {attempt} is kept")


async def _found(call: Call, namespace: str, name: str, uid: str) -> list[tuple[NodeRuntime, Written]]:
    """What there is that the caller may read; looked for in a thread: a pod may have begun anew a hundred thousand times."""
    runtimes = dict(call.cluster.runtimes)

    def every() -> list[tuple[int, str, Written]]:
        return sorted(
            (w.until_ns, node, w) for node, runtime in runtimes.items() for w in runtime.written(namespace, name, uid)
        )

    return [
        (runtimes[node], written)
        for _, node, written in await asyncio.to_thread(every)
        if _may(call, written.namespace, written.pod)
    ]


def _may(call: Call, namespace: str, name: str) -> bool:
    wanted = Attributes("get", "", "", "v1", "pods", "log", namespace, name)
    return "system:masters" in call.user.groups or authorize(call.user, wanted, call.view).allowed


def _require(call: Call, namespace: str, name: str) -> None:
    if not _may(call, namespace, name):
        from shipslog.engine.auth.authorization import forbidden

        raise forbidden(call.user, Attributes("get", "", "", "v1", "pods", "log", namespace, name))


def _log_of(runtime: NodeRuntime, written: Written) -> Told:
    return Told(
        node=runtime.node, namespace=written.namespace, pod=written.pod, uid=written.pod_uid, container=written.container,
        attempt=written.attempt, until=api_time(written.until_ns), size=written.size, gone=written.gone,
    )  # fmt: skip
