"""A log that refuses, is full, or was written by somebody else: nothing is half done, and what makes room still happens."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit import committer
from shipslog.engine.commit.writes_on_full_disk import is_urgent
from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.runtime.commands import PullImage, StopContainer
from shipslog.store.commands import Create, Delete
from shipslog.store.events import Event
from shipslog.store.facts import (
    ClockStepped,
    DecisionTaken,
    EngineStarted,
    ImagePulled,
    NodeObserved,
    ObjectCreated,
    SandboxStarted,
)
from shipslog.store.log.event_log import LogFull, LogUnwritable
from shipslog.store.log.memory import MemoryLog
from shipslog.store.objects.types import coordination_v1, core_v1, meta_v1
from shipslog.store.refusals import AlreadyExists, Unavailable
from tests.engine.conftest import SteppedClock
from tests.logs import capture_logs

from .test_committer import Watched, config_map


class Full(MemoryLog):
    """A log whose disk can be full: then only urgent batches fit."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[int, bool]] = []

    async def append(self, events: Sequence[Event], *, expected_revision: int, urgent: bool = False) -> None:
        if self.full and not urgent:
            self.trouble = "the disk is full"
            raise LogFull(self.trouble)
        self.batches.append((len(events), urgent))
        await super().append(events, expected_revision=expected_revision)

    full = False

    def has_room(self) -> None:
        self.full, self.trouble = False, ""


def same(head: MemoryView, view: MemoryView) -> bool:
    return head.state() == view.state() and head.reindex() == []


async def test_what_is_refused_is_taken_back_without_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Watched()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        await cluster.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="a", namespace="default", labels={"l": "1"})))
        await cluster.create(config_map("gone"))
        service = core_v1.Service(
            metadata=meta_v1.ObjectMeta(name="s", namespace="default"),
            spec=core_v1.ServiceSpec(cluster_ip="10.96.0.77", ports=(core_v1.ServicePort(port=80),)),
        )
        await cluster.create(service)
        observed = NodeObserved(node="n", capacity={"cpu": "1"})
        await cluster.committer.submit_facts((observed, SandboxStarted(node="n", pod_uid="u", sandbox_id="1")), actor="n")
        head = cluster.committer.head
        monkeypatch.setattr(MemoryView, "copy", None)
        log.failing = True
        moved = msgspec.structs.replace(service, metadata=msgspec.structs.replace(service.metadata, name="t"))
        work: list[Any] = [
            cluster.delete(core_v1.Service, "s"),
            cluster.create(moved),  # takes the address that has just become free
            cluster.update(config_map("a", k="2")),
            cluster.delete(core_v1.ConfigMap, "gone"),
            cluster.create(config_map("new")),
            cluster.committer.submit_facts(
                (
                    EngineStarted(version="x", config=cluster.config),
                    SandboxStarted(node="m", pod_uid="u", sandbox_id="2"),
                    SandboxStarted(node="m", pod_uid="v", sandbox_id="3"),
                    ImagePulled(node="n", image="i", image_id="d"),
                    NodeObserved(node="o"),
                ),
                actor="n",
            ),
        ]
        refused = await asyncio.gather(*work, return_exceptions=True)
        assert all(isinstance(r, Unavailable) for r in refused) and cluster.committer.head is head
        assert same(head, cluster.view)
        log.failing = False
        await cluster.create(config_map("new"))
        assert same(head, cluster.view)


