"""What kubectl opens into real containers: the commands "attach", "cp" and "port-forward"; and exec, debug, resize, top, and
the proxies of nodes, pods and services beside them."""

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from .conftest import Cluster, until

pytestmark = [pytest.mark.root, pytest.mark.kubectl, pytest.mark.slow]
IMAGE = "kubeguide/guestbook-php-frontend"
LIMITS = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "containers": [
            {"name": "web", "image": IMAGE, "ports": [{"containerPort": 80}], "resources": LIMITS},
            {
                "name": "echo",
                "image": IMAGE,
                "command": ["sh", "-c", "while read line; do echo got $line; done"],
                "stdin": True,
            },
        ]
    },
}


@pytest.fixture(scope="module")
def web(cluster: Cluster) -> Cluster:
    cluster.shipslog("image", "build", "guestbook")
    cluster.k("create", "-f", "-", stdin=json.dumps(POD))
    cluster.k("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    return cluster


def raw(cluster: Cluster, path: str) -> str:
    return cluster.k("get", "--raw", path)


def test_exec(web: Cluster) -> None:
    assert web.k("exec", "web", "-c", "web", "--", "echo", "hello").strip() == "hello"
    assert web.k("exec", "-i", "web", "-c", "web", "--", "cat", stdin="through\n") == "through\n"
    assert web.run("exec", "web", "-c", "web", "--", "sh", "-c", "exit 7").returncode == 7


def test_attach(web: Cluster) -> None:
    """It goes on when its input has ended, until the container does: so it is ended here."""
    command = [web.kubectl, "--kubeconfig", str(web.data / "kubeconfig"), "attach", "-i", "web", "-c", "echo"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as attached:
        try:
            assert attached.stdin is not None and attached.stdout is not None
            for word in ("one", "two"):
                attached.stdin.write(f"{word}\n")
                attached.stdin.flush()
                assert attached.stdout.readline() == f"got {word}\n"
        finally:
            attached.terminate()


def test_cp(web: Cluster, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"\x00\x01" * 100_000)
    web.k("cp", str(tmp_path / "there"), "web:/tmp/there", "-c", "web")
    web.k("cp", "web:/tmp/there", str(tmp_path / "back"), "-c", "web")
    assert (tmp_path / "back").read_bytes() == b"\x00\x01" * 100_000


def test_port_forward(web: Cluster) -> None:
    command = [web.kubectl, "--kubeconfig", str(web.data / "kubeconfig"), "port-forward", "pod/web", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            port = line.split("127.0.0.1:")[1].split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                assert b"Guestbook" in answer.read()
        finally:
            process.terminate()


def test_debug(web: Cluster) -> None:
    options = ("--image", IMAGE, "-c", "extra", "--target=web", "--profile=general")
    web.k("debug", "web", *options, "--", "sh", "-c", "echo seen; sleep 60")
    until(lambda: "seen" in web.k("logs", "web", "-c", "extra", check=False), "the ephemeral container runs")


def test_the_proxy_leads_to_the_pod(web: Cluster) -> None:
    page = raw(web, "/api/v1/namespaces/default/pods/web/proxy/")
    assert "<title>Guestbook</title>" in page
    web.k("expose", "pod", "web", "--port=80", "--name=web")
    until(lambda: web.get("endpoints", "web").get("subsets"), "the service has endpoints")
    assert raw(web, "/api/v1/namespaces/default/services/web:80/proxy/") == page
    refused = web.run("get", "--raw", "/api/v1/namespaces/default/pods/web:81/proxy/")
    assert refused.returncode and "error trying to reach service" in refused.stderr


def test_the_kubelet_and_its_numbers(web: Cluster) -> None:
    node = web.get("node", "n1")
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    assert port > 0
    assert raw(web, f"/api/v1/nodes/n1:{port}/proxy/healthz") == "ok"

    def measured() -> Any:
        pods = json.loads(raw(web, "/api/v1/nodes/n1/proxy/stats/summary"))["pods"]
        return next((p for p in pods if p["podRef"]["name"] == "web" and p["memory"]["workingSetBytes"]), None)

    pod = until(measured, "the pod is measured")
    assert {c["name"] for c in pod["containers"]} >= {"web", "echo"} and pod["network"]["interfaces"]
    assert "container_cpu_usage_seconds_total{" in raw(web, "/api/v1/nodes/n1/proxy/metrics/cadvisor")
    lines = until(lambda: web.k("top", "pod", "web", "--containers", check=False), "top has numbers")
    assert "web" in lines
    assert "n1" in web.k("top", "node")


def test_resize(web: Cluster) -> None:
    more = {"requests": {"cpu": "200m"}, "limits": {"cpu": "1", "memory": "256Mi"}}
    patch = json.dumps({"spec": {"containers": [{"name": "web", "resources": more}]}})
    web.k("patch", "pod", "web", "--subresource=resize", "-p", patch)

    def resized() -> bool:
        statuses = {s["name"]: s for s in web.get("pod", "web")["status"]["containerStatuses"]}
        held = statuses["web"]
        return bool(held["resources"]["limits"] == {"cpu": "1", "memory": "256Mi"} and held["restartCount"] == 0)

    until(resized, "the container has more")
    if not web._as:
        limits = [p.read_text().strip() for p in Path("/sys/fs/cgroup").glob("memory/shipslog-*/*/*/memory.limit_in_bytes")]
        limits += [p.read_text().strip() for p in Path("/sys/fs/cgroup").glob("shipslog-*/*/*/memory.max")]
        assert str(256 << 20) in limits
