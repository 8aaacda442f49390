"""Reading a log's file: the past, for the writer's own process and for whoever looks at the file from outside.

A file that no writer has open is read as it lies, without a lock or a file beside it; a file whose writer was killed still
has a write-ahead log, and is read together with it through links in a directory of our own, so that neither changes.

Tests: tests/store/log/test_sqlite.py
"""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

import msgspec

from shipslog.store.events import Event, UnknownFact, decode_fact, decode_origin
from shipslog.store.facts import Forgotten, ObjectFact

from .disk_seam import MACHINE, DatabaseConnection, Disk
from .event_log import LogCorrupt, LogNewer, ObjectName
from .integrity import CLOCK_KEY, GENESIS, ChainReader, Row, WalReport, inspect_wal, object_key, object_names
from .sqlite_connection import is_full, translate
from .writer_lock import writer_lives

P = ParamSpec("P")
R = TypeVar("R")
Manner = Literal["shared", "still", "aside"]
CHUNK_EVENTS, CHUNK_BYTES = 512, 1 << 20  # of one read, whichever comes first
CHUNK_NAMES = 256
VERIFY_EVENTS = 4_096  # rows a hop: a few ms in the thread
COPIED_PAGES = 2_048  # of the file at once: 8 MB

COLUMNS = "revision, time_ns, actor, cause, object, fact, digest, checksum"
READ = f"SELECT {COLUMNS} FROM events WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT {CHUNK_EVENTS}"
LATEST = f"SELECT {COLUMNS} FROM events WHERE object = ? AND revision < ? ORDER BY revision DESC LIMIT 1"
NEXT_OBJECT = "SELECT object FROM events WHERE object > ? AND object < ? ORDER BY object LIMIT 1"
READ_OBJECT = f"""SELECT {COLUMNS} FROM events
WHERE object = ? AND object IS NOT NULL AND revision > ? AND revision <= ? ORDER BY revision LIMIT {CHUNK_EVENTS}"""
VERIFY = f"SELECT {COLUMNS} FROM events WHERE revision > ? ORDER BY revision LIMIT {VERIFY_EVENTS}"


