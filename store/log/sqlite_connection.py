"""SQLite's side of the log: the tables, connections that do one whole piece of work a hop, and what its errors mean.

Tests: tests/store/log/test_sqlite.py
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from .event_log import LogCorrupt, LogError, LogForeign, LogFull, LogUnwritable
from .integrity import APPLICATION_ID, FORMAT, check_format

P = ParamSpec("P")
R = TypeVar("R")

SCHEMA = (
    """CREATE TABLE events (
    revision INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    actor TEXT NOT NULL,
    cause INTEGER,
    object TEXT,
    fact BLOB,
    digest BLOB,
    checksum BLOB
) STRICT""",
    "CREATE INDEX events_of_object ON events (object) WHERE object IS NOT NULL",
    """CREATE TABLE snapshots (
    revision INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    checksum BLOB NOT NULL
) STRICT""",
    """CREATE TABLE snapshot_parts (
    revision INTEGER NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (revision, part)
) STRICT, WITHOUT ROWID""",
)

BUSY_MS = 5_000
CHECKPOINT_PAGES = 1_000  # 4 MB: what a crash leaves to be read at the next start


class ThreadConnection(aiosqlite.Connection):
    """A connection whose thread runs whole functions: one hop for a batch instead of one a statement."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        # a program that dies without closing its log must end all the same: nothing in the thread is worth waiting for
        cast(Any, getattr(self, "_thread", self)).daemon = True

    async def connected(self) -> Self:
        """Open the file, in the thread. Errors: sqlite3.Error."""
        await self
        return self

    async def transact(self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function` with the connection in its thread."""
        execute = cast(Callable[..., "aiosqlite.context.Result[R]"], self._execute)
        return await execute(function, self._conn, *args, **kwargs)


def connect_to_write(path: Path) -> sqlite3.Connection:
    """The one connection that writes. Every commit is synced before it returns (synchronous=FULL)."""
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    db.execute("PRAGMA synchronous=FULL")
    db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    db.execute("PRAGMA trusted_schema=OFF")
    return db


def connect_to_read(path: Path, *, still: bool) -> sqlite3.Connection:
    """A connection that cannot write. `still`: nobody else has the file open, so it is read without any file beside it."""
    uri = f"file:{quote(str(path))}?mode=ro" + ("&immutable=1" if still else "")
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_MS / 1000)
    db.execute("PRAGMA query_only=ON")
    db.execute("PRAGMA trusted_schema=OFF")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """What is written within is on the file, all of it and synced, when this ends; none of it when it ends with an error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def create(path: Path) -> None:
    """Make an empty log. It appears under its name whole or not at all. Errors: LogUnwritable."""
    new = path.with_name(path.name + "-new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        db = sqlite3.connect(new, isolation_level=None)
        try:
            with transaction(db):
                db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                db.execute(f"PRAGMA user_version={FORMAT}")
                for statement in SCHEMA:
                    db.execute(statement)
            db.execute("PRAGMA journal_mode=WAL")
        finally:
            db.close()
        new.rename(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except (OSError, sqlite3.Error) as error:
        new.unlink(missing_ok=True)
        raise LogUnwritable(
            f"{path}: cannot make a log here: {error}. Nothing was written; free the place or name another."
        ) from error


def remove(path: Path) -> None:
    """Remove a log, and its lock last; only while that is held."""
    for beside in ("-wal", "-shm", "-reserve", "", "-lock"):
        with suppress(OSError):
            path.with_name(path.name + beside).unlink()


def check_schema(db: sqlite3.Connection, path: Path) -> None:
    """A file that bears our mark but other tables, views or triggers is not one that we wrote. Errors: LogForeign, LogNewer."""
    check_format(path, db.execute("PRAGMA user_version").fetchone()[0])  # it may stand in the write-ahead log alone
    found = {row[0] for row in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    if found != set(SCHEMA):
        raise LogForeign(
            f"{path}: bears the mark of a Shipslog log, but not its tables. It was not touched; name another file."
        )


def raise_format(db: sqlite3.Connection) -> None:
    """From here on this version writes: readers that know only what was there until now must be told."""
    if db.execute("PRAGMA user_version").fetchone()[0] < FORMAT:
        db.execute(f"PRAGMA user_version={FORMAT}")


def is_full(error: sqlite3.Error, *, plainly: bool = False) -> bool:
    """Whether a write failed for want of room: on the disk, of a quota, or for the index of the write-ahead log. `plainly`: the
    error says nothing more than that."""
    code = getattr(error, "sqlite_errorcode", 0)
    return (
        code == sqlite3.SQLITE_FULL
        if plainly
        else code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
    )


def translate(error: sqlite3.Error, path: Path, revision: int, doing: str) -> LogError:
    """What an error of SQLite means for the log; `revision` is the first that could not be read or written."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH):
        return LogCorrupt(str(path), revision, str(error))
    if doing == "read":
        return LogError(f"{path}: revision {revision} could not be read: {error}. Nothing was changed; try again.")
    kind = LogFull if is_full(error) else LogUnwritable
    return kind(
        f"{path}: revision {revision} and what follows could not be written: {error}. Nothing was written; "
        "the log goes on at this revision when the medium takes writes again."
    )
