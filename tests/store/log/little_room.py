"""Logs on a file system with little room, in a process of its own: `python -m tests.store.log.little_room SCENARIO`.

Each scenario asserts what it promises; the mounts end with the process.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectDeleted
from shipslog.store.log import disk_full
from shipslog.store.log.event_log import LogFull, Snapshot
from shipslog.store.log.sqlite import SqliteLog
from tests.crash.__main__ import disk, own_mounts

NO_MOUNTS = 77  # the exit code where a machine does not let us have mounts of our own
ROOM_MB = 40
LARGE = 1_000_000


async def write(log: SqliteLog, name: str, size: int, *, gone: bool = False) -> None:
    """One event about an object of that size; the last one about it when it is `gone`, as urgent as a delete is."""
    raw = msgspec.Raw(b'{"d":"%s"}' % (b"x" * size))
    fact = (ObjectDeleted if gone else ObjectCreated)(resource="configmaps", namespace="d", name=name, uid="u", object=raw)
    event = Event(revision=log.revision + 1, time_ns=10**18, actor="alice", fact=fact)
    await log.append([event], expected_revision=log.revision, urgent=gone)


async def fill(log: SqliteLog, size: int) -> int:
    """Write until the disk is full. -> how many were."""
    before = log.revision
    try:
        while True:
            await write(log, f"n{log.revision}", size)
    except LogFull as error:
        assert "the disk is full. Nothing was written; deletes still are" in str(error), error
        assert log.trouble == str(error)
        return log.revision - before


async def goes_on(log: SqliteLog, within_s: float = 5.0) -> None:
    """Ordinary writes are taken again, without anybody doing anything."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                await write(log, "ordinary", 1_000)
            except LogFull:
                await asyncio.sleep(0.05)
                continue
            assert log.trouble == ""
            return


async def large_objects_go(directory: Path) -> None:
    """What was freed inside the file (a snapshot that held them) is used again, for the deletes and for all that follows."""
    async with await SqliteLog.open(directory / "log.db") as log:
        for i in range(10):
            await write(log, f"large{i}", LARGE)
        await log.save_snapshot(Snapshot(log.revision, 1, b"s" * 10 * LARGE))
        assert await fill(log, LARGE // 10) > 50
        for i in range(10):
            await write(log, f"large{i}", LARGE, gone=True)
        await goes_on(log)
        for i in range(40):
            await write(log, f"later{i}", LARGE // 20)
        await log.verify()
    async with await SqliteLog.open(directory / "log.db") as log:
        await log.verify()


async def a_file_of_others_goes(directory: Path) -> None:
    """However little was left when it was full, and however much of the reserve deletes have used."""
    other = directory / "other"
    other.write_bytes(b"o" * 15 * LARGE)
    async with await SqliteLog.open(directory / "log.db") as log:
        await fill(log, LARGE)
        await fill(log, 1_000)
        deleted = 0
        try:
            while deleted < 100:
                await write(log, f"large{deleted}", LARGE, gone=True)
                deleted += 1
        except LogFull as error:
            assert "what is kept for deletes is not enough for" in str(error), error
        assert 1 <= deleted < 100
        await write(log, "small", 1_000, gone=True)
        other.unlink()
        await goes_on(log)
        await log.verify()


async def the_log_ahead_comes_in(directory: Path) -> None:
    """Objects as large as may be fill the disk: there is always room for the write-ahead log to come into the file, and so for
    a delete."""
    async with await SqliteLog.open(directory / "log.db") as log:
        await fill(log, 3 * LARGE)
        await fill(log, LARGE // 2)
        await fill(log, LARGE // 100)
        for i in range(20):
            await write(log, f"small{i}", 10_000, gone=True)
        assert (directory / "log.db-wal").stat().st_size < LARGE
        await log.verify()


SCENARIOS: dict[str, Callable[[Path], Awaitable[None]]] = {
    f.__name__: f for f in (large_objects_go, a_file_of_others_goes, the_log_ahead_comes_in)
}


def main(name: str) -> None:
    try:
        own_mounts()
    except OSError as error:
        print(error)
        raise SystemExit(NO_MOUNTS) from error
    disk_full.LOOK_AGAIN_S = 0.05
    with disk(f"size={ROOM_MB}m") as directory:
        asyncio.run(SCENARIOS[name](directory))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1])
