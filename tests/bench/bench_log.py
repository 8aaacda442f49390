"""The log: appends against SQLite alone, and opening a log of a million events."""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from shipslog.engine.past.views import load
from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.store.log.integrity import rows_of
from shipslog.store.log.sqlite import INSERT, SqliteLog
from tests.store.log.test_event_log import events

from . import Row

MILLION = 1_000_000


def measure() -> list[Row]:
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    try:
        return asyncio.run(_measure(directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _measure(directory: Path) -> list[Row]:
    rows = []
    for size in (1, 16):
        batches = [events(start, start + size - 1) for start in range(1, 2000 // (17 - size) * size + 1, size)]
        async with await SqliteLog.open(directory / f"ours-{size}.db") as log:
            begun = time.perf_counter()
            for batch in batches:
                await log.append(batch, expected_revision=batch[0].revision - 1)
            ours = time.perf_counter() - begun
        alone = _alone(directory / f"alone-{size}.db", batches)
        count = len(batches) * size
        rows.append(Row(f"append, batches of {size}", count / ours, "/s", None, count / alone, note="compared: SQLite alone"))
    rows.append(await _million(directory / "million.db"))
    return rows


def _alone(path: Path, batches: list[list[object]]) -> float:
    """The same rows into the same table, with nothing around it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(
        "CREATE TABLE events (revision INTEGER PRIMARY KEY, time_ns INTEGER, actor TEXT, cause INTEGER, object TEXT, "
        "fact BLOB, digest BLOB, checksum BLOB) STRICT"
    )
    made = [rows_of(bytes(32), batch)[0] for batch in batches]  # type: ignore[arg-type]
    begun = time.perf_counter()
    for rows in made:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(INSERT, rows)
        db.execute("COMMIT")
    took = time.perf_counter() - begun
    db.close()
    return took


async def _million(path: Path) -> Row:
    """A log of a million events whose newest snapshot is 10,000 events old, as after a kill."""
    view = MemoryView()
    async with await SqliteLog.open(path) as log:
        for start in range(1, MILLION, 10_000):
            batch = events(start, start + 9_999)
            await log.append(batch, expected_revision=start - 1)
            if start + 9_999 < MILLION:
                for event in batch:
                    view.evolve(event)
        await log.save_snapshot(snapshots.take(view))
    begun = time.perf_counter()
    async with await SqliteLog.open(path) as log:
        loaded = await load(log)
        assert loaded.revision == MILLION
        return Row("open a log of a million events", time.perf_counter() - begun, "s", 2.0, None, lower=True)
