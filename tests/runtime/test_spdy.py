"""The framing, spoken to by a small client of its own."""

import asyncio
import struct
import zlib

import pytest

from shipslog.engine.api.streams import exec_attach
from shipslog.runtime import spdy
from tests.logs import capture_logs


class Peer:
    """A client: makes frames, and takes those of the server apart."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.deflate = zlib.compressobj(9, zlib.DEFLATED, 15, zdict=spdy.DICTIONARY)
        self.throttled: list[bool] = []
        self.connection = spdy.SpdyConnection(self._receive, self.throttled.append)

    async def _receive(self, data: bytes) -> None:
        self.sent += data

    def control(self, kind: int, payload: bytes, flags: int = 0) -> bytes:
        return struct.pack(">HHB", 0x8003, kind, flags) + len(payload).to_bytes(3, "big") + payload

    def open(self, stream: int, flags: int = 0, **headers: str) -> bytes:
        raw = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for text in (name.encode(), value.encode()):
                raw += struct.pack(">I", len(text)) + text
        block = self.deflate.compress(raw) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        return self.control(spdy.SYN_STREAM, struct.pack(">IIH", stream, 0, 0) + block, flags)

    def data(self, stream: int, data: bytes, fin: bool = False) -> bytes:
        return struct.pack(">IB", stream, int(fin)) + len(data).to_bytes(3, "big") + data

    def frames(self) -> list[tuple[int, int, bytes]]:
        """(type, or 0 for data; flags; payload)"""
        found, at = [], 0
        while at < len(self.sent):
            length = int.from_bytes(self.sent[at + 5 : at + 8], "big")
            kind = struct.unpack_from(">H", self.sent, at + 2)[0] if self.sent[at] & 0x80 else 0
            found.append((kind, self.sent[at + 4], bytes(self.sent[at + 8 : at + 8 + length])))
            at += 8 + length
        return found


def test_the_dictionary_is_the_one_of_the_protocol() -> None:
    assert (len(spdy.DICTIONARY), zlib.adler32(spdy.DICTIONARY)) == (1423, 0xE3C6A7C2)


async def test_streams_are_opened_with_headers_and_answered() -> None:
    peer = Peer()
    peer.connection.feed(peer.open(1, streamtype="error") + peer.open(3, streamtype="data", port="80"))
    first, second = await peer.connection.accept(), await peer.connection.accept()
    assert first is not None and second is not None
    assert (first.headers, second.headers) == ({"streamtype": "error"}, {"streamtype": "data", "port": "80"})
    await asyncio.sleep(0)
    assert [kind for kind, _, _ in peer.frames()] == [spdy.SYN_REPLY, spdy.SYN_REPLY]


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
async def test_frames_may_come_in_any_pieces(step: int) -> None:
    peer = Peer()
    data = peer.open(1, streamtype="stdin") + peer.data(1, b"hello ") + peer.data(1, b"world", fin=True)
    for start in range(0, len(data), step):
        peer.connection.feed(data[start : start + step])
    stream = await peer.connection.accept()
    assert stream is not None
    assert await stream.read() == b"hello world" and await stream.read() == b""


async def test_writing_is_cut_into_frames_and_ended_once() -> None:
    peer = Peer()
    peer.connection.feed(peer.open(1, streamtype="stdout"))
    stream = await peer.connection.accept()
    assert stream is not None
    await stream.write(b"x" * 100_000)
    await stream.close()
    await stream.close()
    sent = [(flags, len(payload)) for kind, flags, payload in peer.frames() if kind == 0]
    assert sum(size for _, size in sent) == 100_000 and [flags for flags, _ in sent].count(1) == 1
    await stream.write(b"too late")


async def test_a_ping_is_answered_and_a_reset_ends_reading() -> None:
    peer = Peer()
    peer.connection.feed(peer.open(1, streamtype="stdin") + peer.control(spdy.PING, struct.pack(">I", 7)))
    stream = await peer.connection.accept()
    assert stream is not None
    peer.connection.feed(peer.control(spdy.RST_STREAM, struct.pack(">II", 1, 5)))
    assert await stream.read() == b""
    await asyncio.sleep(0)
    assert (spdy.PING, 0, struct.pack(">I", 7)) in peer.frames()


async def test_who_does_not_read_makes_the_peer_wait() -> None:
    peer = Peer()
    peer.connection.feed(peer.open(1, streamtype="stdin"))
    stream = await peer.connection.accept()
    assert stream is not None
    peer.connection.feed(peer.data(1, b"x" * (spdy.BUFFERED + 1)))
    assert peer.throttled == [True]
    await stream.read()
    assert peer.throttled == [True, False]


async def test_the_end_of_the_connection_ends_everything() -> None:
    peer = Peer()
    peer.connection.feed(peer.open(1, streamtype="stdin"))
    stream = await peer.connection.accept()
    assert stream is not None
    peer.connection.end()
    assert await stream.read() == b"" and await peer.connection.accept() is None
    with pytest.raises(ConnectionResetError):
        await stream.write(b"x")


@pytest.mark.parametrize("block", [b"\x00" * 8, b"not zlib"])
async def test_what_makes_no_sense_is_refused(block: bytes) -> None:
    peer = Peer()
    with pytest.raises(spdy.SpdyError):
        peer.connection.feed(peer.control(spdy.SYN_STREAM, struct.pack(">IIH", 1, 0, 0) + block))


async def test_headers_that_would_fill_the_memory_are_refused() -> None:
    peer = Peer()
    with pytest.raises(spdy.SpdyError, match="headers of more than"):
        peer.connection.feed(peer.open(1, streamtype="x" * 1_000_000))


def test_the_end_of_a_process_as_a_status() -> None:
    assert exec_attach.status_of(0) == {"metadata": {}, "status": "Success"}
    failed = exec_attach.status_of(7)
    assert (failed["reason"], failed["details"]["causes"]) == ("NonZeroExitCode", [{"reason": "ExitCode", "message": "7"}])
    assert exec_attach.sizes_in(b'{"Width":80,"Height":24}') == (80, 24)
    assert exec_attach.sizes_in(b"nonsense") is None


async def test_a_stream_that_both_sides_have_closed_is_forgotten() -> None:
    peer = Peer()
    for stream in range(1, 2 * spdy.MAX_STREAMS + 9, 2):  # more than may be open at one time
        peer.connection.feed(peer.open(stream) + peer.data(stream, b"x", fin=True))
        accepted = await peer.connection.accept()
        assert accepted is not None
        assert await accepted.read() == b"x"
        await accepted.close()
        await asyncio.sleep(0)
    assert not peer.connection._streams


async def test_what_an_abandoned_stream_gets_does_not_hold_up_the_others() -> None:
    peer = Peer()
    peer.connection.feed(peer.open(1) + peer.data(1, b"x" * (spdy.BUFFERED + 1)))
    accepted = await peer.connection.accept()
    assert accepted is not None and peer.throttled == [True]
    accepted.abandon()
    peer.connection.feed(peer.data(1, b"x" * (spdy.BUFFERED + 1)))
    assert peer.throttled == [True, False]


async def test_streams_without_end_are_refused() -> None:
    peer = Peer()
    with pytest.raises(spdy.SpdyError, match="streams are open"):
        for stream in range(1, 2 * spdy.MAX_STREAMS + 2, 2):
            peer.connection.feed(peer.open(stream))
            await asyncio.sleep(0)


async def test_pings_of_a_peer_who_reads_nothing_are_refused() -> None:
    peer = Peer()
    with pytest.raises(spdy.SpdyError, match="answers wait"):
        peer.connection.feed(peer.control(spdy.PING, b"\0\0\0\1") * (spdy.MAX_ANSWERS + 1))


async def test_a_peer_that_cannot_be_answered_is_let_go() -> None:
    async def fail(data: bytes) -> None:
        raise ZeroDivisionError("a bug")

    peer = Peer()
    peer.connection.send = fail
    with capture_logs() as logs:
        peer.connection.feed(peer.open(1, streamtype="data"))
        stream = await peer.connection.accept()
        assert stream is not None and await asyncio.wait_for(stream.read(), 5) == b""
        assert peer.connection.closed and await peer.connection.accept() is None
        await asyncio.sleep(0)
    assert [entry["event"] for entry in logs] == ["task_failed"]
