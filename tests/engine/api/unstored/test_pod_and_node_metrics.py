"""metrics.k8s.io on a fresh cluster: what its answers say, in which shapes, to whom, and what is not measured."""

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from shipslog.engine.api.server_info import discovery
from shipslog.engine.library import Serving
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.metrics_v1beta1 import PodMetrics
from shipslog.store.objects.wire import protobuf
from shipslog.testing import TestCluster

BASE = "/apis/metrics.k8s.io/v1beta1"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
KUBECTL = [Path(sys.prefix) / "kubectl" / f"kubectl-{version}" for version in ("debian", "1.37")]
pytestmark = pytest.mark.shipslog(nodes=2, start="2026-11-01T12:00:00Z", flows=False)


def pod(name: str, **labels: str) -> dict[str, Any]:
    resources = {"requests": {"cpu": "200m"}, "limits": {"memory": "64Mi"}}
    containers = [{"name": "web", "image": "i", "resources": resources}, {"name": "idle", "image": "i"}]
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": "node-0", "containers": containers}}


def running(pod: core_v1.Pod) -> bool:
    return pod.status.phase == "Running"


class Reader:
    def __init__(self, served: Serving, session: aiohttp.ClientSession) -> None:
        self.served, self.session = served, session

    async def get(self, path: str, accept: str = "application/json", method: str = "GET", code: int = 200) -> Any:
        async with self.session.request(method, self.served.url + path, headers={"Accept": accept}) as response:
            assert response.status == code, await response.text()
            return await response.json() if "json" in response.content_type else await response.read()


@pytest.fixture
async def reader(served: Serving, cluster: TestCluster) -> AsyncIterator[Reader]:
    await cluster.create(pod("a", app="shop"))
    await cluster.create(pod("b", app="blog"))
    for name in "ab":
        await cluster.wait(core_v1.Pod, name, until=running)
    await cluster.advance(minutes=5)
    context = ssl.create_default_context(cafile=served.ca)
    headers = {"Authorization": f"Bearer {served.token}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=headers) as session:
        yield Reader(served, session)


async def test_a_pod(reader: Reader, cluster: TestCluster) -> None:
    found = await reader.get(f"{BASE}/namespaces/default/pods/a")
    assert (found["kind"], found["apiVersion"], found["window"]) == ("PodMetrics", "metrics.k8s.io/v1beta1", "10s")
    assert found["metadata"]["labels"] == {"app": "shop"} and found["timestamp"] == "2026-11-01T12:05:00Z"
    assert found["containers"] == [
        {"name": "idle", "usage": {"cpu": "10m", "memory": "16Mi"}},
        {"name": "web", "usage": {"cpu": "100m", "memory": "32Mi"}},
    ]
    cluster.container("a", container="web").uses(cpu="1500m", memory="100Mi")
    found = await reader.get(f"{BASE}/namespaces/default/pods/a")
    assert found["containers"][1]["usage"] == {"cpu": "1500m", "memory": "100Mi"}


async def test_what_is_told_holds_for_pods_to_come(reader: Reader, cluster: TestCluster) -> None:
    cluster.container("late").uses(cpu="3", memory="1Gi")
    with pytest.raises(ValueError, match="quantities must match"):
        cluster.container("late").uses(cpu="much")
    await cluster.create(pod("late"))
    await cluster.wait(core_v1.Pod, "late", until=running)
    await cluster.advance(seconds=1)
    found = await reader.get(f"{BASE}/namespaces/default/pods/late")
    assert [c["usage"] for c in found["containers"]] == [{"cpu": "3", "memory": "1Gi"}] * 2
    assert found["window"] == "1s"


async def test_lists_and_selectors(reader: Reader) -> None:
    async def names(query: str = "", where: str = "/pods") -> list[str]:
        return [item["metadata"]["name"] for item in (await reader.get(f"{BASE}{where}?{query}"))["items"]]

    assert await names() == await names(where="/namespaces/default/pods") == ["a", "b"]
    assert await names("labelSelector=app%3Dshop") == ["a"]
    assert await names("fieldSelector=metadata.name%3Db") == ["b"]
    assert await names(where="/namespaces/other/pods") == []
    assert await names(where="/nodes") == ["node-0", "node-1"]
    await reader.get(f"{BASE}/pods?fieldSelector=spec.nodeName%3Dx", code=400)


async def test_nodes(reader: Reader) -> None:
    found = await reader.get(f"{BASE}/nodes/node-0")
    assert found["usage"] == {"cpu": "270m", "memory": "352Mi"} and found["kind"] == "NodeMetrics"
    assert (await reader.get(f"{BASE}/nodes/node-1"))["usage"] == {"cpu": "50m", "memory": "256Mi"}


async def test_shapes(reader: Reader) -> None:
    table = await reader.get(f"{BASE}/namespaces/default/pods", TABLE)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
    assert table["rows"][0]["cells"] == ["a", "110m", "48Mi", "10s"]
    assert (await reader.get(f"{BASE}/nodes/node-0", TABLE))["rows"][0]["cells"] == ["node-0", "270m", "352Mi", "10s"]
    raw = await reader.get(f"{BASE}/namespaces/default/pods/a", "application/vnd.kubernetes.protobuf")
    api_version, kind, message = protobuf.unwrap(raw)
    assert (api_version, kind) == ("metrics.k8s.io/v1beta1", "PodMetrics")
    as_json = await reader.get(f"{BASE}/namespaces/default/pods/a")
    assert msgspec.convert(as_json, PodMetrics) == protobuf.decode(PodMetrics, message)


async def test_what_is_not_measured_is_not_there(reader: Reader, cluster: TestCluster) -> None:
    gone = await reader.get(f"{BASE}/namespaces/default/pods/nobody", code=404)
    assert gone["message"] == 'podmetrics.metrics.k8s.io "nobody" not found'
    await reader.get(f"{BASE}/nodes/nobody", code=404)
    cluster.container("a", container="idle").exit(0)
    await reader.get(f"{BASE}/nodes/node-0", method="DELETE", code=405)
    await reader.get(f"{BASE}/nodes?watch=1", code=405)
    await reader.get(f"{BASE}/nodes/node-0/status", code=405)
    assert "not on the log" in (await reader.get(f"/at/-1m{BASE}/nodes", code=405))["message"]


async def test_who_is_registered_for_the_group_measures(reader: Reader, cluster: TestCluster) -> None:
    spec = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100}
    service = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"}}
    await cluster.create(service | {"spec": spec | {"service": {"namespace": "default", "name": "ours"}}})
    await reader.get(f"{BASE}/nodes", code=503)


