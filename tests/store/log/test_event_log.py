"""One contract over every event log."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from shipslog.engine.testing.simulation.disk import SimulatedDisk
from shipslog.store.events import Event, Origin
from shipslog.store.facts import ClockStepped, ObjectCreated, ObjectDeleted
from shipslog.store.log.event_log import EventLog, LogError, RevisionConflict, Snapshot
from shipslog.store.log.memory import MemoryLog
from shipslog.store.log.sqlite import SqliteLog

T0 = 1_800_000_000_000_000_000


def event(revision: int, name: str = "a", at: int = 0) -> Event:
    raw = msgspec.Raw(b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"}}' % name.encode())
    fact = ObjectCreated(resource="configmaps", namespace="default", name=name, uid=f"u-{name}", object=raw)
    return Event(revision=revision, time_ns=T0 + (at or revision), actor="alice", cause=None, fact=fact)


def events(first: int, last: int) -> list[Event]:
    return [event(r, f"n{r % 7}") for r in range(first, last + 1)]


@pytest.fixture(params=["memory", "sqlite", "simulated disk"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventLog]:
    made: EventLog
    match request.param:
        case "memory":
            made = MemoryLog()
        case "sqlite":
            made = await SqliteLog.open(tmp_path / "log.db")
        case _:
            made = await SimulatedDisk(tmp_path, random.Random(1)).open()
    yield made
    await made.close()


async def read(log: EventLog, after: int = 0, until: int | None = None) -> list[Event]:
    return [e async for batch in log.read(after, until) for e in batch]


async def test_an_events_origin_is_kept(log: EventLog) -> None:
    asked = msgspec.structs.replace(event(1), origin=Origin(verb="delete", user_agent="kubectl"))
    await log.append([asked, event(2)], expected_revision=0)
    assert await read(log) == [asked, event(2)]
    await log.verify()


async def test_what_is_appended_is_read_back(log: EventLog) -> None:
    assert log.revision == 0 and await read(log) == []
    await log.append(events(1, 3), expected_revision=0)
    await log.append(events(4, 1500), expected_revision=3)
    assert log.revision == 1500
    assert await read(log) == events(1, 1500)
    assert await read(log, 10, 12) == events(11, 12)
    assert await read(log, 1500) == [] and await read(log, 1499, 9999) == events(1500, 1500)


async def test_a_writer_that_is_behind_is_refused(log: EventLog) -> None:
    await log.append(events(1, 3), expected_revision=0)
    with pytest.raises(RevisionConflict, match="revision 3, the caller read revision 2"):
        await log.append(events(3, 4), expected_revision=2)
    assert log.revision == 3


async def test_gaps_and_times_that_go_back_are_bugs(log: EventLog) -> None:
    await log.append([event(1, at=100)], expected_revision=0)
    with pytest.raises(ValueError, match="stands where revision 2 belongs"):
        await log.append([event(3, at=101)], expected_revision=1)
    with pytest.raises(ValueError, match="before"):
        await log.append([event(2, at=99)], expected_revision=1)
    assert log.revision == 1


async def test_times_go_back_only_where_the_clock_was_put_back(log: EventLog) -> None:
    def step(revision: int, at: int) -> Event:
        return Event(revision=revision, time_ns=T0 + at, actor="system:engine", fact=ClockStepped(from_ns=0))

    await log.append([event(1, at=10), event(2, at=20), event(3, at=900)], expected_revision=0)
    await log.append([step(4, 30), event(5, at=40)], expected_revision=3)
    await log.append([step(6, 5), event(7, at=35)], expected_revision=5)
    wanted = {4: 0, 5: 6, 29: 6, 35: 7, 1000: 7}
    assert {at: await log.revision_at(T0 + at) for at in wanted} == wanted
    await log.verify()


async def test_an_empty_batch_is_nothing(log: EventLog) -> None:
    await log.append([], expected_revision=0)
    assert log.revision == 0


async def test_the_history_of_one_object(log: EventLog) -> None:
    await log.append(events(1, 20), expected_revision=0)
    raw = msgspec.Raw(b"{}")
    gone = ObjectDeleted(resource="configmaps", namespace="default", name="n3", uid="u", object=raw)
    await log.append([Event(revision=21, time_ns=T0 + 21, actor="bob", cause=5, fact=gone)], expected_revision=20)
    found = [e async for batch in log.read_object("configmaps", "default", "n3") for e in batch]
    assert [e.revision for e in found] == [3, 10, 17, 21]
    assert (found[-1].actor, found[-1].cause) == ("bob", 5)
    assert [e async for batch in log.read_object("configmaps", "default", "nobody") for e in batch] == []


async def test_the_revision_at_a_time(log: EventLog) -> None:
    await log.append([event(1, at=10), event(2, at=20), event(3, at=20), event(4, at=30)], expected_revision=0)
    assert [await log.revision_at(T0 + at) for at in (5, 10, 19, 20, 29, 30, 99)] == [0, 1, 1, 3, 3, 4, 4]


async def test_subscribers_get_every_batch_once(log: EventLog) -> None:
    await log.append(events(1, 5), expected_revision=0)
    got: list[int] = []

    async def follow() -> None:
        async for batch in log.subscribe(2):
            got.extend(e.revision for e in batch)

    task = asyncio.ensure_future(follow())
    for start in range(6, 306, 3):
        await log.append(events(start, start + 2), expected_revision=start - 1)
    async with asyncio.timeout(5):
        while not got or got[-1] < 305:
            await asyncio.sleep(0.001)
    await log.close()
    await task
    assert got == list(range(3, 306))


async def test_snapshots(log: EventLog) -> None:
    assert await log.load_snapshot() is None
    await log.append(events(1, 100), expected_revision=0)
    for revision in (10, 50, 90):
        await log.save_snapshot(Snapshot(revision, T0 + revision, b"state" * revision * 100_000))
    newest = await log.load_snapshot()
    assert newest is not None and (newest.revision, len(newest.payload)) == (90, 45_000_000)
    older = await log.load_snapshot(until=60)
    assert older is not None and older.revision == 50
    assert await log.load_snapshot(until=9) is None
    with pytest.raises(ValueError, match="the log is at 100"):
        await log.save_snapshot(Snapshot(101, T0, b""))


async def test_it_verifies_and_then_is_closed(log: EventLog) -> None:
    await log.append(events(1, 10), expected_revision=0)
    reached: list[tuple[int, int]] = []
    await log.verify(lambda done, written: reached.append((done, written)))
    assert reached[-1] == (10, 10)
    await log.close()
    with pytest.raises(LogError, match="closed"):
        await log.append(events(11, 11), expected_revision=10)


async def test_the_newest_of_an_object_is_found(log: EventLog) -> None:
    await log.append([event(1, "a"), event(2, "b"), event(3, "a"), event(4, "a")], expected_revision=0)

    async def found(name: str, before: int | None = None) -> int | None:
        newest = await log.latest("configmaps", "default", name, before=before)
        return newest.revision if newest is not None else None

    assert [await found("a"), await found("a", 4), await found("a", 3), await found("a", 1)] == [4, 3, 1, None]
    assert [await found("b"), await found("c")] == [2, None]


async def test_every_object_is_named_once(log: EventLog) -> None:
    def other(revision: int, resource: str, namespace: str, name: str) -> Event:
        fact = msgspec.structs.replace(event(revision).fact, resource=resource, namespace=namespace, name=name)
        return msgspec.structs.replace(event(revision), fact=fact)

    many = [("configmaps", "default", f"n{i:03}") for i in range(600)]
    others = [("configmaps.example.com", "x", "a"), ("nodes", "", "n0")]
    batch = [other(i, *name) for i, name in enumerate([*many, *many, *others], 1)]
    step = Event(revision=len(batch) + 1, time_ns=T0, actor="e", fact=ClockStepped(from_ns=batch[-1].time_ns))
    await log.append([*batch, step], expected_revision=0)
    assert [n async for names in log.objects() for n in names] == sorted([*many, *others], key="/".join)
    assert [n async for names in log.objects("configmaps") for n in names] == many
    assert [n async for names in log.objects("nodes") for n in names] == [("nodes", "", "n0")]
    assert [n async for names in log.objects("pods") for n in names] == []
