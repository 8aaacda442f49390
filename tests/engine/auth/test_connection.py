"""Heads that are too long or too slow, and what comes of garbage: over TLS, from nobody."""

import asyncio
import io
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shipslog.engine.api.request import requests
from shipslog.engine.auth import connection
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client

GET = b"GET /version HTTP/1.1\r\nHost: a\r\n"


@asynccontextmanager
async def dialled(client: Client) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = client.base.removeprefix("https://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=client.tls, server_hostname="localhost")
    try:
        yield reader, writer
    finally:
        writer.close()


async def sent(writer: asyncio.StreamWriter, data: bytes) -> None:
    """As much as the other side takes."""
    try:
        writer.write(data)
        await writer.drain()
    except OSError:
        return


async def answer(reader: asyncio.StreamReader) -> bytes:
    """All until the server closes."""
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except OSError:
        return b"reset"


async def test_a_head_is_bounded_in_all_not_line_by_line(api: Api) -> None:
    async with dialled(api.client()) as (reader, writer):
        await sent(writer, GET + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 20_000) for i in range(100)))
        assert (await answer(reader)).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


async def test_one_line_is_bounded_alike(api: Api) -> None:
    async with dialled(api.client()) as (reader, writer):
        await sent(writer, GET + b"X: " + b"a" * (3 << 20))
        assert (await answer(reader)).startswith(b"HTTP/1.1 431 ")


async def test_a_long_head_that_fits_is_read_and_each_counts_for_itself(api: Api) -> None:
    async with dialled(api.client()) as (reader, writer):
        for last in (b"", b"", b"Connection: close\r\n"):
            writer.write(GET + last + b"X: " + b"a" * 700_000 + b"\r\n\r\n")
        assert (await answer(reader)).count(b"HTTP/1.1 200 OK\r\n") == 3


async def test_a_long_body_does_not_count_as_head(api: Api) -> None:
    token = (api.data / "token").read_text().strip()
    body = io.BytesIO(b'{"metadata":{"name":"a"}%s}' % (b" " * 2_500_000))
    headers = {"Content-Type": "application/json"}
    code, made = await api.client(token=token).call("POST", CONFIG_MAPS, data=body, headers=headers)
    assert code == 201, made


