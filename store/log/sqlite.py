"""The event log in one SQLite file: WAL, every batch one synced transaction, one writer, a checksum chain over all batches.

A file is looked at before it is opened for writing: what is foreign, truncated or altered is refused and stays as it was.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from shipslog.store.events import Event, encode_fact
from shipslog.store.facts import ObjectModified
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .disk_full import Room
from .disk_seam import MACHINE, DatabaseConnection, Disk
from .event_log import LogCorrupt, LogError, LogFull, ObjectName, RevisionConflict, Snapshot, check_batch
from .integrity import GENESIS, Row, inspect_header, inspect_wal, object_key, row_digest, rows_of
from .retention import Coalescer, Decided
from .sqlite_connection import check_schema, create, is_full, raise_format, remove, transaction, translate
from .sqlite_reader import LogReader, batches
from .tail import Tail
from .writer_lock import WriterLock, acknowledged, lock_path

R = TypeVar("R")
INSERT = """INSERT INTO events (revision, time_ns, actor, cause, object, fact, digest, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
PART_BYTES = 1 << 20  # a snapshot is written so much at a time: batches of events get in between
MODIFIED = encode_fact(ObjectModified(resource="r", name="n", uid="u", object=msgspec.Raw(b"{}"))).partition(b",")[0]
DECISION = b'{"type":"DecisionTaken",'  # how such a fact begins; as long as the other
LOOKED_AT_ONCE, FORGOTTEN_AT_ONCE = 4_096, 256  # events a hop, a transaction: appends get in between
LOOK_BACK_NS = 2 * 86_400 * 1_000_000_000  # how far a log that is opened again looks for what may go
FOLLOW_S = 0.2  # between two looks at what another process has written
KEPT_NEWEST = 3  # snapshots; of the older ones each is kept at about twice the distance of the one before

log = logger(__name__)


class SqliteLog:
    """An EventLog in a file. Make one with `SqliteLog.open`."""

    def __init__(self, path: Path, lock: WriterLock | None, disk: Disk = MACHINE) -> None:
        self.path, self._lock, self._disk = path, lock, disk
        self.dropped = ""
        self._room = Room(path, disk.reserve(path), self._transact)
        self._refused = ""  # why the last batch was, if that was for no want of room
        self._db: DatabaseConnection | None = None
        self._reader = LogReader(path, own=lock is not None, disk=disk)
        self._past_opening: asyncio.Task[None] | None = None
        self._tasks = Tasks("log")
        self._tail = Tail()
        self._revision = 0
        self._checksum = GENESIS
        self._time_ns = 0
        self._coalescer = Coalescer()
        self._coalesced: int | None = None
        self._closed = False

    # --- opening and closing ---

    @classmethod
    async def open(cls, path: Path, *, read_only: bool = False, disk: Disk = MACHINE) -> "SqliteLog":
        """Open the log at `path`, or make one unless `read_only`.

        Errors: LogBusy, LogForeign, LogNewer, LogCorrupt (naming the revision at which it breaks), LogUnwritable; the file is
        then as it was."""
        if read_only and not path.exists():
            raise LogError(f"{path}: there is no log here.")
        lock = None if read_only else WriterLock(path)
        made = cls(path, lock, disk)
        try:
            if path.exists():
                await made._examine()
            elif lock is not None and lock.acknowledged:
                raise LogError(
                    f"{path}: the log is gone; its revision {lock.acknowledged} was acknowledged. Nothing was begun in its "
                    f"place: restore a backup, or put the file back. Remove {lock_path(path).name} to begin a new log."
                )
            else:
                create(path)
            if not read_only:
                end = await made._connect()
                if end != made._revision:
                    raise LogCorrupt(str(path), min(end, made._revision) + 1, f"it ended at {made._revision} and now at {end}")
                assert made._lock is not None
                made._lock.note(end)
        except BaseException:
            await made.close()
            raise
        return made

    async def _connect(self) -> int:
        """The one writing connection. -> the last revision that it sees. Errors: LogFull."""
        if not self._room.reserve.hold():
            self._room.give_out("less room than is kept for deletes")
        for attempt in range(2):
            self._db = await self._disk.writer(self.path).connected()
            try:
                await self._transact(raise_format)
                return await self._transact(_end)
            except sqlite3.Error as error:
                await self._db.close()
                if attempt or not is_full(error):
                    raise translate(error, self.path, self._revision + 1, "write") from error
                self._room.give_out("")
                self._room.reserve.release()
        raise AssertionError("the second attempt returns or raises")

    async def _examine(self) -> None:
        """Look at the file without touching it; know its end, and that what a start builds on can be believed."""
        noted = acknowledged(self.path) if self._lock is None else self._lock.acknowledged
        header = inspect_header(self.path)
        wal = inspect_wal(self.path.with_name(self.path.name + "-wal"))
        reader = LogReader(self.path, own=False, disk=self._disk)
        try:
            await reader.open(wal)
            await reader.ask(1, check_schema, self.path)
            truncated = header.truncated(wal)
            newest = 0 if truncated or wal.lost_commits else await reader.ask(1, _newest_snapshot)
            chain = await reader.verify(newest)
        finally:
            await reader.close()
        self._revision, self._checksum, self._time_ns = chain.revision, chain.checksum, chain.time_ns
        if wal.lost_commits and not 0 < noted <= chain.revision:
            what = f"{wal.lost_commits} batches follow in the write-ahead log that can no longer be read"
            raise LogCorrupt(str(self.path), chain.revision + 1, what)
        if truncated:
            raise LogCorrupt(str(self.path), chain.revision + 1, "the file is shorter than its header says")
        if noted > chain.revision:
            self._has_lost(noted)
        elif wal.torn_bytes:
            known = "it was never acknowledged" if noted else "whether it was acknowledged is not known"
            self.dropped = f"A torn last batch of {wal.torn_bytes} bytes after revision {chain.revision} was dropped: {known}."

    def _has_lost(self, noted: int) -> None:
        """The file ends before what was acknowledged. Whoever reads is told, whoever would write over it is refused."""
        what = f"revisions up to {noted} were acknowledged, and the file and its write-ahead log end at {self._revision}"
        if self._lock is not None:
            lock = lock_path(self.path).name
            raise LogCorrupt(
                str(self.path), self._revision + 1,
                f"{what}. Put back {self.path.name} and {self.path.name}-wal of one moment; to go on without what is missing, "
                f"remove {lock}",
            )  # fmt: skip
        self.dropped = f"Acknowledged writes are missing: {what}."

    async def close(self, *, unbegun: bool = False) -> None:
        """`unbegun`: a log in which nothing was ever written goes, with all that was made for it."""
        if self._closed:
            return
        self._closed = True
        self._tail.close()
        await self._tasks.finished()
        await self._reader.close()
        db, self._db = self._db, None
        if db is not None:
            await db.close()
        if self._lock is not None:
            if unbegun and not self._revision and not self._lock.acknowledged:
                remove(self.path)
            self._lock.release()

    async def __aenter__(self) -> "SqliteLog":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    # --- where it is ---

    @property
    def revision(self) -> int:
        return self._revision

    # --- writing ---

    async def append(self, events: Sequence[Event], *, expected_revision: int, urgent: bool = False) -> None:
        self._check_open()
        if self._db is None:
            raise LogError(f"{self.path}: is open read-only; nothing was written.")
        if expected_revision != self._revision:
            raise RevisionConflict(expected_revision, self._revision)
        if not events:
            return
        batch = list(events)
        check_batch(batch, expected_revision, self._time_ns)
        if self._room.full and not urgent and not await self._room.again():
            raise LogFull(self.trouble)
        # Once the thread has it the batch happens, whoever still waits for it.
        await asyncio.shield(self._tasks.start("append", self._append(batch, urgent), ordinary=LogError))

    async def _append(self, batch: list[Event], urgent: bool) -> None:
        rows, checksum = rows_of(self._checksum, batch)
        try:
            await self._write(rows, urgent)
        except sqlite3.Error as error:
            failure = translate(error, self.path, batch[0].revision, "write")
            self._refused = str(failure)
            raise failure from error
        self._revision, self._checksum, self._time_ns = batch[-1].revision, checksum, batch[-1].time_ns
        self._refused = ""
        if self._lock is not None:
            self._lock.note(self._revision)
        self._tail.announce(batch)

    async def _write(self, rows: list[Row], urgent: bool) -> None:
        """Errors: sqlite3.Error, LogFull."""
        size_bytes = sum(len(row[5] or b"") for row in rows)
        if not self._room.full and await self._room.scarce(size_bytes):
            await self._room.give_way("")
        if not self._room.full and (error := await self._inserted(rows)) is not None:
            await self._room.give_back()
            if await self._inserted(rows) is not None:
                await self._room.give_way("" if is_full(error, plainly=True) else str(error))
        if not self._room.full:
            return
        if not urgent:
            raise LogFull(self.trouble)
        if not await self._room.make_for(size_bytes):
            raise LogFull(
                f"{self.path}: the disk is full, and what is kept for deletes is not enough for {size_bytes} bytes. Nothing "
                "was written. Make room on the disk: the log goes on by itself."
            )
        await self._transact(_insert, rows)

    async def _inserted(self, rows: list[Row]) -> sqlite3.Error | None:
        """None, or that the disk is full. Errors: sqlite3.Error for anything else."""
        try:
            await self._transact(_insert, rows)
        except sqlite3.Error as error:
            if is_full(error):
                return error
            raise
        return None

    @property
    def trouble(self) -> str:
        return self._room.trouble or self._refused

    async def _transact(self, function: Callable[..., R], *args: object) -> R:
        assert self._db is not None
        return await self._db.transact(function, *args)

    # --- reading ---

    async def _reading(self) -> LogReader:
        """The read-only connection, opened when it is first needed; again by the next who reads, if that failed."""
        self._check_open()
        opening = self._past_opening
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception() is not None)):
            opening = self._tasks.start("open to read", self._reader.open(), ordinary=(OSError, sqlite3.Error))
            self._past_opening = opening
        await asyncio.shield(opening)
        return self._reader

    async def read(self, after: int = 0, until: int | None = None) -> AsyncIterator[list[Event]]:
        end = self._revision if until is None else min(until, self._revision)
        if max(after, 0) >= end:
            return
        reader = await self._reading()
        async for events in reader.read(max(after, 0), end):
            yield events

    async def read_object(self, resource: str, namespace: str, name: str) -> AsyncIterator[list[Event]]:
        reader = await self._reading()
        async for events in reader.read_object(object_key(resource, namespace, name), self._revision):
            yield events

    async def latest(self, resource: str, namespace: str, name: str, *, before: int | None = None) -> Event | None:
        end = self._revision + 1 if before is None else before
        return await (await self._reading()).latest(object_key(resource, namespace, name), end)

    async def objects(self, resource: str = "") -> AsyncIterator[list[ObjectName]]:
        reader = await self._reading()
        async for names in reader.objects(resource):
            yield names

    async def revision_at(self, time_ns: int) -> int:
        return await (await self._reading()).revision_at(time_ns, self._revision)

    def subscribe(self, after: int) -> AsyncIterator[list[Event]]:
        self._check_open()
        return self._tail.follow(after, self.read) if self._db is not None else self._follow(after)

    async def _follow(self, after: int) -> AsyncIterator[list[Event]]:
        """What another process appends."""
        while not self._closed:
            reader = await self._reading()
            self._revision = max(self._revision, await reader.end())
            async for events in self.read(after):
                after = events[-1].revision
                yield events
            await asyncio.sleep(FOLLOW_S)

    async def copy_to(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """A log of its own, as this one is now, synced; a writer goes on meanwhile. `target` must not be there.

        `progress` is told, in the thread that copies, how many pages are done and of how many. Errors: OSError, LogError."""
        await (await self._reading()).copy_to(target, progress)

    async def verify(self, progress: Callable[[int, int], None] | None = None) -> None:
        reader, written = await self._reading(), self._revision  # what is appended meanwhile need not have been seen

        def report(revision: int) -> None:
            if progress is not None:
                progress(revision, written)

        chain = await reader.verify(0, report)
        if chain.revision < written:
            raise LogCorrupt(str(self.path), chain.revision + 1, "the event is missing")
        await reader.verify_indexes()

    # --- retention ---

    async def forget(self, until_ns: int, *, blind: Collection[str] = ()) -> int:
        self._check_open()
        self._coalescer.blind = blind
        if self._db is None:
            raise LogError(f"{self.path}: is open read-only; nothing was changed.")
        if self._coalesced is None:  # what is older was gone through before this log was opened
            self._coalesced = await self.revision_at(until_ns - LOOK_BACK_NS)
        count, end = 0, await self.revision_at(until_ns)
        while self._coalesced < end:
            reader = await self._reading()
            rows = await reader.ask(self._coalesced + 1, _to_look_through, self._coalesced, end)
            revisions = []
            for *row, tag, fact in rows:
                decided = msgspec.json.decode(fact, type=Decided) if fact is not None else None
                revisions += self._coalescer.feed(*row, modified=tag == MODIFIED, decided=decided)
            try:
                for start in range(0, len(revisions), FORGOTTEN_AT_ONCE):
                    count += await self._transact(_forget, revisions[start : start + FORGOTTEN_AT_ONCE])
            except sqlite3.Error as error:
                raise translate(error, self.path, self._coalesced + 1, "write") from error
            self._coalesced = rows[-1][0]
        return count

    # --- snapshots ---

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        self._check_open()
        if not 0 <= snapshot.revision <= self._revision:
            raise ValueError(f"a snapshot of revision {snapshot.revision}, but the log is at {self._revision}")
        if self._db is None:
            raise LogError(f"{self.path}: is open read-only; nothing was written.")
        if self._room.full:
            raise LogFull(self.trouble)
        revision, parts = snapshot.revision, 0
        try:
            await self._transact(_drop_snapshot, revision)
            for data in batches(snapshot.payload, PART_BYTES):
                await self._transact(_insert_part, revision, parts, data)
                parts += 1
            await self._transact(_finish_snapshot, snapshot, parts)
        except sqlite3.Error as error:
            raise translate(error, self.path, revision, "write") from error

    async def load_snapshot(self, until: int | None = None) -> Snapshot | None:
        reader = await self._reading()
        limit = self._revision if until is None else until
        while True:
            found = await reader.ask(1, _read_snapshot, limit)
            if not isinstance(found, int):
                return found
            log.warning("snapshot_damaged", path=str(self.path), revision=found)  # the events before it are whole
            limit = found - 1

    def _check_open(self) -> None:
        if self._closed:
            raise LogError(f"{self.path}: the log is closed; nothing was read or written.")


# --- in the thread ---


def _end(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(revision), 0) FROM events").fetchone()[0])


def _newest_snapshot(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(revision), 0) FROM snapshots").fetchone()[0])


def _insert(db: sqlite3.Connection, rows: list[Row]) -> None:
    with transaction(db):
        db.executemany(INSERT, rows)


def _to_look_through(db: sqlite3.Connection, after: int, until: int) -> list[Any]:
    """(revision, time, cause, key, the fact's tag, the fact if it is a decision) of each event."""
    tag = f"substr(fact, 1, {len(MODIFIED)})"
    statement = f"""SELECT revision, time_ns, cause, object, {tag}, CASE {tag} WHEN ? THEN fact END FROM events
    WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT {LOOKED_AT_ONCE}"""
    return db.execute(statement, (DECISION, after, until)).fetchall()


def _forget(db: sqlite3.Connection, revisions: list[int]) -> int:
    """Leave of each event what the chain needs. -> of how many."""
    marks = ",".join("?" * len(revisions))
    with transaction(db):
        rows = db.execute(
            "SELECT revision, time_ns, actor, cause, object, fact FROM events "
            f"WHERE revision IN ({marks}) AND fact IS NOT NULL",
            revisions,
        ).fetchall()
        changed = [(row_digest(*row), row[0]) for row in rows]
        db.executemany("UPDATE events SET object = NULL, fact = NULL, digest = ? WHERE revision = ?", changed)
    return len(changed)


def _drop_snapshot(db: sqlite3.Connection, revision: int) -> None:
    db.execute("DELETE FROM snapshots WHERE revision = ?", (revision,))
    db.execute("DELETE FROM snapshot_parts WHERE revision = ?", (revision,))


def _insert_part(db: sqlite3.Connection, revision: int, part: int, data: bytes) -> None:
    db.execute("INSERT INTO snapshot_parts (revision, part, data) VALUES (?, ?, ?)", (revision, part, data))


def _finish_snapshot(db: sqlite3.Connection, snapshot: Snapshot, parts: int) -> None:
    """Its row makes a snapshot one; parts without a row are what a crash left."""
    with transaction(db):
        db.execute(
            "INSERT INTO snapshots (revision, time_ns, parts, checksum) VALUES (?, ?, ?, ?)",
            (snapshot.revision, snapshot.time_ns, parts, _checksum(snapshot)),
        )
        kept = thinned([row[0] for row in db.execute("SELECT revision FROM snapshots")])
        marks = ",".join("?" * len(kept))
        db.execute(f"DELETE FROM snapshots WHERE revision NOT IN ({marks})", kept)
        db.execute(f"DELETE FROM snapshot_parts WHERE revision NOT IN ({marks})", kept)


def thinned(revisions: Sequence[int]) -> list[int]:
    """Which snapshots to keep: the newest, and older ones ever farther apart, so that any past is not far from one."""
    ordered = sorted(revisions, reverse=True)
    kept = ordered[:KEPT_NEWEST]
    for revision in ordered[KEPT_NEWEST:]:
        if kept[-1] - revision >= (kept[0] - kept[-1]) / 2:
            kept.append(revision)
    return kept


def _read_snapshot(db: sqlite3.Connection, until: int) -> Snapshot | int | None:
    """The newest snapshot up to a revision; its revision alone when it is damaged; None when there is none."""
    row = db.execute(
        "SELECT revision, time_ns, parts, checksum FROM snapshots WHERE revision <= ? ORDER BY revision DESC LIMIT 1", (until,)
    ).fetchone()
    if row is None:
        return None
    revision, time_ns, parts, checksum = row
    data = [r[0] for r in db.execute("SELECT data FROM snapshot_parts WHERE revision = ? ORDER BY part", (revision,))]
    snapshot = Snapshot(revision, time_ns, b"".join(data))
    return snapshot if len(data) == parts and _checksum(snapshot) == checksum else int(revision)


def _checksum(snapshot: Snapshot) -> bytes:
    head = b"%d %d:" % (snapshot.revision, snapshot.time_ns)
    return blake2b(head + snapshot.payload, digest_size=32).digest()
