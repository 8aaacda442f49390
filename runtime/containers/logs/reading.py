"""Reads what a container wrote, from files that may be turned over meanwhile. What is read from the disk is read in threads."""

import asyncio
import gzip
import io
import os
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO

from shipslog.runtime.machine import linux
from shipslog.runtime.node import LogOptions

from .lines import Line, is_whole, parse, stamped

_BATCH, _BLOCK = 256 * 1024, 64 * 1024
LONGEST_LINE = 1 << 20  # what somebody else has written there; conmon cuts at some KiB
IN_MODIFY, IN_CREATE = 0x02, 0x100
NAMES = re.compile(r"log(?:\.(\d+))?(?:\.gz)?")


def files_of(directory: Path) -> list[Path]:
    """The files of a log, the oldest first; [] for none."""
    found: dict[int, Path] = {}
    for name in os.listdir(directory) if directory.is_dir() else ():
        if match := NAMES.fullmatch(name):
            number = int(match[1] or 0)
            if number not in found or not name.endswith(".gz"):  # both are there while one is packed
                found[number] = directory / name
    return [found[number] for number in sorted(found, reverse=True)]


def opened(path: Path) -> IO[bytes]:
    """Errors: OSError."""
    if path.name.endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(path), _BLOCK)
    return path.open("rb")


class _Writer:
    """From lines to the bytes that the reader gets; knows when no more is wanted."""

    def __init__(self, options: LogOptions) -> None:
        self._timestamps = options.timestamps
        self._since, self._until = options.since_ns, options.until_ns
        self._left = options.limit_bytes
        self._fresh = True
        self._over = False

    @property
    def full(self) -> bool:
        return self._over or (self._left is not None and self._left <= 0)

    def render(self, line: Line) -> bytes:
        if self._since is not None and line.time_ns < self._since:
            return b""
        if self._until is not None and line.time_ns > self._until:
            self._over = True
            return b""
        text = line.text + b"\n" if line.whole else line.text
        if self._timestamps and self._fresh:
            text = stamped(line) + b" " + text
        self._fresh = line.whole
        if self._left is not None:
            text = text[: max(0, self._left)]
            self._left -= len(text)
        return text


async def read(directory: Path, options: LogOptions, running: Callable[[], bool]) -> AsyncIterator[bytes]:
    """What the container wrote; with `follow`, also what it is going to write, until it has ended."""
    writer = _Writer(options)
    inotify = linux.inotify_open(str(directory), IN_MODIFY | IN_CREATE | linux.IN_MOVED_TO) if options.follow else -1
    backlog = await asyncio.to_thread(_Backlog, directory, options, writer)
    current: IO[bytes] | None = None
    try:
        while (data := await asyncio.to_thread(backlog.batch)) is not None:
            if data:
                yield data
        if not options.follow:
            return
        current = backlog.taken()
        rest = b""
        while not writer.full:
            ended = not running()  # strictly before reading: what was written until then is read once more
            chunk = current.read(_BLOCK) if current is not None else b""
            if chunk:
                *whole, rest = (rest + chunk).split(b"\n")
                data = b"".join(writer.render(line) for raw in whole if (line := parse(raw)) is not None)
                rest = rest[-LONGEST_LINE:]
                if data:
                    yield data
                continue
            if (following := _follower(current, directory / "log")) is not current:
                current, rest = following, b""
                continue
            if ended:
                return
            await _changed(inotify, 1.0)
    finally:
        backlog.close()
        if current is not None:
            current.close()
        if inotify >= 0:
            os.close(inotify)