async def test_a_batch_is_bounded_and_a_decision_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "BATCH_S", 60.0)  # a busy machine is no reason to divide these
    log = Watched()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        log.sizes.clear()
        decision = DecisionTaken(
            reconciler="r", key="k", read_revision=1, now_ns=1, reason="many", commands=(), digest="d"
        )  # fmt: skip
        many = [Create(object=config_map(f"d{i}")) for i in range(300)]
        await asyncio.gather(
            *(cluster.create(config_map(f"c{i}")) for i in range(200)),
            cluster.committer.submit_decision(decision, many, actor="system:controller:r", cause=None),
            *(cluster.create(config_map(f"e{i}")) for i in range(300)),
        )
        assert log.sizes == [301, 256, 244]
        log.sizes.clear()
        large = "x" * (committer.BATCH_BYTES // 5)
        await asyncio.gather(*(cluster.create(config_map(f"l{i}", k=large)) for i in range(12)))
        assert log.sizes == [5, 5, 2]


async def test_a_batch_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do those that come to nothing: refusals are no events, and there may be as many of them as there are connections."""
    log, turns = Watched(), 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    monkeypatch.setattr(committer, "BATCH_S", -1.0)  # each request takes longer than that
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        log.sizes.clear()
        await asyncio.gather(*(cluster.create(config_map(f"c{i}")) for i in range(5)))
        assert log.sizes == [1] * 5
        counting = asyncio.ensure_future(others())
        refused = await asyncio.gather(*(cluster.create(config_map("c0")) for i in range(50)), return_exceptions=True)
        counting.cancel()
        assert all(isinstance(r, AlreadyExists) for r in refused) and turns >= 50, turns


async def test_after_a_foreign_append_the_writer_catches_up() -> None:
    log = MemoryLog()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        watch = cluster.watch("configmaps")
        raw = msgspec.Raw(
            b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"foreign","namespace":"default","uid":"u"}}'
        )
        fact = ObjectCreated(resource="configmaps", namespace="default", name="foreign", uid="u", object=raw)
        after = log.revision
        event = Event(revision=after + 1, time_ns=cluster.clock.now_ns(), actor="somebody else", fact=fact)
        await log.append([event], expected_revision=after)
        made = await cluster.create(config_map("ours"))
        assert made.metadata.resource_version == str(after + 2)
        assert cluster.get(core_v1.ConfigMap, "foreign") is not None and same(cluster.committer.head, cluster.view)
        seen = [record.entry.object.metadata.name for record in await watch.batch()]
        seen += [record.entry.object.metadata.name for record in await watch.batch()] if len(seen) < 2 else []
        assert seen == ["foreign", "ours"]


async def test_on_a_full_disk_deletes_go_on_to_their_end() -> None:
    """A pod's end takes commands of its node and of the kubelet: all of them are written, and nothing else is."""
    log = Full()
    async with Cluster.open(event_log=log) as cluster:
        await cluster.create(config_map("c"))
        spec = core_v1.PodSpec(containers=(core_v1.Container(name="app", image="app"),), termination_grace_period_seconds=1)
        await cluster.create(core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="default"), spec=spec))
        await cluster.wait(core_v1.Pod, "p", until=lambda pod: pod.status.phase == "Running")
        log.full = True
        results = await asyncio.gather(
            cluster.create(config_map("d")), cluster.delete(core_v1.ConfigMap, "c"), return_exceptions=True
        )
        assert isinstance(results[0], Unavailable) and results[1] is None, "a delete in bad company is tried again alone"
        await cluster.delete(core_v1.Pod, "p")
        await cluster.gone(core_v1.Pod, "p")
        with pytest.raises(Unavailable, match="full"):
            await cluster.create(config_map("d"))
        log.has_room()
        await cluster.create(config_map("d"))


async def test_a_cluster_opens_on_a_full_disk_and_begins_when_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipslog.engine.cluster.BEGIN_AGAIN_S", 0.01)
    log = Watched()
    async with Cluster.open(event_log=Kept(log), runtime="none", reconcilers=()) as cluster:  # type: ignore[arg-type]
        await cluster.create(config_map("a"))
    log.failing = True
    async with Cluster.open(event_log=Kept(log), nodes=1) as cluster:  # type: ignore[arg-type]
        assert cluster.get(core_v1.ConfigMap, "a") is not None
        with pytest.raises(Unavailable):
            await cluster.delete(core_v1.ConfigMap, "a")
    log.failing = True
    async with Cluster.open(event_log=Kept(log), nodes=1) as cluster:  # type: ignore[arg-type]
        log.failing = False
        await cluster.wait(core_v1.Node, "node", "", until=lambda node: bool(node.status.addresses))