class LogReader:
    """A read-only connection and the questions one can ask it. `own`: this process holds the log for writing."""

    def __init__(self, path: Path, *, own: bool, disk: Disk = MACHINE) -> None:
        self.path, self._own, self._disk = path, own, disk
        self._db: DatabaseConnection | None = None
        self._manner: Manner = "shared"
        self._aside: tempfile.TemporaryDirectory[str] | None = None
        self._seen: tuple[tuple[int, int, int], ...] = ()

    # --- the connection ---

    async def open(self, wal: WalReport | None = None) -> None:
        """Connect in the manner that leaves everything as it is. `wal`: of the write-ahead log, if it was just looked at."""
        path = self.path
        if self._own or writer_lives(self.path):
            self._manner = "shared" if self._own or self.wal.exists() else "still"
        else:
            wal = wal or inspect_wal(self.wal)  # it is read from end to end: not where the answer does not matter
            self._manner = "still" if wal.empty else "aside"
        self._seen = self._fingerprint()
        if self._manner == "aside":
            self._aside = tempfile.TemporaryDirectory(prefix="shipslog-")
            path = Path(self._aside.name) / self.path.name
            for suffix in ("", "-wal"):
                _link_or_copy(self.path.with_name(self.path.name + suffix), path.with_name(path.name + suffix))
        self._db = await self._disk.reader(path, still=self._manner == "still").connected()

    @property
    def wal(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    async def close(self) -> None:
        """Let go of the connection and its thread."""
        db, self._db = self._db, None
        if db is not None:
            await db.close()
        aside, self._aside = self._aside, None
        if aside is not None:
            aside.cleanup()

    def _fingerprint(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for path in (self.path, self.wal):
            try:
                stat = path.stat()
                found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
            except FileNotFoundError:
                found.append((0, 0, 0))
        return tuple(found)

    async def ask(
        self, revision: int, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a question in the thread. `revision` is the first it needs, for the message. Errors: LogCorrupt, LogError."""
        while True:
            if self._manner != "shared" and self._fingerprint() != self._seen:
                await self.close()
                await self.open()  # a writer has come since: what was read as it lay may be half old, half new
            assert self._db is not None
            try:
                answer = await self._db.transact(function, *args, **kwargs)
            except sqlite3.Error as error:
                if self._manner != "shared" and self._fingerprint() != self._seen:
                    continue
                raise translate(error, self.path, revision, "read") from error
            if self._manner == "shared" or self._fingerprint() == self._seen:
                return answer

    # --- questions ---

    async def end(self) -> int:
        """The last revision on the file."""
        return await self.ask(1, _end)

    async def read(self, after: int, until: int) -> AsyncIterator[list[Event]]:
        """Events in chunks; no transaction is held between them. Errors: LogCorrupt where one is missing."""
        while after < until:
            events = await self.ask(after + 1, self._events, READ, (after, until), after + 1)
            for expected, event in enumerate(events, after + 1):
                if event.revision != expected:
                    raise LogCorrupt(str(self.path), expected, f"the next event on the file is {event.revision}")
            if not events:
                raise LogCorrupt(str(self.path), after + 1, "the event is missing")
            after = events[-1].revision
            yield events

    async def read_object(self, key: str, until: int) -> AsyncIterator[list[Event]]:
        """The events of one object, through the index."""
        after = 0
        while events := await self.ask(after + 1, self._events, READ_OBJECT, (key, after, until), after + 1):
            self._check_about(key, events)
            after = events[-1].revision
            yield events

    async def latest(self, key: str, before: int) -> Event | None:
        """The newest event about an object before a revision, through the index."""
        found = await self.ask(before, self._events, LATEST, (key, before), before)
        self._check_about(key, found)
        return found[0] if found else None

    def _check_about(self, key: str, events: list[Event]) -> None:
        """Errors: LogCorrupt for one that the index lists under another's name."""
        for event in events:
            fact = event.fact
            if not isinstance(fact, ObjectFact) or object_key(fact.resource, fact.namespace, fact.name) != key:
                raise LogCorrupt(str(self.path), event.revision, f"it is listed under {key}, and is not about it")

    async def objects(self, resource: str) -> AsyncIterator[list[ObjectName]]:
        """The names in the index of objects, each once: from one to the next, however many events there are of each."""
        after, end = (f"{resource}/", f"{resource}0") if resource else ("", "~")  # "0" is what follows "/"
        while keys := await self.ask(1, _next_objects, after, end):
            after = keys[-1]
            try:
                yield [object_names(key) for key in keys if key != CLOCK_KEY]
            except ValueError as error:
                raise LogCorrupt(str(self.path), 1, "its index has a name with a slash in it, which no object has") from error

    async def revision_at(self, time_ns: int, until: int) -> int:
        """The last revision not later than a time."""
        return await self.ask(1, _revision_at, time_ns, until)

    def _events(self, db: sqlite3.Connection, statement: str, values: tuple[object, ...], first: int) -> list[Event]:
        events: list[Event] = []
        size_bytes = 0
        try:
            for row in db.execute(statement, values):
                first = row[0]
                events.append(_event(row))
                first += 1
                size_bytes += len(row[5] or b"")
                if size_bytes >= CHUNK_BYTES:
                    break
        except UnknownFact as error:
            raise LogNewer(f"{self.path}: revision {first}", str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
            raise LogCorrupt(str(self.path), first, f"it cannot be read: {error}") from error
        except sqlite3.Error as error:
            raise translate(error, self.path, first, "read") from error
        return events

    async def copy_to(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """The whole file as it is at one moment, what stands in its write-ahead log too; a writer goes on meanwhile."""
        fd = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            await self.ask(1, _copy, target, progress)
            os.fsync(fd)
        finally:
            os.close(fd)

    # --- verification ---

    async def verify(self, after: int, progress: Callable[[int], None] | None = None) -> ChainReader:
        """Follow the chain from the last batch that ends at or before `after`. Errors: LogCorrupt."""
        chain = ChainReader(str(self.path), *await self.ask(1, _anchor, after))
        while await self.ask(chain.revision + 1, self._follow, chain):
            if progress is not None:
                progress(chain.revision)
        chain.finish()
        return chain

    def _follow(self, db: sqlite3.Connection, chain: ChainReader) -> bool:
        before = chain.revision
        try:
            for row in db.execute(VERIFY, (chain.revision,)):
                chain.feed(row)
        except sqlite3.Error as error:
            raise translate(error, self.path, chain.revision + 1, "read") from error
        return chain.revision > before

    async def verify_indexes(self) -> None:
        """Let SQLite compare its pages and indexes with the rows. Errors: LogCorrupt."""
        answer = await self.ask(1, lambda db: db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        if answer != "ok":
            raise LogCorrupt(str(self.path), 1, f"its events agree with their checksums, but not with their index: {answer}")


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def _event(row: Row) -> Event:
    revision, time_ns, actor, cause, _, fact, _, _ = row
    if fact is None:
        return Event(revision=revision, time_ns=time_ns, actor=actor, cause=cause, fact=Forgotten())
    decoded, origin = decode_fact(fact), decode_origin(fact)
    return Event(revision=revision, time_ns=time_ns, actor=actor, cause=cause, origin=origin, fact=decoded)


def _copy(db: sqlite3.Connection, target: Path, progress: Callable[[int, int], None] | None) -> None:
    """Into a file that is there and holds nothing, or what an attempt before this one has written."""

    def stepped(_: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    db.execute("BEGIN")  # one moment for all steps: else each write of others between two would begin the copy anew
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with closing(sqlite3.connect(target)) as copy:
            db.backup(copy, pages=COPIED_PAGES, progress=stepped)
    except sqlite3.Error as error:
        if is_full(error):  # it is the target's disk: nothing is written to the other one
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
        raise
    finally:
        db.execute("ROLLBACK")


def _next_objects(db: sqlite3.Connection, after: str, end: str) -> list[str]:
    found: list[str] = []
    while len(found) < CHUNK_NAMES and (row := db.execute(NEXT_OBJECT, (after, end)).fetchone()) is not None:
        after = row[0]
        found.append(after)
    return found


def _end(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(revision), 0) FROM events").fetchone()[0])


def _anchor(db: sqlite3.Connection, after: int) -> tuple[int, bytes, int]:
    row = db.execute(
        "SELECT revision, checksum, time_ns FROM events WHERE revision <= ? AND checksum IS NOT NULL "
        "ORDER BY revision DESC LIMIT 1",
        (after,),
    ).fetchone()
    return row or (0, GENESIS, 0)


def _revision_at(db: sqlite3.Connection, time_ns: int, until: int) -> int:
    found: list[tuple[int]] = db.execute(
        "SELECT revision FROM events WHERE object = ? ORDER BY revision DESC", (CLOCK_KEY,)
    ).fetchall()
    for first in (*(row[0] for row in found if row[0] <= until), 1):
        low, high = first - 1, until  # between two steps times never go back: halving needs no index of times
        while low < high:
            middle = (low + high + 1) // 2
            if db.execute("SELECT time_ns FROM events WHERE revision = ?", (middle,)).fetchone()[0] <= time_ns:
                low = middle
            else:
                high = middle - 1
        if low >= first:
            return low
        until = first - 1
    return 0


def batches(payload: bytes, size: int) -> Iterator[bytes]:
    """A payload in parts of at most `size` bytes; at least one."""
    for start in range(0, max(len(payload), 1), size):
        yield payload[start : start + size]
