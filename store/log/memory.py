"""A log in memory: for tests, for simulation under a virtual clock, for clusters that need not outlive their process.

Tests: tests/store/log/test_event_log.py
"""

from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Collection, Sequence

import msgspec

from shipslog.store.events import Event
from shipslog.store.facts import ClockStepped, DecisionTaken, Forgotten, ObjectFact, ObjectModified

from .event_log import LogError, ObjectName, RevisionConflict, Snapshot, check_batch
from .integrity import object_key, object_names
from .retention import Coalescer, Decided
from .tail import Tail

CHUNK_EVENTS = 512


class MemoryLog:
    """An EventLog that lasts as long as the object. Never waits for anything but `subscribe`."""

    def __init__(self) -> None:
        self.dropped = self.trouble = ""
        self._events: list[Event] = []
        self._steps: list[int] = []  # where in it the clock was put back
        self._objects: dict[str, list[Event]] = {}
        self._snapshots: list[Snapshot] = []
        self._tail = Tail()
        self._coalescer, self._coalesced = Coalescer(), 0
        self._closed = False

    @property
    def revision(self) -> int:
        return len(self._events)

    async def append(self, events: Sequence[Event], *, expected_revision: int, urgent: bool = False) -> None:
        self._check_open()
        if expected_revision != self.revision:
            raise RevisionConflict(expected_revision, self.revision)
        if not events:
            return
        batch = list(events)
        check_batch(batch, expected_revision, self._events[-1].time_ns if self._events else 0)
        self._events.extend(batch)
        for event in batch:
            if isinstance(event.fact, ClockStepped):
                self._steps.append(event.revision - 1)
            if isinstance(fact := event.fact, ObjectFact):
                self._objects.setdefault(object_key(fact.resource, fact.namespace, fact.name), []).append(event)
        self._tail.announce(batch)

    async def read(self, after: int = 0, until: int | None = None) -> AsyncIterator[list[Event]]:
        self._check_open()
        end = self.revision if until is None else min(until, self.revision)
        for start in range(max(after, 0), end, CHUNK_EVENTS):
            yield self._events[start : min(start + CHUNK_EVENTS, end)]

    async def read_object(self, resource: str, namespace: str, name: str) -> AsyncIterator[list[Event]]:
        self._check_open()
        found = self._objects.get(object_key(resource, namespace, name), [])[:]
        for start in range(0, len(found), CHUNK_EVENTS):
            yield found[start : start + CHUNK_EVENTS]

    async def latest(self, resource: str, namespace: str, name: str, *, before: int | None = None) -> Event | None:
        self._check_open()
        found = self._objects.get(object_key(resource, namespace, name), [])
        at = len(found) if before is None else bisect_left(found, before, key=lambda event: event.revision)
        return found[at - 1] if at else None

    async def objects(self, resource: str = "") -> AsyncIterator[list[ObjectName]]:
        self._check_open()
        named = [object_names(key) for key, events in sorted(self._objects.items()) if events]
        found = [n for n in named if not resource or n[0] == resource]
        for start in range(0, len(found), CHUNK_EVENTS):
            yield found[start : start + CHUNK_EVENTS]

    async def revision_at(self, time_ns: int) -> int:
        self._check_open()
        return self._revision_at(time_ns)

    def _revision_at(self, time_ns: int) -> int:
        until = len(self._events)
        for start in (*reversed(self._steps), 0):
            found = bisect_right(self._events, time_ns, start, until, key=lambda event: event.time_ns)
            if found > start:
                return found
            until = start
        return 0

    def subscribe(self, after: int) -> AsyncIterator[list[Event]]:
        self._check_open()
        return self._tail.follow(after, self.read)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self._check_open()
        if not 0 <= snapshot.revision <= self.revision:
            raise ValueError(f"a snapshot of revision {snapshot.revision}, but the log is at {self.revision}")
        kept = [s for s in self._snapshots if s.revision != snapshot.revision]
        self._snapshots = sorted([*kept, snapshot], key=lambda s: s.revision)

    async def load_snapshot(self, until: int | None = None) -> Snapshot | None:
        self._check_open()
        return next((s for s in reversed(self._snapshots) if until is None or s.revision <= until), None)

    async def verify(self, progress: Callable[[int, int], None] | None = None) -> None:
        self._check_open()
        if progress is not None:
            progress(self.revision, self.revision)

    async def forget(self, until_ns: int, *, blind: Collection[str] = ()) -> int:
        self._check_open()
        self._coalescer.blind = blind
        count, end = 0, self._revision_at(until_ns)
        for event in self._events[self._coalesced : end]:
            fact = event.fact
            key = object_key(fact.resource, fact.namespace, fact.name) if isinstance(fact, ObjectFact) else None
            decided = Decided(fact.reconciler, fact.commands) if isinstance(fact, DecisionTaken) else None
            gone = self._coalescer.feed(
                event.revision, event.time_ns, event.cause, key, modified=isinstance(fact, ObjectModified), decided=decided
            )
            if gone and key is not None:
                self._objects[key] = [e for e in self._objects[key] if e.revision not in gone]
            for revision in gone:
                self._events[revision - 1] = msgspec.structs.replace(self._events[revision - 1], fact=Forgotten())
            count += len(gone)
        self._coalesced = max(self._coalesced, end)
        return count

    async def close(self) -> None:
        self._closed = True
        self._tail.close()

    async def __aenter__(self) -> "MemoryLog":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise LogError("the log is closed; nothing was read or written")
