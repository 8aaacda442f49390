"""Health check node ports: a load balancer asks there whether this node has endpoints of a service, and sends clients or not.

The answer is kube-proxy's: 200 with a count, 503 where there is none.
"""

import asyncio
import contextlib
import json
from typing import NamedTuple

from aiohttp import web

from shipslog.runtime.commands import Ruleset
from shipslog.store.logger import logger

log = logger(__name__)


class Check(NamedTuple):
    """What is told at one port."""

    service: str  # namespace/name
    endpoints: int


class HealthChecks:
    """The servers that a ruleset asks for."""

    def __init__(self) -> None:
        self._checks: dict[int, Check] = {}
        self._servers: dict[int, asyncio.Server] = {}
        self._http: web.Server | None = None
        self._failed: set[int] = set()

    async def renew(self, ruleset: Ruleset) -> None:
        """One that cannot listen is told, and tried again with the next ruleset."""
        wanted = {
            rules[0].health_port: Check(name, rules[0].health_endpoints)  # it stands in the first
            for name, rules in ruleset.services.items()
            if rules and rules[0].health_port
        }
        self._checks = wanted
        for port in [port for port in self._servers if port not in wanted]:
            server = self._servers.pop(port)
            server.close()
        for port in wanted.keys() - self._servers.keys():
            try:
                self._servers[port] = await self._listen(port)
                self._failed.discard(port)
            except OSError as error:
                if port not in self._failed:
                    log.warning("health_check_port_taken", service=wanted[port].service, port=port, why=str(error))
                self._failed.add(port)

    async def _listen(self, port: int) -> asyncio.Server:
        if self._http is None:
            self._http = web.Server(self._answer, access_log=None)
        return await asyncio.get_running_loop().create_server(self._http, None, port, reuse_address=True)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        at = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
        check = self._checks.get(at)
        if check is None:
            return web.Response(status=503)
        namespace, _, name = check.service.partition("/")
        body = {
            "service": {"namespace": namespace, "name": name},
            "localEndpoints": check.endpoints,
            "serviceProxyHealthy": True,
        }
        headers = {
            "X-Content-Type-Options": "nosniff",
            "X-Load-Balancing-Endpoint-Weight": str(check.endpoints),
        }
        text = json.dumps(body, indent="\t")
        return web.Response(status=200 if check.endpoints else 503, text=text, content_type="application/json", headers=headers)

    async def close(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        self._checks = {}
        if self._http is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._http.shutdown(1)
            self._http = None
