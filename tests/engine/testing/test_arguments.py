"""What is said wrongly of time and faults is told at once, in words that say what would be right."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from shipslog import testing
from shipslog.engine.client import EngineStopped
from shipslog.engine.testing.cluster import serving
from shipslog.store.objects.types import core_v1

POD = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}"
Cluster = testing.TestCluster


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with testing.cluster(flows=False) as opened:
        await opened.apply(POD)
        await opened.wait(core_v1.Pod, "p", until=lambda pod: pod.status.phase == "Running")
        yield opened


@pytest.mark.parametrize(
    ("spans", "error", "told"),
    [
        ({"seconds": math.nan}, ValueError, "seconds=nan"),
        ({"hours": math.inf}, ValueError, "hours=inf"),
        ({"minutes": -1}, ValueError, "minutes=-1: time goes forward"),
        ({"seconds": "5"}, TypeError, "seconds='5' is not a number"),
        ({"days": None}, TypeError, "days=None is not a number"),
        ({"days": 365_000}, ValueError, "end in the year 2262"),
    ],
)
async def test_a_span_that_is_none_is_refused(cluster: Cluster, spans: Any, error: type[Exception], told: str) -> None:
    before = cluster.now
    with pytest.raises(error, match=told):
        await cluster.advance(**spans)
    assert cluster.now == before


async def test_two_cannot_advance_at_once(cluster: Cluster) -> None:
    first = asyncio.create_task(cluster.advance(hours=1))
    before = cluster.now
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="being advanced already: await that first"):
        await cluster.advance(minutes=5)
    await first
    await cluster.advance(minutes=5)
    assert (cluster.now - before).total_seconds() == 3900


WRONG: list[tuple[Callable[[Cluster], Any], type[Exception], str]] = [
    (lambda c: c.node("nope"), ValueError, "no node 'nope'; what there is: node"),
    (lambda c: c.container("p", container="x"), ValueError, "no container in pod default/p 'x'; what there is: c"),
    (lambda c: c.container("p").exit("three"), TypeError, "code='three' is not a whole number"),
    (lambda c: c.container("p").exit(256), ValueError, "code=256: give 0 to 255"),
    (lambda c: c.container("p").answer(["ls"]), TypeError, r"\['ls'\] is not a text; write it as answer\('ls'"),
    (lambda c: c.container("p").answer("ls", stdout=5), TypeError, "stdout=5 is neither a text nor bytes"),
    (lambda c: c.container("p").answer("ls", exit_code=-1), ValueError, "exit_code=-1"),
    (lambda c: c.container("p").says(5), TypeError, "says: 5 is not a text"),
    (lambda c: c.probe("p", "ready"), ValueError, "no probe 'ready'; what there is: startup, liveness, readiness"),
    (lambda c: c.probe("p", "readiness").fail(), ValueError, "no probe of container c 'readiness'; there is none at all"),
    (lambda c: c.pull(""), ValueError, "no image is named"),
    (lambda c: c.pull("i").slow("30"), TypeError, "seconds='30'"),
    (lambda c: c.pull("i").slow(math.nan), ValueError, "seconds=nan"),
    (lambda c: c.api.fail(0), ValueError, "times=0: give 1 or more"),
    (lambda c: c.api.fail("3"), TypeError, "times='3'"),
    (lambda c: c.api.fail(1, 503, method="GTE"), ValueError, "no method 'GTE'; what there is: GET, HEAD"),
    (lambda c: c.api.fail(1, 418), ValueError, "code 418 is not among"),
    (lambda c: c.api.slow(math.inf), ValueError, "seconds=inf"),
]


@pytest.mark.parametrize(("what", "error", "told"), WRONG)
async def test_a_fault_that_cannot_come_is_refused(
    cluster: Cluster, what: Callable[[Cluster], Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        what(cluster)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"nodes": -1}, ValueError, "nodes=-1: give 0 or more"),
        ({"nodes": "3"}, TypeError, "nodes='3' is not a whole number"),
        ({"start": "yesterday"}, ValueError, "start='yesterday' is no time; give one as '2026"),
    ],
)
async def test_how_a_cluster_is_made_is_looked_at(options: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        async with testing.cluster(**options):
            pass


async def test_a_cluster_without_nodes_has_pods_that_wait() -> None:
    async with testing.cluster(nodes=0) as cluster:
        await cluster.apply(POD)
        await cluster.advance(minutes=1)
        assert cluster.get(core_v1.Pod, "p").spec.node_name == ""


async def test_in_another_loop_or_thread_nothing_is_done(cluster: Cluster) -> None:
    async def serve() -> None:
        async with cluster.serve():
            pass

    asked: list[Callable[[], Any]] = [
        lambda: cluster.advance(hours=1),
        cluster.settled,
        serve,
        lambda: cluster.node().lose(),
        lambda: cluster.container("p").exit(1),
        lambda: cluster.pull("i").fail(),
    ]

    async def elsewhere(work: Callable[[], Any]) -> None:
        await work()

    for work in asked:
        with pytest.raises(RuntimeError, match=r"another event loop.*served\.run"):
            await asyncio.wait_for(asyncio.to_thread(lambda work=work: asyncio.run(elsewhere(work))), 30)
    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(cluster.node)  # no loop at all
    await cluster.advance(minutes=1)  # it lives


async def test_time_of_a_closed_cluster_does_not_pass() -> None:
    async with testing.cluster() as closed:
        pass
    with pytest.raises(EngineStopped, match="the cluster is closed"):
        await closed.advance(minutes=1)


def test_work_in_the_background_is_awaited_or_not() -> None:
    with serving(flows=False) as served:
        assert served.run(lambda cluster: cluster.node().lose()) is None
        assert len(served.run(lambda cluster: cluster.apply(POD))) == 1
        assert served.run(lambda cluster: cluster.get(core_v1.Pod, "p")).metadata.name == "p"
        with pytest.raises(RuntimeError, match="wait for itself"):
            served.run(lambda cluster: served.run(lambda cluster: cluster.apply(POD)))
    with pytest.raises(RuntimeError, match="this cluster is closed"):
        served.run(lambda cluster: cluster.apply(POD))


def test_an_interrupt_while_it_starts_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            made.append(self)
            if len(made) == 2:  # the first that waits for it is who opens; it waits once more to have it end
                raise KeyboardInterrupt
            return super().wait(timeout)

    made: list[object] = []
    event = threading.Event

    def make() -> threading.Event:
        if made:
            return event()
        made.append("the first, by which a cluster says that it is ready")
        return Interrupted()

    before = set(threading.enumerate())
    context = serving()
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Event", make)
        with pytest.raises(KeyboardInterrupt):
            context.__enter__()
    assert len(made) == 3 and not [t for t in threading.enumerate() if t not in before and t.name == "shipslog"]
