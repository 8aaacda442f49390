"""Which requests are under way, how long those took that are over, and which of them were slow: that is told."""

import time
from collections.abc import Iterator

from aiohttp import web
from msgspec import Struct

from shipslog.engine.auth.authorization import DISCOVERY
from shipslog.engine.measures import Histogram
from shipslog.store.logger import logger

from .replies import Lost
from .requests import Call
from .routes import flag

SLOW_S = 1.0
SERIES = 2_000  # at most; what more there is counts as one
AGENT_LENGTH = 128
READS = frozenset({"GET", "HEAD"})
VERBS = {"get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH"}
VERBS |= {"delete": "DELETE", "deletecollection": "DELETECOLLECTION"}
CONNECTS = frozenset({"exec", "attach", "portforward", "proxy"})
PATHS = frozenset({*DISCOVERY, "/metrics", "/openapi/v2", "/openapi/v3"})

log = logger(__name__)


class Labels(Struct, frozen=True):
    """What Kubernetes tells requests apart by."""

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    scope: str = ""
    dry_run: str = ""


OTHER = Labels("other")


class Requests:
    """`taken`: by what they asked for (see `_key`) and the code of the answer. `slow_s`: what takes longer is told."""

    def __init__(self) -> None:
        self.slow_s = SLOW_S
        self.taken: dict[tuple[object, ...], tuple[Labels, int, Histogram]] = {}
        self.aborted = 0  # their clients had gone
        self._under_way: dict[int, tuple[web.BaseRequest, Call | None]] = {}

    def begun(self, request: web.BaseRequest) -> float:
        self._under_way[id(request)] = (request, None)
        return time.perf_counter()

    def known(self, call: Call) -> None:
        """What a request that has begun asks for, once that is clear."""
        self._under_way[id(call.request)] = (call.request, call)

    def ended(self, request: web.BaseRequest, response: web.StreamResponse | None, begun_s: float) -> None:
        """`response` None: the client went, or the server stopped, in the midst of it."""
        took_s = time.perf_counter() - begun_s
        _, call = self._under_way.pop(id(request))
        code = response.status if response is not None else 0
        if isinstance(response, Lost) or (response is None and not (call is not None and is_long(call))):
            self.aborted += 1
            return
        key = _key(call, request.method, code)
        series = self.taken.get(key)
        if series is None:
            series = self._new(key, call, request.method, code)
        series[2].observe(took_s)
        if took_s > self.slow_s and not (call is not None and is_long(call)):
            _tell(request, call, code, took_s)

    def _new(self, key: tuple[object, ...], call: Call | None, method: str, code: int) -> tuple[Labels, int, Histogram]:
        labels = _labels(call, method) if len(self.taken) < SERIES else OTHER
        for known, its_code, histogram in self.taken.values():
            if known == labels and its_code == code:
                series = (known, its_code, histogram)  # another spelling of the same
                break
        else:
            series = (labels, code, Histogram())
        if len(self.taken) < 2 * SERIES:
            self.taken[key] = series
        return series

    def series(self) -> Iterator[tuple[Labels, int, Histogram]]:
        """Each once."""
        return iter({id(series[2]): series for series in self.taken.values()}.values())

    def inflight(self) -> tuple[int, int]:
        """-> (that read, that change). Streams do not count."""
        now = [request.method in READS for request, call in self._under_way.values() if call is None or not is_long(call)]
        return sum(now), len(now) - sum(now)

    def long_running(self) -> Iterator[Labels]:
        """Those that go on until somebody has had enough."""
        return (
            _labels(call, call.request.method) for _, call in self._under_way.values() if call is not None and is_long(call)
        )


def is_long(call: Call) -> bool:
    route = call.route
    if call.verb == "watch" or route.subresource in CONNECTS:
        return True
    return route.subresource == "log" and bool(call.params) and flag(call.params, "follow")


def _key(call: Call | None, method: str, code: int) -> tuple[object, ...]:
    if call is None:
        return (method, code)
    route = call.route
    if not route.resource:
        return (method, route.path, code)
    verb: str = call.verb or method
    where = route.group, route.version, route.resource, route.subresource
    return verb, where, bool(route.name), bool(route.namespace), code, "dryRun" in call.params


def _labels(call: Call | None, method: str) -> Labels:
    """What the API does not have is not told apart: anybody could ask for a million of them."""
    if call is None:
        return Labels(method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other")
    route = call.route
    if not route.resource:
        path = route.path.rstrip("/")
        return Labels(method, subresource=path if path in PATHS else "")
    kind = call.served
    if kind is None or (route.subresource and route.subresource not in kind.subresources):
        return Labels(VERBS.get(call.verb, "other"))
    verb = "CONNECT" if route.subresource in CONNECTS else VERBS.get(call.verb, "other")
    scope = "resource" if route.name or verb == "POST" else "namespace" if route.namespace else "cluster"
    dry = "All" if "dryRun" in call.params else ""
    return Labels(verb, route.group, route.version, route.resource, route.subresource, scope, dry)


def _tell(request: web.BaseRequest, call: Call | None, code: int, took_s: float) -> None:
    user = call.user.name if call is not None else ""
    by = {"impersonator": call.impersonator} if call is not None and call.impersonator else {}
    log.warning(
        "slow_request", took_s=round(took_s, 3), method=request.method, path=request.path_qs[:512], code=code, user=user, **by,
        address=request.remote or "", user_agent=request.headers.get("User-Agent", "")[:AGENT_LENGTH],
    )  # fmt: skip
