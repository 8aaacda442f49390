"""Pods from files: made, changed, ended, made again when somebody deletes their mirror, and told when a file is bad."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shipslog.engine import static_pods
from shipslog.engine.cluster import Cluster
from shipslog.engine.static_pods import BadFile, read
from shipslog.store.objects.scheme import Scheme
from shipslog.store.objects.types import core_v1

POD = "{apiVersion: v1, kind: Pod, metadata: {name: NAME, labels: {a: b}}, spec: {containers: [{name: c, image: IMAGE}]}}"


def manifest(name: str = "web", image: str = "one") -> str:
    return POD.replace("NAME", name).replace("IMAGE", image)


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    monkeypatch.setattr(static_pods, "SETTLE_S", 0.01)
    (tmp_path / "pods").mkdir()
    (tmp_path / "pods/web.yaml").write_text(manifest())
    async with Cluster.open() as cluster:
        cluster.keep_static_pods("node", tmp_path / "pods")
        yield cluster


async def runs(cluster: Cluster, name: str = "web-node", image: str = "one") -> core_v1.Pod:
    def there(pod: core_v1.Pod) -> bool:
        return pod.status.phase == "Running" and pod.spec.containers[0].image == image and not pod.metadata.deletion_timestamp

    return await cluster.wait(core_v1.Pod, name, until=there)


async def test_a_file_is_a_pod_of_the_node_with_a_kubelets_marks(cluster: Cluster) -> None:
    pod = await runs(cluster)
    notes = pod.metadata.annotations
    assert notes["kubernetes.io/config.source"] == "file" and pod.metadata.labels == {"a": "b"}
    assert notes["kubernetes.io/config.mirror"] == notes["kubernetes.io/config.hash"] and notes["kubernetes.io/config.seen"]
    (owner,) = pod.metadata.owner_references
    assert (owner.kind, owner.uid, owner.controller) == ("Node", cluster.get(core_v1.Node, "node").metadata.uid, True)
    assert pod.spec.node_name == "node" and any(t.effect == "NoExecute" and not t.key for t in pod.spec.tolerations)
    assert not pod.spec.service_account_name and not pod.spec.volumes, "it runs whatever the API has"


async def test_a_changed_file_ends_its_pod_and_begins_another(cluster: Cluster, tmp_path: Path) -> None:
    before = await runs(cluster)
    part = tmp_path / "pods/.web"
    part.write_text(manifest(image="two"))
    part.replace(tmp_path / "pods/web.yaml")
    assert (await runs(cluster, image="two")).metadata.uid != before.metadata.uid
    (tmp_path / "pods/web.yaml").unlink()
    await cluster.gone(core_v1.Pod, "web-node")


async def test_a_mirror_that_somebody_deletes_comes_back(cluster: Cluster) -> None:
    before = await runs(cluster)
    await cluster.delete(core_v1.Pod, "web-node")
    assert (await cluster.wait(core_v1.Pod, "web-node", until=lambda p: p.metadata.uid != before.metadata.uid)).spec.node_name


async def test_a_bad_file_is_told_and_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    before = await runs(cluster)
    (tmp_path / "pods/web.yaml").write_text("{kind: Pod")
    (tmp_path / "pods/twice.yaml").write_text(manifest("b") + "\n---\n" + manifest("c"))
    (tmp_path / "pods/account.yaml").write_text(manifest("d").replace("spec: {", "spec: {serviceAccountName: x, "))
    (tmp_path / "pods/good.yaml").write_text(manifest("good"))
    await runs(cluster, "good-node")
    assert (await runs(cluster)).metadata.uid == before.metadata.uid

    def told() -> set[str]:
        return {e.message.partition(":")[0] for e in cluster.list(core_v1.Event) if e.reason == "InvalidStaticPod"}

    while told() != {"web.yaml", "twice.yaml", "account.yaml"}:
        await cluster.clock.sleep(0.02)
    assert "static pods of node: 3 files cannot be used; the events of the node say why" in cluster.failing()
    (tmp_path / "pods/web.yaml").write_text(manifest(image="two"))
    await runs(cluster, image="two")


async def test_after_a_restart_the_same_pod_runs_on_and_without_files_none(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(manifest())
    async with Cluster.open(tmp_path / "log.db") as cluster:
        cluster.keep_static_pods("node", tmp_path / "web.yaml")
        uid = (await runs(cluster)).metadata.uid
    async with Cluster.open(tmp_path / "log.db") as cluster:
        cluster.keep_static_pods("node", tmp_path / "web.yaml")
        assert (await runs(cluster)).metadata.uid == uid
    async with Cluster.open(tmp_path / "log.db") as cluster:
        cluster.keep_static_pods("node", None)
        await cluster.gone(core_v1.Pod, "web-node")


def test_only_files_are_read_and_only_so_much_of_them(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (static_pods.LARGEST + 1))
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    found = read(tmp_path)
    assert found["a"] == b"x" and sorted(found) == ["a", "large", "pipe"]
    assert isinstance(found["pipe"], BadFile) and isinstance(found["large"], BadFile)
    assert read(tmp_path / "a") == {"a": b"x"} and read(tmp_path / "gone") == {}


async def test_a_file_is_looked_into_once_and_not_by_the_loop(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A megabyte of YAML takes a second: nobody is to wait for it, and not every twenty seconds."""
    real, looked = static_pods.manifest, list[tuple[bytes, int]]()

    def counted(scheme: Scheme, content: bytes) -> core_v1.Pod | BadFile:
        looked.append((content, threading.get_ident()))
        return real(scheme, content)

    monkeypatch.setattr(static_pods, "manifest", counted)
    await runs(cluster)
    for name in ("second", "third"):
        (tmp_path / f"pods/{name}.yaml").write_text(manifest(name))
        await runs(cluster, f"{name}-node")
    (tmp_path / "pods/bad.yaml").write_text("kind: [")
    async with asyncio.timeout(60):
        while b"kind: [" not in {content for content, _ in looked}:
            await asyncio.sleep(0.01)
    contents = [content for content, _ in looked]
    assert len(contents) == len(set(contents)) and manifest("third").encode() in contents
    assert threading.get_ident() not in {thread for _, thread in looked}
