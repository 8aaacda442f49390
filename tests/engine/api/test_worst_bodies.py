"""The worst bodies that still fit: whatever one client sends, another's question is answered meanwhile."""

import asyncio
import io
import json
import time
from typing import Any

import pytest

from .conftest import CONFIG_MAPS, Api

WAITED_S = 3.0  # at most, for another client; some 50 ms on a quiet machine, the rest is room for a busy one
PODS = "/api/v1/namespaces/default/pods"
YAML = "application/yaml"


def pod(**spec: Any) -> bytes:
    containers = spec.pop("containers", [{"name": "a", "image": "b"}])
    return json.dumps({"metadata": {"name": "p"}, "spec": {"containers": containers, **spec}}).encode()


def container(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "a", "image": "b", **fields}]


def labelled(count: int) -> bytes:
    return json.dumps({"metadata": {"name": "l", "labels": {f"k{i}": "v" for i in range(count)}}}).encode()


MANY = range(40_000)
BODIES: dict[str, tuple[str, str, str, bytes]] = {
    "labels": ("POST", CONFIG_MAPS, "application/json", labelled(100_000)),
    "lists": ("POST", CONFIG_MAPS, "application/json", b'{"x":[' + b"[]," * 900_000 + b"[]]}"),
    "keys twice": ("POST", CONFIG_MAPS, "application/json", b'{"data":{' + b'"a":"",' * 300_000 + b'"a":""}}'),
    "env": ("POST", PODS, "application/json", pod(containers=container(env=[{"name": "="} for _ in MANY]))),
    "spreading": (
        "POST",
        PODS,
        "application/json",
        pod(
            topologySpreadConstraints=[
                {"maxSkew": 1, "topologyKey": f"k{i}", "whenUnsatisfiable": "DoNotSchedule"} for i in range(20_000)
            ]
        ),
    ),
    "claims": (
        "POST",
        PODS,
        "application/json",
        pod(
            resourceClaims=[{"name": f"c{i}", "resourceClaimName": "x"} for i in range(20_000)],
            containers=container(resources={"claims": [{"name": f"c{i}"} for i in range(20_000)]}),
        ),
    ),
    "controllers": (
        "POST",
        CONFIG_MAPS,
        "application/json",
        json.dumps(
            {
                "metadata": {
                    "name": "o",
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": f"u{i}", "controller": True} for i in MANY
                    ],
                }
            }
        ).encode(),
    ),
    "yaml": ("POST", CONFIG_MAPS, YAML, b"metadata: {name: y}\ndata:\n" + b"".join(b"  k%d: v\n" % i for i in range(100_000))),
    "aliases": ("POST", CONFIG_MAPS, YAML, b"a: &a [x, x]\nb: [" + b"*a, " * 700_000 + b"]"),
    "json patch": (
        "PATCH",
        f"{CONFIG_MAPS}/a",
        "application/json-patch+json",
        json.dumps([{"op": "add", "path": f"/metadata/labels/n{i}", "value": ""} for i in range(10_000)]).encode(),
    ),
    "strategic": (
        "PATCH",
        f"{CONFIG_MAPS}/a",
        "application/strategic-merge-patch+json",
        json.dumps({"metadata": {"$deleteFromPrimitiveList/finalizers": [f"f{i}" for i in range(100_000)]}}).encode(),
    ),
    "options": ("DELETE", f"{CONFIG_MAPS}/none", "application/json", b'{"x":[' + b"[]," * 900_000 + b"[]]}"),
    "fields": (
        "GET",
        f"{CONFIG_MAPS}?fieldSelector=" + ",".join(f"metadata.name!=k{i}" for i in range(2_500)),
        "application/json",
        b"",
    ),
    "selector": ("GET", f"{CONFIG_MAPS}?labelSelector=" + ",".join(f"!k{i}" for i in range(8_000)), "application/json", b""),
}


@pytest.mark.parametrize("name", BODIES)
async def test_others_are_answered_meanwhile(api: Api, name: str) -> None:
    method, path, media, body = BODIES[name]
    sender, other = api.client(certificate=True), api.client(certificate=True)
    await other.config_map("a", {"k": "v"})
    sending = asyncio.ensure_future(
        sender.call(method, path, data=io.BytesIO(body) if body else None, headers={"Content-Type": media})
    )
    waited = [0.0]
    async with asyncio.timeout(20):
        while not sending.done():
            began = time.perf_counter()
            assert (await other.call("GET", f"{CONFIG_MAPS}/a"))[0] == 200
            waited.append(time.perf_counter() - began)
        code, answer = await sending
    assert code < 500, answer
    assert max(waited) < WAITED_S
