"""Long work in its thread: who stops waiting hears nothing of it, and a bug in it is told all the same."""

import asyncio
import threading

import pytest

from shipslog.engine.time.long_work import SHORT_BYTES, LongWork
from shipslog.store.refusals import BadRequest
from tests.logs import capture_logs


@pytest.mark.parametrize(
    ("error", "told"), [(ZeroDivisionError("a bug"), ["abandoned_job_failed"]), (BadRequest("spec.x: Required value"), [])]
)
async def test_a_bug_in_what_nobody_waits_for_any_more_is_told(error: Exception, told: list[str]) -> None:
    work, go_on, begun = LongWork("test"), threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        go_on.wait()
        raise error

    with capture_logs() as logs:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work.run(SHORT_BYTES + 1, fail), 0.05)
        assert begun.is_set()
        go_on.set()
        work.close()
        await work.run(0, work._thread.shutdown)
    assert [entry["event"] for entry in logs] == told
