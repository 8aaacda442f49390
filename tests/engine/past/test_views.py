"""Views of the past: shared, and bounded in how many are made at once and in what they take."""

import asyncio

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.past import views
from shipslog.engine.past.views import view_at
from shipslog.engine.state import snapshots
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.refusals import BadRequest, TooManyRequests
from tests.logs import capture_logs


async def fill(engine: Cluster, objects: int) -> None:
    for i in range(objects):
        await engine.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=f"c{i}", namespace="default")))


async def test_who_asks_for_the_same_revision_shares_it(engine: Cluster) -> None:
    await fill(engine, 3)
    kept = views.PastViews(engine.log)
    first, *others = await asyncio.gather(*(kept.at(4) for _ in range(100)))
    assert first.revision == 4 and all(other is first for other in others)


async def test_others_have_their_turn_while_a_snapshot_is_taken_in(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "STEP_BYTES", 1)
    for i in range(20):
        await engine.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=f"c{i}", namespace="default")))
    await engine.log.save_snapshot(snapshots.take(engine.view))
    making, turns = asyncio.ensure_future(view_at(engine.log, engine.view.revision)), 0
    while not making.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20 and making.result().state() == engine.view.state()


async def test_too_many_at_once_are_asked_to_come_back(engine: Cluster) -> None:
    await fill(engine, views.AT_ONCE + views.WAITING + 5)
    kept = views.PastViews(engine.log)
    wanted = range(1, views.AT_ONCE + views.WAITING + 4)
    found = await asyncio.gather(*(kept.at(revision) for revision in wanted), return_exceptions=True)
    refused = [f for f in found if isinstance(f, TooManyRequests)]
    assert len(refused) == 3 and refused[0].retry_after_s
    assert not kept._making, "whoever waited has what he wanted"


async def test_they_are_kept_by_what_they_take(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(engine, 6)
    kept = views.PastViews(engine.log)
    monkeypatch.setattr(views, "KEPT_BYTES", views.weight(await kept.at(6)) * 2)
    first = await kept.at(7)
    assert await kept.at(7) is first
    monkeypatch.setattr(views, "KEPT_BYTES", 1)
    last = await kept.at(8)
    assert list(kept._kept) == [8] and await kept.at(8) is last, "the newest stays, whatever it takes"


async def test_what_cannot_be_made_is_not_kept(engine: Cluster) -> None:
    kept = views.PastViews(engine.log)
    for _ in range(2):
        with pytest.raises(BadRequest):
            await kept.at(10**9)
    for never in (0, -1):
        with pytest.raises(BadRequest, match="before the first event: the log goes from revision 1"):
            await kept.at(never)
    assert not kept._making and not kept._kept


async def test_a_failure_that_its_asker_did_not_wait_for_is_told(engine: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()

    async def fail(*_: object) -> None:
        await go_on.wait()
        raise ZeroDivisionError

    monkeypatch.setattr(views, "view_at", fail)
    kept = views.PastViews(engine.log)
    with capture_logs() as logs:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(kept.at(1), 0.01)
        go_on.set()
        async with asyncio.timeout(5):
            while kept._making:
                await asyncio.sleep(0)
    assert [(entry["event"], entry["task"]) for entry in logs] == [("task_failed", "revision 1")]
