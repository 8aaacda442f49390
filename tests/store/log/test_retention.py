"""Heartbeats in between go; what matters of them stays, and so do the places of all events."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from shipslog.store.events import Event
from shipslog.store.facts import COMMANDS_TOLD, DecisionTaken, Forgotten, ObjectCreated, ObjectFact, ObjectModified
from shipslog.store.log.event_log import EventLog, LogError
from shipslog.store.log.memory import MemoryLog
from shipslog.store.log.sqlite import SqliteLog

T0 = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
LEASES = "leases.coordination.k8s.io"


def heartbeat(revision: int, at_s: float, *, name: str = "n1", created: bool = False) -> Event:
    kind = ObjectCreated if created else ObjectModified
    raw = msgspec.Raw(b'{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"n1"}}')
    fact = kind(resource=LEASES, namespace="kube-node-lease", name=name, uid="u", object=raw)
    return Event(revision=revision, time_ns=T0 + int(at_s * SECOND), actor="system:node:n1", cause=None, fact=fact)


def decision(revision: int, at_s: float, reconciler: str, *commands: str) -> Event:
    fact = DecisionTaken(
        reconciler=reconciler, key="n1", read_revision=revision - 1, now_ns=0, reason="r", commands=commands, digest="d"
    )
    return Event(revision=revision, time_ns=T0 + int(at_s * SECOND), actor="system:controller:x", cause=None, fact=fact)


@pytest.fixture(params=["memory", "sqlite"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventLog]:
    made: EventLog = MemoryLog() if request.param == "memory" else await SqliteLog.open(tmp_path / "log.db")
    yield made
    await made.close()


async def facts(log: EventLog) -> list[object]:
    return [event.fact async for batch in log.read() for event in batch]


async def forgotten(log: EventLog) -> list[int]:
    return [r for r, fact in enumerate(await facts(log), 1) if isinstance(fact, Forgotten)]


async def test_one_in_ten_minutes_is_kept(log: EventLog) -> None:
    beats = [heartbeat(1, 0, created=True), *(heartbeat(r, (r - 1) * 10) for r in range(2, 362))]
    await log.append(beats, expected_revision=0)
    gone = await log.forget(beats[-1].time_ns)
    kept = [(e.time_ns - T0) // SECOND async for batch in log.read_object(LEASES, "kube-node-lease", "n1") for e in batch]
    assert kept[0] == 0 and kept[-1] == 3600 and len(kept) == 361 - gone and gone > 350
    assert all(later - earlier <= 610 for earlier, later in itertools.pairwise(kept))
    assert log.revision == 361 and len(await facts(log)) == 361
    await log.verify()
    assert await log.forget(beats[-1].time_ns) == 0, "once is enough"
    assert await log.revision_at(T0 + 100 * SECOND) == 11


async def test_gaps_and_what_was_looked_at_stay(log: EventLog) -> None:
    times = [0, 10, 20, 30, 40, 100, 110, 120, 130, 140]
    beats = [heartbeat(r, at, created=r == 1) for r, at in enumerate(times, 1)]
    looked = decision(11, 141, "node-lifecycle", "Update nodes n1")
    later = [heartbeat(r, r * 10 + 30) for r in range(12, 16)]
    await log.append([*beats, looked, *later], expected_revision=0)
    await log.forget(T0 + 1000 * SECOND)
    assert await forgotten(log) == [2, 3, 4, 7, 8, 12, 13], "not 5 and 6 beside the gap, not 9 and 10 before the look"


async def test_the_decisions_of_heartbeats_go(log: EventLog) -> None:
    """Who renews a lease has read it, and others perhaps: without those its decision cannot be taken again."""
    made: list[Event] = [heartbeat(1, 0, created=True)]
    for turn in range(1, 8):
        made.append(decision(2 * turn, turn * 10, "node-lease", "Update leases.coordination.k8s.io kube-node-lease/n1"))
        made.append(msgspec.structs.replace(heartbeat(2 * turn + 1, turn * 10), cause=2 * turn))
    await log.append(made, expected_revision=0)
    await log.forget(T0 + 1000 * SECOND)
    assert await forgotten(log) == [*range(2, 13), 14], "the last lease but one waits: something may have looked at it"


def turns(count: int, *, broken: int = 0) -> list[Event]:
    """Three nodes that renew in one decision, every ten seconds; in one turn the decision does something else besides."""
    made: list[Event] = [heartbeat(r, 0, name=f"n{r}", created=True) for r in (1, 2, 3)]
    for turn in range(1, count + 1):
        cause = len(made) + 1
        made.append(decision(cause, turn * 10, "node-lease", *["Update leases"] * (4 if turn == broken else 3)))
        for n in (1, 2, 3):
            made.append(msgspec.structs.replace(heartbeat(len(made) + 1, turn * 10, name=f"n{n}"), cause=cause))
    return made


async def test_a_decision_that_renewed_many_goes_as_one(log: EventLog) -> None:
    made = turns(7)
    await log.append(made, expected_revision=0)
    gone = await log.forget(T0 + 1000 * SECOND)
    decisions = [e.revision for e in made if isinstance(e.fact, DecisionTaken)]
    assert set(decisions) < set(await forgotten(log)) and gone == 7 + 3 * 5, "of each the last two renewals stay"
    await log.verify()


async def test_a_decision_that_did_more_has_looked_at_them_all(log: EventLog) -> None:
    made = turns(7, broken=4)
    await log.append(made, expected_revision=0)
    await log.forget(T0 + 1000 * SECOND)
    kept = {e.revision for e in made} - set(await forgotten(log))
    looked = [e.revision for e in made if isinstance(e.fact, DecisionTaken)][3]
    assert looked in kept and {looked - 3, looked - 2, looked - 1} <= kept, "the newest of each as it decided"


async def test_a_decision_of_more_commands_than_it_tells_is_no_heartbeat(log: EventLog) -> None:
    first = [heartbeat(r, 0, name=f"n{r}", created=True) for r in range(1, 18)]
    made = [*first, decision(18, 10, "node-lease", *["Update leases"] * COMMANDS_TOLD)]
    for n in range(1, 18):
        made.append(msgspec.structs.replace(heartbeat(18 + n, 10, name=f"n{n}"), cause=18))
    await log.append(made, expected_revision=0)
    assert await log.forget(T0 + 1000 * SECOND) == 0


async def test_only_rules_that_read_heartbeats_keep_them(log: EventLog) -> None:
    """It does not matter what a line for people says; of a rule that nobody knows any more it is assumed that it looked."""
    made: list[Event] = [heartbeat(1, 0, created=True)]
    for turn, rule in enumerate(["blind", "seeing", "renamed"], 1):
        made += [heartbeat(len(made) + n, turn * 40 + n * 5) for n in range(1, 5)]
        said = ("Update leases.coordination.k8s.io kube-node-lease/n1",)
        made.append(decision(len(made) + 1, turn * 40 + 21, rule, *said))
    made += [heartbeat(len(made) + n, 160 + n * 5) for n in range(1, 4)]
    await log.append(made, expected_revision=0)
    await log.forget(T0 + 1000 * SECOND, blind=["blind"])
    kept = {e.revision for e in made if isinstance(e.fact, ObjectFact)} - set(await forgotten(log))
    assert {5, 10, 15} & kept == {10, 15}, "what was the newest when a rule looked that is not blind"
    assert 9 in kept and 14 in kept and 4 not in kept, "and the one before: it may not have been there yet"


async def test_what_is_young_stays(log: EventLog) -> None:
    beats = [heartbeat(1, 0, created=True), *(heartbeat(r, r * 10) for r in range(2, 20))]
    await log.append(beats, expected_revision=0)
    await log.forget(T0 + 100 * SECOND)
    assert max(await forgotten(log)) < 10
    await log.forget(T0 + 1000 * SECOND)
    assert await forgotten(log) == list(range(2, 18))


async def test_a_log_that_is_opened_again_goes_on(tmp_path: Path) -> None:
    beats = [heartbeat(1, 0, created=True), *(heartbeat(r, r * 10) for r in range(2, 40))]
    async with await SqliteLog.open(tmp_path / "log.db") as log:
        await log.append(beats[:20], expected_revision=0)
        await log.forget(T0 + 150 * SECOND)
        before = await forgotten(log)
        assert before
    async with await SqliteLog.open(tmp_path / "log.db") as log:
        await log.append(beats[20:], expected_revision=20)
        await log.forget(T0 + 1000 * SECOND)
        assert set(before) < set(await forgotten(log))
        await log.verify()
        assert isinstance((await facts(log))[-1], ObjectFact)
    async with await SqliteLog.open(tmp_path / "log.db", read_only=True) as log:
        with pytest.raises(LogError, match="read-only"):
            await log.forget(T0)