@pytest.mark.parametrize("head", [b"", b"G", GET, GET + b"X: "])
async def test_a_slow_head_is_cut_off(api: Api, head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    async with dialled(api.client()) as (reader, writer):
        writer.write(head)
        dripping = asyncio.create_task(drip(writer)) if head.startswith(GET) else None
        assert await answer(reader) in (b"", b"reset")
        if dripping is not None:
            dripping.cancel()


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        await asyncio.sleep(0.05)
        await sent(writer, b"a")


async def test_a_slow_head_behind_another_request(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    async with dialled(api.client()) as (reader, writer):
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        writer.write(b"GET /ver")
        assert b"HTTP" not in await answer(reader)


async def test_a_slow_body_is_cut_off(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_S", 0.2)
    token = (api.data / "token").read_bytes().strip()
    async with dialled(api.client()) as (reader, writer):
        head = b"POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{"
        writer.write(head % (CONFIG_MAPS.encode(), token))
        got = await answer(reader)
    assert got.startswith(b"HTTP/1.1 504 ") and b"the body did not come within" in got


async def test_who_does_not_read_gets_no_more_answers(api: Api) -> None:
    asked = 20_000
    async with dialled(api.client()) as (_, writer):
        writer.transport.pause_reading()
        sending = asyncio.create_task(sent(writer, (GET + b"\r\n") * asked))
        before = -1
        while before != api.server._server.requests_count:  # type: ignore[union-attr]
            before = api.server._server.requests_count  # type: ignore[union-attr]
            await asyncio.sleep(0.3)
        assert before < asked
        sending.cancel()


POST = b"POST /version HTTP/1.1\r\nHost: a\r\n"
TWO_WAYS = {
    "length, then chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, then length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of lengths": POST + b"Content-Length: 4, 5\r\n\r\nabcde",
    "a length with a sign": POST + b"Content-Length: +4\r\n\r\nabcd",
    "a length with a mark": POST + b"Content-Length: 1_0\r\n\r\nabcdabcdab",
    "two encodings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "an unknown encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a folded line": GET + b"X: a\r\n b\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 4\r\n\r\nabcd",
    "a lone carriage return": GET + b"X: a\rContent-Length: 4\r\n\r\nabcd",
    "lone line feeds": b"GET /version HTTP/1.1\nHost: a\n\n",
    "a nought in a value": GET + b"X: a\x00b\r\n\r\n",
    "no host": b"GET /version HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("head", TWO_WAYS.values(), ids=list(TWO_WAYS))
async def test_what_two_readers_could_understand_in_two_ways_is_refused_and_ends_the_connection(api: Api, head: bytes) -> None:
    """Else what is behind it could be smuggled past a proxy that reads it otherwise."""
    async with dialled(api.client()) as (reader, writer):
        await sent(writer, head + b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\nConnection: close\r\n\r\n")
        got = await answer(reader)
    assert got.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"\r\nConnection: close\r\n" in got
    assert got.count(b"HTTP/1.") == 1 and b"Server:" not in got and b"smuggled" not in got
    assert got.partition(b"\r\n\r\n")[2].startswith(b"400 Bad Request: ")


@pytest.mark.parametrize("size", [b"-1", b"1" * 17, b"zzz"])
async def test_a_chunk_of_no_size_ends_the_connection(api: Api, size: bytes) -> None:
    async with dialled(api.client()) as (reader, writer):
        await sent(writer, POST + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + GET + b"\r\n")
        assert (await answer(reader)).count(b"HTTP/1.1 200 OK") == 0


async def test_a_head_may_have_as_many_lines_as_fit(api: Api) -> None:
    lines = b"".join(b"X-%d: a\r\n" % i for i in range(5_000))
    async with dialled(api.client()) as (reader, writer):
        await sent(writer, GET + lines + b"Connection: close\r\n\r\n")
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_requests_in_one_write_are_answered_in_their_order(api: Api) -> None:
    held = (api.data / "token").read_bytes().strip()
    made = b"POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
    made %= CONFIG_MAPS.encode(), held
    chunked = b"Transfer-Encoding: chunked\r\n\r\n1c\r\n" + b'{"metadata":{"name":"one"}} ' + b"\r\n0\r\n\r\n"
    async with dialled(api.client()) as (reader, writer):
        writer.write(made + chunked + GET + b"\r\n" + b"HEAD" + GET[3:] + b"\r\n" + GET + b"Connection: close\r\n\r\n")
        got = await answer(reader)
    assert re.findall(rb"HTTP/1\.1 (\d+)", got) == [b"201", b"200", b"200", b"200"]
    assert got.index(b'"name":"one"') < got.index(b"gitVersion") and got.count(b"gitVersion") == 2  # none with HEAD


async def test_who_waits_for_100_continue_gets_it_before_the_body_is_sent(api: Api) -> None:
    held, body = (api.data / "token").read_bytes().strip(), b'{"metadata":{"name":"one"}}'
    head = b"POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
    async with dialled(api.client()) as (reader, writer), asyncio.timeout(30):
        expect = b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head % (CONFIG_MAPS.encode(), held) + expect)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await answer(reader)).startswith(b"HTTP/1.1 201 Created\r\n")


GARBAGE = (
    b"\x00" * 100,
    b"\xff\xfe\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\r\n\r\n",
    b"A" * 10_000 + b"\r\n\r\n",
    GET + b"\x00: a\r\n\r\n",
    GET + b"X: \xff\r\n\r\n",
    GET + b"Cookie: \xff=\xfe\r\n\r\n",
    GET + b"Content-Length: -1\r\n\r\n",
    GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /version HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
    b"POST /version HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1",
    GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x00\x01",
    GET + b"Authorization: Bearer \xff\r\n\r\n",
    GET + b"".join(b"X-%d: a\r\n" % i for i in range(500)) + b"\r\n",
    GET + b"If-Modified-Since: x\r\nRange: bytes=-\r\n\r\n",
)


async def test_nobody_can_write_into_the_servers_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    stranger = api.client()
    for garbage in GARBAGE:
        async with dialled(stranger) as (reader, writer):
            await sent(writer, garbage)
            writer.transport.abort()
        async with dialled(stranger) as (reader, writer):
            await sent(writer, garbage + GET + b"Connection: close\r\n\r\n")
            await answer(reader)
    for first in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 100, b""):  # without TLS, with a broken one
        reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
        await sent(writer, first)
        writer.write_eof()
        await answer(reader)
        writer.close()
    mistaken = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.0.1", api.server.port, ssl=mistaken, server_hostname="localhost")
    assert not caplog.records


@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize("length", [10, 4 << 20])
async def test_an_error_before_the_body_of_an_upgrade_leaves_no_connection_hanging(api: Api, token: bool, length: int) -> None:
    """The next request on that connection is answered, or the connection is closed: either way its client can go on."""
    held = (api.data / "token").read_bytes().strip() if token else b"wrong"
    head = b"POST %s/x/nothing HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer %s\r\n"
    async with dialled(api.client()) as (reader, writer):
        writer.write(head % (CONFIG_MAPS.encode(), held) + b"Content-Length: %d\r\n\r\n" % length)
        first = await reader.readuntil(b"\r\n\r\n")
        assert first.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 401 "))
        assert b"Connection: close" in first
        await sent(writer, b"a" * min(length, 100_000) + GET + b"Connection: close\r\n\r\n")
        await answer(reader)
