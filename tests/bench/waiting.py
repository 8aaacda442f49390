"""Waiting for what a benchmark counts, without looking again and again: on a busy machine that would be what is measured."""

import asyncio
from collections.abc import Callable

from shipslog.engine.cluster import Cluster
from shipslog.store.events import Event
from shipslog.store.facts import ObjectModified
from shipslog.store.state import Entry


class Counted:
    """Counts events of one sort that become durable from now on; `wanted` of them are waited for."""

    def __init__(self, cluster: Cluster, wanted: int, is_one: Callable[[Event, Entry | None, Entry | None], bool]) -> None:
        self._left, self._is_one, self._done = wanted, is_one, asyncio.Event()
        cluster.committer.listeners.append(self._on_event)

    def _on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        if self._is_one(event, entry, previous):
            self._left -= 1
            if not self._left:
                self._done.set()

    async def all(self, timeout_s: float = 600) -> None:
        """Errors: TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._done.wait()


def is_binding(event: Event, entry: Entry | None, previous: Entry | None) -> bool:
    return isinstance(event.fact, ObjectModified) and event.fact.subresource == "binding"
