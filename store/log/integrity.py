"""What makes a log believable: the checksum chain over batches, the file's header, and what a torn write-ahead log tells.

Everything here reads bytes and never opens the file through SQLite, so a file that is refused has not been touched.

Tests: tests/store/log/test_sqlite.py
"""

import os
import struct
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from shipslog.store.events import Event, encode_fact
from shipslog.store.facts import ClockStepped, ObjectFact

from .event_log import LogCorrupt, LogForeign, LogNewer

APPLICATION_ID = 0x53484C47  # "SHLG", in the header of every log of ours
FORMAT = 2  # of what is written; every one from 1 on is read. docs/formats says what each brought
CLOCK_KEY = "clock"  # no object's: it has no slash. Through the index of objects the few ClockStepped are found
GENESIS = bytes(32)  # the checksum before the first batch

MAGIC = b"SQLite format 3\x00"
_HEADER = struct.Struct(">16xH10xI28xIxxxxI")  # page size, pages, user_version, application_id
_FRAME_HEADER = struct.Struct(">IIIIII")

Row = tuple[int, int, str, int | None, str | None, bytes | None, bytes | None, bytes | None]
"""revision, time_ns, actor, cause, object key, fact, digest (in the fact's place once it is coalesced), batch checksum"""


def object_key(resource: str, namespace: str, name: str) -> str:
    """What the object index is sorted by. No part can hold a slash."""
    return f"{resource}/{namespace}/{name}"


def object_names(key: str) -> tuple[str, str, str]:
    """The (resource, namespace, name) that `object_key` was given."""
    resource, namespace, name = key.split("/")
    return resource, namespace, name


def row_digest(revision: int, time_ns: int, actor: str, cause: int | None, key: str | None, fact: bytes) -> bytes:
    """What one event adds to the checksum of its batch."""
    who, what = actor.encode(), (key or "").encode()
    head = b"%d %d %d %d %d:" % (revision, time_ns, cause or 0, len(who), len(what))
    return blake2b(head + who + what + fact, digest_size=32).digest()


def rows_of(checksum: bytes, events: Sequence[Event]) -> tuple[list[Row], bytes]:
    """The rows of a batch that follows `checksum`, and the checksum after it, which is also in the last row."""
    rows: list[Row] = []
    chain = blake2b(checksum, digest_size=32)
    for event in events:
        fact = event.fact
        key = f"{fact.resource}/{fact.namespace}/{fact.name}" if isinstance(fact, ObjectFact) else None
        if isinstance(fact, ClockStepped):
            key = CLOCK_KEY
        data = encode_fact(fact, event.origin)
        chain.update(row_digest(event.revision, event.time_ns, event.actor, event.cause, key, data))
        rows.append((event.revision, event.time_ns, event.actor, event.cause, key, data, None, None))
    checksum = chain.digest()
    rows[-1] = (*rows[-1][:-1], checksum)
    return rows, checksum


class ChainReader:
    """Follows the chain row by row. Errors: LogCorrupt naming the first revision that cannot be believed."""

    def __init__(self, path: str, revision: int, checksum: bytes, time_ns: int) -> None:
        self.path, self.revision, self.checksum, self.time_ns = path, revision, checksum, time_ns
        self.sound = revision  # the end of the last batch that agreed with its checksum
        self._chain = blake2b(checksum, digest_size=32)

    def feed(self, row: Row) -> None:
        """Take the next row."""
        revision, time_ns, actor, cause, key, fact, digest, checksum = row
        if revision != self.revision + 1:
            raise self.broken(f"the next event on the file is {revision}")
        try:
            if fact is not None:
                digest = row_digest(revision, time_ns, actor, cause, key, fact)
            assert digest is not None
            self._chain.update(digest)
        except (TypeError, AttributeError, AssertionError) as error:
            raise self.broken("its row has values of the wrong type") from error
        self.revision, self.time_ns = revision, time_ns
        if checksum is None:
            return
        if self._chain.digest() != checksum:
            first = self.sound + 1
            self.revision = self.sound
            raise self.broken(f"the checksum of the batch {first}..{revision} does not agree with its events")
        self.sound, self.checksum = revision, checksum
        self._chain = blake2b(checksum, digest_size=32)

    def finish(self) -> None:
        """There are no more rows. A batch is one transaction, so its end must be there."""
        if self.revision != self.sound:
            self.revision = self.sound
            raise self.broken("the batch that begins there has no end")

    def broken(self, what: str) -> LogCorrupt:
        """The error for the revision after the last one taken."""
        return LogCorrupt(self.path, self.revision + 1, what)


