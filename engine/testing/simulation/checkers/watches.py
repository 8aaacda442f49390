"""A watch saw each change once, in order, from where it began to where it ended.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from collections.abc import Sequence

from msgspec import Struct, field

from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectDeleted, ObjectFact

from .broken_promise import require

CHANGES = {ObjectCreated: "ADDED", ObjectDeleted: "DELETED"}


class Seen(Struct):
    """What a watch of ConfigMaps saw: (revision, change, name) of each record after a revision."""

    after: int
    records: list[tuple[int, str, str]] = field(default_factory=list)


def check(watches: Sequence[Seen], events: Sequence[Event]) -> None:
    for seen in watches:
        wanted = [
            (e.revision, CHANGES.get(type(e.fact), "MODIFIED"), e.fact.name)
            for e in events[seen.after :]
            if isinstance(e.fact, ObjectFact) and e.fact.resource == "configmaps"
        ][: len(seen.records)]
        require(seen.records == wanted, __name__, f"a watch from {seen.after} saw {seen.records}, the log says {wanted}")
