"""The seed's example of NFS: a server in a pod, its service, and two web pods that show what the server has."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from shipslog import Cluster
from shipslog.runtime.containers.oci.layout import instance_of
from shipslog.runtime.containers.oci.node import OciNode
from shipslog.runtime.images import recipes
from shipslog.runtime.images.store import ImageStore
from shipslog.runtime.netfilter.nftables import NftablesAdapter
from shipslog.runtime.volumes.remote import nfs
from shipslog.store.objects.types import core_v1

pytestmark = pytest.mark.root
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "nfs"
CIDR = "10.236.17.0/24"


@pytest.fixture
def place() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounts: needs root")
    made = Path(tempfile.mkdtemp(prefix="nfs-"))
    store = ImageStore(made / "node" / "images")
    store.open()
    recipes.build("nfs", store, lambda said: None)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def node(place: Path) -> OciNode:
    rules = NftablesAdapter(instance_of(place / "node"))
    return OciNode("n", place / "node", pod_cidr=CIDR, cluster_cidr="10.236.0.0/16", rules=rules)


def manifest(name: str) -> str:
    """An example as it stands there."""
    return (EXAMPLES / name).read_text()


async def until(holds: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within 60 s: {what}") from None


def page(pod: core_v1.Pod, path: str = "") -> str:
    try:
        return httpx.get(f"http://{pod.status.pod_ip}/{path}", timeout=10).text
    except httpx.HTTPError as error:
        return f"no page: {error}"


def ready(pod: core_v1.Pod) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


async def shell(runtime: OciNode, pod: core_v1.Pod, words: str) -> str:
    code, said = await runtime.exec_output(pod.metadata.uid, pod.spec.containers[0].name, ["/bin/sh", "-c", words], 30.0)
    assert code == 0, said.decode()
    return said.decode()


async def test_two_web_pods_show_what_the_server_has(place: Path) -> None:
    runtime, ends = node(place), [True]  # whatever goes wrong
    async with Cluster.open(place / "cluster.db", runtime=[runtime], end_pods=lambda: ends[0]) as cluster:
        for name in ("service.yaml", "server-pod.yaml"):
            await cluster.apply(manifest(name))
        server = await cluster.wait(core_v1.Pod, "nfs-server", until=ready, timeout_s=60)
        await cluster.apply(manifest("web-controller.yaml"))
        await cluster.wait(
            core_v1.ReplicationController, "nfs-web", until=lambda rc: rc.status.ready_replicas == 2, timeout_s=90
        )
        web = [pod for pod in cluster.list(core_v1.Pod) if pod.metadata.labels.get("role") == "nfs-web"]
        for pod in web:
            assert "Hello world!" in page(pod)
        await shell(runtime, server, "echo changed > /mnt/data/index.html")
        for pod in web:
            await until(lambda pod=pod: page(pod) == "changed\n", f"{pod.metadata.name} shows what the server wrote")  # type: ignore[misc]
        await shell(runtime, web[0], "seq 1 9999 > /usr/share/nginx/html/mine")
        counted = "".join(f"{number}\n" for number in range(1, 10000))
        assert await shell(runtime, server, "md5sum < /mnt/data/mine") == await shell(
            runtime, web[1], "md5sum < /usr/share/nginx/html/mine"
        )
        assert page(web[1], "mine") == counted
        ends[0] = False
    assert all("changed" in page(pod) for pod in web), "what is mounted stays while the daemon is away"
    runtime = node(place)
    async with Cluster.open(place / "cluster.db", runtime=[runtime], end_pods=lambda: True) as cluster:
        assert "changed" in page(web[1])
        await cluster.delete(core_v1.ReplicationController, "nfs-web")
        for pod in web:
            await cluster.gone(core_v1.Pod, pod.metadata.name, timeout_s=60)
        await until(
            lambda: not [words for words in nfs.clients().values() if str(place) in words[1]],
            "the clients have ended with their mounts",
        )
        await cluster.delete(core_v1.Pod, "nfs-server", grace_period_s=0)
        await cluster.gone(core_v1.Pod, "nfs-server")
