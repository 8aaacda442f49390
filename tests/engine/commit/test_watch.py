"""Watches: each change once, in order; Expired for what is gone and for who is too slow."""

import asyncio

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit import watch as watches
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.refusals import Expired


def config_map(name: str, **data: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), data=data)


async def test_a_watch_sees_every_later_change_once_and_in_order(engine: Cluster) -> None:
    await engine.create(config_map("before"))
    watch = engine.watch("configmaps")
    made = await engine.create(config_map("a", k="1"))
    await engine.update(config_map("a", k="2"))
    await engine.delete(core_v1.ConfigMap, "a")
    records = await watch.batch()
    assert [(r.change, r.entry.object.metadata.name) for r in records] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert [r.revision for r in records] == sorted({r.revision for r in records})
    assert records[1].previous is not None and records[1].previous.object == made
    assert records[0].line.startswith(b'{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1"')


async def test_a_watch_from_the_past_gets_what_came_since(engine: Cluster) -> None:
    first = await engine.create(config_map("a"))
    await engine.create(config_map("b"))
    watch = engine.watch("configmaps", after=int(first.metadata.resource_version))
    assert [r.entry.object.metadata.name for r in await watch.batch()] == ["b"]


async def test_only_its_namespace_and_its_kind(engine: Cluster) -> None:
    watch = engine.watch("configmaps", namespace="kube-system")
    await engine.create(config_map("a"))
    assert await watch.batch(timeout_s=0.01) == []


async def test_what_is_not_remembered_is_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "RING", 3)
    async with Cluster.open(None, runtime="none", reconcilers=()) as engine:
        first = await engine.create(config_map("a"))
        for i in range(5):
            await engine.update(config_map("a", k=str(i)))
        with pytest.raises(Expired, match="too old resource version"):
            engine.watch("configmaps", after=int(first.metadata.resource_version))


async def test_what_is_remembered_is_bounded_by_bytes_at_the_cost_of_the_kind_that_takes_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watches, "RING_BYTES", 40_000)
    async with Cluster.open(None, runtime="none", reconcilers=()) as engine:
        secret = await engine.create(core_v1.Secret(metadata=meta_v1.ObjectMeta(name="small", namespace="default")))
        first = await engine.create(config_map("a", k="x" * 5_000))
        for i in range(20):
            last = await engine.update(config_map("a", k=f"{i}" * 5_000))
        assert sum(ring.size_bytes for ring in engine.hub._rings.values()) == engine.hub._size_bytes <= 40_000
        with pytest.raises(Expired, match="too old resource version"):
            engine.watch("configmaps", after=int(first.metadata.resource_version))
        before_last = int(last.metadata.resource_version) - 1
        assert [r.entry.object for r in await engine.watch("configmaps", after=before_last).batch()] == [last]
        since = engine.watch("secrets", after=int(secret.metadata.resource_version) - 1)
        assert [r.entry.object for r in await since.batch()] == [secret]


async def test_a_listener_may_be_so_many_bytes_behind(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "QUEUE_BYTES", 40_000)
    slow, quick, one_by_one = (engine.watch("configmaps") for _ in range(3))
    for i in range(20):
        await engine.create(config_map(f"c{i}", k="x" * 5_000))
        assert len(await quick.batch()) == 1
        assert (await anext(one_by_one)).entry.object.metadata.name == f"c{i}"
    with pytest.raises(Expired, match="List again"):
        await slow.batch()


async def test_who_is_too_slow_is_told_to_list_again(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "QUEUE", 3)
    slow = engine.watch("configmaps")
    for i in range(5):
        await engine.create(config_map(f"c{i}"))
    assert slow.closed
    with pytest.raises(Expired, match="List again"):
        await slow.batch()


async def test_closing_lets_a_waiting_reader_go(engine: Cluster) -> None:
    watch = engine.watch("configmaps")
    reader = asyncio.ensure_future(watch.batch())
    await asyncio.sleep(0)
    watch.close()
    assert await reader == []
    assert [record async for record in watch] == []
