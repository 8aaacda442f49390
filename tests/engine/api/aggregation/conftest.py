"""A real server on loopback that answers for a group, and believes only who shows the right certificate."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from shipslog.engine.api.aggregation.aggregator import Aggregator
from shipslog.engine.auth import certificates
from tests.engine.api.conftest import Api, Client

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
GROUP, PATH = "fish.example.com", "/apis/fish.example.com/v1"
RESOURCES = [
    {"name": "cods", "singularName": "cod", "namespaced": True, "kind": "Cod", "verbs": ["get", "list"], "shortNames": ["cd"]},
    {"name": "cods/scale", "namespaced": True, "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]},
]


class Other:
    """A server that answers for fish."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any], Any]] = []
        self.code, self.port = 200, 0
        self.swagger: Any = {
            "paths": {f"{PATH}/cods": {"get": {"responses": {"200": {"description": "OK"}}}}, "/api/v1/pods": {"get": {}}},
            "definitions": {"com.example.Cod": {"type": "object"}, "io.k8s.api.core.v1.Pod": {"type": "string"}},
        }
        self.authority = ""
        self.answers: dict[str, Any] = {}  # by the path: a document, or a code

    async def answer(self, request: web.Request) -> web.StreamResponse:
        certificate = request.transport.get_extra_info("peercert") if request.transport else None
        self.seen.append((request.method + " " + request.path_qs, dict(request.headers), certificate))
        self.headers = request.headers
        if self.code != 200:
            return web.Response(status=self.code)
        if request.path in self.answers:
            said = self.answers[request.path]
            return web.Response(status=said) if isinstance(said, int) else web.json_response(said)
        if request.path == PATH:
            return web.json_response({"kind": "APIResourceList", "groupVersion": f"{GROUP}/v1", "resources": RESOURCES})
        if request.query.get("watch"):
            return await self._watch(request)
        if request.headers.get("Upgrade"):
            return await self._echo(request)
        if request.path == "/openapi/v2":
            return web.json_response(self.swagger)
        if request.path.startswith("/openapi/"):
            return web.json_response({"openapi": "3.0.0", "paths": {PATH: {}}})
        return web.json_response({"kind": "CodList", "body": (await request.read()).decode()})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(2):
            await response.write(b'{"type":"ADDED","number":%d}\n' % number)
        await asyncio.sleep(3600)
        return response

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data + "!")
        return socket


@pytest.fixture
async def aggregator(api: Api) -> Aggregator:
    api.server.aggregate(api.cluster)
    made = api.server.handler.aggregator
    assert made is not None
    return made


@pytest.fixture
async def other(tmp_path: Path, aggregator: Aggregator) -> AsyncIterator[Other]:
    pki = certificates.ensure(tmp_path / "other", ("cod.default.svc",))
    made, context = Other(), pki.server_context()
    context.load_verify_locations(cadata=aggregator.identity.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    runner = web.AppRunner(_app(made), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    made.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    made.authority = base64.b64encode(pki.ca_certificate.encode()).decode()
    yield made
    await runner.cleanup()


def _app(other: Other) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", other.answer)
    return app


async def register(admin: Client, other: Other, **spec: Any) -> None:
    service = {"metadata": {"name": "cod"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
    await admin.call("POST", "/api/v1/namespaces/default/services", service)
    spec = {
        "group": GROUP,
        "version": "v1",
        "groupPriorityMinimum": 2000,
        "versionPriority": 10,
        "caBundle": other.authority,
        "service": {"namespace": "default", "name": "cod", "port": other.port},
        **spec,
    }
    code, made = await admin.call("POST", SERVICES, {"metadata": {"name": f"{spec['version']}.{spec['group']}"}, "spec": spec})
    assert code == 201, made


async def becomes(admin: Client, wanted: Callable[[Any], bool], name: str = f"v1.{GROUP}") -> Any:
    async with asyncio.timeout(20):
        while True:
            _, service = await admin.call("GET", f"{SERVICES}/{name}")
            found = next((c for c in service.get("status", {}).get("conditions", ()) if c["type"] == "Available"), None)
            if found is not None and wanted(found):
                return found
            await asyncio.sleep(0.02)


async def available(admin: Client, name: str = f"v1.{GROUP}") -> Any:
    return await becomes(admin, lambda condition: condition["status"] == "True", name)
