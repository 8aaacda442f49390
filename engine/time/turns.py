"""Who is next where one thing is done after the other: of those who wait, who has had the least time so far.

A client that sends one dear request after the other, over as many connections as it likes, waits for itself; another waits for
what is being done, and then it is his turn. As Kubernetes' flows (API priority and fairness), with the time that was taken in
place of an estimate.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Hashable
from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")
FLOW: ContextVar[Hashable] = ContextVar(
    "flow", default=""
)  # on whose behalf: requests say it; what the cluster does itself is ""
KEPT = 256  # flows that are remembered though nothing of theirs waits


class Turns(Generic[T]):
    """Things that wait, each on somebody's behalf. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[T]] = {}
        self._had: dict[Hashable, float] = {}  # seconds; who comes new begins where the last one taken was
        self._reached = 0.0

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def add(self, flow: Hashable, thing: T) -> None:
        with self._lock:
            if flow not in self._waiting:
                self._waiting[flow] = deque()
                self._had[flow] = max(self._had.get(flow, 0.0), self._reached)
            self._waiting[flow].append(thing)

    def take(self) -> tuple[Hashable, T] | None:
        """The next, and on whose behalf; None when nothing waits. In one flow, first come, first served."""
        with self._lock:
            if not self._waiting:
                return None
            flow = min(self._waiting, key=self._had.__getitem__)
            self._reached = max(self._reached, self._had[flow])
            waiting = self._waiting[flow]
            thing = waiting.popleft()
            if not waiting:
                del self._waiting[flow]
            return flow, thing

    def spent(self, flow: Hashable, seconds: float) -> None:
        """Somebody has had so much time."""
        with self._lock:
            self._had[flow] = max(self._had.get(flow, 0.0), self._reached) + seconds
            if not self._waiting:  # nobody has to be made up for anything
                self._had.clear()
                self._reached = 0.0
            elif len(self._had) > KEPT + len(self._waiting):
                self._had = {f: had for f, had in self._had.items() if f in self._waiting or had > self._reached}


class FairTurn:
    """A lock of one loop, given to who has had it for the least time. Used by `async with`, in the order of `Turns`."""

    def __init__(self) -> None:
        self._turns: Turns[asyncio.Future[None]] = Turns()
        self._held: tuple[Hashable, float] | None = None  # by whom, and since when

    async def __aenter__(self) -> None:
        flow = FLOW.get()
        if self._held is None:
            self._held = flow, time.monotonic()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.add(flow, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it was given to who has just gone
            raise

    async def __aexit__(self, *_: object) -> None:
        assert self._held is not None
        flow, since_s = self._held
        self._turns.spent(flow, time.monotonic() - since_s)
        self._next()

    def _next(self) -> None:
        self._held = None
        while (taken := self._turns.take()) is not None:
            flow, turn = taken
            if not turn.done():
                self._held = flow, time.monotonic()
                turn.set_result(None)
                return
