"""WATCH: the changes of a collection as they become durable, one JSON line or one protobuf frame each."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec.structs import replace

from shipslog.engine.api.request import heads, versions
from shipslog.engine.api.request.negotiation import JSON, PROTOBUF
from shipslog.engine.api.request.requests import Call, resource_version
from shipslog.engine.api.request.routes import first, flag
from shipslog.engine.api.request.selection import Selection, of_params
from shipslog.engine.api.response import lists, replies, shapes
from shipslog.engine.api.response.outlets import Outlet, outlet_of
from shipslog.engine.commit.watch import Watch, WatchRecord
from shipslog.engine.time.long_work import SHORT_BYTES
from shipslog.store.logger import logger
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import meta_v1
from shipslog.store.objects.wire import codec, protobuf_encoding
from shipslog.store.refusals import Expired, NotAcceptable, Refusal
from shipslog.store.state import Entry, in_version

from .reads import check_options, check_version

T = TypeVar("T")
BOOKMARK_S = 60.0
SELECTIONS = 64  # whose form of the newest change is remembered
UNSENT = 256 * 1024  # bytes in a connection at which its watch waits for the client

log = logger(__name__)
SHORTEST_S = 1800.0  # of a watch without a timeout; up to twice as long, so that not all come back at once
INITIAL_END = {"k8s.io/initial-events-end": "true"}


class WatchOptions(msgspec.Struct, frozen=True):
    """What a watch was asked for."""

    kind: Kind
    namespace: str | None
    selection: Selection
    version: str  # as given
    initial: bool  # begin with what is there
    mark_initial: bool  # ... and say where that ends
    bookmarks: bool
    timeout_s: float


def watch_options(call: Call) -> WatchOptions:
    """Errors: BadRequest for parameters that make no sense."""
    params, kind = call.params, call.kind
    version, timeout = first(params, "resourceVersion"), heads.integer(params, "timeoutSeconds") or 0
    send_initial = params.get("sendInitialEvents")
    check_options(params, watch=True)
    if call.wanted.yaml:
        raise NotAcceptable("a watch is a stream of JSON or protobuf: application/yaml is not accepted")
    number = resource_version(version)
    initial = not number
    if send_initial is not None:
        initial = flag(params, "sendInitialEvents")
    if not initial and not number and not call.past:
        version = str(call.view.revision)  # from now on
    seconds = float(timeout) if timeout else SHORTEST_S * (1 + random.random())
    bookmarks = flag(params, "allowWatchBookmarks")
    marked = initial and send_initial is not None and bookmarks
    selection = of_params(kind, params, call.route.name)
    return WatchOptions(kind, call.route.namespace or None, selection, version, initial, marked, bookmarks, seconds)


async def watch(call: Call, running: set[Watch]) -> web.StreamResponse:
    """Stream until the client goes, its time is up, or the server stops: it closes those in `running`."""
    wanted = watch_options(call)
    stream = Stream(call, wanted)
    if not wanted.initial and not call.past:
        check_version(call, resource_version(wanted.version))
    media = f"{PROTOBUF};stream=watch" if call.wanted.protobuf else JSON
    out = outlet_of(call.request, media, text=not call.wanted.protobuf)
    deadline = time.monotonic() + wanted.timeout_s
    source: Watch | None = None
    try:
        beginning: list[Entry] = []
        try:
            beginning = stream.beginning()
            lines = [stream.bookmark(INITIAL_END)] if wanted.mark_initial else []  # of this moment: what comes now is behind it
            if not call.past:
                after = call.view.revision if wanted.initial else resource_version(wanted.version)
                source = call.cluster.watch(wanted.kind.resource, namespace=wanted.namespace, after=after)
                running.add(source)
        except Expired as refusal:
            lines = [stream.error(refusal)]
        await out.open()
        for part in parts_of(beginning, _size_of_entry):
            try:
                await out.write(await stream.begun(part))
            except Refusal as refusal:
                await out.write([stream.error(refusal)])
                await out.close()
                return out.response
        if lines:
            await out.write(lines)
        if source is not None:
            await _follow(out, stream, source, deadline)
    finally:
        if source is not None:
            running.discard(source)
            source.close()
    await out.close()
    return out.response


async def _follow(out: Outlet, stream: "Stream", source: Watch, deadline: float) -> None:
    options = stream.options
    next_mark = time.monotonic() + BOOKMARK_S
    transport = stream.call.request.transport

    def push() -> bool:
        """Write what has come straight into the connection, unless the client is behind: fifty watchers are fifty tasks that
        need not be woken."""
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > UNSENT:
            return False
        if stream.foreign:
            return False
        if stream.busy or (source.size_bytes > SHORT_BYTES and not stream.plain):
            return False  # the reader has it made in a thread, and what comes meanwhile goes out behind it
        try:
            data = stream.framed(source.take(), out)
        except Exception:
            log.exception("watch_failed", path=stream.call.route.path)
            transport.abort()  # better no stream than one that has left something out
            return True
        if data:
            transport.write(data)
        return True

    if out.framed([]) is not None:
        source.push = push
    while True:
        now = time.monotonic()
        until = min(deadline, next_mark) if options.bookmarks else deadline
        try:
            records = await source.batch(max(0.0, until - now))
        except Expired as refusal:
            await out.write([stream.error(refusal)])
            return
        if records:
            stream.busy = True
            for some in parts_of(records, _size_of_record):
                try:
                    lines = await stream.made(some)
                except Refusal as refusal:  # who turns versions into each other has failed
                    await out.write([stream.error(refusal)])
                    return
                if lines:
                    await out.write(lines)
            stream.busy = False
            continue
        if source.closed or transport is None or transport.is_closing():
            return
        now = time.monotonic()
        if options.bookmarks and (now >= next_mark or now >= deadline):
            await out.write([stream.bookmark()])
            next_mark = now + BOOKMARK_S
        if now >= deadline:
            return


class Stream:
    """Turns records into lines for one watch: what its selection lets through, in its shape."""

    def __init__(self, call: Call, options: WatchOptions) -> None:
        self.call, self.options, self._wanted = call, options, call.wanted
        self.foreign = options.kind.is_foreign  # another server is asked for each
        as_kept = options.kind.hub is None and not self.foreign and not self._wanted.shape
        self.plain = as_kept and self._wanted.plain  # objects go out as they are kept
        self.busy = False  # with lines that go out before all that comes now
        self._shared = self._as_they_are if self.plain else self._in_frames if as_kept and self._wanted.protobuf else None

    def beginning(self) -> list[Entry]:
        """What may be there when the watch begins, if that is asked for."""
        if not self.options.initial and not self.call.past:
            return []
        entries = self.options.selection.candidates(self.call.view, self.options.kind, self.options.namespace)
        if not self.options.initial:  # of a past: what its client has from a list at that revision is not sent again
            entries = [e for e in entries if e.revision > resource_version(self.options.version)]
        return entries

    async def begun(self, entries: Sequence[Entry]) -> list[bytes]:
        """The lines of those that are selected."""
        selection = self.options.selection
        entries = await versions.shown(self.call, self.options.kind, entries)
        return await self._aside(
            lambda: [self._line("ADDED", e) for e in entries if not selection or selection.matches(e.object)],
            sum(len(e.encoded) for e in entries),
        )

    async def made(self, records: Sequence[WatchRecord]) -> list[bytes]:
        """The lines of some changes."""
        if self.foreign:
            records = [await self._in_version(record) for record in records]
        return await self._aside(
            lambda: [line for record in records for line in self.lines(record)], sum(record.size_bytes for record in records)
        )

    async def _in_version(self, record: WatchRecord) -> WatchRecord:
        """A change of objects that another server turns into the version of this watch."""
        entries = [e for e in (record.entry, record.previous) if e is not None]
        made = await versions.shown(self.call, self.options.kind, entries)
        return record.shown_as(made[0], made[1] if len(made) > 1 else None)

    async def _aside(self, make: Callable[[], list[bytes]], size_bytes: int) -> list[bytes]:
        """What is made, in a thread if that may take long."""
        return await replies.ENCODING.run(0 if self.plain else size_bytes, make)

    def bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        """Says that everything up to the current revision was sent."""
        metadata: dict[str, object] = {"resourceVersion": str(self.call.view.revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        kind = self.options.kind
        if self._wanted.protobuf:
            meta = meta_v1.ObjectMeta(resource_version=str(self.call.view.revision), annotations=annotations or {})
            return protobuf_encoding.watch_frame("BOOKMARK", shapes.message_of_kind(kind, meta, self._wanted))
        obj: dict[str, Any] = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
        if self._wanted.shape:
            obj |= {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{self._wanted.version}"}
        if self._wanted.shape == "Table":
            version = f"meta.k8s.io/{self._wanted.version}"
            rows = [{"cells": None, "object": obj}] if annotations else []
            obj = {"kind": "Table", "apiVersion": version, "metadata": metadata, "columnDefinitions": [], "rows": rows}
        return msgspec.json.encode({"type": "BOOKMARK", "object": obj}) + b"\n"

    def framed(self, records: Sequence[WatchRecord], out: Outlet) -> bytes | None:
        """What is written of changes to a connection that takes it as it is."""
        if self._shared is None or len(records) != 1:
            return out.framed([line for record in records for line in self.lines(record)])
        record, selection = records[0], self.options.selection
        if (data := _LAST.written(record, selection, self._shared)) is None:
            data = out.framed(tuple(self.lines(record)))
            if data:
                _LAST.remember(record, selection, self._shared, data)
        return data

    @staticmethod
    def _as_they_are(record: WatchRecord) -> bytes:
        return record.line

    @staticmethod
    def _in_frames(record: WatchRecord) -> bytes:
        return record.frame

    def lines(self, record: WatchRecord) -> Iterable[bytes]:
        """What is sent of a change. Entering the selection is ADDED, leaving it DELETED with the last state that was in it."""
        selection, entry, previous, change = self.options.selection, record.entry, record.previous, record.change
        if selection:
            was = previous is not None and change != "ADDED" and selection.matches(previous.object)
            now = selection.matches(entry.object)
            if not now and not was:
                return ()
            if not now and change != "DELETED" and previous is not None:
                return (self._line("DELETED", _at_revision(previous, record.revision)),)
            if change != "DELETED":
                change = "MODIFIED" if was else "ADDED"
        if self._shared is not None and change == record.change:
            return (self._shared(record),)
        return (self._line(change, entry),)

    def error(self, refusal: Refusal) -> bytes:
        """Why the watch ends, as its last event."""
        if self._wanted.protobuf:
            return protobuf_encoding.watch_frame("ERROR", replies.status_message(refusal.status()))
        return msgspec.json.encode({"type": "ERROR", "object": refusal.status()}) + b"\n"

    def _line(self, change: str, entry: Entry) -> bytes:
        if self._wanted.protobuf:
            return protobuf_encoding.watch_frame(change, shapes.message(entry, self._wanted, self.options.kind))
        shown = (
            shapes.encoded(entry, self._wanted, self.call)
            if self._wanted.shape
            else in_version(self.options.kind, entry).encoded
        )
        return b'{"type":"%s","object":%s}\n' % (change.encode(), shown)


class Last:
    """What was written of the newest change, by selection and form: a thousand watches of one kind are sent the same."""

    def __init__(self) -> None:
        self._record: WatchRecord | None = None
        self._written: dict[tuple[int, object], tuple[Selection, bytes]] = {}  # the selection lives, and so its id is its own

    def written(self, record: WatchRecord, selection: Selection, form: object) -> bytes | None:
        """None where it is to be made."""
        if record is not self._record:
            return None
        found = self._written.get((id(selection), form))
        return found[1] if found is not None else None

    def remember(self, record: WatchRecord, selection: Selection, form: object, data: bytes) -> None:
        if record is not self._record:
            self._record = record
            self._written.clear()
        if len(self._written) < SELECTIONS:
            self._written[id(selection), form] = (selection, data)


_LAST = Last()


def parts_of(items: Sequence[T], size_of: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """So many at a time as others can wait for, and no more bytes than a client that does not read may make us keep."""
    start, size = 0, 0
    for at, item in enumerate(items):
        more = size_of(item)
        if at > start and (size + more > lists.PART_BYTES or at - start >= lists.PART_ITEMS):
            yield items[start:at]
            start, size = at, 0
        size += more
    if start < len(items):
        yield items[start:]


def _size_of_entry(entry: Entry) -> int:
    return len(entry.encoded)


def _size_of_record(record: WatchRecord) -> int:
    return record.size_bytes


def _at_revision(entry: Entry, revision: int) -> Entry:
    """The same object with the resource version of the change that took it out of a selection."""
    obj = entry.object
    obj = replace(obj, metadata=replace(obj.metadata, resource_version=str(revision)))
    return Entry(entry.resource, obj, codec.encode(obj), revision)
