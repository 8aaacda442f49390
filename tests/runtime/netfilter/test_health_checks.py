"""What a load balancer hears at a health check node port."""

import socket
from typing import Any

import aiohttp

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.health_checks import HealthChecks


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def asking(port: int, endpoints: int) -> Ruleset:
    rule = ServiceRules(service="ns/web:", protocol="tcp", port=80, health_port=port, health_endpoints=endpoints)
    return Ruleset(services={"ns/web": (rule,)})


async def heard(port: int) -> tuple[int, Any, str]:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/healthz") as answer:
        return answer.status, await answer.json(), answer.headers["X-Load-Balancing-Endpoint-Weight"]


async def test_it_says_whether_the_node_has_endpoints() -> None:
    checks, port = HealthChecks(), free_port()
    try:
        await checks.renew(asking(port, 2))
        service = {"namespace": "ns", "name": "web"}
        assert await heard(port) == (200, {"service": service, "localEndpoints": 2, "serviceProxyHealthy": True}, "2")
        await checks.renew(asking(port, 0))
        assert await heard(port) == (503, {"service": service, "localEndpoints": 0, "serviceProxyHealthy": True}, "0")
        await checks.renew(Ruleset(services={}))
        try:
            await heard(port)
        except aiohttp.ClientConnectionError:
            return
        raise AssertionError("somebody still listens")
    finally:
        await checks.close()


async def test_a_port_that_is_taken_is_tried_again() -> None:
    checks = HealthChecks()
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen(1)
        port = other.getsockname()[1]
        await checks.renew(asking(port, 1))
    try:
        await checks.renew(asking(port, 1))
        assert (await heard(port))[0] == 200
    finally:
        await checks.close()
