"""`shipslog.testing`: time that is advanced, and everything that a test can have go wrong."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog import Decision, Reconciler, rule, testing
from shipslog.engine.host.lane import LONG_S
from shipslog.engine.library import Serving
from shipslog.engine.testing.cluster import cluster as cluster_of
from shipslog.engine.testing.cluster import serving
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.refusals import BadRequest, Unavailable
from shipslog.store.view import View

RC = """
apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 2
  selector: {app: web}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: example/web, readinessProbe: {httpGet: {port: 80}}}]
"""
START = "2026-02-28T23:59:00Z"


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
    }


def running(pod: core_v1.Pod) -> bool:
    return pod.status.phase == "Running"


def restarts(pod: core_v1.Pod) -> int:
    return pod.status.container_statuses[0].restart_count


async def test_time_is_exact() -> None:
    async with testing.cluster(start=START, flows=False) as cluster:
        await cluster.create(pod())
        await cluster.settled()
        assert cluster.get(core_v1.Pod, "p").metadata.creation_timestamp == START
        await cluster.advance(hours=6)
        assert cluster.now == datetime(2026, 3, 1, 5, 59, tzinfo=UTC)
        await cluster.delete(core_v1.Pod, "p", grace_period_s=0)
        assert cluster.events("pods", "p")[-1].last_timestamp >= START
        with pytest.raises(ValueError, match="time goes forward"):
            await cluster.advance(seconds=-1)


async def test_back_offs_are_waited_for_at_once_and_in_their_order() -> None:
    async with testing.cluster(start=START, flows=False) as cluster:
        await cluster.create(pod())
        await cluster.wait(core_v1.Pod, "p", until=running)
        for expected, back_off_s in ((1, 10), (2, 20), (3, 40)):
            cluster.container("p").exit(3)
            await cluster.settled()
            if expected > 1:
                await cluster.advance(seconds=back_off_s / 2 - 0.001)
                assert restarts(cluster.get(core_v1.Pod, "p")) == expected - 1, "not before its time"
                await cluster.advance(seconds=0.002)
            assert restarts(cluster.get(core_v1.Pod, "p")) == expected
        last = cluster.get(core_v1.Pod, "p").status.container_statuses[0].last_state
        assert last is not None and last.terminated is not None and last.terminated.exit_code == 3


async def test_a_lost_node_loses_its_pods_after_their_time_and_comes_back() -> None:
    async with testing.cluster(nodes=2, start=START, flows=False) as cluster:
        await cluster.apply(RC)
        await cluster.wait(core_v1.ReplicationController, "web", until=lambda rc: rc.status.ready_replicas == 2)
        cluster.node("node-1").lose()
        await cluster.advance(seconds=39)
        assert ready(cluster, "node-1") == "True"
        await cluster.advance(seconds=15)
        assert ready(cluster, "node-1") == "Unknown"
        await cluster.advance(minutes=6)
        alive = [p for p in cluster.list(core_v1.Pod) if not p.metadata.deletion_timestamp]
        assert {p.spec.node_name for p in alive} == {"node-0"} and len(alive) == 2
        cluster.node("node-1").find()
        await cluster.advance(minutes=1)
        assert ready(cluster, "node-1") == "True" and len(cluster.list(core_v1.Pod)) == 2
        with pytest.raises(ValueError, match="what there is: node-0, node-1"):
            cluster.node("n7")


def ready(cluster: testing.TestCluster, node: str) -> str:
    return next(c.status for c in cluster.get(core_v1.Node, node).status.conditions if c.type == "Ready")


async def test_a_reboot_starts_all_that_ran_again() -> None:
    async with testing.cluster() as cluster:
        await cluster.create(pod())
        await cluster.wait(core_v1.Pod, "p", until=running)
        cluster.node().reboot()
        await cluster.advance(minutes=1)
        again = cluster.get(core_v1.Pod, "p")
        assert running(again) and restarts(again) == 1


async def test_a_reboot_ends_what_nobody_has_heard_of_yet() -> None:
    """Word of a start may be on its way when the machine goes."""
    async with testing.cluster() as cluster:
        await cluster.create(pod())
        await cluster.wait(core_v1.Pod, "p", until=running)
        cluster.node().node.reboot(())
        await cluster.advance(minutes=1)
        again = cluster.get(core_v1.Pod, "p")
        assert running(again) and restarts(again) == 1


async def test_a_probe_fails_and_succeeds_as_told() -> None:
    async with testing.cluster() as cluster:
        await cluster.apply(RC)
        await cluster.wait(core_v1.ReplicationController, "web", until=lambda rc: rc.status.ready_replicas == 2)
        name = cluster.list(core_v1.Pod)[0].metadata.name
        cluster.probe(name, "readiness").fail("HTTP probe failed with statuscode: 500")
        await cluster.settled()
        assert cluster.get(core_v1.ReplicationController, "web").status.ready_replicas == 1
        cluster.container(name).exit(1)
        await cluster.advance(seconds=30)
        assert cluster.get(core_v1.ReplicationController, "web").status.ready_replicas == 1, "it fails after a restart too"
        cluster.probe(name, "readiness").succeed()
        await cluster.settled()
        assert cluster.get(core_v1.ReplicationController, "web").status.ready_replicas == 2
        with pytest.raises(ValueError, match="startup, liveness, readiness"):
            cluster.probe(name, "ready")


async def test_pulls_are_slow_and_fail() -> None:
    async with testing.cluster(start=START, flows=False) as cluster:
        cluster.pull("i").slow(90)
        await cluster.create(pod())
        await cluster.advance(seconds=89)
        assert not running(cluster.get(core_v1.Pod, "p"))
        await cluster.advance(seconds=1)
        assert running(cluster.get(core_v1.Pod, "p"))
        cluster.pull("j").fail("manifest unknown")
        await cluster.create(pod("q", containers=[{"name": "c", "image": "j"}]))
        await cluster.settled()
        waiting = cluster.get(core_v1.Pod, "q").status.container_statuses[0].state.waiting
        assert waiting is not None and "manifest unknown" in waiting.message
        cluster.pull("j").succeed()
        await cluster.advance(minutes=6)
        assert running(cluster.get(core_v1.Pod, "q"))


async def test_exec_and_logs_answer_what_was_made_up() -> None:
    async with testing.cluster() as cluster:
        cluster.container("p").answer("psql", stdout="1 row\n")
        cluster.container("p").answer("psql", "-c", "drop", stderr="no\n", exit_code=2)
        cluster.container("p").says("starting", "ready")
        await cluster.create(pod())
        await cluster.wait(core_v1.Pod, "p", until=running)
        assert (await cluster.exec("p", ["psql", "-l"])).stdout == b"1 row\n"
        dropped = await cluster.exec("p", ["psql", "-c", "drop", "table"])
        assert (dropped.exit_code, dropped.stderr) == (2, b"no\n")
        assert await cluster.logs("p") == "starting\nready\n" and await cluster.logs("p", tail_lines=1) == "ready\n"
        with pytest.raises(BadRequest, match="simulated"):
            await cluster.exec("p", ["sh"])


@pytest.mark.parametrize("on_disk", [False, True])
async def test_a_full_log_refuses_and_goes_on_when_there_is_room(on_disk: bool, tmp_path: Path) -> None:
    async with testing.cluster(tmp_path / "cluster.db" if on_disk else None) as cluster:
        await cluster.create(pod("old"))
        await cluster.wait(core_v1.Pod, "old", until=running)
        cluster.log.fill()
        with pytest.raises(Unavailable, match="full"):
            await cluster.create(pod())
        await cluster.delete(core_v1.Pod, "old", grace_period_s=0)
        cluster.log.free()
        await cluster.create(pod())
        await cluster.wait(core_v1.Pod, "p", until=running)


def test_requests_fail_as_told_and_then_do_not() -> None:
    with serving() as served:
        served.run(_fail_twice)
        assert [answered(served.served) for _ in range(3)] == [503, 429, 200]


async def _fail_twice(cluster: testing.TestCluster) -> None:
    cluster.api.fail(1, 503, method="get", path="/namespaces")
    cluster.api.fail(1, 429)
    with pytest.raises(ValueError, match="401, 403"):
        cluster.api.fail(1, 418)


def answered(served: Serving) -> int:
    import ssl

    request = urllib.request.Request(f"{served.url}/api/v1/namespaces", headers={"Authorization": f"Bearer {served.token}"})
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(served.ca))) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        status = json.loads(error.read())
        assert status["kind"] == "Status" and status["code"] == error.code
        return error.code


async def test_time_keeps_pace_with_the_machine_when_left_alone() -> None:
    async with testing.cluster(start=START) as cluster:
        before = cluster.now
        await cluster.clock.sleep(0.05)
        assert cluster.now - before == timedelta(seconds=0.05)


async def test_time_does_not_pass_while_a_decision_that_took_long_rests() -> None:
    """On a busy machine any decision takes long; a node whose lease were not renewed meanwhile would be given up."""
    async with testing.cluster(flows=False) as cluster:
        await cluster.settled()
        rule = cluster.host.lanes[0]
        rule.resting.add("a key")
        began = cluster.now
        advancing = asyncio.ensure_future(cluster.advance(minutes=1))
        await asyncio.sleep(0.05)
        assert cluster.now == began and not advancing.done()
        rule.resting.discard("a key")
        await advancing
        assert cluster.now == began + timedelta(minutes=1)


def _slowly(view: View, key: str, *, now: int) -> Decision:
    """Counts to two, and is slow about it: what is known to take long is decided in a thread."""
    namespace, _, name = key.partition("/")
    held = view.get(core_v1.ConfigMap, name, namespace)
    if held is None or held.data.get("n") == "2" or name != "counted":
        return Decision(reason="nothing to count")
    time.sleep(LONG_S * 1.5)
    return Decision(reason="counting", commands=(Update(object=replace(held, data={"n": str(int(held.data["n"]) + 1)})),))


async def test_what_is_decided_in_a_thread_is_waited_for() -> None:
    slow = Reconciler(name="slow", actor="system:controller:slow", wakes=rule(core_v1.ConfigMap), decide=_slowly)
    async with cluster_of(reconcilers=(slow,), flows=False) as cluster:
        await cluster.create(core_v1.ConfigMap(metadata=ObjectMeta(name="counted", namespace="default"), data={"n": "0"}))
        await cluster.settled()
        assert cluster.get(core_v1.ConfigMap, "counted").data == {"n": "2"}
