"""cAdvisor's port: its REST API in both versions, and its page."""

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from shipslog.engine.api.kubelet import cadvisor, page
from shipslog.runtime.stats.usage import SECOND_NS, Interface, Measured, Usage
from tests.engine.api.conftest import Api, Client

from .test_server import Node
from .test_server import node as node

POD_UID = "uid-1"


@pytest.fixture
async def reader(node: Node, api: Api) -> Client:
    """Anybody; the node runs a pod."""
    from shipslog.runtime.commands import RunPodSandbox, StartContainer

    runtime: Any = api.cluster.runtimes["n"]
    names = {"node": "n", "pod_uid": POD_UID, "namespace": "default", "name": "<p>"}
    await runtime.execute(RunPodSandbox(hostname="p", **names))
    await runtime.execute(StartContainer(container="c", attempt=0, image="i", **names))
    return api.client()


async def get(node: Node, reader: Client, path: str) -> tuple[int, Any]:
    return await node.get(reader, path, port=2, scheme="http", allow_redirects=False)


async def test_version_1(node: Node, reader: Client) -> None:
    code, machine = await get(node, reader, "/api/v1.3/machine")
    assert (code, machine["num_cores"]) == (200, 8)
    _, top = await get(node, reader, "/api/v1.3/containers/")
    assert (
        top["name"] == "/" and {"name": f"/pods/{POD_UID}"} in top["subcontainers"] and top["stats"][-1]["memory"]["usage"] > 0
    )
    _, pod = await get(node, reader, f"/api/v1.3/containers/pods/{POD_UID}")
    assert pod["aliases"] == ["default/<p>"] and pod["spec"]["has_network"] and pod["stats"][-1]["network"]["name"] == "eth0"
    (inside,) = pod["subcontainers"]
    _, one = await get(node, reader, f"/api/v1.3/containers{inside['name']}")
    assert one["spec"]["labels"]["io.kubernetes.container.name"] == "c" and one["stats"][-1]["cpu"]["usage"]["total"] >= 0
    _, below = await get(node, reader, f"/api/v1.2/subcontainers/pods/{POD_UID}")
    assert [b["name"] for b in below] == [f"/pods/{POD_UID}", inside["name"]]
    _, docker = await get(node, reader, "/api/v1.2/docker")
    assert list(docker) == [inside["name"]]


async def test_version_2(node: Node, reader: Client) -> None:
    _, stats = await get(node, reader, "/api/v2.1/stats/?recursive=true&count=1")
    assert f"/pods/{POD_UID}" in stats and all(len(samples) == 1 for samples in stats.values())
    _, summary = await get(node, reader, f"/api/v2.0/summary/pods/{POD_UID}")
    assert summary[f"/pods/{POD_UID}"]["latest_usage"]["memory"] == 16 << 20
    assert (await get(node, reader, "/api/v2.0/spec/"))[1]["/"]["has_memory"]
    assert (await get(node, reader, "/api/v2.0/storage"))[1][0]["capacity"] > 0
    assert (await get(node, reader, "/api/v2.0/version"))[1] == "shipslog"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/", 400),
        ("/api/v9/machine", 400),
        ("/api/v1.3/", 400),
        ("/api/v1.3/nothing", 404),
        ("/api/v1.3/containers/nothing", 404),
        ("/api/v2.0/stats/nothing", 404),
        ("/nothing", 404),
        ("/pods", 404),
        ("/exec/a/b/c", 404),
    ],
)
async def test_what_there_is_not(node: Node, reader: Client, path: str, code: int) -> None:
    assert (await get(node, reader, path))[0] == code


async def test_the_page(node: Node, reader: Client) -> None:
    assert (await get(node, reader, "/"))[0] == 307
    code, text = await get(node, reader, "/containers/")
    assert code == 200 and f'href="/containers/pods/{POD_UID}"' in text
    assert "default/&lt;p&gt;" in text and "<p>" not in text.replace("<p><a", "").replace("<p>There", "")
    code, text = await get(node, reader, f"/containers/pods/{POD_UID}")
    assert code == 200 and "Network, received a second" in text
    assert (await get(node, reader, "/containers/<script>"))[0] == 404


def test_a_curve_stands_for_its_numbers() -> None:
    samples = tuple(
        Usage(
            at_ns=n * 10 * SECOND_NS,
            cpu_ns=n * 5 * SECOND_NS,
            working_set_bytes=1 << 20,
            interfaces=(Interface("eth0", n * 1024),),
        )
        for n in range(13)
    )
    charts = page._charts(Measured(began_ns=0, samples=samples))
    assert len(charts) == 4
    drawn = [ElementTree.fromstring(chart[chart.index("<svg") :]) for chart in charts]
    points = [svg.find("polyline").get("points").split() for svg in drawn]  # type: ignore[union-attr]
    assert [len(line) for line in points] == [12, 13, 12, 12]
    assert len({point.split(",")[1] for point in points[0]}) == 1, "half a core all the time is a level line"
    assert "0.500 now" in charts[0] and "1.0 MiB now" in charts[1] and "102 B now" in charts[2]


def test_names_below_a_name() -> None:
    assert cadvisor._is_below("/pods/a", "/pods") and not cadvisor._is_below("/podsx", "/pods")
    assert cadvisor._is_below("/pods", "/") and not cadvisor._is_below("/", "/")
