"""Decisions that take long: the loop goes on meanwhile, what wakes them is decided together, and people are told."""

import asyncio
import threading
import time
from typing import Any

import pytest

from shipslog.engine.host import host, lane
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View
from tests.engine.host.test_host import WAIT_S, config_map, hosted, mark, reconciler
from tests.logs import capture_logs

LONG = "x" * (host.LONG_BYTES + 1)


class Gate:
    """A rule that decides nothing before it is let, and says where it was asked."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self.threads: list[threading.Thread] = []

    def decide(self, view: View, key: str, *, now: int) -> Decision:
        self.threads.append(threading.current_thread())
        if key == "long":
            self.reached.set()
            assert self.open.wait(20)
        return mark(view, key, now=now)


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.001)


async def test_what_a_long_object_wakes_is_decided_while_the_loop_goes_on() -> None:
    gate = Gate()
    async with hosted(reconciler(gate.decide)) as cluster:
        await cluster.create(config_map("long", filler=LONG))
        await until(gate.reached.is_set)  # the loop goes on, as this shows
        assert gate.threads[-1] is not threading.main_thread()
        writing = asyncio.ensure_future(cluster.create(config_map("short")))
        before = cluster.view.revision
        await asyncio.sleep(0.02)
        assert not writing.done() and cluster.view.revision == before  # what the rule reads stands still
        gate.open.set()
        await writing
        for name in ("long", "short"):
            await cluster.wait(core_v1.ConfigMap, name, until=lambda c: c.data.get("seen") == "yes", timeout_s=WAIT_S)
        assert gate.threads[-1] is threading.main_thread()
        assert not cluster.host.troubles()


async def test_a_cluster_that_closes_meanwhile_does_close() -> None:
    gate = Gate()
    async with hosted(reconciler(gate.decide)) as cluster:
        await cluster.create(config_map("long", filler=LONG))
        await until(gate.reached.is_set)
        asyncio.get_running_loop().call_later(0.05, gate.open.set)
    assert cluster.failure is None


async def test_a_slow_decision_rests_and_what_wakes_it_meanwhile_is_decided_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "REST", 10)
    seen: list[int] = []

    def decide(view: View, key: str, *, now: int) -> Decision:
        until_s = time.thread_time() + lane.LONG_S * 1.2
        while time.thread_time() < until_s:
            pass
        found = view.get(core_v1.ConfigMap, "a", "default")
        assert found is not None
        seen.append(int(found.data["n"]))
        return Decision(reason="seen")

    async with hosted(reconciler(decide)) as cluster:
        await cluster.create(config_map("a", n="0"))
        for n in range(1, 21):
            await cluster.submit(Update(object=config_map("a", n=str(n))))
        await until(lambda: bool(seen) and seen[-1] == 20)
        assert len(seen) < 8, seen  # and not twenty-one


def test_people_are_told_of_a_decision_that_takes_very_long() -> None:
    one = lane.Lane(reconciler(mark))
    with capture_logs() as lines:
        one.took("a", lane.TOLD_S / 2, 100.0)
        one.took("b", lane.TOLD_S * 2, 100.0)
        assert [(line["event"], line["key"], line["reconciler"]) for line in lines] == [("decision_slow", "b", "test")]
    assert one.heavy == {"a", "b"} and 0 < one.rest_s("a", 100.0) < one.rest_s("b", 100.0) <= lane.REST_MAX_S
    one.took("a", 0.0, 110.0)
    assert one.heavy == {"b"} and not one.rest_s("a", 110.0)
