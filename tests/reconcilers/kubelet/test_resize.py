"""A pod that is resized while it runs: at once where there is room, later or never where there is none."""

from typing import Any

import pytest

from shipslog.store.facts import ContainerLimits
from shipslog.store.objects.types import core_v1
from shipslog.testing import TestCluster
from tests.engine.kinds.core.test_pod_resize import container, resize

pytestmark = pytest.mark.shipslog(start="2026-11-01T12:00:00Z", flows=False)


def pod(name: str = "p", cpu: str = "1", memory: str = "1Gi", **more: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "8", "memory": "32Gi"}}
    containers = [{"name": "c", "image": "i", "resources": resources, **more}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}}


async def started(cluster: TestCluster, name: str = "p", **more: Any) -> core_v1.Pod:
    await cluster.create(pod(name, **more))
    await cluster.wait(core_v1.Pod, name, until=lambda p: p.status.phase == "Running")
    await cluster.settled()
    return cluster.get(core_v1.Pod, name)


def status(cluster: TestCluster, name: str = "p") -> core_v1.ContainerStatus:
    return cluster.get(core_v1.Pod, name).status.container_statuses[0]


def conditions(cluster: TestCluster, name: str = "p") -> dict[str, core_v1.PodCondition]:
    found = cluster.get(core_v1.Pod, name).status.conditions
    return {c.type: c for c in found if c.type.startswith("PodResize")}


def held(cluster: TestCluster, name: str = "p") -> ContainerLimits | None:
    uid = cluster.get(core_v1.Pod, name).metadata.uid
    return cluster.nodes["node"].pods[uid].containers["c"].limits


async def test_where_there_is_room_it_is_done_at_once(cluster: TestCluster) -> None:
    before = await started(cluster)
    assert status(cluster).resources == before.spec.containers[0].resources
    assert status(cluster).allocated_resources == {"cpu": "1", "memory": "1Gi"}
    await resize(cluster, {"containers": [container("c", cpu="2", memory="2Gi")]})
    await cluster.settled()
    now = status(cluster)
    assert now.resources is not None and now.resources.requests == now.allocated_resources == {"cpu": "2", "memory": "2Gi"}
    assert now.restart_count == 0 and not conditions(cluster)
    assert held(cluster) == ContainerLimits(cpu_request_milli=2000, cpu_limit_milli=8000, memory_limit_bytes=32 << 30)
    await cluster.advance(seconds=1)
    said = [e.reason for e in cluster.events("pods", "p") if e.reason.startswith("Resize")]
    assert said in ([], ["ResizeStarted", "ResizeCompleted"])


async def test_what_no_node_has_is_never_done(cluster: TestCluster) -> None:
    await started(cluster)
    await resize(cluster, {"containers": [{"name": "c", "resources": {"requests": {"cpu": "9"}, "limits": {"cpu": "9"}}}]})
    await cluster.settled()
    pending = conditions(cluster)["PodResizePending"]
    assert (pending.status, pending.reason) == ("True", "Infeasible")
    assert pending.message == "Node didn't have enough capacity: cpu, requested: 9000, capacity: 8000"
    now = status(cluster)
    assert now.resources is not None and now.resources.requests["cpu"] == now.allocated_resources["cpu"] == "1"
    assert cluster.get(core_v1.Pod, "p").spec.containers[0].resources.requests["cpu"] == "9"
    await cluster.advance(seconds=1)
    assert "ResizeInfeasible" in [e.reason for e in cluster.events("pods", "p")]
    await resize(cluster, {"containers": [{"name": "c", "resources": {"requests": {"cpu": "3"}, "limits": {"cpu": "8"}}}]})
    await cluster.settled()
    assert not conditions(cluster) and status(cluster).allocated_resources["cpu"] == "3"


async def test_what_others_have_is_waited_for(cluster: TestCluster) -> None:
    await started(cluster)
    await started(cluster, "other", cpu="6")
    await resize(cluster, {"containers": [container("c", cpu="4")]})
    await cluster.settled()
    pending = conditions(cluster)["PodResizePending"]
    assert (pending.reason, pending.message) == (
        "Deferred",
        "Node didn't have enough resource: cpu, requested: 4000, used: 6000, capacity: 8000",
    )
    cluster.container("p").exit(1)  # meanwhile it is started again with what it had
    await cluster.advance(seconds=1)
    assert held(cluster) == ContainerLimits(cpu_request_milli=1000, cpu_limit_milli=8000, memory_limit_bytes=32 << 30)
    await resize(cluster, {"containers": [container("c", cpu="1")]}, name="other")
    await cluster.advance(seconds=15)
    assert not conditions(cluster) and status(cluster).allocated_resources["cpu"] == "4"
    assert status(cluster).restart_count == 1


async def test_two_that_wait_do_not_wait_for_each_other(cluster: TestCluster) -> None:
    await started(cluster, cpu="3")
    await started(cluster, "other", cpu="3")
    await resize(cluster, {"containers": [container("c", cpu="6")]})
    await resize(cluster, {"containers": [container("c", cpu="6")]}, name="other")
    await cluster.settled()
    assert conditions(cluster) and conditions(cluster, "other")
    await resize(cluster, {"containers": [container("c", cpu="5")]})
    await cluster.advance(seconds=15)
    assert not conditions(cluster) and conditions(cluster, "other")


async def test_a_policy_that_says_so_has_it_started_again(cluster: TestCluster) -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    await started(cluster, resizePolicy=policy)
    await resize(cluster, {"containers": [container("c", cpu="2")]})
    await cluster.settled()
    assert status(cluster).restart_count == 0
    await resize(cluster, {"containers": [container("c", "limits", memory="16Gi")]})
    await cluster.advance(seconds=30)
    now = status(cluster)
    assert now.restart_count == 1 and not conditions(cluster)
    assert now.resources is not None and now.resources.limits["memory"] == "16Gi"
    assert held(cluster) == ContainerLimits(cpu_request_milli=2000, cpu_limit_milli=8000, memory_limit_bytes=16 << 30)
    killing = [e.message for e in cluster.events("pods", "p") if e.reason == "Killing"]
    assert killing == ["Container c resize requires restart"]


async def test_a_node_that_cannot_says_why_and_tries_again(cluster: TestCluster) -> None:
    await started(cluster)
    node = cluster.nodes["node"]
    node.resize_failure = "attempting to set container memory limit (1) below current usage (2)"
    await resize(cluster, {"containers": [container("c", "limits", memory="16Gi")]})
    await cluster.settled()
    failed = conditions(cluster)["PodResizeInProgress"]
    assert (failed.status, failed.reason, failed.message) == ("True", "Error", node.resize_failure)
    assert status(cluster).resources.limits["memory"] == "32Gi"  # type: ignore[union-attr]
    node.resize_failure = ""
    await cluster.advance(seconds=25)
    assert not conditions(cluster) and status(cluster).resources.limits["memory"] == "16Gi"  # type: ignore[union-attr]
