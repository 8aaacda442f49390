"""Which Kubernetes Events are to go: they are kept for an hour after they were last written, and only so many."""

from collections import OrderedDict
from collections.abc import Iterator

from shipslog.engine.state.view import MemoryView
from shipslog.store.commands import Delete
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted, ObjectFact
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import parse_time

TTL_S = 3600
KEPT = 10_000


class EventExpiry:
    """Follows the Events that there are, in the order in which they were last written."""

    def __init__(self, view: MemoryView) -> None:
        self._written: OrderedDict[str, tuple[int, str, str]] = OrderedDict()  # by uid: when (ns), namespace, name
        for event in sorted(view.list(core_v1.Event), key=_last_ns):
            meta = event.metadata
            self._written[meta.uid] = (min(_last_ns(event), view.time_ns), meta.namespace, meta.name)

    def follow(self, event: Event) -> None:
        """An Event was written or deleted. What times it carries are its author's, and may be of any year."""
        fact = event.fact
        assert isinstance(fact, ObjectFact)
        if isinstance(fact, ObjectDeleted):
            self._written.pop(fact.uid, None)
        else:
            self._written[fact.uid] = (event.time_ns, fact.namespace, fact.name)
            self._written.move_to_end(fact.uid)

    @property
    def too_many(self) -> bool:
        return len(self._written) > KEPT

    def due(self, now_ns: int) -> Iterator[Delete]:
        """How to let go of those that are to go, the longest unwritten first."""
        surplus = len(self._written) - KEPT
        for uid, (at_ns, namespace, name) in self._written.items():
            if surplus <= 0 and now_ns - at_ns <= TTL_S * 1_000_000_000:
                return
            surplus -= 1
            yield Delete(resource="events", namespace=namespace, name=name, uid=uid)


def _last_ns(event: core_v1.Event) -> int:
    """Of an Event that is older than this process: until when it was repeated."""
    return max(parse_time(event.metadata.creation_timestamp), parse_time(event.last_timestamp or ""))
