"""Watches: every change after a revision, once, in order, to any number of listeners that share the records.

The hub remembers the newest changes of each kind, so many and so many bytes. Who asks for older ones, or falls too far behind,
gets Expired and lists anew, as with any Kubernetes API server.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal

from shipslog.store.objects.wire import protobuf_encoding
from shipslog.store.refusals import Expired
from shipslog.store.state import Entry, message_of

RING = 10_000  # changes remembered a kind
RING_BYTES = 64 << 20  # of all kinds together, as JSON
QUEUE = 10_000  # records a listener may be behind
QUEUE_BYTES = 2 * RING_BYTES  # likewise; what is remembered counts, for a listener may begin with all of it

WatchEventType = Literal["ADDED", "MODIFIED", "DELETED"]


class WatchRecord:
    """One change of one object. `line` is the watch event in JSON, `frame` in protobuf: made once for all listeners."""

    __slots__ = ("_frame", "_line", "change", "entry", "namespace", "previous", "revision", "size_bytes")

    def __init__(self, revision: int, change: WatchEventType, namespace: str, entry: Entry, previous: Entry | None) -> None:
        self.revision, self.change, self.namespace = revision, change, namespace
        self.entry, self.previous = entry, previous
        # Both: the entry before is held by this record alone where its own has been let go of.
        self.size_bytes = len(entry.encoded) + (len(previous.encoded) if previous is not None else 0)
        self._line = self._frame = b""

    def shown_as(self, entry: Entry, previous: Entry | None) -> "WatchRecord":
        """The same change, of the object in another version."""
        return WatchRecord(self.revision, self.change, self.namespace, entry, previous)

    @property
    def line(self) -> bytes:
        if not self._line:
            self._line = b'{"type":"%s","object":%s}\n' % (self.change.encode(), self.entry.encoded)
        return self._line

    @property
    def frame(self) -> bytes:
        if not self._frame:
            obj = self.entry.object
            message = protobuf_encoding.enveloped(obj.api_version, obj.kind, message_of(self.entry))
            self._frame = protobuf_encoding.watch_frame(self.change, message)
        return self._frame


class Watch:
    """An async iterator over records. `pending` gives at once all that has come, for writers that batch."""

    def __init__(self, hub: "WatchHub", resource: str, namespace: str | None, backlog: list[WatchRecord]) -> None:
        self._hub, self.resource, self.namespace = hub, resource, namespace
        self._records: deque[WatchRecord] = deque(backlog)
        self._size_bytes = sum(record.size_bytes for record in backlog)
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._overrun = False
        # For whoever can pass records on at once, without waking a task for it. False: not now, wake the reader instead.
        self.push: Callable[[], bool] | None = None
        self._pushing = False

    def deliver(self, record: WatchRecord) -> None:
        """Called by the hub for each record of the kind."""
        if self._closed or (self.namespace is not None and record.namespace != self.namespace):
            return
        if len(self._records) >= QUEUE or (self._size_bytes + record.size_bytes > QUEUE_BYTES and self._records):
            self._overrun = True
            self.take()
            self.close()
            return
        self._append(record)
        if self.push is None:
            self._wake()
        elif not self._pushing:
            self._pushing = True  # once for all records of this turn of the loop
            asyncio.get_running_loop().call_soon(self._push)

    def _append(self, record: WatchRecord) -> None:
        self._records.append(record)
        self._size_bytes += record.size_bytes

    def _push(self) -> None:
        self._pushing = False
        if self._records and not self._closed and (self.push is None or not self.push()):
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> list[WatchRecord]:
        """All records that are there."""
        records = list(self._records)
        self._records.clear()
        self._size_bytes = 0
        return records

    async def batch(self, timeout_s: float | None = None) -> list[WatchRecord]:
        """All records that are there; waits for the first one. [] after `timeout_s` or when closed.

        Errors: Expired when this listener was too slow."""
        if not self._records and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                if timeout_s is None:
                    await self._waiter
                else:
                    await asyncio.wait((self._waiter,), timeout=timeout_s)
            finally:
                self._waiter = None
        if self._overrun:
            behind = f"{QUEUE} changes or {QUEUE_BYTES >> 20} MiB"
            raise Expired(f"watch of {self.resource} closed: the listener fell {behind} behind. List again.")
        return self.take()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def size_bytes(self) -> int:
        """Of what is there, as JSON."""
        return self._size_bytes

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> WatchRecord:
        if not self._records:
            batch = await self.batch()
            if not batch:
                raise StopAsyncIteration
            for record in batch:
                self._append(record)
        record = self._records.popleft()
        self._size_bytes -= record.size_bytes
        return record

    def close(self) -> None:
        """Stop listening; a waiting reader is let go."""
        self._closed = True
        self.push = None  # it leads back here, through a connection and its buffers: nobody should have to look for that circle
        self._hub.forget(self)
        self._wake()


class Ring:
    """The newest changes of one kind. `floor`: changes up to there are not remembered."""

    __slots__ = ("floor", "records", "size_bytes")

    def __init__(self) -> None:
        self.records: deque[WatchRecord] = deque()
        self.size_bytes, self.floor = 0, 0

    def append(self, record: WatchRecord) -> None:
        self.records.append(record)
        self.size_bytes += record.size_bytes

    def forget_oldest(self) -> int:
        """-> how many bytes it was."""
        oldest = self.records.popleft()
        self.size_bytes -= oldest.size_bytes
        self.floor = oldest.revision
        return oldest.size_bytes


_NOTHING = Ring()


class WatchHub:
    """Hands each committed change to the watches of its kind."""

    def __init__(self, revision: int) -> None:
        self._floor = revision  # changes up to here are not remembered
        self._rings: dict[str, Ring] = {}
        self._size_bytes = 0
        self._watches: dict[str, set[Watch]] = {}
        self._closed = False

    def publish(self, resource: str, record: WatchRecord) -> None:
        """A change became durable."""
        ring = self._rings.get(resource)
        if ring is None:
            ring = self._rings[resource] = Ring()
        ring.append(record)
        self._size_bytes += record.size_bytes
        if len(ring.records) > RING:
            self._size_bytes -= ring.forget_oldest()
        while self._size_bytes > RING_BYTES:  # at the cost of the kind that takes most: one that is flooded expires no other
            self._size_bytes -= max(self._rings.values(), key=lambda ring: ring.size_bytes).forget_oldest()
        for watch in tuple(self._watches.get(resource, ())):
            watch.deliver(record)

    def watch(self, resource: str, *, namespace: str | None, after: int) -> Watch:
        """Every change of the kind with a revision > `after`. Errors: Expired when some are not remembered any more."""
        ring = self._rings.get(resource, _NOTHING)
        floor = max(self._floor, ring.floor)
        if after < floor:
            raise Expired(f"too old resource version: {after} ({floor})")
        backlog = [r for r in ring.records if r.revision > after and (namespace is None or r.namespace == namespace)]
        watch = Watch(self, resource, namespace, backlog)
        self._watches.setdefault(resource, set()).add(watch)
        if self._closed:
            watch.close()
        return watch

    @property
    def watchers(self) -> int:
        """How many listen."""
        return sum(len(watches) for watches in self._watches.values())

    def forget(self, watch: Watch) -> None:
        self._watches.get(watch.resource, set()).discard(watch)

    def close(self) -> None:
        """End every watch, and each that somebody begins later."""
        self._closed = True
        for watch in [w for watches in self._watches.values() for w in watches]:
            watch.close()
