"""Groups that another server answers for: a real one on loopback, which believes only who shows the right certificate."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from shipslog.engine.api.aggregation.aggregator import Aggregator
from shipslog.engine.auth import certificates
from tests.engine.api.conftest import Api, Client

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
GROUP, PATH = "fish.example.com", "/apis/fish.example.com/v1"
RESOURCES = [
    {"name": "cods", "singularName": "cod", "namespaced": True, "kind": "Cod", "verbs": ["get", "list"], "shortNames": ["cd"]},
    {"name": "cods/scale", "namespaced": True, "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]},
]
V2 = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}


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

    async def answer(self, request: web.Request) -> web.StreamResponse:
        certificate = request.transport.get_extra_info("peercert") if request.transport else None
        self.seen.append((request.method + " " + request.path_qs, dict(request.headers), certificate))
        self.headers = request.headers
        if self.code != 200:
            return web.Response(status=self.code)
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
    code, made = await admin.call("POST", SERVICES, {"metadata": {"name": f"{spec['version']}.{GROUP}"}, "spec": spec})
    assert code == 201, made


async def becomes(admin: Client, wanted: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(20):
        while True:
            _, service = await admin.call("GET", f"{SERVICES}/v1.{GROUP}")
            found = next((c for c in service.get("status", {}).get("conditions", ()) if c["type"] == "Available"), None)
            if found is not None and wanted(found):
                return found
            await asyncio.sleep(0.02)


async def available(admin: Client) -> Any:
    return await becomes(admin, lambda condition: condition["status"] == "True")


async def test_it_is_asked_with_who_asks_under_a_certificate(api: Api, admin: Client, other: Other) -> None:
    await register(admin, other)
    assert (await available(admin))["reason"] == "Passed"
    other.seen.clear()
    url = f"{PATH}/namespaces/default/cods?fieldSelector=a%3Db"
    forged = {"X-Remote-User": "somebody", "X-Remote-Group": "system:nodes", "X-Remote-Extra-A": "b", "Authorization": ""}
    code, said = await admin.call("POST", url, {"a": "b"}, headers=forged)
    assert (code, said) == (200, {"kind": "CodList", "body": '{"a": "b"}'})
    ((target, headers, certificate),) = other.seen
    assert target == f"POST {url}"
    assert headers["X-Remote-User"] == "system:admin" and "X-Remote-Extra-A" not in headers and "Authorization" not in headers
    assert other.headers.getall("X-Remote-Group") == ["system:masters", "system:authenticated"]
    assert headers["Host"] == f"cod.default.svc:{other.port}"
    assert certificate["subject"] == ((("commonName", "front-proxy-client"),),)


async def test_who_may_not_is_refused_here(api: Api, admin: Client, other: Other) -> None:
    await register(admin, other)
    await available(admin)
    other.seen.clear()
    nobody = api.client()
    assert (await nobody.call("GET", f"{PATH}/namespaces/default/cods"))[0] == 401
    assert not other.seen


async def test_watches_and_upgrades_go_through(admin: Client, other: Other) -> None:
    await register(admin, other)
    await available(admin)
    stream = await admin.stream(f"{PATH}/cods?watch=1")
    assert [await stream.content.readline() for _ in range(2)] == [
        b'{"type":"ADDED","number":0}\n',
        b'{"type":"ADDED","number":1}\n',
    ]
    async with admin.session.ws_connect(f"{admin.base}{PATH}/namespaces/default/cods/a/exec") as socket:
        await socket.send_str("ahoy")
        message = await socket.receive(10)
        assert (message.type, message.data) == (WSMsgType.TEXT, "ahoy!")


async def test_it_is_listed_with_what_it_has(admin: Client, other: Other) -> None:
    await register(admin, other)
    await available(admin)
    _, groups = await admin.call("GET", "/apis")
    (found,) = [g for g in groups["groups"] if g["name"] == GROUP]
    assert found["preferredVersion"] == {"groupVersion": f"{GROUP}/v1", "version": "v1"}
    assert (await admin.call("GET", f"/apis/{GROUP}"))[1]["versions"] == found["versions"]
    assert (await admin.call("GET", PATH))[1]["resources"] == RESOURCES
    _, whole = await admin.call("GET", "/apis", headers=V2)
    (item,) = [i for i in whole["items"] if i["metadata"]["name"] == GROUP]
    (version,) = item["versions"]
    (cods,) = version["resources"]
    assert version["freshness"] == "Current" and cods["shortNames"] == ["cd"] and cods["scope"] == "Namespaced"
    assert cods["responseKind"] == {"group": GROUP, "version": "v1", "kind": "Cod"}
    assert cods["subresources"][0]["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    _, index = await admin.call("GET", "/openapi/v3")
    where = index["paths"][f"apis/{GROUP}/v1"]["serverRelativeURL"]
    assert (await admin.call("GET", where))[1]["paths"] == {PATH: {}}
    _, root = await admin.call("GET", "/")
    assert PATH in root["paths"]


@pytest.mark.parametrize(
    ("spec", "reason", "message"),
    [
        ({"service": {"namespace": "default", "name": "gone"}}, "ServiceNotFound", 'service/gone in "default" is not present'),
        ({"service": {"namespace": "default", "name": "bare"}}, "EndpointsNotFound", "cannot find endpointslices"),
        ({"service": {"namespace": "default", "name": "bare", "port": 8}}, "ServicePortError", "is not listening on port 8"),
        ({"caBundle": None}, "FailedDiscoveryCheck", "certificate signed by unknown authority"),
    ],
)
async def test_one_that_cannot_answer_is_unavailable(admin: Client, other: Other, spec: Any, reason: str, message: str) -> None:
    bare = {"metadata": {"name": "bare"}, "spec": {"ports": [{"port": 443}]}}
    await admin.call("POST", "/api/v1/namespaces/default/services", bare)
    await register(admin, other, **spec)
    found = await becomes(admin, lambda condition: condition["status"] == "False")
    assert found["reason"] == reason and message in found["message"], found
    code, said = await admin.call("GET", f"{PATH}/cods")
    assert (code, said) == (503, "service unavailable\n")
    _, whole = await admin.call("GET", "/apis", headers=V2)
    (item,) = [i for i in whole["items"] if i["metadata"]["name"] == GROUP]
    assert item["versions"] == [{"version": "v1", "resources": [], "freshness": "Stale"}]


@pytest.mark.parametrize("odd", [None, {"paths": {f"{PATH}/x": 7}, "definitions": {"x": ["y"]}}, {"paths": 7}, [], "ahoy"])
async def test_its_types_are_told_beside_ours(admin: Client, other: Other, odd: Any) -> None:
    other.swagger = other.swagger if odd is None else odd
    await register(admin, other)
    await available(admin)
    code, document = await admin.call("GET", "/openapi/v2")
    assert code == 200 and document["definitions"]["io.k8s.api.core.v1.Pod"]["type"] == "object"
    assert (f"{PATH}/cods" in document["paths"], "com.example.Cod" in document["definitions"]) == (odd is None, odd is None)
    assert "parameters" in document["paths"]["/api/v1/pods"]["get"]
    wanted = {"Accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}
    async with admin.session.get(f"{admin.base}/openapi/v2", headers=wanted) as response:
        assert response.status == 200 and (b"com.example.Cod" in await response.read()) is (odd is None)


async def test_without_verification_it_is_asked_all_the_same(admin: Client, other: Other) -> None:
    await register(admin, other, caBundle=None, insecureSkipTLSVerify=True)
    await available(admin)
    assert (await admin.call("GET", f"{PATH}/cods"))[0] == 200


async def test_it_comes_back(admin: Client, other: Other, aggregator: Aggregator) -> None:
    other.code = 500
    await register(admin, other)
    found = await becomes(admin, lambda condition: condition["status"] == "False")
    assert "bad status: 500" in found["message"]
    other.code = 200
    await aggregator.availability.look()
    assert (await available(admin))["reason"] == "Passed"


async def test_what_every_cluster_has_nobody_takes_over(admin: Client, other: Other) -> None:
    await register(admin, other)
    body = {
        "metadata": {"name": "v1.apps"},
        "spec": {
            "group": "apps",
            "version": "v1",
            "groupPriorityMinimum": 10,
            "versionPriority": 10,
            "caBundle": other.authority,
            "service": {"namespace": "default", "name": "cod", "port": other.port},
        },
    }
    assert (await admin.call("POST", SERVICES, body))[0] == 201
    assert (await admin.call("GET", "/apis/apps/v1/deployments"))[1]["kind"] == "DeploymentList"


async def test_others_are_told_whom_they_may_believe(admin: Client, aggregator: Aggregator) -> None:
    async with asyncio.timeout(10):
        path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
        while (answer := await admin.call("GET", path))[0] != 200:
            await asyncio.sleep(0.02)
    data = answer[1]["data"]
    assert data["requestheader-allowed-names"] == '["front-proxy-client"]'
    assert data["requestheader-client-ca-file"] == aggregator.identity.authority != data["client-ca-file"]
    assert data["requestheader-username-headers"] == '["X-Remote-User"]'
