"""Followers: those beside a proposer and those without one come to the same state; one that fails to listen stops nobody."""

import asyncio
from pathlib import Path

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.commit.follower import Follower
from shipslog.engine.commit.watch import WatchHub
from shipslog.engine.past.views import load
from shipslog.store.events import Event
from shipslog.store.objects.types import core_v1, meta_v1
from tests.logs import capture_logs


def config_map(name: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), data={"a": "b"})


@pytest.mark.parametrize("kept", ["memory", "sqlite"])
async def test_a_follower_without_a_proposer_reads_along(kept: str, tmp_path: Path) -> None:
    async with Cluster.open(tmp_path / "log.db" if kept == "sqlite" else None, runtime="none", reconcilers=()) as cluster:
        view = await load(cluster.log)
        reader = Follower(cluster.log, view, WatchHub(view.revision))
        watch = reader.hub.watch("configmaps", namespace=None, after=view.revision)
        running = asyncio.create_task(reader.run())
        made = await cluster.create(config_map("x"))
        seen = await asyncio.wait_for(watch.batch(), 10)
        assert [r.entry.encoded for r in seen] == [cluster.view.entry("configmaps", "x", "default").encoded]  # type: ignore[union-attr]
        assert reader.view.get(core_v1.ConfigMap, "x", "default") == made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_listener_that_fails_is_heard_of_and_stops_nobody(engine: Cluster) -> None:
    heard: list[int] = []

    def fails(event: Event, *_: object) -> None:
        raise RuntimeError("deaf")

    def hears(event: Event, *_: object) -> None:
        heard.append(event.revision)

    engine.follower.listeners[:] = [fails, hears]
    with capture_logs() as lines:
        await engine.create(config_map("x"))
    assert heard == [engine.view.revision]
    assert [line["event"] for line in lines] == ["listener_failed"]
