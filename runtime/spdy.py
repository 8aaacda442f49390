"""SPDY/3.1 as Kubernetes' clients and container runtimes speak it: streams with headers over one connection. No sockets here:
bytes in, bytes out.

Source: the SPDY/3.1 draft (frames, header compression) and the behaviour of client-go's spdystream, which keeps no flow
control windows: backpressure is the connection's own.
"""

import asyncio
import struct
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from shipslog.store.tasks import Tasks

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
VERSION, FIN = 3, 0x01
PROTOCOL_ERROR, INVALID_STREAM, CANCEL = 1, 2, 5
BUFFERED = 256 * 1024  # unread bytes of a stream at which the peer is made to wait
CHUNK = 32 * 1024
MAX_FRAME = 1 << 24
MAX_HEADERS = 64 * 1024
MAX_STREAMS = 1024  # open at one time in one connection
MAX_ANSWERS = 1024  # of ours to openings and pings, that a peer who does not read lets wait

_NAMES = """options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow
authorization cache-control connection content-base content-encoding content-language content-length content-location
content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range
if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer
retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK
version HTTP/1.1 url public set-cookie keep-alive origin"""
_CODES = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
_PHRASES = (
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct "
    "Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,"
    "utf-,*,enq=0."
)
_WORDS = [name.replace("_", " ") for name in _NAMES.split()]
DICTIONARY = b"".join(struct.pack(">I", len(w)) + w.encode() for w in _WORDS) + (_CODES + _PHRASES).encode()

Send = Callable[[bytes], Awaitable[None]]


class SpdyError(Exception):
    """The peer broke the protocol; the connection is of no use any more."""