async def test_a_snapshot_that_does_not_fit_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipslog.engine.cluster.SNAPSHOT_AT_CLOSE", 0)

    async def refuses(_: object) -> None:
        raise LogUnwritable("the disk is full")

    log = MemoryLog()
    monkeypatch.setattr(log, "save_snapshot", refuses)
    async with Cluster.open(event_log=log, runtime="none", reconcilers=(), snapshot_every=1) as cluster:
        await cluster.create(config_map("a"))


async def test_a_snapshot_that_a_bug_prevents_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: object) -> None:
        raise ZeroDivisionError("a bug")

    log = MemoryLog()
    monkeypatch.setattr(log, "save_snapshot", fails)
    with capture_logs() as logs:
        async with Cluster.open(event_log=log, runtime="none", reconcilers=(), snapshot_every=1) as cluster:
            await cluster.create(config_map("a"))
            with monkeypatch.context() as broken:
                broken.setattr(snapshots, "take", lambda view: 1 // 0)
                await cluster.create(config_map("b"))
            await cluster.create(config_map("c"))
    told = [entry["event"] for entry in logs if entry["log_level"] == "error"]
    assert set(told) == {"task_failed", "snapshot_not_saved"} and told.count("snapshot_not_saved") == 1


async def test_letting_go_of_what_is_old_is_tried_again_and_what_fails_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipslog.engine.cluster.RETAIN_EVERY_S", 0.001)
    log, failures, done = MemoryLog(), iter([ZeroDivisionError("a bug")]), asyncio.Event()

    async def fail_once(*_: object, **__: object) -> None:
        for error in failures:
            raise error
        done.set()

    monkeypatch.setattr(log, "forget", fail_once)
    with capture_logs():
        async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster, asyncio.timeout(5):
            await done.wait()
            (trouble,) = cluster.failing()
            assert trouble.startswith("engine/retention: ZeroDivisionError;")


async def test_a_moment_does_not_move() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=()) as cluster:
        await cluster.create(config_map("a"))
        now = await cluster.at(time_ns=cluster.clock.now_ns())
        revision = now.revision
        await cluster.submit(Delete(resource="configmaps", namespace="default", name="a"))
        assert now.revision == revision and now.get(core_v1.ConfigMap, "a", "default") is not None
        assert (await cluster.at(revision)) is now


class Kept:
    """A log that outlives the cluster on it."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def close(self) -> None: ...


async def test_a_clock_that_was_wrong_once_does_not_stop_time(stepped: SteppedClock) -> None:
    """A year forward, and back: stamps and leases go on, also over a restart, and the log says what happened."""
    log, year_s = MemoryLog(), 365 * 86_400
    async with Cluster.open(event_log=Kept(log), clock=stepped) as cluster:  # type: ignore[arg-type]
        await cluster.wait(core_v1.Node, "node", "", until=lambda node: bool(node.status.addresses))
        stepped.step(year_s)
        await cluster.create(config_map("future"))
        stepped.step(-year_s)
        made = await cluster.create(config_map("present"))
        assert made.metadata.creation_timestamp.startswith("2027-01-15")
        await cluster.wait(
            coordination_v1.Lease, "node", "kube-node-lease",
            until=lambda now: now.spec is not None and (now.spec.renew_time or "").startswith("2027"),
        )  # fmt: skip
    async with Cluster.open(event_log=Kept(log), runtime="none", reconcilers=(), clock=stepped) as cluster:  # type: ignore[arg-type]
        again = await cluster.create(config_map("again"))
        assert again.metadata.creation_timestamp.startswith("2027-01-15")
    steps = [e.fact async for batch in log.read() for e in batch if isinstance(e.fact, ClockStepped)]
    assert len(steps) == 1


async def test_what_a_decision_wants_of_nodes_is_looked_at_itself_and_not_what_is_said_of_it() -> None:
    """Also the seventeenth command, which no line for people tells of."""
    stop = StopContainer(node="n", pod_uid="u", container="c", attempt=0, grace_period_s=1)
    pull = PullImage(node="n", image="i", policy="Always")
    view = MemoryView()
    assert is_urgent(view, (), (), [stop] * 17)
    assert not is_urgent(view, (), (), [*[stop] * 16, pull])
