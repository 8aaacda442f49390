"""Follows the log: the committed view moves on, watches and listeners hear of each durable event, once, in order.

A proposer in the same process hands over what it has just appended (`publish`), with the objects that it made: no hop, no
decoding. What somebody else appended comes from the log itself: `catch_up` when a proposer runs into it, `run` for a follower
without a proposer beside it.

Who reads the view in another thread holds `still` meanwhile: then it does not move.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectDeleted, ObjectFact
from shipslog.store.log.event_log import EventLog
from shipslog.store.logger import logger
from shipslog.store.state import Entry, PodRuntime

from .watch import WatchEventType, WatchHub, WatchRecord

log = logger(__name__)
Listener = Callable[[Event, Entry | None, Entry | None], None]  # after commit: event, entry, previous entry


class Staged(msgspec.Struct):
    """An event with what it makes of its object; durable when a follower gets it."""

    event: Event
    entry: Entry | None
    previous: Entry | None
    runs: PodRuntime | None = None  # what a fact about a pod makes of what runs of it


class Follower:
    """The committed state of one log. `view` only changes here."""

    def __init__(self, event_log: EventLog, view: MemoryView, hub: WatchHub) -> None:
        self.log, self.view, self.hub = event_log, view, hub
        self.listeners: list[Listener] = []
        self.still = asyncio.Lock()

    async def publish(self, batch: Sequence[Staged]) -> None:
        """Take in events that are on the log and follow the view's revision."""
        async with self.still:
            for staged in batch:
                self._take(staged.event, staged.entry, staged.runs)

    async def catch_up(self) -> list[Event]:
        """Take in whatever the log has beyond the view. -> those events."""
        taken: list[Event] = []
        async for events in self.log.read(self.view.revision):
            async with self.still:
                for event in events:
                    self._take(event)
            taken += events
        return taken

    async def run(self) -> None:
        """Follow until cancelled: for a server that reads a log which another writes."""
        async for events in self.log.subscribe(self.view.revision):
            async with self.still:
                for event in events:
                    if event.revision > self.view.revision:
                        self._take(event)

    def _take(self, event: Event, made: Entry | None = None, runs: PodRuntime | None = None) -> None:
        entry, previous = self.view.evolve(event, made, runs)
        fact = event.fact
        if entry is not None and isinstance(fact, ObjectFact):
            record = WatchRecord(event.revision, change_of(fact), fact.namespace, entry, previous)
            self.hub.publish(fact.resource, record)
        for listener in self.listeners:
            try:
                listener(event, entry, previous)
            except Exception:  # one that fails must not keep the others from hearing, nor the writer from going on
                name = getattr(listener, "__qualname__", repr(listener))
                log.exception("listener_failed", listener=name, revision=event.revision)


def change_of(fact: ObjectFact) -> WatchEventType:
    """How a watch names what happened."""
    if isinstance(fact, ObjectCreated):
        return "ADDED"
    return "DELETED" if isinstance(fact, ObjectDeleted) else "MODIFIED"
