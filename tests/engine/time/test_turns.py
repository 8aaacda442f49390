"""Whose turn it is: who sends one dear thing after the other waits for itself, and for nobody else's all."""

import asyncio
import threading

import pytest

from shipslog.engine.time.long_work import SHORT_BYTES, LongWork
from shipslog.engine.time.turns import FLOW, KEPT, FairTurn, Turns


def order(turns: Turns[str], each_s: float = 1.0) -> list[str]:
    done = []
    while (taken := turns.take()) is not None:
        flow, thing = taken
        turns.spent(flow, each_s)
        done.append(thing)
    return done


def test_who_has_had_the_least_is_next() -> None:
    turns: Turns[str] = Turns()
    for at in range(4):
        turns.add("a", f"a{at}")
    assert turns.take() == ("a", "a0")
    turns.spent("a", 5.0)
    turns.add("b", "b0")
    turns.add("b", "b1")
    assert order(turns) == ["b0", "b1", "a1", "a2", "a3"]


def test_who_has_waited_for_nothing_has_saved_up_nothing() -> None:
    turns: Turns[str] = Turns()
    turns.add("a", "a0")
    assert order(turns, 100.0) == ["a0"]
    for at in range(3):
        turns.add("new", f"n{at}")
        turns.add("a", f"a{at}")
    done = order(turns, 100.0)
    assert done.index("a0") == 1, done  # beside a client that is new, and not behind all that it sends


def test_what_is_remembered_of_who_is_gone_is_bounded() -> None:
    turns: Turns[str] = Turns()
    for name in ("now", "waits for long"):
        turns.add("greedy", name)
    assert turns.take() == ("greedy", "now")
    turns.spent("greedy", 1e9)
    for at in range(10 * KEPT):
        turns.add(at, "x")
        assert turns.take() == (at, "x")
        turns.spent(at, 0.0)
    assert len(turns._had) <= KEPT + 2
    assert order(turns) == ["waits for long"] and not turns._had


async def test_one_who_sends_much_that_takes_long_does_not_keep_another_waiting() -> None:
    work, go_on, done = LongWork("test"), threading.Event(), []

    async def send(flow: str, name: str) -> None:
        FLOW.set(flow)
        await work.run(SHORT_BYTES + 1, lambda: (go_on.wait(30), done.append(name)))

    tasks = [asyncio.create_task(send("greedy", f"g{at}")) for at in range(5)]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(send("other", "o")))
    while len(work._turns) < 5:
        await asyncio.sleep(0.001)
    go_on.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 30)
    work.close()
    assert done.index("o") <= 1, done


async def test_a_lock_is_given_to_who_has_had_it_least_and_not_to_who_has_gone() -> None:
    lock, held, go_on, done = FairTurn(), asyncio.Event(), asyncio.Event(), []

    async def take(flow: str, name: str) -> None:
        FLOW.set(flow)
        async with lock:
            held.set()
            await go_on.wait()
            done.append(name)

    tasks = [asyncio.create_task(take("greedy", f"g{at}")) for at in range(4)]
    await asyncio.wait_for(held.wait(), 30)
    gone = asyncio.create_task(take("other", "gone"))
    tasks.append(asyncio.create_task(take("other", "o")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    go_on.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 30)
    assert done == ["g0", "o", "g1", "g2", "g3"]


async def test_who_goes_in_the_moment_in_which_he_is_given_the_lock_gives_it_on() -> None:
    lock, done = FairTurn(), []

    async def take(name: str) -> None:
        async with lock:
            done.append(name)

    await lock.__aenter__()
    first, second = asyncio.create_task(take("first")), asyncio.create_task(take("second"))
    await asyncio.sleep(0)
    await lock.__aexit__()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.wait_for(second, 30)
    await asyncio.wait_for(take("third"), 30)
    assert done == ["second", "third"]
