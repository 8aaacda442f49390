"""Claims from beginning to end on simulated nodes: the default class, growing, policies, and a node that is lost."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from shipslog import Cluster
from shipslog.engine.time.clock import SystemClock
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.facts import VolumeMade
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.volume_claims import DIRECTORIES
from shipslog.store.refusals import Forbidden
from shipslog.testing import TestCluster

pytestmark = pytest.mark.shipslog(nodes=2, start="2026-11-01T12:00:00Z", flows=False)
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: NAME}
spec: {MORE accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec: {MORE containers: [{name: c, image: i}], volumes: [{name: d, persistentVolumeClaim: {claimName: CLAIM}}]}
"""
VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: NAME}
spec:
  storageClassName: none
  capacity: {storage: 1Gi}
  persistentVolumeReclaimPolicy: POLICY
  accessModes: [ReadWriteOnce]
  hostPath: {path: /NAME}
"""


def claim(name: str, more: str = "") -> str:
    return CLAIM.replace("NAME", name).replace("MORE", more)


def pod(name: str, of: str, more: str = "") -> str:
    return POD.replace("NAME", name).replace("CLAIM", of).replace("MORE", more)


def held(cluster: TestCluster, name: str) -> core_v1.PersistentVolumeClaim:
    return cluster.get(core_v1.PersistentVolumeClaim, name)


async def test_the_default_class(cluster: TestCluster) -> None:
    """A claim waits for its pod, is bound where that goes, stays while it is used, and takes its directory along."""
    standard = cluster.get(storage_v1.StorageClass, "standard", "")
    assert standard.metadata.annotations == {"storageclass.kubernetes.io/is-default-class": "true"}
    await cluster.apply(claim("data"))
    await cluster.advance(minutes=5)
    assert held(cluster, "data").spec.storage_class_name == "standard" and held(cluster, "data").status.phase == "Pending"
    assert not cluster.list(core_v1.PersistentVolume)
    await cluster.apply(pod("web", "data", "nodeSelector: {kubernetes.io/hostname: node-1},"))
    await cluster.wait(core_v1.Pod, "web", until=lambda p: p.status.phase == "Running")
    (volume,) = cluster.list(core_v1.PersistentVolume)
    assert held(cluster, "data").spec.volume_name == volume.metadata.name == f"pvc-{held(cluster, 'data').metadata.uid}"
    assert volume.metadata.name in cluster.runtimes["node-1"].volumes  # type: ignore[attr-defined]
    await cluster.delete(core_v1.PersistentVolumeClaim, "data")
    await cluster.advance(minutes=1)
    assert held(cluster, "data").metadata.deletion_timestamp, "a pod uses it"
    await cluster.apply(pod("late", "data"))
    await cluster.advance(seconds=5)
    waits = cluster.get(core_v1.Pod, "late").status.conditions[0].message
    assert 'persistentvolumeclaim "data" is being deleted' in waits
    await cluster.delete(core_v1.Pod, "web")
    await cluster.gone(core_v1.PersistentVolumeClaim, "data")
    await cluster.gone(core_v1.PersistentVolume, volume.metadata.name, "")
    assert not cluster.runtimes["node-1"].volumes  # type: ignore[attr-defined]


async def test_it_grows(cluster: TestCluster) -> None:
    await cluster.apply(claim("data"))
    await cluster.apply(pod("web", "data"))
    await cluster.wait(core_v1.Pod, "web", until=lambda p: p.status.phase == "Running")
    found = held(cluster, "data")
    larger = core_v1.VolumeResourceRequirements(requests={"storage": "5Gi"})
    await cluster.update(replace(found, spec=replace(found.spec, resources=larger)))
    await cluster.wait(core_v1.PersistentVolumeClaim, "data", until=lambda c: c.status.capacity == {"storage": "5Gi"})
    (volume,) = cluster.list(core_v1.PersistentVolume)
    assert volume.spec.capacity == {"storage": "5Gi"} and not held(cluster, "data").status.conditions
    await cluster.apply(VOLUME.replace("NAME", "fixed").replace("POLICY", "Retain"))
    await cluster.apply(claim("still", "storageClassName: none,"))
    still = await cluster.wait(core_v1.PersistentVolumeClaim, "still", until=lambda c: c.status.phase == "Bound")
    with pytest.raises(Forbidden, match="only dynamically provisioned pvc can be resized"):
        await cluster.update(replace(still, spec=replace(still.spec, resources=larger)))


@pytest.mark.parametrize(("policy", "phase"), [("Retain", "Released"), ("Recycle", "Available"), ("Delete", "Failed")])
async def test_what_becomes_of_a_volume(cluster: TestCluster, policy: str, phase: str) -> None:
    await cluster.apply(VOLUME.replace("NAME", "v").replace("POLICY", policy))
    await cluster.apply(claim("data", "storageClassName: none,"))
    await cluster.wait(core_v1.PersistentVolumeClaim, "data", until=lambda c: c.status.phase == "Bound")
    await cluster.delete(core_v1.PersistentVolumeClaim, "data")
    await cluster.wait(core_v1.PersistentVolume, "v", "", until=lambda v: v.status.phase == phase)
    await cluster.apply(claim("next", "storageClassName: none,"))
    await cluster.advance(minutes=1)
    assert held(cluster, "next").status.phase == ("Bound" if policy == "Recycle" else "Pending")


async def test_a_claim_whose_node_is_lost_before_it_has_its_directory(cluster: TestCluster) -> None:
    """The node is taken off the claim when it is deleted, and another is chosen."""
    cluster.node("node-1").lose()
    cluster.node("node-0").lose()
    await cluster.apply(claim("data"))
    await cluster.apply(pod("web", "data"))
    await cluster.advance(minutes=3)
    assert held(cluster, "data").status.phase == "Pending"
    cluster.node("node-0").find()
    await cluster.wait(core_v1.Pod, "web", until=lambda p: p.status.phase == "Running")
    assert cluster.get(core_v1.Pod, "web").spec.node_name == "node-0"


async def test_who_deletes_a_volume_that_is_bound_waits_for_its_claim(cluster: TestCluster) -> None:
    await cluster.apply(claim("data"))
    await cluster.apply(pod("web", "data"))
    await cluster.wait(core_v1.Pod, "web", until=lambda p: p.status.phase == "Running")
    (volume,) = cluster.list(core_v1.PersistentVolume)
    await cluster.delete(core_v1.PersistentVolume, volume.metadata.name, "")
    await cluster.advance(minutes=1)
    assert cluster.get(core_v1.PersistentVolume, volume.metadata.name, "").status.phase == "Bound"
    await cluster.delete(core_v1.Pod, "web")
    await cluster.delete(core_v1.PersistentVolumeClaim, "data")
    await cluster.gone(core_v1.PersistentVolume, volume.metadata.name, "")
    assert not any(node.volumes for node in cluster.runtimes.values())  # type: ignore[attr-defined]


KEEPS = "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: now}, provisioner: PROVISIONER}"


async def test_a_start_finds_what_was_made_and_never_heard_of(tmp_path: Path) -> None:
    """The engine died before it heard of a directory, and its claim is gone. One that is known is not told of again."""
    node, path = SimulatedNode("a", now_ns=SystemClock().now_ns), tmp_path / "cluster.db"
    async with Cluster.open(path, runtime=[node]) as cluster:
        await cluster.apply(KEEPS.replace("PROVISIONER", DIRECTORIES))
        await cluster.apply(claim("data", "storageClassName: now,"))
        await cluster.wait(core_v1.PersistentVolumeClaim, "data", until=lambda c: c.status.phase == "Bound")
    (known,) = node.volumes
    stray = "pvc-0a1b2c3d-0000-4000-8000-00000000000a"
    node.volumes[stray] = f"/volumes/{stray}"
    async with Cluster.open(path, runtime=[node]) as cluster, asyncio.timeout(10):
        while stray in node.volumes or stray in cluster.view.volumes_on("a"):
            await asyncio.sleep(0.01)
        assert list(node.volumes) == [known]
    async with await SqliteLog.open(path) as log:
        made = [e.fact.volume async for batch in log.read() for e in batch if isinstance(e.fact, VolumeMade)]
    assert made == [known, stray]
