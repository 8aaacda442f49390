"""Who is deleted in the foreground goes last: when its end is decided nothing is left that it owns and that was to go first.

Two things are as in Kubernetes, and not held against it: a client may change its mind and delete in the background, and the
collector judges what it has seen: what a controller makes between its decision and the commit is collected afterwards.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import DecisionTaken, ObjectCreated, ObjectDeleted

from .broken_promise import require

FINALIZER = "foregroundDeletion"


class Foreground:
    """Follows a log from its first event."""

    def __init__(self) -> None:
        self._born: dict[str, int] = {}  # uid: revision
        self._read: dict[int, int] = {}  # revision of a decision: the one that it read

    def check(self, before: MemoryView, event: Event) -> None:
        """`before`: the state before the event."""
        fact = event.fact
        if isinstance(fact, DecisionTaken):
            self._read[event.revision] = fact.read_revision
        elif isinstance(fact, ObjectCreated):
            self._born[fact.uid] = event.revision
        elif isinstance(fact, ObjectDeleted):
            self._check(before, event, fact)

    def _check(self, before: MemoryView, event: Event, fact: ObjectDeleted) -> None:
        entry = before.entry(fact.resource, fact.name, fact.namespace)
        if entry is None or FINALIZER not in entry.object.metadata.finalizers or event.cause not in self._read:
            return
        read = self._read[event.cause]
        blocking = [
            owned.object.metadata.name
            for owned in before.owned(fact.uid)
            if self._born[owned.object.metadata.uid] <= read
            and any(o.uid == fact.uid and o.block_owner_deletion for o in owned.object.metadata.owner_references)
        ]
        require(not blocking, __name__, f"revision {event.revision}: {fact.name} went before {blocking}")
