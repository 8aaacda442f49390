"""What is behind the proxy means harm: nobody else notices, and little of it is held."""

import asyncio
import contextlib
import gzip
import os
import ssl
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from .conftest import POD, Behind

PROXY = f"{POD}/p/proxy/"
Writer = asyncio.StreamWriter


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def says(said: bytes) -> Callable[[asyncio.StreamReader, Writer], Awaitable[None]]:
    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        await head(reader)
        writer.write(said)
        await writer.drain()

    return talk


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
async def test_what_is_no_answer(behind: Behind, said: bytes) -> None:
    await behind.talks(says(said))
    code, status = await behind.admin.call("GET", PROXY)
    assert code == 503 and status["message"].startswith("error trying to reach service: "), status


async def test_a_head_without_end(behind: Behind) -> None:
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        nonlocal sent
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Header: %b\r\n" % (b"x" * 1000))
            await writer.drain()
            sent += 1000

    await behind.talks(talk)
    code, status = await behind.admin.call("GET", PROXY)
    assert code == 503 and "exceeded 1048576 bytes" in status["message"]
    assert sent < 16 << 20


async def test_an_answer_that_breaks_off_is_seen_to(behind: Behind) -> None:
    for said in (b"Content-Length: 100\r\n\r\nshort", b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"):
        await behind.talks(says(b"HTTP/1.1 200 OK\r\n" + said))
        with pytest.raises(aiohttp.ClientError):
            await behind.admin.call("GET", PROXY)


async def test_a_client_that_goes_is_noticed(behind: Behind) -> None:
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        await reader.read()
        gone.set()

    await behind.talks(talk)
    response = await behind.admin.stream(PROXY)
    assert await response.content.readany() == b"x"
    response.close()
    await asyncio.wait_for(gone.wait(), 20)


async def test_a_request_that_breaks_off_is_waited_for_by_nobody(behind: Behind) -> None:
    came, gone = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        await reader.readuntil(b"hello")
        came.set()
        await reader.read()
        gone.set()

    await behind.talks(talk)
    port = behind.api.server.port
    token = (behind.api.data / "token").read_text().strip()
    tls = ssl.create_default_context(cafile=behind.api.pki.directory / "ca.crt")
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    lines = f"POST {PROXY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(lines.encode() + b"5\r\nhello\r\n")
    await writer.drain()
    await asyncio.wait_for(came.wait(), 20)
    writer.transport.abort()
    await asyncio.wait_for(gone.wait(), 20)


async def test_one_that_says_nothing_keeps_nobody_else(behind: Behind) -> None:
    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        await reader.read()

    await behind.talks(talk)
    slow = [asyncio.ensure_future(behind.admin.call("GET", PROXY)) for _ in range(20)]
    try:
        await asyncio.sleep(0.1)
        assert (await behind.admin.call("GET", "/api/v1/namespaces/default"))[0] == 200
    finally:
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def held_while(behind: Behind, total: int) -> tuple[int, int]:
    """(bytes that came, the most that was held meanwhile)"""
    tracemalloc.start()
    got = 0
    try:
        async with behind.admin.session.get(behind.admin.base + PROXY) as response:
            try:
                async for piece in response.content.iter_any():
                    got += len(piece)
                    if got > total:
                        break
            except aiohttp.ClientError:
                pass
        return got, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_a_page_of_many_megabytes_is_not_held(behind: Behind) -> None:
    total = 40 << 20

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        for _ in range(total >> 20):
            writer.write(b"<a href='/x'" * 1000 + b"<" * ((1 << 20) - 12_000))
            await writer.drain()

    await behind.talks(talk)
    got, most = await held_while(behind, total * 2)
    assert got >= total and most < 16 << 20


async def test_a_page_that_expands_without_bounds_is_cut_off(behind: Behind) -> None:
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = squeeze.compress(b"\0" * (200 << 20)) + squeeze.flush()

    await behind.talks(says(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + bomb))
    _, most = await held_while(behind, 1 << 40)
    assert most < 32 << 20
    with pytest.raises((aiohttp.ClientError, zlib.error)):
        async with behind.admin.session.get(behind.admin.base + PROXY, auto_decompress=False) as response:
            body = await response.read()
            gzip.decompress(body)


async def test_no_more_go_on_than_there_is_room_for(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    from shipslog.engine.api.proxy import handling

    monkeypatch.setattr(handling, "connections_bound", lambda: 0)
    code, status = await behind.admin.call("GET", PROXY)
    assert code == 429 and status["details"]["retryAfterSeconds"] == 1


async def test_nothing_is_left_open(behind: Behind) -> None:
    """As many descriptors after a hundred exchanges, of which half break off, as before."""
    await behind.talks(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 8080)
    await behind.talks(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), 8081)
    await behind.admin.call("GET", PROXY)

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for number in range(100):
        with contextlib.suppress(aiohttp.ClientError):
            await behind.admin.call("GET", f"{POD}/p:{8080 + number % 2}/proxy/")
    await asyncio.sleep(0.2)
    assert descriptors() <= before + 4
