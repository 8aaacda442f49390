"""A log as one reader may see it: events, what an object was before, who reported it, and why.

Tests: tests/engine/chronicle/test_lines.py, tests/engine/chronicle/test_history.py, tests/engine/chronicle/test_causes.py
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

from shipslog.engine.past.views import view_at
from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import DecisionTaken, ObjectCreated, ObjectDeleted, ObjectFact
from shipslog.store.log.event_log import EventLog
from shipslog.store.objects.builtin import BUILTIN

from . import secrecy
from .differences import Difference, differences
from .subjects import Pods, Subject, subject_of

REASONS = 4_096  # of decisions, remembered: their events come soon after them
OBJECTS_BYTES = 32 << 20  # of objects' last states, remembered: else each is looked up through the index
YIELD_AFTER_S = 0.005  # of reading, then others have the loop

May = Callable[[Subject], bool]
Past = Callable[[int], Awaitable[MemoryView]]


class Reader:
    """`may`: what the reader may see; events about anything else are passed over. `secrets`: show the values of Secrets.
    `past`: who makes views of earlier revisions, where several readers share them."""

    def __init__(
        self, event_log: EventLog, *, may: May = lambda _: True, secrets: bool = False, past: Past | None = None
    ) -> None:
        self.log, self.may, self._secrets, self._past = event_log, may, secrets, past
        self.pods = Pods(event_log)
        self._reasons: OrderedDict[int, str] = OrderedDict()
        self._states: OrderedDict[tuple[str, str, str], Event] = OrderedDict()
        self._passing: tuple[Event | None, Event | None] = None, None  # the event that passes, the one of its object before
        self._states_bytes = 0

    async def read(self, after: int, until: int | None = None) -> AsyncIterator[Event]:
        """What may be seen of the events with after < revision <= until."""
        async for event in self._seen(after, self.log.read(after, until)):
            yield event

    async def follow(self, after: int) -> AsyncIterator[Event]:
        """`read` that does not end."""
        async for event in self._seen(after, self.log.subscribe(after)):
            yield event

    async def _seen(self, after: int, chunks: AsyncIterator[list[Event]]) -> AsyncIterator[Event]:
        self._states.clear()
        self._states_bytes = 0
        begun_s = monotonic()
        async for events in chunks:
            for event in events:
                seen = await self.sees(event)
                self._pass(event, seen)
                if seen:
                    yield event
                if monotonic() - begun_s > YIELD_AFTER_S:
                    await asyncio.sleep(0)
                    begun_s = monotonic()

    async def view(self, revision: int) -> MemoryView:
        """The state right after a revision; not to be changed."""
        return await (self._past(revision) if self._past is not None else view_at(self.log, revision))

    async def sees(self, event: Event) -> bool:
        """Whether the reader may see it; also learns from it."""
        if isinstance(event.fact, DecisionTaken):
            self._remember(event.revision, event.fact.reason)
        return self.may(await subject_of(event, self.pods))

    async def event(self, revision: int) -> Event | None:
        """The one at a revision; None where there is none, or none for this reader."""
        async for events in self.log.read(revision - 1, revision):
            for event in events:
                return event if revision == event.revision and await self.sees(event) else None
        return None

    async def of_object(self, subject: Subject) -> AsyncIterator[Event]:
        """Each change of one object, the oldest first."""
        if self.may(subject):
            async for events in self.log.read_object(subject.resource, subject.namespace, subject.name):
                for event in events:
                    yield event

    async def before(self, event: Event) -> Event | None:
        """The event that left the object as it was before this one; None if that made it, or is let go of."""
        fact = event.fact
        assert isinstance(fact, ObjectFact)
        if isinstance(fact, ObjectCreated):
            return None
        key = (fact.resource, fact.namespace, fact.name)
        passing, previous = self._passing
        if previous is None or passing is not event:
            previous = await self.log.latest(*key, before=event.revision)
        return None if previous is None or isinstance(previous.fact, ObjectDeleted) else previous

    def _pass(self, event: Event, seen: bool) -> None:
        """All events come by here in their order, so the last of an object is what the next one follows. Nothing is kept of
        what this reader may not see."""
        fact = event.fact
        if not isinstance(fact, ObjectFact):
            return
        key = (fact.resource, fact.namespace, fact.name)
        previous = self._drop(key)
        if not seen:
            return
        self._passing = event, previous
        self._states[key] = event
        self._states_bytes += len(fact.object)
        while self._states_bytes > OBJECTS_BYTES and len(self._states) > 1:
            self._drop(next(iter(self._states)))

    def _drop(self, key: tuple[str, str, str]) -> Event | None:
        gone = self._states.pop(key, None)
        if gone is not None and isinstance(gone.fact, ObjectFact):
            self._states_bytes -= len(gone.fact.object)
        return gone

    async def changes(self, event: Event) -> list[Difference]:
        """What an event changed of its object; [] where that was made or has gone."""
        previous = await self.before(event)
        if previous is None or isinstance(event.fact, ObjectDeleted):
            return []
        return self.veil(event, differences(state(previous), state(event)))

    def veil(self, event: Event, changes: list[Difference]) -> list[Difference]:
        return changes if self._secrets or not secrecy.is_secret(event) else secrecy.masked_differences(changes)

    def shown(self, event: Event) -> Event:
        """The event as this reader may have it."""
        return event if self._secrets else secrecy.veiled(event)

    async def reason(self, event: Event) -> str:
        """Why the decision was taken that an event carries out; "" for a person's own wish."""
        cause = event.cause
        if cause is None or not 0 < cause < event.revision:
            return ""
        if cause not in self._reasons:
            async for events in self.log.read(cause - 1, cause):
                fact = events[0].fact
                self._remember(cause, fact.reason if isinstance(fact, DecisionTaken) else "")
        return self._reasons.get(cause, "")

    def _remember(self, revision: int, reason: str) -> None:
        self._reasons[revision] = reason
        if len(self._reasons) > REASONS:
            self._reasons.popitem(last=False)

    async def named(self, resource: str, namespace: str | None, name: str) -> list[Subject]:
        """Every object of a resource and a name that there ever was, in whatever namespace unless one is named."""
        if namespace is not None or not _namespaced(resource):
            found = [Subject(resource, namespace or "" if _namespaced(resource) else "", name)]
            return [s for s in found if self.may(s) and await self.log.latest(s.resource, s.namespace, s.name) is not None]
        names = [Subject(*n) async for chunk in self.log.objects(resource) for n in chunk if n[2] == name]
        return [subject for subject in names if self.may(subject)]


def state(event: Event) -> dict[str, Any]:
    """The object that an event left, as a mapping. A log that somebody sent may hold what no server has let in, nested without
    end or no mapping at all: that is one field, which says so."""
    assert isinstance(event.fact, ObjectFact)
    return secrecy.object_of(event.fact)


def _namespaced(resource: str) -> bool:
    return BUILTIN.by_resource(resource).namespaced if BUILTIN.knows(resource) else True
