"""Lists go out in parts: made one at a time, each written before the next is made, while others have their turn between.

So a list is never there as a whole, however many objects it has; what it takes is its list of pointers and one part. A list of
one part is an ordinary answer. The lists of all clients take turns with their parts: 32 of them delay others as one does.
"""

import asyncio
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from shipslog.engine.api.request.negotiation import JSON, YAML
from shipslog.store.objects.types import meta_v1
from shipslog.store.objects.wire import protobuf_encoding
from shipslog.store.state import Entry, message_of

from . import replies
from .replies import Reply

PART_BYTES, PART_ITEMS = 256 * 1024, 500
AT_ONCE = 50  # objects that are encoded in protobuf before others have their turn

_encode = msgspec.json.Encoder().encode


class ListReply(Reply):
    """A list as its parts come. `turn` is shared with the lists of others."""

    # `long`: a part may take so long that it is made in a thread
    def __init__(self, parts: Iterator[bytes], turn: asyncio.Lock, media: str = JSON, *, long: bool = False) -> None:
        super().__init__(b"", 200, media)
        self._parts, self._turn, self._long = parts, turn, long

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        try:
            part = await self._next()
            after = await self._next()
        except Exception:
            self.fail(request)
            return await super().prepare(request)
        if after is None:
            self.body = part or b""
            return await super().prepare(request)
        self._open(request, replies.takes_gzip(request))
        squeeze = zlib.compressobj(replies.GZIP_LEVEL, wbits=31) if replies.takes_gzip(request) else None
        while part is not None:
            await self._write(request, await _squeezed(squeeze, part))
            try:
                part, after = after, await self._next() if after is not None else None
            except Exception as error:
                replies.failed(request)  # better no list than one that has left something out
                raise ConnectionResetError("the rest of the list cannot be made") from error
        await self._write(request, squeeze.flush() if squeeze is not None else b"", last=True)
        return None

    async def _next(self) -> bytes | None:
        """The next part; YAML is made in a thread, since it takes a hundred times as long as JSON."""
        async with self._turn:
            if self.media == YAML:
                return await replies.RENDERING.run(PART_BYTES, next, self._parts, None)
            if self._long:
                return await replies.ENCODING.run(PART_BYTES, next, self._parts, None)
            part = next(self._parts, None)
            if part is not None:
                await asyncio.sleep(0)
            return part

    async def render(self, request: web.BaseRequest) -> None:
        """Nothing is left to be done: the parts are as they shall be."""

    def _open(self, request: web.BaseRequest, squeezed: bool) -> None:
        more = b"Transfer-Encoding: chunked\r\n"
        if squeezed:
            more += replies.SQUEEZED
        self.send(request, self.head(request, more))

    async def _write(self, request: web.BaseRequest, data: bytes, *, last: bool = False) -> None:
        pieces = [b"%x\r\n" % len(data), data, b"\r\n"] if data else []  # not joined: that would copy all of it
        if last:
            pieces.append(b"0\r\n\r\n")
        replies.connection_of(request).writelines(pieces)
        await request.protocol._drain_helper()


async def _squeezed(squeeze: Any, part: bytes) -> bytes:
    if squeeze is None or not part:
        return part
    data: bytes = await replies.COMPRESSING.run(len(part), squeeze.compress, part)
    return data


def parts_of(head: bytes, opening: bytes, items: Iterable[bytes], separator: bytes, end: bytes) -> Iterator[bytes]:
    """The parts of a list: `opening` stands before the first of the items if there is one."""
    lead, size, ready = head + opening, 0, []
    for item in items:
        ready.append(item)
        size += len(item)
        if size > PART_BYTES or len(ready) >= PART_ITEMS:
            ready[0] = lead + ready[0]  # so the join is the only copy of it all
            yield separator.join(ready)
            lead, size, ready = separator, 0, []
    if ready:
        ready[0] = lead + ready[0]
        ready[-1] += end
        yield separator.join(ready)
    else:
        yield head + end if lead == head + opening else end


def whole(head: dict[str, Any], entries: Iterable[Entry]) -> Iterator[bytes]:
    """JSON from the encoded objects; items carry no kind and apiVersion, as in Kubernetes."""
    return parts_of(_open_json(head, "items"), b"{", (e.encoded[e.body_at :] for e in entries), b",{", b"]}")


def rendered(head: dict[str, Any], key: str, items: Iterable[bytes]) -> Iterator[bytes]:
    """JSON of items that are made as they are asked for, at `key` of the list."""
    return parts_of(_open_json(head, key), b"", items, b",", b"]}")


def _open_json(head: dict[str, Any], key: str) -> bytes:
    return _encode(head | {key: []})[:-2]


def indented(head: dict[str, Any], key: str, items: Iterable[bytes]) -> Iterator[bytes]:
    """The same for people: each level by two spaces."""
    empty = replies.indented(_encode(head | {key: []}))
    lines = (replies.indented(item).replace(b"\n", b"\n    ") for item in items)
    return parts_of(empty.removesuffix(b"]\n}"), b"\n    ", lines, b",\n    ", b"\n  ]\n}")


def as_yaml(head: dict[str, Any], key: str, items: Iterable[bytes]) -> Iterator[bytes]:
    """YAML, its keys in order of their names, as always."""
    left = iter(items)
    first = next(left, None)
    if first is None:
        return iter((replies.as_yaml(_encode(head | {key: []})),))
    before = replies.as_yaml(_encode({k: v for k, v in head.items() if k < key}))
    after = replies.as_yaml(_encode({k: v for k, v in head.items() if k > key}))
    lines = (replies.as_yaml(b"[%b]" % item) for item in chain((first,), left))
    return parts_of(before + key.encode() + b":\n", b"", lines, b"", after)


def in_protobuf(
    api_version: str, kind: str, metadata: dict[str, object], entries: Iterable[Entry], *, alone: bool
) -> Iterator[bytes]:
    """Protobuf: what stands before the items tells how long they are together, so all are encoded first. `alone`: their
    metadata alone."""
    items: list[bytes] = []
    for entry in entries:
        items.append(protobuf_encoding.metadata_alone(entry.object.metadata) if alone else message_of(entry))
        if not len(items) % AT_ONCE:
            yield b""  # a turn for others
    head, heads, end = protobuf_encoding.list_around(
        api_version, kind, msgspec.convert(metadata, meta_v1.ListMeta), [len(item) for item in items]
    )
    yield from parts_of(head, b"", (b"%b%b" % pair for pair in zip(heads, items, strict=True)), b"", end)
