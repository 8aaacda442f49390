"""The past in memory: views of earlier revisions, made when somebody asks, kept while there is room.

Making one reads the log from a snapshot on: it costs what the cluster holds, and so does keeping it. Hence the bounds.
"""

import asyncio
from collections import OrderedDict
from typing import cast

import msgspec

from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.log.event_log import EventLog, LogError, LogNewer
from shipslog.store.logger import logger
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import BadRequest, Refusal, TooManyRequests
from shipslog.store.tasks import Tasks

KEPT_BYTES = 256 * 1024 * 1024  # of views together, as `weight` has it; the one that was asked for last stays in any case
AT_ONCE = 2  # made at the same time
WAITING = 32  # more who want one of their own are asked to come back
EVOLVED_BYTES = 128 * 1024  # of objects, between two looks at what else there is to do
IN_MEMORY = 5  # bytes that an object takes for each byte of its JSON, which is among them
OF_ENTRY = 1024  # and what its place in the view and its indexes takes

log = logger(__name__)


class PastViews:
    """Views of one log. Whoever asks for the same revision shares the making and the view."""

    def __init__(self, event_log: EventLog) -> None:
        self._log = event_log
        self._kept: OrderedDict[int, tuple[MemoryView, int]] = OrderedDict()  # by revision: the view, its weight
        self._making: dict[int, asyncio.Task[MemoryView]] = {}
        self._tasks = Tasks("pasts")
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def at(self, revision: int) -> MemoryView:
        """The state right after `revision`; read-only. Errors: BadRequest, TooManyRequests."""
        if revision in self._kept:
            self._kept.move_to_end(revision)
            return self._kept[revision][0]
        check(self._log, revision)
        task = self._making.get(revision)
        if task is None:
            if len(self._making) >= AT_ONCE + WAITING:
                raise TooManyRequests("too many moments of the past are asked for at once; please try again", retry_after_s=1)
            task = self._tasks.start(f"revision {revision}", self._make(revision), ordinary=(Refusal, LogError))
            self._making[revision] = task
            task.add_done_callback(lambda _: self._making.pop(revision, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Make none any more: the log is about to close."""
        await self._tasks.close()

    async def _make(self, revision: int) -> MemoryView:
        async with self._at_once:
            view = await view_at(self._log, revision)
        self._kept[revision] = view, weight(view)
        while len(self._kept) > 1 and sum(w for _, w in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return view


def weight(view: MemoryView) -> int:
    """Bytes that a view takes, about."""
    return sum(len(e.encoded) * IN_MEMORY + OF_ENTRY for resource in view.resources() for e in view.entries(resource))


def check(event_log: EventLog, revision: int) -> None:
    """Errors: BadRequest for a revision that was never, or is not yet. Not NotFound: that would say of an object that it was
    not there, and who ignores that (`kubectl get --ignore-not-found`) would be told nothing at all."""
    last = event_log.revision
    extends = f"the log goes from revision 1 to {last}" if last else "there is no event on the log"
    if revision > last:
        raise BadRequest(f"revision {revision} has not happened yet: {extends}")
    if revision < 1:
        raise BadRequest(f"revision {revision} is before the first event: {extends}")


async def extent(event_log: EventLog) -> tuple[int, int]:
    """When the first event of a log happened, and the last; (0, 0) for an empty one. ns UTC."""
    if not event_log.revision:
        return 0, 0
    ends = [event async for events in event_log.read(0, 1) for event in events]
    ends += [event async for events in event_log.read(event_log.revision - 1, event_log.revision) for event in events]
    return ends[0].time_ns, ends[-1].time_ns


async def revision_at(event_log: EventLog, time_ns: int) -> int:
    """The revision that was the last at a time. Errors: BadRequest before the log's beginning: nothing is known of then."""
    revision = await event_log.revision_at(time_ns)
    if not revision and event_log.revision:
        begins, ends = await extent(event_log)
        raise BadRequest(
            f"{api_time(time_ns)} is before the log's beginning: it goes from {api_time(begins)} (revision 1) "
            f"to {api_time(ends)} (revision {event_log.revision})"
        )
    return revision


async def load(event_log: EventLog) -> MemoryView:
    """The state that a log comes to, from its newest snapshot on. Its indexes agree with it; one that had to be made anew is
    said."""
    view = await view_at(event_log, event_log.revision)
    for index in view.reindex():
        log.warning("index_rebuilt", index=index, revision=view.revision)
    return view


async def view_at(event_log: EventLog, revision: int) -> MemoryView:
    """The state right after `revision`; 0 is before everything. Errors: BadRequest."""
    if revision:
        check(event_log, revision)
    view = await _snapshot(event_log, revision)
    async for events in event_log.read(view.revision, revision):
        await _evolve(view, events)
    return view


async def _snapshot(event_log: EventLog, revision: int) -> MemoryView:
    """The newest state that is kept up to a revision and that this version can read: it only saves reading events."""
    snapshot = await event_log.load_snapshot(until=revision)
    while snapshot is not None:
        try:
            making = snapshots.restoring(snapshot)
            while True:
                try:
                    next(making)
                except StopIteration as made:
                    return cast(MemoryView, made.value)
                await asyncio.sleep(0)
        except (LogNewer, msgspec.DecodeError) as error:
            log.warning("snapshot_passed_over", revision=snapshot.revision, why=str(error))
        snapshot = await event_log.load_snapshot(until=snapshot.revision - 1)
    return MemoryView()


async def _evolve(view: MemoryView, events: list[Event]) -> None:
    evolved = 0
    for event in events:
        view.evolve(event)
        evolved += len(event.fact.object) if isinstance(event.fact, ObjectFact) else 0
        if evolved > EVOLVED_BYTES:
            evolved = 0
            await asyncio.sleep(0)
