"""Room on the disk of a log: what is given up when there is none, what still fits then, and when all goes on again.

Room that became free inside the file is used again by what is written next, but every write passes through the write-ahead log
first: so its room is given back to the disk before anything is counted.
"""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from shipslog.store.logger import logger

from .disk_full_reserve import AGAIN_BYTES, LEAST_BYTES, Reserve

LOOK_AGAIN_S = 1.0
LARGE_BYTES = 32 << 10  # smaller batches fit between the write-ahead log's bound and the reserve
AMPLE_BYTES = 64 << 20  # with so much free nobody looks closer
MARGIN_BYTES = 128 << 10  # of pages that change beside those that are written: inner ones, an index, the free list

log = logger(__name__)


class Room:
    """The room of the log at `path`; `transact` runs a function with its one writing connection."""

    def __init__(self, path: Path, reserve: Reserve, transact: Callable[..., Awaitable[Any]]) -> None:
        self.path, self.reserve, self._transact = path, reserve, transact
        self.full = False  # the reserve is given up: only urgent batches are written
        self.trouble = ""
        self._looked_s = 0.0  # when it was last looked whether there is room again

    def give_out(self, why: str) -> None:
        """From now on only what is urgent is written."""
        self.full, self._looked_s = True, asyncio.get_running_loop().time()
        self.trouble = (
            f"{self.path}: the disk is full{f' ({why})' if why else ''}. Nothing was written; deletes still are. "
            "Delete what is not needed, or make room on the disk: the log goes on by itself."
        )
        log.error("disk_full", path=str(self.path), why=why or "no room")

    async def give_back(self) -> None:
        """The write-ahead log's room to the disk: where the file has room inside, that may be all that a batch lacks."""
        await self._try(truncate)

    async def give_way(self, why: str) -> None:
        """The disk is full: give up the reserve, and what else can be spared."""
        self.give_out(why)
        self.reserve.release()
        await self._try(compact)

    async def scarce(self, size_bytes: int) -> bool:
        """Whether an ordinary batch of this size would leave too little for the write-ahead log to come into the file."""
        if size_bytes < LARGE_BYTES:
            return False
        disk = os.statvfs(self.path.parent)
        if disk.f_bavail * disk.f_frsize >= AMPLE_BYTES + 2 * size_bytes:
            return False
        return not self.reserve.fits(2 * size_bytes) and not await self._fits(size_bytes)

    async def make_for(self, size_bytes: int) -> bool:
        """Whether an urgent batch fits, and the write-ahead log can come into the file afterwards; if need be, the last
        snapshot goes. What would fit only once is not begun: nothing could be written after it, not even a delete."""
        if await self._fits(size_bytes):
            return True
        await self._try(drop_snapshots)
        return await self._fits(size_bytes)

    async def _fits(self, size_bytes: int) -> bool:
        await self.give_back()
        grows = max(0, size_bytes - await self._transact(spare_bytes))
        return self.reserve.fits(size_bytes + grows + MARGIN_BYTES)

    async def again(self) -> bool:
        """Whether ordinary writes may go on: there is room for the reserve, and more. Looked at once a second.

        If room is only where the last snapshot stands, that goes: then the next start takes longer, and nothing else."""
        if asyncio.get_running_loop().time() - self._looked_s < LOOK_AGAIN_S:
            return False
        self._looked_s = asyncio.get_running_loop().time()
        if not await self._hold() and await self._transact(snapshot_bytes) >= AGAIN_BYTES:
            await self._try(drop_snapshots)
            await self._hold()
        if not self.full:
            self.trouble = ""
            log.info("disk_has_room", path=str(self.path))
        return not self.full

    async def _hold(self) -> bool:
        """Hold the reserve again, if what is written next will not have to give it up at once."""
        await self.give_back()
        spare = await self._transact(spare_bytes)
        inside = spare >= AGAIN_BYTES
        held = self.reserve.hold(LEAST_BYTES if inside else AGAIN_BYTES)
        if not held and inside:  # then the disk's room is for the write-ahead log only, also when deletes need it
            held = self.reserve.hold(LEAST_BYTES, LEAST_BYTES)
        self.full = not held
        return held

    async def _try(self, function: Callable[[sqlite3.Connection], None]) -> None:
        try:
            await self._transact(function)
        except sqlite3.Error as failure:
            log.warning("no_room_made", by=function.__name__, path=str(self.path), why=str(failure))


# --- in the thread of the connection ---


def truncate(db: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file; its room is the disk's again."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def compact(db: sqlite3.Connection) -> None:
    """Spare what is not the log: snapshots but the newest, and the write-ahead log. Their room is used again."""
    _drop(db, "WHERE revision NOT IN (SELECT max(revision) FROM snapshots)")


def drop_snapshots(db: sqlite3.Connection) -> None:
    """All of them: they only save reading events."""
    _drop(db, "")


def _drop(db: sqlite3.Connection, which: str) -> None:
    before = db.execute("PRAGMA secure_delete").fetchone()[0]
    db.execute("PRAGMA secure_delete=FAST").fetchall()  # else what goes would be written over first, by way of the disk
    try:
        db.execute(f"DELETE FROM snapshot_parts {which}")
        db.execute(f"DELETE FROM snapshots {which}")
    finally:
        db.execute(f"PRAGMA secure_delete={before}").fetchall()
    truncate(db)


def snapshot_bytes(db: sqlite3.Connection) -> int:
    """What all snapshots take."""
    return int(db.execute("SELECT coalesce(sum(length(data)), 0) FROM snapshot_parts").fetchone()[0])


def spare_bytes(db: sqlite3.Connection) -> int:
    """Room within the file that the next events will fill."""
    return int(db.execute("PRAGMA freelist_count").fetchone()[0] * db.execute("PRAGMA page_size").fetchone()[0])
