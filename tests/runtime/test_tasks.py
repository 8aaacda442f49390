"""No task ends unheard."""

import asyncio

import pytest

from shipslog.runtime import tasks
from shipslog.runtime.tasks import Tasks
from tests.logs import capture_logs


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
