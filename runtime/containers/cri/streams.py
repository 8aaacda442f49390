"""exec, attach and ports through the runtime's own streaming server, over WebSocket (v4.channel.k8s.io)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from shipslog.runtime.node import StreamRefused

STDIN, STDOUT, STDERR, ERROR, RESIZE = 0, 1, 2, 3, 4


async def _open(url: str) -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
    session = aiohttp.ClientSession()
    try:
        return session, await session.ws_connect(url, protocols=("v4.channel.k8s.io",), max_msg_size=0, autoping=True)
    except (aiohttp.ClientError, OSError) as error:
        await session.close()
        raise StreamRefused(500, f"the runtime's streaming server does not answer: {error}") from error


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    status: str = ""
    message: str = ""
    details: _Details | None = None


class CriProcess:
    """ProcessStreams on a WebSocket."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session, self._socket = session, socket
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, url: str) -> "CriProcess":
        """Errors: StreamRefused."""
        return cls(*await _open(url))

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for message in self._socket:
            data = message.data if isinstance(message.data, bytes) else str(message.data).encode()
            if not data:
                continue
            if data[0] in (STDOUT, STDERR) and len(data) > 1:
                yield data[0], data[1:]
            elif data[0] == ERROR:
                self._ended(data[1:])
        if not self._code.done():
            self._code.set_result(0)

    def _ended(self, data: bytes) -> None:
        if self._code.done():
            return
        try:
            status = msgspec.json.decode(data, type=_Status)
        except msgspec.DecodeError:
            self._code.set_result(1)
            return
        causes = status.details.causes if status.details is not None else []
        codes = [int(c.message) for c in causes if c.reason == "ExitCode" and c.message.isdigit()]
        self._code.set_result(0 if status.status == "Success" else codes[0] if codes else 1)

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.send_bytes(bytes((STDIN,)) + data)

    async def close_stdin(self) -> None:
        """The v4 protocol has no word for the end of the input: an empty message is as near as it gets."""
        with contextlib.suppress(ConnectionError):
            await self._socket.send_bytes(bytes((STDIN,)))

    async def resize(self, columns: int, rows: int) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.send_bytes(bytes((RESIZE,)) + msgspec.json.encode({"Width": columns, "Height": rows}))

    async def wait(self) -> int:
        return await self._code

    async def close(self) -> None:
        await self._socket.close()
        await self._session.close()


class CriPort:
    """ByteStream on a WebSocket: channel 0 is data, 1 errors; the first message of each names the port."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session, self._socket = session, socket
        self._named: set[int] = set()

    @classmethod
    async def open(cls, url: str) -> "CriPort":
        """Errors: StreamRefused."""
        return cls(*await _open(url))

    async def read(self, limit: int = 65536) -> bytes:
        async for message in self._socket:
            data: Any = message.data
            if not isinstance(data, bytes) or not data:
                continue
            channel = data[0]
            if channel not in self._named:
                self._named.add(channel)
                continue
            if channel == 1:
                return b""
            if len(data) > 1:
                return data[1:]
        return b""

    async def write(self, data: bytes) -> None:
        await self._socket.send_bytes(b"\x00" + data)

    async def close_write(self) -> None: ...

    async def close(self) -> None:
        await self._socket.close()
        await self._session.close()
