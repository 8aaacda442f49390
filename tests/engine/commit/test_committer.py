"""The writer: durable before seen, one order, one transaction for all that waits, nothing lost and nothing half done."""

import asyncio
from collections.abc import Sequence

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit import committer
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import DecisionTaken
from shipslog.store.log.event_log import LogUnwritable
from shipslog.store.log.memory import MemoryLog
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.refusals import AlreadyExists, Conflict, Invalid, NotFound, Unavailable


def config_map(name: str, **data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), data=data)


class Watched(MemoryLog):
    """A log that remembers the sizes of its batches, can be held up, and can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing = False

    async def append(self, events: Sequence[Event], *, expected_revision: int, urgent: bool = False) -> None:
        await self.gate.wait()
        if self.failing:
            raise LogUnwritable("the disk is full")
        self.sizes.append(len(events))
        await super().append(events, expected_revision=expected_revision)


async def test_all_that_waits_shares_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "BATCH_S", 60.0)  # a busy machine is no reason to divide these
    log = Watched()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        log.sizes.clear()
        made = await asyncio.gather(*(cluster.create(config_map(f"c{i}")) for i in range(50)))
        assert log.sizes == [50]
        revisions = [int(m.metadata.resource_version) for m in made]
        assert revisions == list(range(revisions[0], revisions[0] + 50))


async def test_nothing_is_seen_before_it_is_durable() -> None:
    log = Watched()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        watch = cluster.watch("configmaps")
        log.gate.clear()
        writing = asyncio.ensure_future(cluster.create(config_map("a")))
        await asyncio.sleep(0.01)
        assert not writing.done()
        assert cluster.view.get(core_v1.ConfigMap, "a", "default") is None
        assert await watch.batch(timeout_s=0.01) == []
        log.gate.set()
        await writing
        assert cluster.view.get(core_v1.ConfigMap, "a", "default") is not None
        assert len(await watch.batch()) == 1


async def test_a_log_that_cannot_write_refuses_and_forgets_what_it_staged() -> None:
    log = Watched()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        before = cluster.view.revision
        log.failing = True
        with pytest.raises(Unavailable, match="disk is full"):
            await cluster.create(config_map("a"))
        assert cluster.view.revision == cluster.committer.head.revision == before
        log.failing = False
        made = await cluster.create(config_map("a"))
        assert made.metadata.resource_version == str(before + 1)


async def test_a_caller_that_gives_up_takes_nobody_with_it() -> None:
    log = Watched()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        log.gate.clear()
        one, two = (
            asyncio.ensure_future(cluster.create(config_map("a"))),
            asyncio.ensure_future(cluster.create(config_map("b"))),
        )
        await asyncio.sleep(0.01)
        one.cancel()
        await asyncio.sleep(0)
        log.gate.set()
        await two
        names = {c.metadata.name for c in cluster.list(core_v1.ConfigMap, "default")}
        assert {"a", "b"} <= names, "what was being written when its caller left is written all the same"


async def test_commands_see_those_before_them_in_the_same_batch(engine: Cluster) -> None:
    results = await asyncio.gather(
        engine.submit(Create(object=config_map("a"))),
        engine.submit(Create(object=config_map("a"))),
        engine.submit(Delete(resource="configmaps", namespace="default", name="a")),
        engine.submit(Delete(resource="configmaps", namespace="default", name="a")),
        return_exceptions=True,
    )
    assert [type(r).__name__ for r in results] == ["Committed", "AlreadyExists", "Committed", "NotFound"]


async def test_a_stale_update_conflicts_and_an_equal_one_changes_nothing(engine: Cluster) -> None:
    made = await engine.create(config_map("a", k="1"))
    again = await engine.submit(Update(object=made))
    assert again.effect == "Unchanged" and again.entry.object == made
    await engine.update(config_map("a", k="2"))
    with pytest.raises(Conflict, match="the object has been modified"):
        await engine.update(made)


async def test_dry_run_writes_nothing(engine: Cluster) -> None:
    before = engine.view.revision
    tried = await engine.submit(Create(object=config_map("a")), dry_run=True)
    assert tried.entry.object.metadata.uid
    assert engine.view.revision == before
    with pytest.raises(AlreadyExists):
        await engine.create(config_map("b"))
        await engine.submit(Create(object=config_map("b")), dry_run=True)


async def test_a_refused_command_leaves_nothing_behind(engine: Cluster) -> None:
    before = engine.view.revision
    with pytest.raises(Invalid):
        await engine.create(config_map("Not A Name"))
    with pytest.raises(NotFound):
        await engine.delete(core_v1.ConfigMap, "nobody")
    assert engine.view.revision == before == engine.log.revision


async def test_a_decision_stands_before_its_commands_and_is_their_cause(engine: Cluster) -> None:
    decision = DecisionTaken(
        reconciler="test", key="k", read_revision=engine.view.revision, now_ns=1, reason="because", commands=(), digest="d"
    )
    commands = [Create(object=config_map("a")), Create(object=config_map("a"))]
    results = await engine.committer.submit_decision(decision, commands, actor="system:controller:test", cause=1)
    revision, _, second = results
    assert isinstance(second, AlreadyExists)
    events = [e async for batch in engine.log.read(revision - 1) for e in batch]
    assert [type(e.fact).__name__ for e in events] == ["DecisionTaken", "ObjectCreated"]
    assert (events[0].cause, events[1].cause, events[1].actor) == (1, revision, "system:controller:test")


async def test_after_closing_nothing_is_taken() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=()) as cluster:
        pass
    with pytest.raises(Unavailable):
        await cluster.create(config_map("late"))


async def test_what_is_queued_at_the_end_is_still_written() -> None:
    log = MemoryLog()
    async with Cluster.open(event_log=log, runtime="none", reconcilers=()) as cluster:
        pending = [asyncio.ensure_future(cluster.create(config_map(f"c{i}"))) for i in range(20)]
        await asyncio.sleep(0)
    made = await asyncio.gather(*pending)
    assert len(made) == 20
