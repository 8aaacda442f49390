"""exec, attach and ports through the runtime's own streaming server, over SPDY/3.1 as the kubelet speaks it.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import contextlib
import ssl
import urllib.parse
from collections.abc import AsyncIterator

import msgspec

from shipslog.runtime.node import StreamRefused
from shipslog.runtime.spdy import SpdyConnection, SpdyError, Stream
from shipslog.store.tasks import Tasks

COMMANDS, PORTS = "v4.channel.k8s.io", "portforward.k8s.io"
STDOUT, STDERR = 1, 2
_HEAD_LIMIT = 64 * 1024
_ANSWER_S = 10.0


class _Link:
    """A connection to the streaming server, and the task that reads it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._may_read = asyncio.Event()
        self._may_read.set()
        self.spdy = SpdyConnection(self._send, self._throttle)
        self._tasks = Tasks("cri streams")
        self._tasks.start("reading", self._read(), ordinary=(OSError, SpdyError))

    @classmethod
    async def open(cls, url: str, protocol: str) -> "_Link":
        """Errors: StreamRefused."""
        parts = urllib.parse.urlsplit(url)
        secure = ssl.create_default_context() if parts.scheme == "https" else None
        try:
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_connection(
                    parts.hostname, parts.port or (443 if secure else 80), ssl=secure, limit=_HEAD_LIMIT
                )
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                writer.write(
                    f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                    f"X-Stream-Protocol-Version: {protocol}\r\nContent-Length: 0\r\n\r\n".encode()
                )
                answer = await reader.readuntil(b"\r\n\r\n")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise StreamRefused(500, f"the runtime's streaming server does not answer: {error}") from error
        if not answer.startswith(b"HTTP/1.1 101"):
            writer.close()
            raise StreamRefused(
                500, f"the runtime's streaming server refuses: {answer.splitlines()[0].decode(errors='replace')}"
            )
        return cls(reader, writer)

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def _throttle(self, stop: bool) -> None:
        self._may_read.clear() if stop else self._may_read.set()

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(1 << 16):
                self.spdy.feed(data)
                await self._may_read.wait()
        finally:  # whatever ended it: who reads a stream is not kept waiting
            self.spdy.end()

    async def close(self) -> None:
        self.spdy.end()
        self._writer.close()
        await self._tasks.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


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
    """ProcessStreams: one stream each for errors, input, the outputs and the terminal's size."""

    def __init__(self, link: _Link, streams: dict[str, Stream]) -> None:
        self._link, self._streams = link, streams
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, url: str, *, stdin: bool, tty: bool) -> "CriProcess":
        """Errors: StreamRefused."""
        link = await _Link.open(url, COMMANDS)
        wanted = {"error": True, "stdin": stdin, "stdout": True, "stderr": not tty, "resize": tty}
        try:
            streams = {name: await link.spdy.open({"streamtype": name}) for name, there in wanted.items() if there}
            await streams["error"].close()
        except ConnectionError as error:
            await link.close()
            raise StreamRefused(500, f"the runtime's streaming server went away: {error}") from error
        return cls(link, streams)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        sources = {STDOUT: self._streams["stdout"]}
        if "stderr" in self._streams:
            sources[STDERR] = self._streams["stderr"]
        async with Tasks("cri output") as tasks:
            reading = {tasks.start("reading", stream.read()): number for number, stream in sources.items()}
            while reading:
                done, _ = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=reading.__getitem__):
                    number = reading.pop(task)
                    if data := task.result():
                        yield number, data
                        reading[tasks.start("reading", sources[number].read())] = number
        if not self._code.done():
            self._code.set_result(await self._exit_code())

    async def _exit_code(self) -> int:
        reply = b""
        while part := await self._streams["error"].read():
            reply += part
        if not reply:
            return 0
        try:
            status = msgspec.json.decode(reply, type=_Status)
        except msgspec.DecodeError:
            return 1
        causes = status.details.causes if status.details is not None else []
        codes = [int(c.message) for c in causes if c.reason == "ExitCode" and c.message.isdigit()]
        return 0 if status.status == "Success" else codes[0] if codes else 1

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await self._streams["stdin"].write(data)

    async def close_stdin(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._streams["stdin"].close()

    async def resize(self, columns: int, rows: int) -> None:
        if "resize" in self._streams:
            with contextlib.suppress(ConnectionError):
                await self._streams["resize"].write(msgspec.json.encode({"Width": columns, "Height": rows}) + b"\n")

    async def wait(self) -> int:
        return await self._code

    async def close(self) -> None:
        await self._link.close()


class CriPort:
    """ByteStream: a stream of data, and one that tells what went wrong."""

    def __init__(self, link: _Link, data: Stream, errors: Stream) -> None:
        self._link, self._data, self._errors = link, data, errors

    @classmethod
    async def open(cls, url: str, port: int) -> "CriPort":
        """Errors: StreamRefused."""
        link = await _Link.open(url, PORTS)
        named = {"port": str(port), "requestid": "0"}
        try:
            errors = await link.spdy.open({"streamtype": "error", **named})
            await errors.close()
            return cls(link, await link.spdy.open({"streamtype": "data", **named}), errors)
        except ConnectionError as error:
            await link.close()
            raise StreamRefused(500, f"the runtime's streaming server went away: {error}") from error

    async def read(self, limit: int = 65536) -> bytes:
        return await self._data.read()

    async def write(self, data: bytes) -> None:
        await self._data.write(data)

    async def close_write(self) -> None:
        await self._data.close()

    async def close(self) -> None:
        await self._link.close()
