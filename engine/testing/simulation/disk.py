"""A disk below the log that runs: slow, refusing, full and cut off when the seed says so, and in virtual time.

Everything of `SqliteLog` is what production has: batches, checksums, the file, its examination when it is opened. Only the
connections differ: they have no thread, which a virtual clock could not see, and each transaction is a step at which the
power may go. What then stands on the disk is put together from sectors before and after it, as a write that was not synced
leaves them. Nothing is synced for real, so a seed costs no more than its thinking.

Tests: tests/engine/testing/simulation/test_simulation.py
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from shipslog.store.log.disk_full_reserve import Reserve
from shipslog.store.log.disk_seam import Disk
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.log.sqlite_connection import connect_to_read, connect_to_write

from .life import Life

P = ParamSpec("P")
R = TypeVar("R")
SECTOR = 512
WAL_HEADER = 32  # bytes
SLOW_S = 0.002  # a transaction takes up to so long
FULL_S = (1.0, 6.0)  # for how long the disk stays full
CHECKPOINT_PAGES = 120  # often: a checkpoint that is cut off is one more thing to come back from
FILES = ("", "-wal")
TORN = frozenset({"_insert", "_insert_part", "_finish_snapshot", "_forget"})  # transactions during which the power may go
Picture = dict[str, bytes]


class SimulatedConnection:
    """A connection without a thread. `writes`: the one that does."""

    def __init__(self, disk: "SimulatedDisk", connect: Callable[[], sqlite3.Connection], *, writes: bool) -> None:
        self._disk, self._connect, self._writes, self._life = disk, connect, writes, disk.life
        self._db: sqlite3.Connection | None = None

    async def connected(self) -> Self:
        await self._life.alive()
        self._db = self._connect()
        if self._writes:
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        self._disk.connections.append(self)
        return self

    async def transact(self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        await self._life.alive()
        assert self._db is not None
        if not self._writes:
            return function(self._db, *args, **kwargs)
        name = getattr(function, "__name__", "write")
        await asyncio.sleep(self._life.rng.uniform(0, SLOW_S))
        await self._life.step(f"before {name}")
        self._disk.admit(name)
        if name in TORN and self._life.chance(self._life.rates.torn):
            before = self._disk.picture()
            function(self._db, *args, **kwargs)
            self._disk.tear(before)
            await self._life.end(f"the power goes during {name}")
        result = function(self._db, *args, **kwargs)
        await self._life.step(f"after {name}")
        return result

    async def close(self) -> None:
        if not self._life.over.is_set():
            self.cut()

    def cut(self) -> None:
        """The process is gone, and its file handles with it."""
        if self in self._disk.connections:
            self._disk.connections.remove(self)
        if self._db is not None:
            self._db.close()


class SimulatedReserve(Reserve):
    """The reserve on a disk that may be full. Its room is only counted."""

    def __init__(self, path: Path, disk: "SimulatedDisk") -> None:
        super().__init__(path)
        self._disk = disk

    @property
    def held(self) -> bool:
        return self._disk.reserved

    def fits(self, more_bytes: int) -> bool:
        return True  # until a write is refused

    def hold(self, more_bytes: int = 0, size_bytes: int = 0) -> bool:
        self._disk.reserved = self._disk.reserved or not self._disk.full
        return self._disk.reserved

    def release(self) -> None:
        self._disk.reserved = False


class SimulatedDisk(Disk):
    """A disk with one log, which outlives the engines that write it. `life`: of the one that does now."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.path = folder / "log.db"
        self.life = Life(rng)
        self.connections: list[SimulatedConnection] = []
        self.reserved = False
        self._rng = rng
        self._full_until = 0.0
        self._left: Picture | None = None  # what the power left, when it went during a write
        self._log: SqliteLog | None = None

    async def open(self) -> SqliteLog:
        """The log as it is found. Errors: those of `SqliteLog.open`."""
        self._log = await SqliteLog.open(self.path, disk=self)
        return self._log

    # --- what the log stands on ---

    def writer(self, path: Path) -> SimulatedConnection:
        return SimulatedConnection(self, lambda: connect_to_write(path), writes=True)

    def reader(self, path: Path, *, still: bool) -> SimulatedConnection:
        return SimulatedConnection(self, lambda: connect_to_read(path, still=still), writes=False)

    def reserve(self, path: Path) -> Reserve:
        return SimulatedReserve(path, self)

    # --- what goes wrong ---

    @property
    def full(self) -> bool:
        return asyncio.get_running_loop().time() < self._full_until

    def fill(self, seconds: float) -> None:
        """Somebody else has taken the room; for so long."""
        self._full_until = asyncio.get_running_loop().time() + seconds

    def heal(self) -> None:
        """There is room again."""
        self._full_until = 0.0

    def admit(self, name: str) -> None:
        """Errors: sqlite3.OperationalError for a transaction that the medium does not take. Nothing of it is written then."""
        life = self.life
        if name not in TORN:
            return
        if not self.full and life.chance(life.rates.fills):
            self.fill(life.rng.uniform(*FULL_S))
            life.say("the disk is full")
        if self.full and self.reserved:
            raise failure(sqlite3.SQLITE_FULL, "database or disk is full")
        if life.chance(life.rates.refused):
            life.say(f"{name} refused")
            raise failure(sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error")

    def picture(self) -> Picture:
        """What stands in the files."""
        return {suffix: path.read_bytes() if (path := self._file(suffix)).exists() else b"" for suffix in FILES}

    def tear(self, before: Picture) -> None:
        """What a write leaves that the power has cut off: the write-ahead log in part; or the whole of it, and in part what
        was copied from it to the database."""
        after = self.picture()
        checkpoint = before[""] != after[""] and self._rng.random() < 0.5
        if checkpoint:
            self._left = {"": torn(self._rng, before[""], after[""]), "-wal": after["-wal"]}
        else:
            # SQLite syncs the header of the write-ahead log before any frame that follows it
            synced = after["-wal"][:WAL_HEADER] + before["-wal"][WAL_HEADER:]
            self._left = {"": before[""], "-wal": torn(self._rng, synced, after["-wal"])}

    def cut_off(self) -> None:
        """The engine has died: what is in the files stays, its handles and its lock go."""
        left = self._left or self.picture()
        self._left = None
        for connection in list(self.connections):
            connection.cut()  # SQLite would tidy up now: hence the picture
        for suffix in FILES:
            self._file(suffix).write_bytes(left[suffix])
        self._file("-shm").unlink(missing_ok=True)
        if self._log is not None and self._log._lock is not None:
            self._log._lock.release()  # a process that dies lets go of it
            self._log._lock = None
        self._log = None

    def _file(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def torn(rng: random.Random, before: bytes, after: bytes) -> bytes:
    """A file some of whose sectors were written: up to one of them, or any."""
    count = -(-max(len(before), len(after)) // SECTOR)
    changed = [i for i in range(count) if before[i * SECTOR : (i + 1) * SECTOR] != after[i * SECTOR : (i + 1) * SECTOR]]
    if rng.random() < 0.5:
        written = changed[: rng.randint(0, len(changed))]
    else:
        written = [i for i in changed if rng.random() < 0.7]
    mixed = bytearray(before)
    for i in written:
        sector = after[i * SECTOR : (i + 1) * SECTOR]
        if len(mixed) < i * SECTOR:
            mixed.extend(bytes(i * SECTOR - len(mixed)))  # a hole in the file reads as zeros
        mixed[i * SECTOR : i * SECTOR + len(sector)] = sector
    return bytes(mixed)


def failure(code: int, what: str) -> sqlite3.OperationalError:
    """An error as SQLite raises it."""
    error: Any = sqlite3.OperationalError(what)
    error.sqlite_errorcode = code
    raised: sqlite3.OperationalError = error
    return raised
