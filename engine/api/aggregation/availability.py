"""Asks again and again whether those behind answer, says it in their APIServices' status, and keeps what they say they have.

What is said is what changes: a server that goes on answering writes nothing. Source: the remote availability controller of
kube-aggregator, by its reasons and messages.

Tests: tests/engine/api/aggregation/test_aggregation.py
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipslog.engine.auth.certificates import FrontProxy
from shipslog.engine.cluster import Cluster
from shipslog.engine.webhooks.addresses import SERVICE
from shipslog.engine.webhooks.calling import Caller, CallFailed
from shipslog.store.commands import Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.logger import logger
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types.apiregistration_v1 import APIService, APIServiceCondition, APIServiceStatus
from shipslog.store.objects.types.core_v1 import Service
from shipslog.store.objects.types.discovery_v1 import EndpointSlice
from shipslog.store.objects.values.times import api_time
from shipslog.store.objects.wire import json_text
from shipslog.store.refusals import Refusal
from shipslog.store.state import Entry

from . import services

EVERY_S, SOON_S, PROBE_S = 30.0, 0.1, 5.0
AT_ONCE = 16
DISCOVERY_BYTES = 4 << 20
ACTOR, GROUPS = "system:controller:apiservice-status-available", ("system:masters",)
WAKE = frozenset({services.RESOURCE, "services", "endpointslices.discovery.k8s.io"})
HEADERS = {"X-Remote-User": "system:kube-aggregator", "X-Remote-Group": "system:masters", "Accept": "application/json"}

log = logger(__name__)


class Known(Struct, frozen=True):
    """What a server says that it has."""

    resources: tuple[Mapping[str, Any], ...]  # of an APIResourceList


class Availability:
    """`known`: by (group, version), while the server answers."""

    def __init__(self, cluster: Cluster, caller: Caller, identity: FrontProxy) -> None:
        self._cluster, self._caller, self._identity = cluster, caller, identity
        self.known: dict[tuple[str, str], Known] = {}
        self._wake = asyncio.Event()
        cluster.committer.listeners.append(self.on_event)

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """An event became durable: what says where they are may have changed."""
        fact = event.fact
        if isinstance(fact, ObjectFact) and fact.resource in WAKE and event.actor != ACTOR:
            self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._wake.clear()
            await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()
            await asyncio.sleep(SOON_S)  # what comes together is looked at together

    async def look(self) -> None:
        """Look at all of them once."""
        others = services.of_others(self._cluster.view)
        places = {(s.spec.group, s.spec.version) for s in others}
        for gone in self.known.keys() - places:
            del self.known[gone]
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(service: APIService) -> None:
            async with turn:
                await self._say(service, *await self._found(service))

        await asyncio.gather(*map(one, others))

    async def _found(self, service: APIService) -> tuple[str, str, str]:
        """(status, reason, message)."""
        if (missing := self._missing(service)) is not None:
            return ("False", *missing)
        spec, view = service.spec, self._cluster.view
        path = f"/apis/{spec.group}/{spec.version}"
        try:
            callee = services.callee_of(service, self._identity, path)
            code, data = await self._caller.fetch(callee, view=view, timeout_s=PROBE_S, limit=DISCOVERY_BYTES, headers=HEADERS)
        except CallFailed as failure:
            return "False", "FailedDiscoveryCheck", f"failing or missing response from {path}: {failure}"
        if code >= 300:
            return "False", "FailedDiscoveryCheck", f"failing or missing response from {callee.address}: bad status: {code}"
        self.known[spec.group, spec.version] = Known(_resources(data))
        return "True", "Passed", "all checks passed"

    def _missing(self, service: APIService) -> tuple[str, str] | None:
        """(reason, message) where the view says already that nobody can answer."""
        where, view = service.spec.service, self._cluster.view
        assert where is not None
        place, number = f'service/{where.name} in "{where.namespace}"', where.port or services.PORT
        found = view.get(Service, where.name, where.namespace)
        if found is None:
            return "ServiceNotFound", f"{place} is not present"
        if found.spec.type == "ExternalName":
            return None
        port = next((p for p in found.spec.ports if p.port == number), None)
        if port is None:
            return "ServicePortError", f"{place} is not listening on port {number}"
        slices = view.select(EndpointSlice, where.namespace, {SERVICE: where.name})
        if not slices:
            return "EndpointsNotFound", f"cannot find endpointslices for {place}"
        ready = any(
            (p.name or "") == port.name and any(e.conditions.ready is not False for e in one.endpoints or ())
            for one in slices
            for p in one.ports or ()
        )
        return (
            None
            if ready
            else ("MissingEndpoints", f'endpointslices for {place} have no addresses with port name "{port.name}"')
        )

    async def _say(self, service: APIService, status: str, reason: str, message: str) -> None:
        if status != "True":
            self.known.pop((service.spec.group, service.spec.version), None)
        before = find_condition(service.status.conditions, services.AVAILABLE)
        if before is not None and (before.status, before.reason, before.message) == (status, reason, message):
            return
        at = api_time(self._cluster.clock.now_ns())
        if before is not None and before.status == status:
            at = before.last_transition_time or at
        condition = APIServiceCondition(
            type=services.AVAILABLE, status=status, reason=reason, message=message[:1024], last_transition_time=at
        )
        others = tuple(c for c in service.status.conditions if c.type != services.AVAILABLE)
        changed = replace(service, status=APIServiceStatus(conditions=(*others, condition)))
        try:
            await self._cluster.submit(Update(object=changed, subresource="status"), actor=ACTOR, groups=GROUPS)
        except Refusal as refusal:  # it has changed: the event wakes us
            log.debug("availability_not_said", service=service.metadata.name, why=str(refusal))


def _resources(data: bytes) -> tuple[Mapping[str, Any], ...]:
    """Those of an APIResourceList; () for what is none: it is up, and has nothing to list."""
    try:
        value = json_text.parse(data)
    except json_text.NotJson:
        return ()
    found = value.get("resources") if isinstance(value, dict) else None
    items = found if isinstance(found, list) else []
    return tuple(item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str))
