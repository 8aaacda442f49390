"""From what a node measures to a pod that is evicted, in virtual time; and that nothing is recorded while nothing matters."""

from typing import Any

import pytest

from shipslog.engine.host.pressure_reader import PressureSettings
from shipslog.engine.past.replay import verify
from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.kubelet.eviction.thresholds import parse
from shipslog.store.facts import ImagesCollected, PressureObserved
from shipslog.store.objects.types import core_v1
from shipslog.testing import TestCluster

GI = 1 << 30
PODS = """
apiVersion: v1
kind: Pod
metadata: {name: large, labels: {sim.shipslog/memory: 20Gi}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: small, labels: {sim.shipslog/memory: 1Gi}}
spec: {containers: [{name: c, image: i}]}
"""
LATE = "{apiVersion: v1, kind: Pod, metadata: {name: late}, spec: {nodeName: node, containers: [{name: c, image: i}]}}"


async def facts(cluster: TestCluster, kind: type[Any]) -> list[Any]:
    return [e.fact async for batch in cluster.log.read(0) for e in batch if isinstance(e.fact, kind)]


def conditions(cluster: TestCluster) -> set[str]:
    return {c.type for c in cluster.get(core_v1.Node, "node").status.conditions if c.status == "True"} - {"Ready"}


def taints(cluster: TestCluster) -> list[str]:
    return [t.key for t in cluster.get(core_v1.Node, "node").spec.taints]


async def test_a_node_that_runs_short_of_memory(cluster: TestCluster) -> None:
    cluster.pressure_reader.settings = PressureSettings(thresholds=parse(("memory.available<2Gi",)))
    await cluster.apply(PODS)
    await cluster.advance(minutes=10)
    assert await facts(cluster, PressureObserved) == [], "nothing is recorded while nothing matters"
    (node,) = cluster.runtimes.values()
    node.use(cluster.get(core_v1.Pod, "large").metadata.uid, "c", memory_bytes=30 * GI)  # type: ignore[attr-defined]
    await cluster.advance(seconds=12)
    large, small = cluster.get(core_v1.Pod, "large"), cluster.get(core_v1.Pod, "small")
    assert (large.status.phase, large.status.reason, small.status.phase) == ("Failed", "Evicted", "Running")
    told = "The node was low on resource: memory. Threshold quantity: 2Gi, available: 768Mi. "
    assert large.status.message.startswith(told) and "Container c was using 30Gi, request is 0" in large.status.message
    assert cluster.view.pod_runtime(large.metadata.uid) is None, "nothing of it is left on the node"
    assert conditions(cluster) == {"MemoryPressure"} and taints(cluster) == ["node.kubernetes.io/memory-pressure"]
    said = {(e.involved_object.kind, e.reason, e.message) for e in cluster.list(core_v1.Event)}
    assert ("Pod", "Evicted", large.status.message) in said
    assert ("Node", "EvictionThresholdMet", "Attempting to reclaim memory") in said
    await cluster.apply(LATE)
    await cluster.advance(seconds=20)
    late = cluster.get(core_v1.Pod, "late")
    assert (late.status.phase, late.status.reason) == ("Failed", "Evicted")
    assert late.status.message == "Pod was rejected: The node had condition: [MemoryPressure]. "
    await cluster.advance(minutes=6)
    assert conditions(cluster) == set() and taints(cluster) == []
    assert len(await facts(cluster, PressureObserved)) == 2, "when it began, and when it was over"
    assert cluster.get(core_v1.Pod, "small").status.phase == "Running"
    assert (await verify(cluster.log, ALL)).difference is None


async def test_a_disk_that_fills_costs_images_before_pods(cluster: TestCluster) -> None:
    await cluster.apply(PODS)
    await cluster.advance(seconds=65)
    (node,) = cluster.runtimes.values()
    node.images.add("old")  # type: ignore[attr-defined]
    node.disk_used_bytes = 90 * GI  # type: ignore[attr-defined]
    await cluster.advance(seconds=10)
    (collected,) = await facts(cluster, ImagesCollected)
    assert collected.images == ("old",)
    assert {p.status.phase for p in cluster.list(core_v1.Pod)} == {"Running"} and conditions(cluster) == {"DiskPressure"}
    await cluster.advance(seconds=10)
    assert sorted(p.status.phase for p in cluster.list(core_v1.Pod)) == ["Failed", "Running"], "one, and then it is looked"
    node.disk_used_bytes = 10 * GI  # type: ignore[attr-defined]
    await cluster.advance(minutes=6)
    assert sorted(p.status.phase for p in cluster.list(core_v1.Pod)) == ["Failed", "Running"] and conditions(cluster) == set()


@pytest.mark.parametrize("max_grace_s", [0, 7])
async def test_a_soft_threshold_waits_for_its_grace(cluster: TestCluster, max_grace_s: int) -> None:
    soft = parse((), ("memory.available<20Gi",), ("memory.available=30s",))
    cluster.pressure_reader.settings = PressureSettings(thresholds=soft, max_grace_s=max_grace_s)
    await cluster.apply(PODS)
    await cluster.advance(seconds=25)
    assert conditions(cluster) == {"MemoryPressure"} and {p.status.phase for p in cluster.list(core_v1.Pod)} == {"Running"}
    await cluster.advance(seconds=30)
    assert cluster.get(core_v1.Pod, "large").status.reason == "Evicted"
    assert {f.grace_period_s for f in await facts(cluster, PressureObserved) if f.thresholds} == {max(max_grace_s, 1)}
