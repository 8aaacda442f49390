"""The file: what is refused and left alone, what a crash leaves, a full disk, two writers, a recording."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shipslog.store.facts import ClockStepped, ObjectDeleted
from shipslog.store.log import disk_full, sqlite, sqlite_reader
from shipslog.store.log.disk_full_reserve import RESERVE_BYTES
from shipslog.store.log.event_log import LogBusy, LogCorrupt, LogError, LogForeign, LogFull, LogNewer, Snapshot
from shipslog.store.log.integrity import FORMAT, Row
from shipslog.store.log.sqlite import SqliteLog, thinned
from shipslog.store.log.sqlite_reader import LogReader
from shipslog.store.tasks import Tasks

from .test_event_log import T0, events, read

ROOT = Path(__file__).parents[3]


async def written(path: Path, count: int = 200) -> None:
    async with await SqliteLog.open(path) as log:
        for start in range(1, count, 10):
            await log.append(events(start, start + 9), expected_revision=start - 1)


def contents(directory: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in directory.iterdir() if not p.name.endswith("-lock")}


async def test_it_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await written(path)
    async with await SqliteLog.open(path) as log:
        assert log.revision == 200 and log.dropped == ""
        assert await read(log) == events(1, 200)
        await log.append(events(201, 201), expected_revision=200)
        await log.verify()


async def test_a_log_that_was_not_begun_goes_with_who_made_it(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    assert (tmp_path / "log.db-reserve").stat().st_size == RESERVE_BYTES
    await log.close(unbegun=True)
    assert not list(tmp_path.iterdir())
    await written(path, 10)
    log = await SqliteLog.open(path)
    await log.close(unbegun=True)
    async with await SqliteLog.open(path) as log:
        assert log.revision == 10
        await log.verify()


async def test_a_read_is_bounded_by_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reader, "CHUNK_BYTES", 1)
    path = tmp_path / "log.db"
    await written(path, 20)
    async with await SqliteLog.open(path) as log:
        chunks = [chunk async for chunk in log.read(5)]
        assert [len(chunk) for chunk in chunks] == [1] * 15 and [c[0] for c in chunks] == events(6, 20)


async def test_a_reader_who_could_not_open_the_file_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.db"
    await written(path, 20)
    open_, failures = LogReader.open, iter([sqlite3.OperationalError("unable to open database file")])

    async def fail_once(past: LogReader, *arguments: Any) -> None:
        for error in failures:
            raise error
        await open_(past, *arguments)

    async with await SqliteLog.open(path) as log:
        monkeypatch.setattr(LogReader, "open", fail_once)
        with pytest.raises(sqlite3.OperationalError):
            await read(log)
        assert await read(log) == events(1, 20)


async def test_who_stops_waiting_for_a_write_leaves_it_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await SqliteLog.open(tmp_path / "log.db") as log:
        writing = Tasks("test").start("append", log.append(events(1, 3), expected_revision=0))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    async with await SqliteLog.open(tmp_path / "log.db") as log:
        assert log.revision == 3, "it closed when the batch was written"


async def test_every_commit_is_synced(tmp_path: Path) -> None:
    async with await SqliteLog.open(tmp_path / "log.db") as log:
        assert log._db is not None
        modes = await log._db.transact(
            lambda db: (db.execute("PRAGMA synchronous").fetchone()[0], db.execute("PRAGMA journal_mode").fetchone()[0])
        )
        assert modes == (2, "wal")


@pytest.mark.parametrize(("name", "content"), [("text", b"hello, I am a text\n" * 50), ("other", None), ("future", None)])
async def test_what_is_not_ours_is_refused_and_left_alone(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / "log.db"
    if content is not None:
        path.write_bytes(content)
    else:
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE t (x)")
        if name == "future":
            db.execute(f"PRAGMA application_id={0x53484C47}")
            db.execute("PRAGMA user_version=99")
        db.commit()
        db.close()
    before = contents(tmp_path)
    with pytest.raises(LogNewer if name == "future" else LogForeign, match="not touched"):
        await SqliteLog.open(path)
    assert contents(tmp_path) == before


async def test_a_fact_of_a_newer_version_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.db"
    await written(path)
    known = msgspec.json.Decoder(ObjectDeleted | ClockStepped)  # all that this version knows
    monkeypatch.setattr("shipslog.store.events._decoder", known)
    monkeypatch.setattr("shipslog.store.events.TAGS", {"ObjectDeleted", "ClockStepped"})
    with pytest.raises(LogNewer, match=r"revision 1: a fact '\w+' is not known to this version. .*open it with that version"):
        async with await SqliteLog.open(path, read_only=True) as log:
            await log.verify()  # every checksum holds
            async for _ in log.read():
                pass


async def test_who_writes_raises_the_format_and_who_reads_does_not(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await written(path)

    def format_of() -> int:
        with closing(sqlite3.connect(path)) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])

    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=1")
    for read_only, then in ((True, 1), (False, FORMAT)):
        await (await SqliteLog.open(path, read_only=read_only)).close()
        assert format_of() == then


async def test_an_altered_event_is_found_with_its_revision(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await written(path)
    db = sqlite3.connect(path)
    db.execute("UPDATE events SET actor='mallory' WHERE revision=57")
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    before = contents(tmp_path)
    with pytest.raises(LogCorrupt, match=r"breaks at revision 51.*not touched"):
        await SqliteLog.open(path)
    assert contents(tmp_path) == before


async def test_a_missing_event_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await written(path)
    db = sqlite3.connect(path)
    db.execute("DELETE FROM events WHERE revision=120")
    db.commit()
    db.close()
    with pytest.raises(LogCorrupt, match="breaks at revision 120"):
        await SqliteLog.open(path)


@pytest.mark.parametrize("missing", [1, 3, 40])
async def test_a_checkpoint_that_was_cut_off_has_lost_nothing(tmp_path: Path, missing: int) -> None:
    """Its first page says how long the file will be, its last pages are still in the write-ahead log alone."""
    path, cut = tmp_path / "log.db", tmp_path / "cut" / "log.db"
    cut.parent.mkdir()
    async with await SqliteLog.open(path) as log:
        await log.append(events(1, 800), expected_revision=0)
        shutil.copy(f"{path}-wal", f"{cut}-wal")
    whole = path.read_bytes()  # closing it finished the checkpoint
    cut.write_bytes(whole[: len(whole) - missing * 4096 - 100])
    for read_only in (True, False):
        async with await SqliteLog.open(cut, read_only=read_only) as log:
            assert log.revision == 800 and log.dropped == ""
            await log.verify()


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
async def test_a_truncated_file_is_refused_with_the_revision_at_which_it_breaks(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "log.db"
    await written(path, 2000)
    size = path.stat().st_size
    os.truncate(path, int(size * keep))
    before = contents(tmp_path)
    with pytest.raises(LogCorrupt) as refusal:
        await SqliteLog.open(path)
    assert 1 <= refusal.value.revision <= 2000
    assert contents(tmp_path) == before


async def test_a_torn_last_batch_is_dropped_and_said(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    await log.append(events(1, 10), expected_revision=0)
    await log.append(events(11, 20), expected_revision=10)
    copy = tmp_path / "copy"
    copy.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", copy / f"log.db{suffix}")
    await log.close()
    wal = copy / "log.db-wal"
    os.truncate(wal, wal.stat().st_size - 1000)
    async with await SqliteLog.open(copy / "log.db") as torn:
        assert torn.revision == 10
        assert "torn last batch" in torn.dropped and "acknowledged is not known" in torn.dropped
        await torn.append(events(11, 12), expected_revision=10)


async def killed(directory: Path) -> Path:
    """A log of 20 events in two batches, as a kill leaves it."""
    directory.mkdir()
    path, left = directory.parent / "log.db", directory / "log.db"
    async with await SqliteLog.open(path) as log:
        await log.append(events(1, 10), expected_revision=0)
        await log.append(events(11, 20), expected_revision=10)
        for suffix in ("", "-wal", "-lock"):
            shutil.copy(f"{path}{suffix}", f"{left}{suffix}")
    return left


@pytest.mark.parametrize("cut", ["shortened", "removed"])
async def test_what_was_acknowledged_and_is_missing_is_said(tmp_path: Path, cut: str) -> None:
    path = await killed(tmp_path / "copy")
    wal = path.with_name("log.db-wal")
    if cut == "removed":
        wal.unlink()
    else:
        os.truncate(wal, wal.stat().st_size - 1000)
    end = 0 if cut == "removed" else 10
    with pytest.raises(LogCorrupt, match=f"up to 20 were acknowledged.* end at {end}.*remove log.db-lock") as refusal:
        await SqliteLog.open(path)
    assert refusal.value.revision == end + 1
    async with await SqliteLog.open(path, read_only=True) as log:
        assert log.revision == end and "Acknowledged writes are missing" in log.dropped
    path.with_name("log.db-lock").unlink()
    async with await SqliteLog.open(path) as log:
        assert log.revision == end and ("is not known" in log.dropped) == (cut == "shortened")


async def test_what_a_refused_commit_left_is_no_loss(tmp_path: Path) -> None:
    """Frames of batches that were refused after they had been written lie behind those that count."""
    path = await killed(tmp_path / "copy")
    wal = path.with_name("log.db-wal")
    longer = wal.read_bytes()
    with wal.open("r+b") as file:
        file.seek(-2000, os.SEEK_END)
        file.write(b"x")  # the second batch does not follow the first any more
        file.seek(0, os.SEEK_END)
        file.write(longer[len(longer) // 2 :])
    path.with_name("log.db-lock").write_bytes(b"%-20d\n%-20d\n" % (1, 10))
    async with await SqliteLog.open(path) as log:
        assert log.revision == 10


async def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with await SqliteLog.open(path):
        with pytest.raises(LogBusy, match=f"process {os.getpid()} has this log open for writing"):
            await SqliteLog.open(path)
    async with await SqliteLog.open(path) as again:
        assert again.revision == 0


async def test_a_recording_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with await SqliteLog.open(path) as log:
        await log.append(events(1, 50), expected_revision=0)
        async with await SqliteLog.open(path, read_only=True) as recording:
            assert recording.revision == 50 and await read(recording) == events(1, 50)
            with pytest.raises(LogError, match="read-only"):
                await recording.append(events(51, 51), expected_revision=50)
        await log.append(events(51, 60), expected_revision=50)
    with pytest.raises(LogError, match="no log here"):
        await SqliteLog.open(tmp_path / "nothing.db", read_only=True)


async def test_a_full_disk_refuses_and_goes_on_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_full, "LOOK_AGAIN_S", 0.0)
    async with await SqliteLog.open(tmp_path / "log.db") as log:
        await log.append(events(1, 10), expected_revision=0)
        assert log._db is not None
        pages = await log._db.transact(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        await log._db.transact(lambda db: db.execute(f"PRAGMA max_page_count={pages + 2}").fetchall())
        with pytest.raises(LogFull, match="full"):
            await log.append(events(11, 2000), expected_revision=10)
        assert log.revision == 10 and await read(log) == events(1, 10)
        await log._db.transact(lambda db: db.execute("PRAGMA max_page_count=1000000").fetchall())
        await log.append(events(11, 20), expected_revision=10)
        assert log.trouble == ""
        await log.verify()


async def test_a_full_disk_still_takes_what_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until there is room again nothing else is even tried; then the reserve is taken first."""
    async with await SqliteLog.open(tmp_path / "log.db") as log:
        reserve, free = log._room.reserve.path, True
        assert reserve.stat().st_size == RESERVE_BYTES
        monkeypatch.setattr(
            os, "posix_fallocate", lambda fd, start, size: None if free or size < 300_000 else os.write(-1, b"")
        )
        await log.append(events(1, 10), expected_revision=0)
        for revision in (3, 6, 9):
            await log.save_snapshot(Snapshot(revision, T0, b"x" * 3_000_000))
        free = False
        insert, refused = sqlite._insert, [True]

        def refuses_once(db: sqlite3.Connection, rows: list[Row]) -> None:
            if refused and refused.pop():
                db.execute(f"PRAGMA max_page_count={db.execute('PRAGMA page_count').fetchone()[0]}").fetchall()
            insert(db, rows)

        monkeypatch.setattr(sqlite, "_insert", refuses_once)
        with pytest.raises(LogFull, match="full"):
            await log.append([*events(11, 999), *events(1000, 3000)], expected_revision=10)
        assert reserve.stat().st_size == 0 and "deletes still are" in log.trouble
        found = await log.load_snapshot()
        assert found is not None and found.revision == 9 and await log.load_snapshot(until=8) is None, "the others made room"
        await log.append(events(11, 20), expected_revision=10, urgent=True)
        monkeypatch.setattr(disk_full, "LOOK_AGAIN_S", 0.0)
        with pytest.raises(LogFull):
            await log.append(events(21, 22), expected_revision=20)
        free = True
        await log.append(events(21, 22), expected_revision=20)
        assert log.trouble == "" and reserve.stat().st_size == RESERVE_BYTES


