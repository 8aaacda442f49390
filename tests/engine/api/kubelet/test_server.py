"""The kubelet's own ports: who may come in, for what, and what is there for anybody where that was asked for."""

import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from shipslog.engine.api.connection.server import CannotListen
from shipslog.engine.api.kubelet.rights import subresources
from shipslog.engine.api.kubelet.server import KubeletServer, Ports, bound_or_free, opened
from shipslog.runtime.containers.simulated import SimulatedNode
from tests.engine.api.conftest import Api, Client


class Node:
    def __init__(self, api: Api, server: KubeletServer) -> None:
        self.api, self.server = api, server

    async def get(self, client: Client, path: str, *, port: int = 0, scheme: str = "https", **options: Any) -> tuple[int, Any]:
        url = f"{scheme}://127.0.0.1:{self.server.ports[port]}{path}"
        async with client.session.request(options.pop("method", "GET"), url, **options) as response:
            return response.status, await (response.json() if "json" in response.content_type else response.text())


@pytest.fixture
async def node(api: Api) -> AsyncIterator[Node]:
    runtime = SimulatedNode("n", now_ns=api.cluster.clock.now_ns)
    api.cluster.runtimes["n"] = runtime
    ports = opened("127.0.0.1", 0, _free(), _free())
    server = KubeletServer(api.cluster, runtime, api.server.handler.authenticator, tls=api.server.tls, ports=ports)
    server.start()
    try:
        yield Node(api, server)
    finally:
        await server.stop()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_with_a_certificate(node: Node, admin: Client) -> None:
    assert await node.get(admin, "/healthz") == (200, "ok")
    code, found = await node.get(admin, "/pods")
    assert (code, found["kind"], found["items"]) == (200, "PodList", [])
    assert (await node.get(admin, "/stats/summary"))[1]["node"]["nodeName"] == "n"
    assert (await node.get(admin, "/nothing"))[0] == 404
    assert (await node.get(admin, "/pods", method="PROPFIND"))[0] == 405


async def test_with_a_token(node: Node, api: Api) -> None:
    administrator = api.client(token=(api.data / "token").read_text().strip())
    assert (await node.get(administrator, "/pods"))[0] == 200
    assert (await node.get(api.client(token="wrong"), "/pods"))[0] == 401


async def test_nobody_gets_nothing(node: Node, api: Api) -> None:
    for path in ("/pods", "/healthz", "/metrics", "/nothing"):
        code, said = await node.get(api.client(), path)
        assert (code, said["message"]) == (401, "Unauthorized")


async def test_who_may_not(node: Node, admin: Client, api: Api) -> None:
    made = await admin.call("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "robot"}})
    assert made[0] == 201
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    _, token = await admin.call("POST", "/api/v1/namespaces/default/serviceaccounts/robot/token", body)
    robot = api.client(token=token["status"]["token"])
    for path, what in (("/pods", "proxy"), ("/stats/summary", "stats"), ("/metrics", "metrics"), ("/logs/", "log")):
        code, said = await node.get(robot, path)
        wanted = f'User "system:serviceaccount:default:robot" cannot get resource "nodes/{what}"'
        assert code == 403 and wanted in said["message"]
    code, said = await node.get(robot, "/run/default/p/c?cmd=x", method="POST")
    assert code == 403 and 'cannot create resource "nodes/proxy"' in said["message"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/stats/summary", ("stats",)),
        ("/metrics/cadvisor", ("metrics",)),
        ("/logs/x", ("log",)),
        ("/spec/", ("spec",)),
        ("/pods", ("pods", "proxy")),
        ("/runningpods/", ("pods", "proxy")),
        ("/healthz/ping", ("healthz", "proxy")),
        ("/configz", ("configz", "proxy")),
        ("/exec/ns/p/c", ("proxy",)),
        ("/containerLogs/ns/p/c", ("proxy",)),
        ("/statsx", ("proxy",)),
        ("/", ("proxy",)),
    ],
)
def test_what_a_path_needs(path: str, wanted: tuple[str, ...]) -> None:
    assert subresources(path) == wanted


async def test_for_anybody_only_reading(node: Node, api: Api) -> None:
    anybody = api.client()
    for path in ("/healthz", "/pods", "/stats/summary", "/metrics", "/metrics/cadvisor", "/spec"):
        assert (await node.get(anybody, path, port=1, scheme="http"))[0] == 200, path
    for path, method in (
        ("/exec/a/b/c", "GET"),
        ("/run/a/b/c?cmd=x", "POST"),
        ("/logs/", "GET"),
        ("/configz", "GET"),
        ("/pods", "POST"),
    ):
        assert (await node.get(anybody, path, port=1, scheme="http", method=method))[0] == 404, path


async def test_the_other_port_speaks_no_plain_http(node: Node, api: Api) -> None:
    with pytest.raises(aiohttp.ClientError):
        await node.get(api.client(), "/healthz", scheme="http")
    assert isinstance(node.api.server.tls, ssl.SSLContext)


def test_ports_that_somebody_has() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with bound_or_free("127.0.0.1", port, exact=False) as other:
            assert other.getsockname()[1] not in (0, port)
        with pytest.raises(CannotListen, match="--kubelet-port"):
            opened("127.0.0.1", port, 0)
        with pytest.raises(CannotListen, match="--read-only-port"):
            opened("127.0.0.1", 0, port)
        ports = opened("127.0.0.1", 0, 0)
        assert isinstance(ports, Ports) and ports.reading is None
        ports.close()
