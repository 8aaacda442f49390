"""Reads the log that conmon keeps of a container: `TIME stdout|stderr F|P TEXT` a line, P for a line that goes on.

The current file is `log`, the one before `log.1`.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from msgspec import Struct

from shipslog.runtime.node import LogOptions

from . import linux

_BATCH = 64 * 1024
IN_MODIFY, IN_CREATE = 0x02, 0x100


class Line(Struct, frozen=True):
    stamp: bytes
    whole: bool  # False: goes on in the next one
    text: bytes

    @property
    def time_ns(self) -> int:
        return parse_time_ns(self.stamp.decode())


def parse(raw: bytes) -> Line | None:
    """None for what is not a line of conmon's."""
    parts = raw.rstrip(b"\n").split(b" ", 3)
    if len(parts) < 3 or parts[1] not in (b"stdout", b"stderr"):
        return None
    return Line(parts[0], parts[2].startswith(b"F"), parts[3] if len(parts) > 3 else b"")


def parse_time_ns(text: str) -> int:
    """Of an RFC 3339 time with up to nine digits of a second."""
    head, _, tail = text.partition(".")
    digits = "".join(character for character in tail[:9] if character.isdigit())
    zone = tail[len(digits) :] if tail else head[19:]
    seconds = datetime.fromisoformat(head[:19] + (zone if zone and zone != "Z" else "+00:00"))
    return int(seconds.timestamp()) * 1_000_000_000 + int(digits.ljust(9, "0") or 0)


def _stamp(line: Line) -> bytes:
    """RFC 3339 in UTC with nanoseconds, as kubectl --timestamps prints it."""
    if line.stamp.endswith(b"+00:00"):
        return line.stamp[:-6] + b"Z"
    at = line.time_ns
    whole = datetime.fromtimestamp(at // 1_000_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at % 1_000_000_000:09d}Z".encode()


def _lines(files: list[IO[bytes]]) -> Iterator[Line]:
    for file in files:
        for raw in file:
            line = parse(raw)
            if line is not None:
                yield line


def _last(lines: Iterator[Line], count: int) -> Iterator[Line]:
    kept: deque[list[Line]] = deque(maxlen=count)
    open_line: list[Line] = []
    for line in lines:
        open_line.append(line)
        if line.whole:
            kept.append(open_line)
            open_line = []
    if open_line and count:
        kept.append(open_line)
    for group in kept:
        yield from group


class _Writer:
    """From lines to the bytes that the reader gets; knows when the limit is reached."""

    def __init__(self, options: LogOptions) -> None:
        self._timestamps = options.timestamps
        self._since = options.since_ns
        self._left = options.limit_bytes
        self._fresh = True

    @property
    def full(self) -> bool:
        return self._left is not None and self._left <= 0

    def render(self, line: Line) -> bytes:
        if self._since is not None and line.time_ns < self._since:
            return b""
        text = line.text + b"\n" if line.whole else line.text
        if self._timestamps and self._fresh:
            text = _stamp(line) + b" " + text
        self._fresh = line.whole
        if self._left is not None:
            text = text[: max(0, self._left)]
            self._left -= len(text)
        return text


async def read(bundle: Path, options: LogOptions, running: Callable[[], bool]) -> AsyncIterator[bytes]:
    """What the container wrote; with `follow`, also what it is going to write, until it has ended."""
    writer = _Writer(options)
    inotify = linux.inotify_open(str(bundle), IN_MODIFY | IN_CREATE | linux.IN_MOVED_TO) if options.follow else -1
    current: IO[bytes] | None = None
    try:
        before = (bundle / "log.1").open("rb") if (bundle / "log.1").exists() else None
        current = (bundle / "log").open("rb")
        try:
            async for data in _backlog([before, current] if before else [current], options, writer):
                yield data
        finally:
            if before:
                before.close()
        if not options.follow:
            return
        rest = b""
        while not writer.full:
            ended = not running()  # strictly before reading: what was written until then is read once more
            chunk = current.read(_BATCH)
            if chunk:
                *whole, rest = (rest + chunk).split(b"\n")
                data = b"".join(writer.render(line) for raw in whole if (line := parse(raw)) is not None)
                if data:
                    yield data
                continue
            if _rotated(current, bundle / "log"):
                current.close()
                current = (bundle / "log").open("rb")
                continue
            if ended:
                return
            await _changed(inotify, 1.0)
    finally:
        if current is not None:
            current.close()
        if inotify >= 0:
            os.close(inotify)


async def _backlog(files: list[IO[bytes]], options: LogOptions, writer: _Writer) -> AsyncIterator[bytes]:
    lines = _lines(files)
    if options.tail_lines is not None:
        lines = _last(lines, options.tail_lines)
    batch: list[bytes] = []
    size = 0
    for line in lines:
        data = writer.render(line)
        batch.append(data)
        size += len(data)
        if size >= _BATCH:
            yield b"".join(batch)
            batch, size = [], 0
            await asyncio.sleep(0)
        if writer.full:
            break
    if size:
        yield b"".join(batch)


def _rotated(current: IO[bytes], path: Path) -> bool:
    try:
        return os.fstat(current.fileno()).st_ino != path.stat().st_ino
    except FileNotFoundError:
        return False


async def _changed(inotify: int, timeout_s: float) -> None:
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    loop.add_reader(inotify, woken.set)
    try:
        await asyncio.wait_for(woken.wait(), timeout_s)
        for _ in linux.inotify_names(inotify):
            pass
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(inotify)


def tail_text(path: Path, lines: int) -> str:
    """The last lines of a log as text, without their stamps."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _BATCH))
            found = list(_last(_lines([file]), lines))
    except FileNotFoundError:
        return ""
    return b"".join(line.text + (b"\n" if line.whole else b"") for line in found).decode(errors="replace")


def rotate(bundle: Path, limit_bytes: int) -> bool:
    """Move a log that is over the limit aside, and tell conmon to begin a new one; whether that was done."""
    path = bundle / "log"
    try:
        if path.stat().st_size < limit_bytes:
            return False
        descriptor = os.open(bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # no log yet, or no conmon that reads
    try:
        path.rename(bundle / "log.1")
        os.write(descriptor, b"2 0 0\n")
    finally:
        os.close(descriptor)
    return True
