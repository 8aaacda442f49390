"""Heads that are too long or too slow, and what comes of garbage: over TLS, from nobody."""

import asyncio
import io
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shipslog.engine.api import requests
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