class Header(msgspec.Struct, frozen=True):
    """What the first 100 bytes of a log say, and whether the file is as long as they promise."""

    page_size: int
    pages: int
    size: int

    def truncated(self, wal: "WalReport") -> bool:
        """Whether a page is in neither file. A checkpoint that was cut off has written the new count of pages and not yet
        all of them: those are still in the write-ahead log."""
        whole = self.size // self.page_size
        return any(page not in wal.pages for page in range(whole + 1, (wal.size_pages or self.pages) + 1))


def inspect_header(path: Path) -> Header:
    """Look at a file that may be a log. Errors: LogForeign, LogCorrupt (revision 1) when not even the header is whole."""
    try:
        with path.open("rb") as file:
            data = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise LogForeign(f"{path}: cannot be read as a log: {error.strerror}.") from error
    if len(data) < 100 and MAGIC.startswith(data[:16]):
        raise LogCorrupt(str(path), 1, f"the file has only {size} bytes, less than a header")
    if not data.startswith(MAGIC):
        raise LogForeign(f"{path}: is not a log of Shipslog (no SQLite database). It was not touched; name another file.")
    page_size, pages, version, application = _HEADER.unpack_from(data)
    if application != APPLICATION_ID:
        raise LogForeign(f"{path}: is an SQLite database, but not a log of Shipslog. It was not touched; name another file.")
    check_format(path, version)
    return Header(65536 if page_size == 1 else page_size, pages, size)


def check_format(path: Path, version: int) -> None:
    """Whether a log of this format can be read. Errors: LogNewer, LogForeign."""
    if version > FORMAT:
        raise LogNewer(str(path), f"the log has format {version}, this version reads up to {FORMAT}")
    if version < 1:
        raise LogForeign(f"{path}: bears the mark of a Shipslog log, but no format. It was not touched; name another file.")


class WalReport(msgspec.Struct, frozen=True):
    """What the write-ahead log beside a database holds."""

    committed_frames: int = 0  # frames of transactions that are whole
    torn_bytes: int = 0  # what follows of a last transaction that never became whole
    lost_commits: int = 0  # commits behind a damaged frame that can no longer be read
    size_pages: int = 0  # of the database after the last of them
    pages: frozenset[int] = frozenset()  # the numbers of those that they hold

    @property
    def empty(self) -> bool:
        return self.committed_frames == 0


def inspect_wal(path: Path) -> WalReport:
    """Follow the frames as SQLite's recovery does (https://www.sqlite.org/fileformat2.html#walformat), and say what it drops.

    SQLite syncs each commit before the next begins, so only the last transaction can be torn. Commits behind a damaged
    frame therefore mean damage, not a crash.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return WalReport()
    if len(data) < 32:
        return WalReport(torn_bytes=len(data))
    magic, _, page_size, _, salt1, salt2, sum1, sum2 = struct.unpack_from(">8I", data)
    order = ">" if magic & 1 else "<"
    running = _wal_checksum(order, data[:24], 0, 0)
    if magic & ~1 != 0x377F0682 or running != (sum1, sum2):
        return WalReport(lost_commits=1 if len(data) > 32 else 0, torn_bytes=len(data))
    step = 24 + page_size
    committed = end = size = 0  # frames up to the last whole commit; byte after it; pages of the database then
    numbers: list[int] = []
    sound = True
    commits_behind = 0
    last = 32
    for at in range(32, len(data), step):
        head = data[at : at + 24]
        if len(head) < 16 or struct.unpack_from(">II", head, 8) != (salt1, salt2):
            break  # left over from before the write-ahead log was restarted
        last = min(at + step, len(data))
        number, commit = struct.unpack_from(">II", head)
        if sound:
            whole = last == at + step
            if whole:
                running = _wal_checksum(order, head[:8] + data[at + 24 : last], *running)
            sound = whole and running == struct.unpack_from(">II", head, 16)
        if sound:
            numbers.append(number)
        if sound and commit:
            committed, end, size = (at - 32) // step + 1, last, commit
        elif not sound and commit and last == at + step:
            commits_behind += 1
            torn_end = last
    lost = commits_behind if commits_behind > 1 or (commits_behind == 1 and torn_end < last) else 0
    return WalReport(
        committed, torn_bytes=last - (end or 32), lost_commits=lost, size_pages=size, pages=frozenset(numbers[:committed])
    )


def _wal_checksum(order: str, data: bytes, s0: int, s1: int) -> tuple[int, int]:
    for x0, x1 in struct.iter_unpack(order + "II", data):
        s0 = (s0 + x0 + s1) & 0xFFFFFFFF
        s1 = (s1 + x1 + s0) & 0xFFFFFFFF
    return s0, s1
