"""No task ends unheard."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from shipslog.store import tasks
from shipslog.store.tasks import Tasks, hear
from tests.logs import capture_logs


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_failure_is_told() -> None:
    async def fail() -> None:
        raise OSError("the disk")

    kept = Tasks("prober")
    with capture_logs() as logs:
        kept.start("looking", fail())
        await kept.finished()
    (entry,) = logs
    assert (entry["event"], entry["owner"], entry["task"]) == ("task_failed", "prober", "looking")


async def test_what_should_go_on_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RETRY_FIRST_S", 0.001)
    runs = 0

    async def fail_twice() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ValueError(runs)

    kept = Tasks("prober")
    with capture_logs() as logs:
        await kept.keep("probe", fail_twice)
    assert runs == 3 and [entry["event"] for entry in logs] == ["task_begins_again"] * 2


async def test_closing_ends_them_in_silence() -> None:
    kept = Tasks("prober")
    running = [kept.start("a", asyncio.sleep(60)), kept.keep("b", lambda: asyncio.sleep(60))]
    await asyncio.sleep(0)
    with capture_logs() as logs:
        await kept.close()
    assert all(task.cancelled() for task in running) and not logs


async def test_what_is_ordinary_is_not_told() -> None:
    async def refuse() -> None:
        raise ConnectionResetError("the client is gone")

    kept = Tasks("forwarder")
    with capture_logs() as logs:
        answered = kept.start("a", refuse(), ordinary=ConnectionError)
        kept.start("b", refuse(), ordinary=(ValueError, KeyError))
        await kept.finished()
    assert [entry["task"] for entry in logs] == ["b"]
    with pytest.raises(ConnectionResetError):
        await answered


async def test_what_fails_again_and_again_is_a_trouble_until_it_has_run_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(tasks, "STEADY_S", 0.1)
    failures = iter([OSError("/a/secret/path")])

    async def work() -> None:
        for error in failures:
            raise error
        await asyncio.sleep(60)

    async with Tasks("engine") as kept:
        kept.keep("retention", work)
        with capture_logs():
            await until(kept.troubles)
        (trouble,) = kept.troubles()
        assert trouble.startswith("engine/retention: OSError;") and "secret" not in trouble
        await until(lambda: not kept.troubles())
        assert len(kept) == 1


async def test_leaving_the_block_ends_them() -> None:
    async with Tasks("prober") as kept:
        running = kept.start("a", asyncio.sleep(60))
    assert running.cancelled() and not len(kept)


async def test_closing_waits_for_none_that_does_not_end() -> None:
    free = asyncio.Event()

    async def stay() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    kept = Tasks("prober")
    running = kept.start("deaf", stay())
    await asyncio.sleep(0)
    with capture_logs() as logs:
        await kept.close(end_s=0.01)
    (entry,) = logs
    assert (entry["event"], entry["task"]) == ("task_does_not_end", "deaf")
    free.set()
    await running


async def test_one_may_close_its_own_tasks() -> None:
    kept = Tasks("connection")
    ended = kept.start("reader", kept.close())
    kept.start("writer", asyncio.sleep(60))
    await ended
    await kept.finished()


async def test_what_a_callback_raises_is_told() -> None:
    loop = asyncio.get_running_loop()
    try:
        hear(loop)
        with capture_logs() as logs:
            loop.call_soon(lambda: 1 // 0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    (entry,) = logs
    assert entry["event"] == "callback_failed" and "ZeroDivisionError" in entry["error"]
    assert isinstance(entry["exc_info"], ZeroDivisionError)
