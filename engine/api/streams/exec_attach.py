"""exec and attach: one process, and a client on whichever protocol. Here is what both protocols share.

Tests: tests/runtime/test_spdy.py
"""

import asyncio
import contextlib
from typing import Any, Protocol

import msgspec

from shipslog.runtime.node import NodeRuntime, ProcessStreams
from shipslog.store.objects.types import core_v1
from shipslog.store.tasks import Tasks

OPEN_S = 30.0  # for a client to open the streams that it announced


class Wanted(msgspec.Struct, frozen=True):
    """What a client asked for. `argv` None: attach."""

    runtime: NodeRuntime
    pod: core_v1.Pod
    container: str
    argv: tuple[str, ...] | None
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    async def open(self) -> ProcessStreams:
        """Errors: StreamRefused."""
        uid = self.pod.metadata.uid
        if self.argv is None:
            return await self.runtime.attach(uid, self.container, stdin=self.stdin, tty=self.tty)
        return await self.runtime.exec(uid, self.container, self.argv, stdin=self.stdin, tty=self.tty)


class Client(Protocol):
    """The other end: what comes from it, what goes to it."""

    async def stdin(self) -> bytes:
        """b"" at the end."""

    async def size(self) -> tuple[int, int] | None:
        """(columns, rows) when the terminal changes; None at the end."""

    async def write(self, stream: int, data: bytes) -> None:
        """1 stdout, 2 stderr. Errors: ConnectionError."""

    async def finish(self, status: dict[str, Any]) -> None:
        """How it ended, as a Status."""

    async def gone(self) -> None:
        """Returns when the client has hung up."""


async def run(wanted: Wanted, process: ProcessStreams, client: Client) -> None:
    """Carry bytes until the process ends or the client hangs up; the process is let go in any case."""
    try:
        async with Tasks("streams") as tasks:
            if wanted.tty:
                tasks.start("sizes", _sizes(process, client), ordinary=ConnectionError)
            if wanted.stdin:
                tasks.start("input", _feed(process, client), ordinary=ConnectionError)
            output = tasks.start("output", _output(wanted, process, client), ordinary=ConnectionError)
            gone = tasks.start("hanging up", client.gone(), ordinary=ConnectionError)
            await asyncio.wait((output, gone), return_when=asyncio.FIRST_COMPLETED)
            if output.done():
                await client.finish(status_of(output.result()))
    except ConnectionError:
        pass
    finally:
        await process.close()


async def _output(wanted: Wanted, process: ProcessStreams, client: Client) -> int:
    async for stream, data in process.output():
        if (stream == 1 and wanted.stdout) or (stream == 2 and wanted.stderr):
            await client.write(stream, data)
    code = await process.wait()
    return code if wanted.argv is not None else 0  # whoever attaches is not told how the container ended


async def _feed(process: ProcessStreams, client: Client) -> None:
    try:
        while data := await client.stdin():
            await process.write(data)
    except Exception:
        await process.close_stdin()  # nothing more will come: it is not to wait for it
        raise
    await process.close_stdin()


async def _sizes(process: ProcessStreams, client: Client) -> None:
    while (size := await client.size()) is not None:
        with contextlib.suppress(OSError):
            await process.resize(*size)


def status_of(code: int) -> dict[str, Any]:
    """What the error stream says: Success, or the exit code as a cause."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure(message: str) -> dict[str, Any]:
    """What the error stream says when nothing could be run."""
    return {"metadata": {}, "status": "Failure", "reason": "InternalError", "message": message, "code": 500}


class TerminalSize(msgspec.Struct):
    """As clients send it: {"Width":80,"Height":24}."""

    Width: int = 0
    Height: int = 0


def sizes_in(data: bytes) -> tuple[int, int] | None:
    """(columns, rows); None for what is no size."""
    try:
        size = msgspec.json.decode(data, type=TerminalSize)
    except msgspec.DecodeError:
        return None
    return size.Width, size.Height