async def test_a_damaged_snapshot_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await written(path)
    async with await SqliteLog.open(path) as log:
        for revision in (50, 150):
            await log.save_snapshot(Snapshot(revision, T0, b"x" * 100))
        assert log._db is not None
        await log._db.transact(lambda db: db.execute("UPDATE snapshot_parts SET data=x'00' WHERE revision=150").fetchall())
        found = await log.load_snapshot()
        assert found is not None and found.revision == 50


def test_snapshots_are_thinned_with_age() -> None:
    kept: list[int] = []
    for revision in range(50, 50 * 200, 50):
        kept = thinned([*kept, revision])
    assert len(kept) < 15
    assert kept[:3] == [9950, 9900, 9850]


WRITER = """
import asyncio, sys
from pathlib import Path
from shipslog.store.facts import ClockStepped, ObjectDeleted
from shipslog.store.log import sqlite, sqlite_reader
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.log.sqlite_reader import LogReader
from shipslog.store.tasks import Tasks
from tests.store.log.test_event_log import events

async def main():
    log = await SqliteLog.open(Path(sys.argv[1]))
    revision = log.revision
    while True:
        await log.append(events(revision + 1, revision + 3), expected_revision=revision)
        revision += 3
        print(revision, flush=True)

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "log.db", 0
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: ASYNC220
        assert process.stdout is not None
        for _ in range(40):
            acknowledged = int(await asyncio.to_thread(process.stdout.readline))
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        async with await SqliteLog.open(path) as log:
            assert log.revision >= acknowledged
            await log.verify()
            assert await read(log) == events(1, log.revision)


async def test_what_is_appended_behind_a_verification_is_nothing_that_it_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await SqliteLog.open(tmp_path / "log.db")
    await log.append(events(1, 20), expected_revision=0)
    verify = LogReader.verify

    async def overtaken(past: LogReader, *arguments: Any) -> Any:
        chain = await verify(past, *arguments)
        await log.append(events(21, 21), expected_revision=20)
        return chain

    monkeypatch.setattr(LogReader, "verify", overtaken)
    await log.verify()
    await log.close()


async def test_a_reader_follows_what_another_process_writes(tmp_path: Path) -> None:
    async with await SqliteLog.open(tmp_path / "log.db") as writer:
        await writer.append(events(1, 2), expected_revision=0)
        async with await SqliteLog.open(tmp_path / "log.db", read_only=True) as reader:
            following = reader.subscribe(1)
            assert [e.revision for e in await anext(following)] == [2]
            await writer.append(events(3, 4), expected_revision=2)
            async with asyncio.timeout(10):
                assert [e.revision for e in await anext(following)] == [3, 4]


async def test_a_copy_in_many_steps_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite would begin the copy anew for each write between two steps, and end never on a busy log."""
    monkeypatch.setattr(sqlite_reader, "COPIED_PAGES", 1)
    steps: list[tuple[int, int]] = []

    def told(done: int, total: int) -> None:
        steps.append((done, total))
        if len(steps) < 20:
            with closing(sqlite3.connect(tmp_path / "log.db")) as db:
                db.execute("UPDATE events SET actor = ? WHERE revision = 1", (str(len(steps)),))
                db.commit()

    async with await SqliteLog.open(tmp_path / "log.db") as writer:
        await writer.append(events(1, 300), expected_revision=0)
        async with await SqliteLog.open(tmp_path / "log.db", read_only=True) as beside:
            await beside.copy_to(tmp_path / "copy.db", told)
    assert len(steps) > 3 and [done for done, _ in steps] == list(range(1, len(steps) + 1)) and steps[-1][0] == steps[-1][1]


async def test_a_copy_has_all_that_was_acknowledged_while_the_writer_goes_on(tmp_path: Path) -> None:
    """A plain copy of the file has not: the newest batches stand in the write-ahead log."""
    async with await SqliteLog.open(tmp_path / "log.db") as writer:
        await writer.append(events(1, 300), expected_revision=0)
        async with await SqliteLog.open(tmp_path / "log.db", read_only=True) as beside:
            copying = asyncio.create_task(beside.copy_to(tmp_path / "copy.db"))
            await writer.append(events(301, 310), expected_revision=300)
            await copying
        await writer.copy_to(tmp_path / "own.db")
        shutil.copyfile(tmp_path / "log.db", tmp_path / "plain.db")
        with pytest.raises(FileExistsError):
            await writer.copy_to(tmp_path / "own.db")
    for name, revisions in (("copy.db", {300, 310}), ("own.db", {310})):
        async with await SqliteLog.open(tmp_path / name) as copy:
            await copy.verify()
            assert copy.revision in revisions and copy.dropped == ""
            await copy.append(events(copy.revision + 1, copy.revision + 1), expected_revision=copy.revision)
    async with await SqliteLog.open(tmp_path / "plain.db", read_only=True) as plain:
        assert plain.revision < 310
