"""Which requests are under way, how long those took that are over, and which of them were slow: that is told.

Tests: tests/engine/api/server_info/test_metrics.py
"""

import time
from collections.abc import Iterator

from aiohttp import web
from msgspec import Struct

from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.request.routes import flag
from shipslog.engine.api.response.replies import Lost
from shipslog.engine.auth.authorization import DISCOVERY
from shipslog.engine.kinds.subresources import Log
from shipslog.engine.measures import Histogram
from shipslog.store.logger import logger

SLOW_S = 1.0
AGENT_LENGTH = 128
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
READS = frozenset({"GET", "HEAD"})
VERBS = {"get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH"}
VERBS |= {"delete": "DELETE", "deletecollection": "DELETECOLLECTION"}
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


Series = tuple[Labels, int, Histogram]


class Requests:
    """`taken`: by what they asked for and the code of the answer. `slow_s`: what takes longer is told."""

    def __init__(self) -> None:
        self.slow_s = SLOW_S
        self.taken: dict[tuple[Labels, int], Series] = {}
        self._known: dict[tuple[object, ...], Series] = {}  # the same, by what is at hand for every request
        self.aborted = 0  # their clients had gone
        self._under_way: dict[int, web.BaseRequest | Call] = {}

    def begun(self, request: web.BaseRequest) -> float:
        self._under_way[id(request)] = request
        return time.perf_counter()

    def known(self, call: Call) -> None:
        """What a request that has begun asks for, once that is clear."""
        self._under_way[id(call.request)] = call

    def ended(self, request: web.BaseRequest, response: web.StreamResponse | None, begun_s: float) -> None:
        """`response` None: the client went, or the server stopped, in the midst of it."""
        took_s = time.perf_counter() - begun_s
        known = self._under_way.pop(id(request))
        call = known if isinstance(known, Call) else None
        code = response.status if response is not None else 200  # it was answered, and went on until somebody had enough
        if type(response) is Lost or (response is None and not (call is not None and is_long(call))):
            self.aborted += 1
            return
        if call is not None and (route := call.route).resource:
            where = route.group, route.version, route.resource, route.subresource
            key = (call.verb, where, not route.name, not route.namespace, "dryRun" in call.params, code)
            series = self._known.get(key)
            if series is None:
                series = self._series(call, request.method, code)
                if series[0].resource:  # what there is not is not remembered: anybody could ask for a million of them
                    self._known[key] = series
        else:
            series = self._series(call, request.method, code)
        series[2].observe(took_s)
        if took_s >= self.slow_s and not (call is not None and is_long(call)):
            _tell(request, call, code, took_s)

    def series(self) -> Iterator[Series]:
        """Each with other labels or another code."""
        return iter(self.taken.values())

    def _series(self, call: Call | None, method: str, code: int) -> Series:
        labels = _labels(call, method)
        series = self.taken.get((labels, code))
        if series is None:
            series = self.taken[labels, code] = (labels, code, Histogram())
        return series

    def inflight(self) -> tuple[int, int]:
        """-> (that read, that change). Streams do not count."""
        now = [
            (known.request if isinstance(known, Call) else known).method in READS
            for known in self._under_way.values()
            if not isinstance(known, Call) or not is_long(known)
        ]
        return sum(now), len(now) - sum(now)

    def long_running(self) -> Iterator[Labels]:
        """Those that go on until somebody has had enough."""
        calls = [known for known in self._under_way.values() if isinstance(known, Call)]
        return (_labels(call, call.request.method) for call in calls if is_long(call))


def is_long(call: Call) -> bool:
    subresource = call.subresource
    if call.verb == "watch" or (subresource is not None and subresource.connects):
        return True
    return isinstance(subresource, Log) and bool(call.params) and flag(call.params, "follow")


def _labels(call: Call | None, method: str) -> Labels:
    if call is None:
        return Labels(method if method in METHODS else "other")
    route = call.route
    if not route.resource:
        path = route.path.rstrip("/")
        return Labels(method, subresource=path if path in PATHS else "")
    kind, subresource = call.served, call.subresource
    if kind is None or (route.subresource and subresource is None):
        return Labels(VERBS.get(call.verb, "other"))
    verb = "CONNECT" if subresource is not None and subresource.connects else VERBS.get(call.verb, "other")
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
