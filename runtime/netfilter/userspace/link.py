"""The daemon's end: finds the proxy process that an earlier daemon left, or begins one; asks and is answered.

Tests: tests/runtime/netfilter/test_userspace.py
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from shipslog.runtime.machine.descriptors import inherited, readable
from shipslog.runtime.netfilter.adapter import NetfilterFailed

from .words import HEAD, VERSION, Reply, Request, framed, length_of

ANSWER_S, END_S = 30.0, 5.0
InThread = Callable[[Callable[[], int]], Awaitable[int]]


class Link:
    """A connection to the process at a Unix socket. `in_thread` runs what begins it, in the network namespace where it shall
    be."""

    def __init__(self, path: Path, in_thread: InThread) -> None:
        self._path, self._in_thread = path, in_thread
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._child = 0
        self.pid = 0

    @property
    def open(self) -> bool:
        return self._writer is not None

    async def connect(self) -> bool:
        """-> whether the process is one that was begun just now. Errors: NetfilterFailed."""
        self._reap()
        if await self._reach():
            reply = await self.ask(Request())
            if reply.version == VERSION:
                return False
            await self.ask(Request(retire=True))  # of another release: its connections end there, new ones come to ours
            await self.close()
        await self._begin()
        if not await self._reach():
            raise NetfilterFailed(f"the proxy process does not answer at {self._path}")
        await self.ask(Request())
        return True

    async def _reach(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                self._reader, self._writer = await asyncio.open_unix_connection(str(self._path))
        except (OSError, TimeoutError):
            return False
        return True

    async def _begin(self) -> None:
        def begin() -> int:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.unlink(missing_ok=True)
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(self._path))
                self._path.chmod(0o600)
                listening.listen(8)
                return _spawned(listening)

        try:
            self._child = await self._in_thread(begin)
        except OSError as error:
            raise NetfilterFailed(f"the proxy process could not be begun: {error}") from error

    def _reap(self) -> None:
        """One of ours that has ended is no zombie."""
        if self._child:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(self._child, os.WNOHANG)[0]:
                    self._child = 0

    async def ask(self, request: Request) -> Reply:
        """Errors: NetfilterFailed; then there is no connection any more."""
        assert self._reader is not None and self._writer is not None, "not connected"
        try:
            async with asyncio.timeout(ANSWER_S):
                self._writer.write(framed(request))
                await self._writer.drain()
                length = length_of(await self._reader.readexactly(HEAD))
                reply = msgspec.json.decode(await self._reader.readexactly(length), type=Reply)
        except (OSError, EOFError, TimeoutError, ValueError, msgspec.DecodeError) as error:
            await self.close()
            raise NetfilterFailed(f"the proxy process has ended, or does not answer: {error!r}") from error
        self.pid = reply.pid
        return reply

    async def ended(self) -> None:
        """Returns when the process has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            await readable(descriptor)
        finally:
            os.close(descriptor)

    async def close(self) -> None:
        """The process stays."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def end(self) -> None:
        """The process ends, and is waited for. Idempotent."""
        if not self.open and not await self._reach():
            return
        with contextlib.suppress(NetfilterFailed, TimeoutError):
            await self.ask(Request(end=True))
            async with asyncio.timeout(END_S):
                await self.ended()
        await self.close()
        self._path.unlink(missing_ok=True)
        self._reap()


def _spawned(listening: socket.socket) -> int:
    """The id of a process that nobody waits for: it is to outlive us, in a session of its own."""
    number = listening.fileno()
    others = [descriptor for descriptor in inherited() if descriptor != number]
    listening.set_inheritable(True)
    null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in range(3)]
    closed = [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in others]
    argv = (sys.executable, "-m", "shipslog.runtime.netfilter.userspace.process", str(number))
    return os.posix_spawn(sys.executable, argv, os.environ, file_actions=[*null, *closed], setsid=True)
