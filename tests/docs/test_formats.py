"""docs/formats says what is on the disk: all of it, and nothing else."""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import get_args

import msgspec

from shipslog.engine.state import snapshots
from shipslog.reconcilers.rule.digest import DIGEST, WRITERS
from shipslog.store.events import Origin
from shipslog.store.facts import AnyFact, ClusterConfig, ContainerLimits, CsiDriver, MetricReading, PodUse, ThresholdMet
from shipslog.store.log import disk_full_reserve, integrity, sqlite_connection, writer_lock
from shipslog.store.log.event_log import Snapshot
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.state import (
    AutoscalerState,
    ContainerRuntime,
    ImageState,
    NetworkPolicyState,
    PodRuntime,
    PressureState,
    ProbeState,
    RulesetState,
    VolumeState,
)
from tests.store.log.test_event_log import events

PAGES = Path(__file__).parents[2] / "docs" / "formats"
FILE, FACTS = (PAGES / "file.md").read_text(), (PAGES / "facts.md").read_text()


def tables(page: str) -> dict[str, list[str]]:
    """The first column of the table under each heading of the third order."""
    parts = re.split(r"^### (\w+)\n", page, flags=re.MULTILINE)
    return {
        name: re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def fields(types: Iterable[type[msgspec.Struct]]) -> dict[str, list[str]]:
    return {str(t.__struct_config__.tag or t.__name__): list(t.__struct_fields__) for t in types}


def test_every_fact_stands_there_field_by_field() -> None:
    assert tables(FACTS) == fields(
        [*get_args(AnyFact), ClusterConfig, ContainerLimits, MetricReading, CsiDriver, ThresholdMet, PodUse, Origin]
    )


def test_the_snapshot_stands_there_field_by_field() -> None:
    parts = [
        snapshots.SavedView,
        PodRuntime,
        ContainerRuntime,
        ProbeState,
        ImageState,
        RulesetState,
        VolumeState,
        AutoscalerState,
        NetworkPolicyState,
        PressureState,
    ]
    assert tables((PAGES / "snapshots.md").read_text()) == fields(parts)


def test_the_versions_are_those_of_the_code() -> None:
    rows = r"^\| (format of a \w+|digest of a decision) \|.*\| (\d+) \| 1 \|$"
    assert dict(re.findall(rows, (PAGES / "README.md").read_text(), re.MULTILINE)) == {
        "format of a log": str(integrity.FORMAT),
        "format of a snapshot": str(snapshots.FORMAT),
        "digest of a decision": str(DIGEST),
    }
    assert {int(v) for v in re.findall(r"^\| (\d+) \|", FACTS, re.M)} == set(WRITERS)


async def test_a_file_is_as_the_page_says(tmp_path: Path) -> None:
    assert re.findall(r"```sql\n(.*?)\n```", FILE, re.DOTALL) == list(sqlite_connection.SCHEMA)
    assert f"| `LOG-reserve` | {disk_full_reserve.RESERVE_BYTES} bytes" in FILE
    path = tmp_path / "LOG"
    async with await SqliteLog.open(path) as log:
        await log.append(events(1, 3), expected_revision=0)
        assert log._db is not None
        asked = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", FILE, re.M))
        assert "synchronous" in asked
        for pragma, value in asked.items():
            found = await log._db.transact(lambda db, name=pragma: db.execute(f"PRAGMA {name}").fetchone()[0])
            assert found == {"WAL": "wal", "FULL": 2}.get(value) or found == int(value, 0), pragma
        assert {p.name for p in tmp_path.iterdir()} <= set(re.findall(r"`(LOG(?:-\w+)?)`", FILE))
        note = (tmp_path / "LOG-lock").read_bytes()
        assert [len(line) for line in note.split(b"\n")] == [20, 20, 0] and writer_lock.acknowledged(path) == 3


async def test_checksums_are_made_as_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with await SqliteLog.open(path) as log:
        await log.append(events(1, 3), expected_revision=0)
        await log.append(events(4, 4), expected_revision=3)
        await log.save_snapshot(Snapshot(4, 7, b"state"))
    before, batch, checksums = bytes(32), b"", []
    with closing(sqlite3.connect(path)) as db:
        for revision, time, actor, cause, key, fact, checksum in db.execute(
            "SELECT revision, time_ns, actor, cause, object, fact, checksum FROM events ORDER BY revision"
        ):
            who, what = actor.encode(), (key or "").encode()
            text = f"{revision} {time} {cause or 0} {len(who)} {len(what)}:".encode() + who + what + fact
            batch += blake2b(text, digest_size=32).digest()
            if checksum is not None:
                before, batch = blake2b(before + batch, digest_size=32).digest(), b""
                checksums.append((before, checksum))
        (kept,) = db.execute("SELECT checksum FROM snapshots").fetchone()
    assert len(checksums) == 2 and all(made == found for made, found in checksums)
    assert kept == blake2b(b"4 7:state", digest_size=32).digest()
