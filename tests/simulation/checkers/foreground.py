"""Who is deleted in the foreground goes last: at its end nothing is left that it owns and that was to go first."""

from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted

from .verdict import require

FINALIZER = "foregroundDeletion"


def check(before: MemoryView, event: Event) -> None:
    """`before`: the state before the event."""
    fact = event.fact
    if not isinstance(fact, ObjectDeleted):
        return
    entry = before.entry(fact.resource, fact.name, fact.namespace)
    if entry is None or FINALIZER not in entry.object.metadata.finalizers:
        return
    blocking = [
        owned.object.metadata.name
        for owned in before.owned(fact.uid)
        if any(o.uid == fact.uid and o.block_owner_deletion for o in owned.object.metadata.owner_references)
    ]
    require(not blocking, __name__, f"revision {event.revision}: {fact.name} went before {blocking}")
