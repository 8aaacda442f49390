"""A snapshot holds the state that the log comes to at its revision.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from shipslog.engine.state import snapshots
from shipslog.engine.state.view import MemoryView
from shipslog.store.log.event_log import EventLog, Snapshot

from .broken_promise import require


async def kept(log: EventLog) -> dict[int, Snapshot]:
    """All snapshots of a log, by revision."""
    found: dict[int, Snapshot] = {}
    until = log.revision
    while (snapshot := await log.load_snapshot(until=until)) is not None:
        found[snapshot.revision] = snapshot
        until = snapshot.revision - 1
    return found


def check(folded: MemoryView, snapshot: Snapshot) -> None:
    restored, state = snapshots.restore(snapshot).state(), folded.state()
    differ = [name for name in state if state[name] != restored[name]]
    require(not differ, __name__, f"the snapshot of revision {snapshot.revision} has other {', '.join(differ)} than the log")
