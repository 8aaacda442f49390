"""The newest batches of a log, in memory, and whoever waits for the next one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact

RECENT_BATCHES = 64  # a subscriber that is no further behind is served without a read
RECENT_BYTES = 8 << 20  # of their objects; the newest batch is remembered in any case


class Tail:
    """Fed by the writer after each durable batch; woken subscribers read from here, or from the log when they lag."""

    def __init__(self) -> None:
        self._recent: deque[list[Event]] = deque()
        self._sizes: deque[int] = deque()  # of each batch, bytes
        self._size_bytes = 0
        self._waiters: dict[asyncio.Future[None], None] = {}  # in the order in which they came: a set has none
        self._closed = False

    def announce(self, batch: list[Event]) -> None:
        """A batch became durable."""
        size = sum(len(event.fact.object) for event in batch if isinstance(event.fact, ObjectFact))
        self._recent.append(batch)
        self._sizes.append(size)
        self._size_bytes += size
        while len(self._recent) > RECENT_BATCHES or (self._size_bytes > RECENT_BYTES and len(self._recent) > 1):
            self._recent.popleft()
            self._size_bytes -= self._sizes.popleft()
        self._wake()

    def close(self) -> None:
        """No batch will follow: subscriptions end."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def since(self, after: int) -> list[Event] | None:
        """Everything announced after a revision; None when that is longer ago than what is remembered."""
        if not self._recent or self._recent[-1][-1].revision <= after:
            return []
        if self._recent[0][0].revision > after + 1:
            return None
        found: list[list[Event]] = []
        for batch in reversed(self._recent):
            if batch[-1].revision <= after:
                break
            found.append(batch)
        return [event for batch in reversed(found) for event in batch if event.revision > after]

    async def follow(self, after: int, read: Callable[[int], AsyncIterator[list[Event]]]) -> AsyncIterator[list[Event]]:
        """Batches after a revision, without end; `read` gives what is too old to be here."""
        async for chunk in read(after):
            after = chunk[-1].revision
            yield chunk
        while True:
            batch = self.since(after)
            if batch is None:
                async for chunk in read(after):
                    after = chunk[-1].revision
                    yield chunk
            elif batch:
                after = batch[-1].revision
                yield batch
            elif self._closed:
                return
            else:
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiters[waiter] = None
                try:
                    await waiter
                finally:
                    self._waiters.pop(waiter, None)