class Stream:
    """One stream. Reads end with b"" when the peer has said all, or is gone."""

    def __init__(self, connection: "SpdyConnection", stream_id: int, headers: Mapping[str, str]) -> None:
        self.id, self.headers = stream_id, headers
        self._connection = connection
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._closed = self._abandoned = False
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes, fin: bool) -> None:
        """Called by the connection."""
        if data and not self._abandoned:
            self._parts.append(data)
            self._size += len(data)
            self._connection.buffered(len(data))
            self._wake()
        if fin:
            self._end()

    def _end(self) -> None:
        """The peer will say no more here."""
        self._ended = True
        self._wake()
        if self._closed:
            self._connection.forget(self)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self) -> bytes:
        """What has come; b"" at the end."""
        while not self._parts and not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._parts:
            return b""
        data = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._connection.buffered(-len(data))
        return data

    def abandon(self) -> None:
        """Nobody reads here any more: what has come and what comes is thrown away, so that it does not hold up the others."""
        self._abandoned = True
        self._parts.clear()
        self._connection.buffered(-self._size)
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Errors: ConnectionError when the peer is gone."""
        for start in range(0, len(data), CHUNK):
            if self._closed:
                return
            await self._connection.send_data(self.id, data[start : start + CHUNK], fin=False)

    async def close(self) -> None:
        """Say that nothing more will come from here."""
        if not self._closed:
            self._closed = True
            if self._ended:
                self._connection.forget(self)
            await self._connection.send_data(self.id, b"", fin=True)

    async def reset(self) -> None:
        """Nothing more in either direction."""
        self._closed = True
        self._end()
        await self._connection.send(_control(RST_STREAM, 0, struct.pack(">II", self.id, CANCEL)))


class SpdyConnection:
    """One side of it. Feed it what comes. A server's new streams come out of `accept`, a client makes its own with `open`."""

    def __init__(self, send: Send, throttle: Callable[[bool], None] = lambda stop: None) -> None:
        self.send = send
        self._throttle = throttle  # True: read no more from the peer for now
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, 11, zdict=DICTIONARY)
        self._data = bytearray()
        self._streams: dict[int, Stream] = {}
        self._next_id = 1  # of the client's streams
        self._new: asyncio.Queue[Stream | None] = asyncio.Queue()
        self._unread = 0
        self._stopped = False
        self._tasks = Tasks("spdy")
        self.closed = False

    def throttled_by(self, throttle: Callable[[bool], None]) -> None:
        """What is told when too much is unread."""
        self._throttle = throttle

    # --- in ---

    def feed(self, data: bytes) -> None:
        """Bytes from the peer. Errors: SpdyError."""
        self._data += data
        while len(self._data) >= 8:
            length = int.from_bytes(self._data[5:8], "big")
            if len(self._data) < 8 + length:
                return
            head, payload = bytes(self._data[:8]), bytes(self._data[8 : 8 + length])
            del self._data[: 8 + length]
            if head[0] & 0x80:
                self._control(int.from_bytes(head[2:4], "big"), head[4], payload)
            else:
                stream = self._streams.get(int.from_bytes(head[:4], "big"))
                if stream is not None:
                    stream.feed(payload, bool(head[4] & FIN))

    def _control(self, kind: int, flags: int, payload: bytes) -> None:
        try:
            if kind == SYN_STREAM:
                if len(self._streams) >= MAX_STREAMS:
                    raise SpdyError(f"more than {MAX_STREAMS} streams are open")
                stream_id = struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF
                stream = Stream(self, stream_id, self._headers(payload[10:]))
                self._streams[stream_id] = stream
                if flags & FIN:
                    stream.feed(b"", True)
                self._soon(self.send(_control(SYN_REPLY, 0, struct.pack(">I", stream_id) + self._block({}))))
                self._new.put_nowait(stream)
            elif kind == RST_STREAM:
                lost = self._streams.get(struct.unpack_from(">I", payload)[0])
                if lost is not None:
                    lost.feed(b"", True)
            elif kind == PING:
                self._soon(self.send(_control(PING, 0, payload[:4])))
            elif kind in (HEADERS, SYN_REPLY):
                self._headers(payload[4:])  # the compression's state goes on through every block
            elif kind == GOAWAY:
                self.end()
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise SpdyError(f"a frame of type {kind} cannot be read: {error}") from error

    def _headers(self, block: bytes) -> dict[str, str]:
        raw = self._inflate.decompress(block, MAX_HEADERS)
        if self._inflate.unconsumed_tail:
            raise SpdyError(f"headers of more than {MAX_HEADERS} bytes")
        count, at = struct.unpack_from(">I", raw)[0], 4
        found: dict[str, str] = {}
        for _ in range(count):
            texts = []
            for _ in range(2):
                length = struct.unpack_from(">I", raw, at)[0]
                texts.append(raw[at + 4 : at + 4 + length].decode())
                at += 4 + length
            found[texts[0].lower()] = texts[1]
        return found

    def _soon(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except BaseException:  # a peer that was not answered waits in vain: better it hangs up
                self.end()
                raise

        self._tasks.start("answer", run(), ordinary=OSError)
        if len(self._tasks) > MAX_ANSWERS:
            raise SpdyError(f"{MAX_ANSWERS} answers wait for the peer to read them")

    def forget(self, stream: Stream) -> None:
        """Both sides have said all on a stream."""
        self._streams.pop(stream.id, None)

    def buffered(self, change: int) -> None:
        """Streams tell how much of theirs is unread."""
        self._unread += change
        stop = self._unread > BUFFERED
        if stop is not self._stopped:
            self._stopped = stop
            self._throttle(stop)

    # --- out ---

    async def open(self, headers: Mapping[str, str]) -> Stream:
        """A stream of ours, as a client. Errors: ConnectionError."""
        stream = self._streams[self._next_id] = Stream(self, self._next_id, headers)
        self._next_id += 2
        await self.send(_control(SYN_STREAM, 0, struct.pack(">IIH", stream.id, 0, 0) + self._block(headers)))
        return stream

    async def accept(self) -> Stream | None:
        """The next stream that the peer opens; None when none will come."""
        return await self._new.get() if not (self.closed and self._new.empty()) else None

    async def send_data(self, stream_id: int, data: bytes, *, fin: bool) -> None:
        if self.closed:
            raise ConnectionResetError("the client is gone")
        await self.send(struct.pack(">IB", stream_id, FIN if fin else 0) + len(data).to_bytes(3, "big") + data)

    def _block(self, headers: Mapping[str, str]) -> bytes:
        raw = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for text in (name.encode(), value.encode()):
                raw += struct.pack(">I", len(text)) + text
        return self._deflate.compress(raw) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> None:
        """The peer is gone, or says that it goes."""
        if self.closed:
            return
        self.closed = True
        for stream in tuple(self._streams.values()):
            stream.feed(b"", True)
        self._new.put_nowait(None)


def _control(kind: int, flags: int, payload: bytes) -> bytes:
    return struct.pack(">HHB", 0x8000 | VERSION, kind, flags) + len(payload).to_bytes(3, "big") + payload
