"""What a kubelet answers, asked through the API server's node proxy, of a node that is simulated."""

import json
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shipslog.engine.library import Serving
from shipslog.store.objects.types import core_v1
from shipslog.testing import TestCluster
from tests.engine.api.unstored.test_pod_and_node_metrics import Reader, pod, running

NODE = "/api/v1/nodes/node/proxy"
pytestmark = pytest.mark.shipslog(start="2026-11-01T12:00:00Z", flows=False)


@pytest.fixture
async def reader(served: Serving, cluster: TestCluster) -> AsyncIterator[Reader]:
    made = pod("a", app="shop")
    made["spec"]["nodeName"] = "node"
    await cluster.create(made)
    await cluster.wait(core_v1.Pod, "a", until=running)
    await cluster.advance(minutes=5)
    context = ssl.create_default_context(cafile=served.ca)
    headers = {"Authorization": f"Bearer {served.token}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=headers) as session:
        yield Reader(served, session)


async def test_health_and_what_there_is_not(reader: Reader) -> None:
    for path in ("healthz", "healthz/ping", "healthz/syncloop"):
        assert await reader.get(f"{NODE}/{path}") == b"ok"
    for path in ("", "nothing", "stats", "metrics/nothing", "logs/", "pods/x"):
        await reader.get(f"{NODE}/{path}", code=404)
    await reader.get(f"{NODE}/pods", method="DELETE", code=404)
    assert await reader.get("/api/v1/nodes/node:10250/proxy/healthz") == b"ok"
    assert await reader.get("/api/v1/nodes/https:node:10250/proxy/healthz") == b"ok"
    refused = await reader.get("/api/v1/nodes/node:9999/proxy/healthz", code=503)
    assert "error trying to reach service: " in refused["message"] and "is simulated" in refused["message"]


async def test_pods(reader: Reader, cluster: TestCluster) -> None:
    bound = await reader.get(f"{NODE}/pods")
    assert (bound["kind"], [p["metadata"]["name"] for p in bound["items"]]) == ("PodList", ["a"])
    assert bound["items"][0]["status"]["phase"] == "Running"
    (runs,) = (await reader.get(f"{NODE}/runningpods/"))["items"]
    assert runs["metadata"] == {key: bound["items"][0]["metadata"][key] for key in ("name", "namespace", "uid")}
    assert [c["name"] for c in runs["spec"]["containers"]] == ["web", "idle"]
    cluster.container("a", container="web").exit(0)
    await cluster.settled()


async def test_the_summary(reader: Reader) -> None:
    found = await reader.get(f"{NODE}/stats/summary")
    node, (one,) = found["node"], found["pods"]
    assert node["nodeName"] == "node" and node["cpu"]["usageNanoCores"] == 160_000_000
    assert node["memory"]["workingSetBytes"] == (256 + 48) << 20 and node["memory"]["availableBytes"] > 0
    assert node["fs"]["capacityBytes"] > node["fs"]["usedBytes"] > 0 and node["runtime"]["imageFs"]["usedBytes"] > 0
    assert node["rlimit"]["maxpid"] > 0 and [s["name"] for s in node["systemContainers"]] == ["kubelet"]
    assert one["podRef"]["name"] == "a" and one["startTime"] == "2026-11-01T12:00:00Z"
    assert {c["name"]: c["cpu"]["usageNanoCores"] for c in one["containers"]} == {"web": 100_000_000, "idle": 10_000_000}
    assert one["containers"][0]["rootfs"]["usedBytes"] and one["containers"][0]["logs"]["usedBytes"]
    assert one["network"]["name"] == "eth0" and one["network"]["rxBytes"] > 0 and one["process_stats"]["process_count"]
    assert one["ephemeral-storage"]["usedBytes"] == 2 * (4096 + 1024)
    little = await reader.get(f"{NODE}/stats/summary?only_cpu_and_memory=true")
    assert (
        "fs" not in little["node"] and "network" not in little["pods"][0] and "rootfs" not in little["pods"][0]["containers"][0]
    )


async def test_metrics(reader: Reader) -> None:
    resource = (await reader.get(f"{NODE}/metrics/resource")).decode()
    assert 'container_cpu_usage_seconds_total{container="web",namespace="default",pod="a"} 30.0 1793534700000' in resource
    assert 'pod_memory_working_set_bytes{namespace="default",pod="a"} 5.0331648e+07' in resource
    assert "node_cpu_usage_seconds_total " in resource and "resource_scrape_error 0.0" in resource
    cadvisor = (await reader.get(f"{NODE}/metrics/cadvisor")).decode()
    labels = 'container="web",cpu="total",id="/pods/'
    assert f"container_cpu_usage_seconds_total{{{labels}" in cadvisor
    for name in (
        "container_memory_working_set_bytes{",
        "container_network_receive_bytes_total{",
        "container_fs_usage_bytes{",
        "container_memory_failures_total{",
        "container_start_time_seconds{",
        "machine_cpu_cores 8.0",
    ):
        assert name in cadvisor, name
    own = (await reader.get(f"{NODE}/metrics")).decode()
    assert (
        "kubelet_running_pods 1.0" in own and 'kubelet_node_name{node="node"} 1.0' in own and "process_cpu_seconds_total" in own
    )
    assert "prober_probe_total" in (await reader.get(f"{NODE}/metrics/probes")).decode()


async def test_how_it_is_set_up(reader: Reader) -> None:
    config = (await reader.get(f"{NODE}/configz"))["kubeletconfig"]
    assert config["kind"] == "KubeletConfiguration" and config["clusterDomain"] == "cluster.local" and config["maxPods"] == 1000
    assert (await reader.get(f"{NODE}/spec"))["num_cores"] == 8


async def test_logs_and_commands(reader: Reader, cluster: TestCluster) -> None:
    cluster.container("a", container="web").says("one", "two", "three")
    cluster.container("a", container="web").answer("echo", stdout="hello\n")
    cluster.container("a", container="web").answer("false", stderr="no", exit_code=1)
    assert await reader.get(f"{NODE}/containerLogs/default/a/web") == b"one\ntwo\nthree\n"
    assert await reader.get(f"{NODE}/containerLogs/default/a/web?tailLines=1") == b"three\n"
    assert await reader.get(f"{NODE}/containerLogs/default/a/web?tail=2") == b"two\nthree\n"
    uid = cluster.get(core_v1.Pod, "a").metadata.uid
    run = f"{NODE}/run/default/a"
    assert await reader.get(f"{run}/web?cmd=echo+x", method="POST") == b"hello\n"
    assert await reader.get(f"{run}/{uid}/web?cmd=echo", method="POST") == b"hello\n"
    failed = await reader.get(f"{run}/web?cmd=false", method="POST", code=500)
    assert failed["message"] == "command 'false' exited with 1: no"
    for path, code, words in (
        ("run/default/a/web", 400, "cmd="),
        ("run/default/nobody/web?cmd=x", 404, "pod does not exist"),
        ("run/default/a/other-uid/web?cmd=x", 404, "pod does not exist"),
        ("run/default/a/nothing?cmd=x", 400, "container nothing is not valid"),
        ("exec/default/a/web", 400, "at least 1 command"),
        ("exec/default/a/web?command=x", 400, "Upgrade request required"),
        ("portForward/default/a", 400, "Upgrade request required"),
    ):
        said = await reader.get(f"{NODE}/{path}", method="POST", code=code)
        assert words in said["message"], path


async def test_exec_over_a_websocket(reader: Reader, cluster: TestCluster) -> None:
    cluster.container("a", container="web").answer("echo", stdout="hello\n")
    url = reader.served.url + f"{NODE}/exec/default/a/web?command=echo&output=1&error=1"
    async with reader.session.ws_connect(url, protocols=("v4.channel.k8s.io",)) as socket:
        said = [await socket.receive(timeout=10) for _ in range(2)]
    assert said[0].data == b"\x01hello\n"
    assert json.loads(said[1].data[1:])["status"] == "Success"


async def test_the_nodes_own_logs(reader: Reader, cluster: TestCluster, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/messages").write_bytes(b"line\n" * 100_000)
    (tmp_path / "a <b>").write_text("x")
    (tmp_path / "out").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to("../..")
    (tmp_path / "in").symlink_to("sub/messages")
    os.mkfifo(tmp_path / "pipe")
    cluster.nodes["node"].log_directory = str(tmp_path)
    listed = (await reader.get(f"{NODE}/logs/")).decode()
    assert '<a href="sub/">sub/</a>' in listed and '<a href="a%20%3Cb%3E">a &lt;b&gt;</a>' in listed
    assert await reader.get(f"{NODE}/logs/sub/messages") == b"line\n" * 100_000
    assert await reader.get(f"{NODE}/logs/in") == b"line\n" * 100_000
    assert await reader.get(f"{NODE}/logs/a%20%3Cb%3E") == b"x"
    assert b"messages" in await reader.get(f"{NODE}/logs/sub")
    for path in ("out", "up/", "up/etc/passwd", "..%2f..%2fetc/passwd", "pipe", "nothing", "a%00b"):
        await reader.get(f"{NODE}/logs/{path}", code=404)


async def test_rights(reader: Reader) -> None:
    async with reader.session.get(reader.served.url + f"{NODE}/pods", headers={"Impersonate-User": "jane"}) as response:
        said: Any = await response.json()
    assert response.status == 403 and 'User "jane" cannot get resource "nodes/proxy"' in said["message"]
