"""A log whose facts are given other words, with checksums of its own: for a copy that is to be sent away.

Revisions, times, actors, causes and what there is of events that were let go of stay. What was there before is nowhere in the
file any more, also not in its free pages.

Tests: tests/engine/test_redaction.py
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

from .integrity import GENESIS, Row, row_digest
from .sqlite_connection import transaction

AT_ONCE = 1_000  # rows


def rewrite(path: Path, change: Callable[[bytes], bytes], progress: Callable[[int, int], None]) -> int:
    """Put `change` of each fact into its place, in a log that nobody has open. -> how many are other than they were.
    `progress` is told the revision reached, and the last one.

    Snapshots are left out: they hold what the facts held. Errors: sqlite3.Error; then the file is not to be used."""
    count = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
        db.execute("PRAGMA secure_delete=ON")
        with transaction(db):
            db.execute("DELETE FROM snapshot_parts")
            db.execute("DELETE FROM snapshots")
            chain = blake2b(GENESIS, digest_size=32)
            (last,) = db.execute("SELECT coalesce(max(revision), 0) FROM events").fetchone()
            for revision, time_ns, actor, cause, key, fact, digest, checksum in _rows(db):
                if not revision % AT_ONCE:
                    progress(revision, last)
                new = change(fact) if fact is not None else None
                if new is not None:
                    count += new != fact
                    digest = row_digest(revision, time_ns, actor, cause, key, new)
                assert digest is not None, "a row has a fact or the digest of one"
                chain.update(digest)
                ending = checksum is not None
                if new != fact or ending:
                    values = (new, chain.digest() if ending else None, revision)
                    db.execute("UPDATE events SET fact = ?, checksum = ? WHERE revision = ?", values)
                if ending:
                    chain = blake2b(chain.digest(), digest_size=32)
        db.execute("VACUUM")
        db.execute("PRAGMA journal_mode=WAL")
    return count


def facts_of(path: Path) -> Iterator[bytes]:
    """The facts of a log as they stand in it, in order, but for those that were let go of. Errors: sqlite3.Error."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for row in _rows(db):
            if row[5] is not None:
                yield row[5]


def _rows(db: sqlite3.Connection) -> Iterator[Row]:
    """All of them, in order; they may be changed meanwhile."""
    last = 0
    while rows := db.execute("SELECT * FROM events WHERE revision > ? ORDER BY revision LIMIT ?", (last, AT_ONCE)).fetchall():
        yield from rows
        last = rows[-1][0]
