"""A clock for tests: it moves when something is due, and jumps when it is told to.

Tests: tests/engine/testing/test_cluster.py
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count

from shipslog.engine.time.clock import Clock
from shipslog.runtime.node import Timer
from shipslog.store.objects.values.times import SECOND_NS

SOON_S = 1.0
END_NS = 1 << 63  # of times in nanoseconds, as SQLite keeps them


class Due:
    """Something that happens at a time of the clock."""

    __slots__ = ("_cancelled", "at_ns", "callback", "number")

    def __init__(self, at_ns: int, number: int, callback: Callable[[], object]) -> None:
        self.at_ns, self.number, self.callback = at_ns, number, callback
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Nothing will come of it: it was called off, or has happened."""
        return self._cancelled

    def happen(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self.callback()

    def __lt__(self, other: "Due") -> bool:
        return (self.at_ns, self.number) < (other.at_ns, other.number)


class TestClock(Clock):
    """Moves only when something is due. `advance` lets all that is due until a moment happen at once and in its order, each at
    its time, and ends at that moment.

    Left alone, a clock that `flows` keeps pace with the machine: what waits for 10 s happens after 10 s, and the clock then
    says so. One that does not stands still until it is advanced, and every stamp is exact: what is due within SOON_S happens at
    the machine's pace all the same, so that what follows at once needs no advance, and the clock does not say so."""

    __test__ = False  # for pytest, which would take it for a test

    def __init__(self, now_ns: int, *, flows: bool = True) -> None:
        self._now_ns, self._flows = now_ns, flows
        self._due: list[Due] = []
        self._numbers = count()
        self._ringing: asyncio.TimerHandle | None = None
        self._moved_at_s = 0.0  # of the loop: when the clock moved last
        self._advancing = False

    def now_ns(self) -> int:
        return self._now_ns

    def call_later(self, after_s: float, callback: Callable[[], object]) -> Timer:
        due = Due(self._now_ns + max(int(after_s * SECOND_NS), 0), next(self._numbers), callback)
        heapq.heappush(self._due, due)
        if not self._flows and after_s <= SOON_S:
            asyncio.get_running_loop().call_later(after_s, due.happen)
        elif self._due[0] is due:
            self._wind()
        return due

    async def sleep(self, for_s: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        due = self.call_later(for_s, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            due.cancel()

    async def advance(self, for_s: float, settle: Callable[[], Awaitable[object]]) -> None:
        """Move on. `settle` returns when all that has begun at a moment is done. Errors: ValueError for a way back, and
        beyond what a log can tell; RuntimeError where somebody else is at it."""
        if for_s < 0:
            raise ValueError(f"time goes forward: cannot advance by {for_s:g} s")
        if self._now_ns + for_s * SECOND_NS >= END_NS:
            raise ValueError(f"cannot advance by {for_s:g} s: the times of a log end in the year 2262")
        if self._advancing:
            raise RuntimeError("time is being advanced already: await that first, then advance again")
        until_ns = self._now_ns + int(for_s * SECOND_NS)
        self._advancing = True
        try:
            await settle()
            while (due := self._next()) is not None and due.at_ns <= until_ns:
                self._ring(due.at_ns)
                await settle()
            self._move(until_ns)
            await settle()
        finally:
            self._advancing = False
            self._wind()

    def close(self) -> None:
        """Nothing happens any more."""
        self._due.clear()
        self._wind()

    # --- inside ---

    def _next(self) -> Due | None:
        while self._due and self._due[0].cancelled:
            heapq.heappop(self._due)
        return self._due[0] if self._due else None

    def _move(self, to_ns: int) -> None:
        self._now_ns = to_ns
        self._moved_at_s = asyncio.get_running_loop().time()

    def _ring(self, at_ns: int) -> None:
        """It is so late now: call whatever is due."""
        self._move(at_ns)
        while (due := self._next()) is not None and due.at_ns <= at_ns:
            heapq.heappop(self._due).happen()

    def _wind(self) -> None:
        """Have the loop ring when the next is due, as far as the machine's time has not gone by already."""
        if self._ringing is not None:
            self._ringing.cancel()
            self._ringing = None
        due = self._next()
        if due is None or self._advancing or not self._flows:
            return
        loop = asyncio.get_running_loop()
        passed_s = loop.time() - self._moved_at_s if self._moved_at_s else 0.0
        self._moved_at_s = self._moved_at_s or loop.time()
        self._ringing = loop.call_later(max((due.at_ns - self._now_ns) / SECOND_NS - passed_s, 0.0), self._rung)

    def _rung(self) -> None:
        self._ringing = None
        try:
            if (due := self._next()) is not None:
                self._ring(due.at_ns)
        finally:
            self._wind()
