"""Owners do not wait for each other, one owner is bounded, and what is abandoned is heard and still counts."""

import asyncio
import threading

import pytest

from shipslog.runtime.machine.threads import OwnerThreads, Throttle
from tests.logs import capture_logs


async def test_an_owner_that_hangs_keeps_nobody_else_waiting() -> None:
    threads, hang = OwnerThreads(2), threading.Event()
    stuck = [asyncio.ensure_future(threads.run("a", hang.wait, 30)) for _ in range(20)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert await threads.run("b", lambda: 7) == 7
        assert len(threads._jobs) == 2, "bounded: the others wait for their own"
        hang.set()
        assert await asyncio.gather(*stuck) == [True] * 20
    assert not threads._places and not threads._jobs


async def test_an_abandoned_job_keeps_its_place_and_is_heard() -> None:
    threads, hang = OwnerThreads(1), threading.Event()

    def fail() -> None:
        hang.wait(30)
        raise OSError("nobody listens")

    first = asyncio.ensure_future(threads.run("a", fail))
    await asyncio.sleep(0.01)
    first.cancel()
    second = asyncio.ensure_future(threads.run("a", lambda: 7))
    await asyncio.sleep(0.05)
    assert not second.done()
    with capture_logs() as logs:
        hang.set()
        assert await second == 7
    assert [(entry["event"], entry["owner"]) for entry in logs] == [("abandoned_job_failed", "a")]
    await threads.finished()


async def test_what_fails_is_raised_in_the_caller() -> None:
    threads = OwnerThreads(1, enter=lambda: None)
    with pytest.raises(ZeroDivisionError):
        await threads.run("a", lambda: 1 // 0)
    assert await threads.run("a", lambda: 7) == 7, "and its place is free"


async def test_a_start_that_hangs_stops_counting() -> None:
    throttle = Throttle(1, patience_s=0.05)
    for _ in range(3):  # a place is given back once, however it ends
        async with throttle.place(), asyncio.timeout(10), throttle.place():
            pass
    assert throttle._free._value == 1
    async with throttle.place():
        assert throttle._free.locked()
    assert throttle._free._value == 1
