"""Long commands are evaluated before their turn: others do not wait for them, and they come to what holds at their turn."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit.preparation import Readings
from shipslog.engine.commit.transitions import Transition
from shipslog.engine.time.clock import Entropy
from shipslog.engine.time.long_work import SHORT_BYTES
from shipslog.store.commands import Create, Delete, Patch, Update
from shipslog.store.facts import DecisionTaken
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.refusals import AlreadyExists, NotFound, Refusal, Unavailable

LONG = SHORT_BYTES + 1


def config_map(name: str, **data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), data=data)


def merge(name: str, **data: str) -> Patch:
    body = b'{"data":{%s}}' % b",".join(b'"%s":"%s"' % (k.encode(), v.encode()) for k, v in data.items())
    return Patch(resource="configmaps", namespace="default", name=name, media_type="application/merge-patch+json", body=body)


async def overtake(engine: Cluster, command: Update) -> None:
    """As a rule does it, which waits for no client's long work."""
    decision = DecisionTaken(reconciler="r", key="k", read_revision=1, now_ns=1, reason="r", commands=(), digest="d")
    async with asyncio.timeout(10):
        _, done = await engine.committer.submit_decision(decision, [command], actor="system:controller:r", cause=None)
    assert not isinstance(done, Refusal), done


class Gate:
    """Evaluation in the thread stops here until it is let through; on the loop it never does."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    async def arrived(self) -> None:
        async with asyncio.timeout(10):
            while not self.reached.is_set():
                await asyncio.sleep(0.001)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate, evaluate = Gate(), Transition.evaluate

    def gated(self: Transition, command: Any, ctx: Any) -> Any:
        change = evaluate(self, command, ctx)
        if threading.current_thread() is not threading.main_thread():
            gate.reached.set()
            assert gate.open.wait(20)
        return change

    monkeypatch.setattr(Transition, "evaluate", gated)
    yield gate
    gate.open.set()


async def test_other_writes_do_not_wait_for_it(engine: Cluster, gate: Gate) -> None:
    writing = asyncio.ensure_future(engine.submit(Create(object=config_map("long")), size_bytes=LONG))
    await gate.arrived()
    for i in range(3):
        await engine.create(config_map(f"short{i}"))
    assert not writing.done()
    gate.open.set()
    made = (await writing).entry
    assert made.revision == engine.view.revision and made.object.metadata.resource_version == str(made.revision)


async def test_a_patch_is_of_the_object_at_its_turn(engine: Cluster, gate: Gate) -> None:
    await engine.create(config_map("a", filler="x" * LONG))
    patching = asyncio.ensure_future(engine.submit(merge("a", one="1")))
    await gate.arrived()
    now = engine.get(core_v1.ConfigMap, "a", "default")
    await overtake(engine, Update(object=replace(now, data={**now.data, "two": "2"})))
    gate.open.set()
    await patching
    after = engine.get(core_v1.ConfigMap, "a", "default")
    assert {k: v for k, v in after.data.items() if k != "filler"} == {"one": "1", "two": "2"}


async def test_a_short_update_of_a_long_object_is_evaluated_before_its_turn(engine: Cluster, gate: Gate) -> None:
    await engine.create(config_map("a", filler="x" * LONG))
    updating = asyncio.ensure_future(engine.submit(Update(object=config_map("a", k="v")), size_bytes=100))
    await gate.arrived()
    await engine.create(config_map("b"))
    assert not updating.done()
    gate.open.set()
    await updating
    assert engine.get(core_v1.ConfigMap, "a", "default").data == {"k": "v"}


async def test_what_is_gone_at_its_turn_is_not_patched(engine: Cluster, gate: Gate) -> None:
    await engine.create(config_map("a", filler="x" * LONG))
    patching = asyncio.ensure_future(engine.submit(merge("a", one="1")))
    await gate.arrived()
    await engine.submit(Delete(resource="configmaps", namespace="default", name="a"))
    gate.open.set()
    with pytest.raises(NotFound):
        await patching


async def test_what_is_there_at_its_turn_is_not_made_again(engine: Cluster, gate: Gate) -> None:
    making = asyncio.ensure_future(engine.submit(Create(object=config_map("a", by="long")), size_bytes=LONG))
    await gate.arrived()
    await engine.create(config_map("a", by="short"))
    gate.open.set()
    with pytest.raises(AlreadyExists):
        await making
    assert engine.get(core_v1.ConfigMap, "a", "default").data == {"by": "short"}


async def test_whatever_else_it_read_must_hold_too(engine: Cluster, gate: Gate) -> None:
    """Here the namespace: it begins to go while the object is evaluated."""
    await engine.create(core_v1.Namespace(metadata=meta_v1.ObjectMeta(name="n", finalizers=("a/b",))))
    obj = replace(config_map("a"), metadata=meta_v1.ObjectMeta(name="a", namespace="n"))
    making = asyncio.ensure_future(engine.submit(Create(object=obj), size_bytes=LONG))
    await gate.arrived()
    await engine.submit(Delete(resource="namespaces", name="n"))
    gate.open.set()
    with pytest.raises(Refusal, match="terminated"):
        await making


async def test_many_about_one_object_all_come_through(engine: Cluster) -> None:
    await engine.create(config_map("a", filler="x" * LONG))
    await asyncio.gather(*(engine.submit(merge("a", **{f"k{i}": "v"})) for i in range(20)))
    assert len(engine.get(core_v1.ConfigMap, "a", "default").data) == 21


async def test_a_refusal_is_told_and_nothing_is_written(engine: Cluster) -> None:
    before = engine.view.revision
    with pytest.raises(Refusal, match=r"metadata\.name"):
        await engine.submit(Create(object=config_map("A B")), size_bytes=LONG)
    assert engine.view.revision == engine.committer.head.revision == before


async def test_who_gives_up_keeps_nobody_from_the_thread(engine: Cluster, gate: Gate) -> None:
    giving_up = asyncio.ensure_future(engine.submit(Create(object=config_map("a")), size_bytes=LONG))
    await gate.arrived()
    giving_up.cancel()
    await asyncio.gather(giving_up, return_exceptions=True)
    gate.open.set()
    await engine.submit(Create(object=config_map("b")), size_bytes=LONG)
    assert engine.view.get(core_v1.ConfigMap, "a", "default") is None


async def test_closing_meanwhile_writes_nothing_half(gate: Gate) -> None:
    async with Cluster.open(None, runtime="none", reconcilers=()) as cluster:
        making = asyncio.ensure_future(cluster.submit(Create(object=config_map("a")), size_bytes=LONG))
        await gate.arrived()
    gate.open.set()
    with pytest.raises(Unavailable, match="nothing was written"):
        await making


async def test_ids_do_not_depend_on_the_threads_moments() -> None:
    def ids() -> tuple[str, str]:
        source = Entropy(7)
        return source.child().uid(), source.uid()

    assert ids() == ids() and ids()[0] != ids()[1]


async def test_who_asks_a_view_that_has_ended_is_not_kept_waiting(engine: Cluster) -> None:
    readings = Readings(engine.view)
    readings.end()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.to_thread(readings.entry, "configmaps", "a", "default")
    with pytest.raises(AttributeError, match="QUESTIONS"):
        readings.pods_running_on("n")
