"""Groups that another server answers for: a real one on loopback, which believes only who shows the right certificate."""

import asyncio
from typing import Any

import pytest
from aiohttp import WSMsgType

from shipslog.engine.api.aggregation.aggregator import Aggregator
from tests.engine.api.conftest import Api, Client

from .conftest import GROUP, PATH, RESOURCES, SERVICES, Other, available, becomes, register

V2 = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}


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
