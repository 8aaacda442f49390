"""One request from its head to its answer: who asks, what for, may they, and then the handler of the verb.

Tests: tests/engine/api/verbs/test_reads.py, tests/engine/api/verbs/test_writes.py, tests/engine/auth/test_authentication.py
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec
from aiohttp import web

from shipslog.engine.api.aggregation.aggregator import Aggregator
from shipslog.engine.api.aggregation.merging import Version
from shipslog.engine.api.log import chronicle, container_output
from shipslog.engine.api.request import heads, negotiation, past, requests, routes
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.request.routes import NO_PARAMS, Route, first, flag, unknown_path
from shipslog.engine.api.response import replies
from shipslog.engine.api.server_info import documents
from shipslog.engine.api.server_info.discovery import REVIEW_RESOURCES
from shipslog.engine.api.subresource import binding_and_eviction, subresources
from shipslog.engine.api.verbs import reads, watches, writes
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.auth.attributes import Attributes
from shipslog.engine.auth.authentication import ANONYMOUS, Authenticator, impersonated
from shipslog.engine.auth.authorization import PUBLIC, forbidden, require
from shipslog.engine.auth.users import User
from shipslog.engine.commit.watch import Watch
from shipslog.engine.kinds.catalogue import rules_of
from shipslog.engine.served import Served
from shipslog.engine.time.long_work import SHORT_BYTES
from shipslog.engine.time.turns import FLOW
from shipslog.store.objects.measured import GROUP
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.selector import parse_fields
from shipslog.store.refusals import MethodNotAllowed, NotFound, Refusal, Unauthorized

from .tracking import Requests

NOTHING_HERE = "404 page not found\n"  # as Go answers where no API is
LONG_RUNNING = frozenset({"attach", "exec", "log", "portforward", "proxy"})  # which end by themselves
READS = frozenset({"GET", "HEAD"})
PASSED_ON = {
    "GET": "get",
    "HEAD": "get",
    "OPTIONS": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Handler:
    """Answers requests about one cluster."""

    def __init__(self, cluster: Served, authenticator: Authenticator, tokens: AccountTokens) -> None:
        self.cluster, self.authenticator, self.tokens = cluster, authenticator, tokens
        self.pages = reads.Pages()
        self.ready = False
        self.before: Callable[[web.BaseRequest], Awaitable[None]] | None = None  # asked first; what it raises is the answer
        self.watching: set[Watch] = set()
        self.readers = chronicle.Readers()
        self.aggregator: Aggregator | None = None  # of others that answer for groups, where there may be any
        self.requests = Requests()
        self._clock = cluster.clock
        self._subresources = subresources.handlers(tokens)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        begun_s, response = self.requests.begun(request), None
        try:
            response = await self._answered(request)
        finally:
            self.requests.ended(request, response, begun_s)
        if "Upgrade" in request.headers and not isinstance(response, web.WebSocketResponse):
            response.force_close()  # the parser has given up on the connection: what comes next would never be looked at
        return response

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return replies.refused(refusal, wanted=negotiation.of_errors(request.headers.get("Accept", "")))
        except ConnectionError:
            return replies.Lost()
        except Exception:
            wanted = negotiation.of_errors(request.headers.get("Accept", ""))
            return replies.refused(replies.failed(request), wanted=wanted)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.before is not None:
            await self.before(request)
        path, query = heads.target(request)
        user = self.authenticator.user(request)
        route = routes.parse(path) if user is not ANONYMOUS else routes.parsed(path)  # nothing is remembered for nobody
        if user is ANONYMOUS and not _public(route):
            raise Unauthorized("Unauthorized")
        params = routes.params(query) if query else NO_PARAMS
        asker = user
        if "Impersonate-User" in request.headers or "Impersonate-Group" in request.headers:
            user = self._impersonate(user, request)
        call = Call(request, route, params, user, self.cluster, self.cluster.view, self._clock.now_ns(), past=bool(route.at))
        self.requests.known(call)
        FLOW.set((user.name, request.remote, request.headers.get("User-Agent", "")[: requests.AGENT_LENGTH]))
        of_logs = container_output.is_of(route.path)
        if not route.resource and route.path.startswith(chronicle.PREFIX) and not (of_logs and call.past):
            return await (container_output.answer(call) if of_logs else self.readers.answer(call))
        other = self.aggregator.concerned(call) if self.aggregator is not None else None
        if not route.resource:
            require(user, Attributes(request.method.lower() if request.method != "HEAD" else "get", route.path), call.view)
            if other is not None and self.aggregator is not None:
                return await self.aggregator.handle(call, other)
            if route.path.startswith(documents.OF_KINDS):
                with contextlib.suppress(Refusal):  # what kubectl asks first: with an answer it asks on, and shows why not then
                    await self._go_back(call)
            if route.path.rstrip("/") == "/metrics" and request.method in READS:
                from shipslog.engine.api.server_info import metrics  # few ever ask

                return await metrics.answer(call, self.requests)
            try:
                others = await self._listed(call)
                size = SHORT_BYTES + route.path.startswith(documents.LONG)
                asked = partial(documents.answer, call, self.tokens, ready=self.ready, others=others)
                return await documents.DESCRIBING.run(size, asked)
            except NotFound:
                return replies.text(NOTHING_HERE, 404)
        verb = call.verb = _verb(call)
        if asker is not user:
            call.impersonator = asker.name
        if "system:masters" not in user.groups:
            require(user, _wanted(call), self.cluster.view)
            if (part := call.subresource) is not None and part.runs_something and verb == "get":
                require(user, msgspec.structs.replace(_wanted(call), verb="create"), self.cluster.view)
        if other is not None and self.aggregator is not None:
            return await self.aggregator.handle(call, other)
        return await self._resource(call, verb)

    async def _listed(self, call: Call) -> Sequence[Version]:
        """What others answer for, as far as the document that is asked for tells it."""
        if self.aggregator is None:
            return ()
        whole = call.route.path.rstrip("/") == "/openapi/v2"
        return await self.aggregator.described(call) if whole else self.aggregator.listed(call)

    def _impersonate(self, user: User, request: web.BaseRequest) -> User:
        wanted = impersonated(user, request)
        if "system:masters" not in user.groups:
            raise forbidden(user, Attributes("impersonate", resource="users", name=wanted.name))
        return wanted

    async def _resource(self, call: Call, verb: str) -> web.StreamResponse:
        route = call.route
        if first(call.params, "timeout") and verb != "watch" and route.subresource not in LONG_RUNNING:
            heads.check_timeout(call.params)
        if route.group in ("authentication.k8s.io", "authorization.k8s.io") and route.resource in REVIEW_RESOURCES:
            from shipslog.engine.api.unstored import reviews

            return await reviews.handle(call, self.authenticator)
        if call.past and verb not in ("get", "list", "watch"):
            raise MethodNotAllowed(f"/at/{route.at} is the past, which is read-only: send changes to the server without /at/")
        if route.group == GROUP and call.served is not None:
            from shipslog.engine.api.unstored import pod_and_node_metrics  # few ever ask

            return await pod_and_node_metrics.handle(call, self.pages.turn)
        if route.subresource:
            return await self._subresource(call)
        if call.past:
            await self._go_back(call)
        kind = call.served
        if kind is None:
            if not call.view.scheme.serves(route.group, route.version):
                return replies.text(NOTHING_HERE, 404)
            raise unknown_path()
        if verb not in kind.verbs:
            raise requests.method_not_allowed(call)
        if not _fits(call, verb, kind):
            raise requests.no_such_method()
        match verb:
            case "get":
                return await reads.get(call)
            case "list":
                return await reads.listing(call, self.pages)
            case "watch":
                return await watches.watch(call, self.watching)
            case "create":
                accepted = rules_of(kind).posted
                return await (writes.create(call) if accepted is None else binding_and_eviction.to_collection(call, accepted))
            case "update":
                return await writes.update(call)
            case "patch":
                return await writes.patch(call)
            case "delete":
                return await writes.delete(call)
            case "deletecollection":
                return await writes.delete_collection(call, self.pages)
        raise requests.method_not_allowed(call)

    async def _go_back(self, call: Call) -> None:
        """To the moment of the path: only where it is clear that the caller may read, and that there is a past to read."""
        if call.past:
            call.view, call.now_ns = await past.at(self.cluster, call.route.at)

    async def _subresource(self, call: Call) -> web.StreamResponse:
        subresource = call.subresource
        if call.past and subresource is not None and subresource.of_now:
            raise MethodNotAllowed(
                f"/at/{call.route.at} is the past: containers do not run there, and their output is not on the log"
            )
        await self._go_back(call)
        return await subresources.handle(call, self._subresources)


def _public(route: Route) -> bool:
    path = route.path.rstrip("/")
    return not route.resource and (path in PUBLIC or path.rpartition("/")[0] in PUBLIC)


def _wanted(call: Call) -> Attributes:
    """What a request is about, for authorization."""
    route, kind, fields = call.route, call.served, tuple[tuple[str, str], ...]()
    namespace = route.name if kind is not None and rules_of(kind).is_in_itself else route.namespace
    if call.verb in ("list", "watch") and (text := first(call.params, "fieldSelector")).strip():
        fields = tuple((f.path, f.value) for f in parse_fields(text) if not f.negate)
    name = route.name or dict(fields).get("metadata.name", "")
    return Attributes(call.verb, "", route.group, route.version, route.resource, route.subresource, namespace, name, fields)


def _verb(call: Call) -> str:
    """The verb of a request, as authorization names it."""
    method, route = call.request.method, call.route
    if route.subresource and (part := call.subresource) is not None and part.any_method and method in PASSED_ON:
        return PASSED_ON[method]
    if method == "GET":
        if route.subresource:
            return "get"
        watched = route.watch or (call.params is not NO_PARAMS and flag(call.params, "watch"))
        if watched:
            return "watch"
        return "get" if route.name else "list"
    if method == "DELETE" and not route.name:
        return "deletecollection"
    verb = VERBS.get(method)
    if verb is None:
        raise requests.no_such_method()
    return verb


def _fits(call: Call, verb: str, kind: Kind) -> bool:
    """Whether the path is one that the verb is served at: some are for objects, some for a namespace's collection."""
    route = call.route
    if verb in ("update", "patch") and not route.name:
        return False
    return verb != "deletecollection" or bool(route.namespace) or not kind.namespaced