class _Backlog:
    """What is there already, in pieces. Its files stay open, so that it is whole although they are turned over."""

    def __init__(self, directory: Path, options: LogOptions, writer: _Writer) -> None:
        """Errors: FileNotFoundError, when nothing of the log is there."""
        self._writer = writer
        self._files = [opened(path) for path in files_of(directory)]
        if not self._files:
            raise FileNotFoundError(directory)
        first = _tail(self._files, options.tail_lines) if options.tail_lines is not None else 0
        for file in self._files[:first]:
            file.close()
        self._left = deque(self._files[first:])

    def batch(self) -> bytes | None:
        """The next piece; None when there is no more of it."""
        parts: list[bytes] = []
        size = looked_at = 0
        while self._left and not self._writer.full:
            file = self._left[0]
            for raw in iter(lambda file=file: file.readline(LONGEST_LINE), b""):  # type: ignore[misc]
                line = parse(raw)
                data = self._writer.render(line) if line is not None else b""
                parts.append(data)
                size += len(data)
                looked_at += len(raw)
                if size >= _BATCH or looked_at >= 16 * _BATCH or self._writer.full:
                    return b"".join(parts)
            if len(self._left) == 1:
                break
            self._left.popleft().close()
        return b"".join(parts) if parts else None

    def taken(self) -> IO[bytes] | None:
        """The newest file, at where it was read to; it is the caller's from now on."""
        return self._files.pop() if not self._files[-1].closed else None

    def close(self) -> None:
        for file in self._files:
            file.close()


def _tail(files: list[IO[bytes]], count: int) -> int:
    """Put the files where the last `count` lines begin; -> the first file that has any of them."""
    need = count
    known = False  # whether the last line of all has ended: then its end is not where another one begins
    for number in range(len(files) - 1, -1, -1):
        file = files[number]
        ends, last_is_whole, size = _ends_of_lines(file, need + 1)
        if not known and last_is_whole is not None:
            known, need = True, need + last_is_whole
        if not count:
            file.seek(size)
            return number
        if len(ends) >= need:
            file.seek(ends[-need])
            return number
        need -= len(ends)
        file.seek(0)
    return 0


Ends = tuple[list[int], bool | None, int]


def _ends_of_lines(file: IO[bytes], most: int) -> Ends:
    """(where the last `most` lines end, whether the very last one does (None: there is none), the file's size)"""
    if isinstance(getattr(file, "raw", None), gzip.GzipFile):
        return _ends_from_the_start(file, most)
    size = at = file.seek(0, os.SEEK_END)
    ends: deque[int] = deque()
    rest, last_is_whole = b"", None
    while at and len(ends) < most:
        step = min(_BLOCK, at)
        at -= step
        file.seek(at)
        block = file.read(step) + rest
        lines = block.split(b"\n")
        rest = lines[0][:LONGEST_LINE] if at else b""
        end = at + len(block)
        for i in range(len(lines) - 1, 0 if at else -1, -1):
            whole = is_whole(lines[i])
            if last_is_whole is None:
                last_is_whole = whole
            if whole and len(ends) < most:
                ends.appendleft(min(end + 1, size))
            end -= len(lines[i]) + 1
    return list(ends), last_is_whole, size


def _ends_from_the_start(file: IO[bytes], most: int) -> Ends:
    """Of what can only be read forwards."""
    file.seek(0)
    ends: deque[int] = deque(maxlen=most)
    at, last_is_whole = 0, None
    for raw in iter(lambda: file.readline(LONGEST_LINE), b""):
        at += len(raw)
        whole = is_whole(raw)
        if whole is not None:
            last_is_whole = whole
        if whole:
            ends.append(at)
    return list(ends), last_is_whole, at


def _follower(current: IO[bytes] | None, path: Path) -> IO[bytes] | None:
    """The file that is written to now: another one once the log was turned over, or the same from its start."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return current  # between the old one and the new one
    if current is not None:
        then = os.fstat(current.fileno())
        if then.st_ino == now.st_ino:
            return current if now.st_size >= current.tell() else _copy_of(current, path)
        current.close()
    return path.open("rb")


def _copy_of(current: IO[bytes], path: Path) -> IO[bytes]:
    """The file began anew where it lies: what was not read yet is in the one before it."""
    at = current.tell()
    current.seek(0)
    try:
        copy = path.with_name("log.1").open("rb")
    except FileNotFoundError:
        return current
    copy.seek(at)
    current.close()
    return copy


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
    """The last lines of a file as text, without their stamps."""
    try:
        with path.open("rb") as file:
            _tail([file], lines)
            return b"".join(_texts(file)).decode(errors="replace")
    except FileNotFoundError:
        return ""


def _texts(file: IO[bytes]) -> Iterator[bytes]:
    for raw in iter(lambda: file.readline(LONGEST_LINE), b""):
        line = parse(raw)
        if line is not None:
            yield line.text + (b"\n" if line.whole else b"")