async def test_discovery_and_documents(reader: Reader) -> None:
    listed = await reader.get(BASE)
    assert [(r["name"], r["kind"], r["verbs"]) for r in listed["resources"]] == [
        ("nodes", "NodeMetrics", ["get", "list"]),
        ("pods", "PodMetrics", ["get", "list"]),
    ]
    document = await reader.get(f"/openapi/v3{BASE}")
    assert sorted(document["paths"][f"{BASE}/nodes/{{name}}"]) == ["get"]
    assert "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics" in document["components"]["schemas"]
    whole = await reader.get("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
    assert "metrics.k8s.io" in [item["metadata"]["name"] for item in whole["items"]]
    assert "metrics.k8s.io" in [g["name"] for g in discovery.group_list(reader_scheme())["groups"]]


def reader_scheme() -> Any:
    from shipslog.store.objects.builtin import BUILTIN

    return BUILTIN


@pytest.mark.kubectl
@pytest.mark.parametrize("kubectl", KUBECTL, ids=lambda path: path.name)
async def test_kubectl_top(kubectl: Path, reader: Reader, tmp_path: Path) -> None:
    if not kubectl.exists():
        pytest.skip("this kubectl is not here: see .ci/kubectl")

    async def top(*arguments: str) -> list[list[str]]:
        command = [str(kubectl), "--kubeconfig", str(reader.served.kubeconfig), "--cache-dir", str(tmp_path), "top", *arguments]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return [line.split() for line in done.stdout.splitlines()]

    assert await top("pods") == [["NAME", "CPU(cores)", "MEMORY(bytes)"], ["a", "110m", "48Mi"], ["b", "110m", "48Mi"]]
    assert (await top("pod", "a", "--containers"))[1:] == [["a", "idle", "10m", "16Mi"], ["a", "web", "100m", "32Mi"]]
    nodes = await top("nodes")
    assert nodes[1][:2] == ["node-0", "270m"] and nodes[1][3] == "352Mi"
    assert json.dumps(await top("pods", "-l", "app=shop", "--no-headers")) == '[["a", "110m", "48Mi"]]'
