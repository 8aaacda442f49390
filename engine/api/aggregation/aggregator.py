"""The aggregator of one server: which requests are others' to answer, and what is listed of them.

Tests: tests/engine/api/aggregation/test_aggregation.py
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from shipslog.engine.api.connection.accepting import connections_bound
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.response import replies
from shipslog.engine.auth.certificates import Pki, front_proxy
from shipslog.engine.cluster import Cluster
from shipslog.engine.webhooks.addresses import NowhereToBeHad, of_service
from shipslog.engine.webhooks.calling import READING, Caller, CallFailed, context_of
from shipslog.store.logger import logger
from shipslog.store.objects.types.apiregistration_v1 import APIService
from shipslog.store.objects.wire import json_text
from shipslog.store.refusals import TooManyRequests

from . import request_headers, services
from .availability import HEADERS, PROBE_S, Availability
from .merging import Version
from .metrics import RegisteredMetrics

UNAVAILABLE = "service unavailable\n"
SHARE = 2  # of the connections that the server takes, one in so many may go on
CONTEXTS = 64
SWAGGER_S, SWAGGERS, SWAGGER_BYTES = 60.0, 64, 8 << 20  # of one is asked anew after so long

log = logger(__name__)


class Aggregator:
    """`run` keeps asking the others whether they answer."""

    def __init__(self, cluster: Cluster, pki: Pki) -> None:
        self._cluster, self._authority = cluster, pki.ca_certificate
        self.identity = front_proxy(pki.directory)
        self._caller = Caller()
        self.availability = Availability(cluster, self._caller, self.identity)
        reader = cluster.metrics_reader
        reader.metrics = RegisteredMetrics(cluster, self._caller, self.identity, reader.metrics)
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}
        self._turn, self._under_way = 0, 0
        self._swaggers: dict[object, tuple[float, tuple[Mapping[str, Any], Mapping[str, Any]] | None]] = {}

    async def run(self) -> None:
        """For ever."""
        try:
            await request_headers.publish(self._cluster, self.identity, self._authority)
            await self.availability.run()
        finally:
            await self._caller.close()

    def concerned(self, call: Call) -> APIService | None:
        """Who else is to answer a request; None where it is ours."""
        parts = call.route.path.split("/", 6)
        if call.past or len(parts) < 4:
            return None
        if parts[1] == "apis":
            return services.of_version(call.view, parts[2], parts[3])
        if parts[1] == "openapi" and parts[2:4] == ["v3", "apis"] and len(parts) == 6:
            return services.of_version(call.view, parts[4], parts[5])
        return None

    async def handle(self, call: Call, service: APIService) -> web.StreamResponse:
        """Errors: Unavailable, TooManyRequests."""
        if not services.is_available(service):
            return replies.text(UNAVAILABLE, 503)
        try:
            callee = services.callee_of(service, self.identity, call.route.path)
            where = of_service(call.view, callee.namespace, callee.service, callee.port)
            context = self._context(service)
        except (CallFailed, NowhereToBeHad, OSError, ValueError):
            return replies.text(UNAVAILABLE, 503)
        if self._under_way >= connections_bound() // SHARE:
            raise TooManyRequests("too many requests go on from here to other servers; try again later", retry_after_s=1)
        from .passing import passed_on  # few clusters ever need it

        self._under_way += 1
        self._turn += 1
        try:
            return await passed_on(call, where, context, self._turn)
        finally:
            self._under_way -= 1

    def _context(self, service: APIService) -> ssl.SSLContext:
        """Errors: OSError, ValueError for what are no certificates."""
        key = service.spec.ca_bundle, service.spec.insecure_skip_tls_verify
        if key not in self._contexts:
            if len(self._contexts) >= CONTEXTS:
                self._contexts.clear()
            self._contexts[key] = context_of(services.callee_of(service, self.identity, ""))
        return self._contexts[key]

    def listed(self, call: Call) -> Sequence[Version]:
        """What the others have, for documents that list all."""
        if call.past:
            return ()
        return [self._version(service) for service in services.of_others(call.view)]

    async def described(self, call: Call) -> Sequence[Version]:
        """The same, with what each says in its Swagger document; one that cannot be had is left out of that."""
        services_ = () if call.past else services.of_others(call.view)
        return await asyncio.gather(*map(self._described, services_))

    async def _described(self, service: APIService) -> Version:
        version, key = self._version(service), (service.metadata.uid, service.spec.version)
        if not version.available:
            return version
        at_s, held = self._swaggers.get(key, (0.0, None))
        now_s = asyncio.get_running_loop().time()
        if held is None or now_s - at_s > SWAGGER_S:
            held = await self._fetched(service)
            if len(self._swaggers) >= SWAGGERS:
                self._swaggers.clear()
            self._swaggers[key] = now_s, held
        return replace(version, paths=held[0], definitions=held[1])

    async def _fetched(self, service: APIService) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """(paths, definitions)"""
        spec = service.spec
        try:
            callee = services.callee_of(service, self.identity, "/openapi/v2")
            code, data = await self._caller.fetch(
                callee, view=self._cluster.view, timeout_s=PROBE_S, limit=SWAGGER_BYTES, headers=HEADERS
            )
            found = await READING.run(len(data), json_text.parse, data) if code == 200 else None
        except (CallFailed, json_text.NotJson) as failure:
            log.warning("openapi_not_had", service=service.metadata.name, why=str(failure))
            return {}, {}
        paths, definitions = (found.get(name) if isinstance(found, dict) else None for name in ("paths", "definitions"))
        here = f"/apis/{spec.group}/{spec.version}"
        mine = {p: item for p, item in paths.items() if (p + "/").startswith(here + "/")} if isinstance(paths, dict) else {}
        return mine, definitions if isinstance(definitions, dict) else {}

    def _version(self, service: APIService) -> Version:
        spec = service.spec
        known = self.availability.known.get((spec.group, spec.version))
        return Version(
            spec.group, spec.version, spec.group_priority_minimum, spec.version_priority,
            services.is_available(service), known.resources if known is not None else (),
        )  # fmt: skip
