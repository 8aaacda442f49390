"""An event loop whose time jumps: when nothing is ready, the next timer's moment is now.

Tests: tests/engine/testing/simulation/test_simulation.py
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from shipslog.engine.time.clock import Clock

T = TypeVar("T")
START_S = 1_800_000_000


class Deadlock(Exception):
    """Nothing is ready and no timer is set: everybody waits for everybody."""


class _Jumping(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> Any:
        """Nothing comes from outside, so the machine is asked only where a thread may have woken the loop."""
        if timeout is not None:
            if timeout > 0:
                self.loop.now += timeout
            return ()
        if not (found := super().select(0)):
            raise Deadlock("no task can go on, and no timer is set")
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """`now`: seconds since the world began."""

    def __init__(self) -> None:
        selector = _Jumping()
        selector.loop = self
        self.now = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self.now


class VirtualClock(Clock):
    """The engine's clock on that time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now_ns(self) -> int:
        return START_S * 1_000_000_000 + int(self._loop.now * 1e9)


def run(main: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run to the end in virtual time."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()
