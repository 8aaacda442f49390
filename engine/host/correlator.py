"""Keeps what components say from growing without end, as Kubernetes' own event correlator does (client-go, tools/record).

Messages that differ in nothing but their words become one Event when there are too many; a component that goes on about one
object is heard now and then only. What is known for that is bounded too: the longest unused is forgotten.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

import msgspec

from shipslog.store.objects.types import core_v1

REMEMBERED = 4096  # of each: messages, groups of similar ones, pairs of component and object
SIMILAR = 10  # the tenth distinct message of a group stands for all that follow...
SIMILAR_S = 600  # ...until the group was silent for so long
BURST = 25  # writes of one component about one object at once
REFILL_S = 300  # until one more is allowed
COMBINED = "(combined from similar events): "

V = TypeVar("V")
Key = tuple[str, ...]


class Recorded(msgspec.Struct, frozen=True):
    """An Event that is to be written: what is said, by which component, when (ns UTC)."""

    about: core_v1.ObjectReference
    type: str
    reason: str
    message: str
    component: str
    host: str
    at_ns: int

    @property
    def source_and_object(self) -> Key:
        about = self.about
        return self.component, self.host, about.kind, about.namespace, about.name, about.uid, about.api_version


class Recent(Generic[V]):
    """The values that were used last, at most `REMEMBERED`."""

    def __init__(self) -> None:
        self._values: OrderedDict[Key, V] = OrderedDict()

    def get(self, key: Key) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > REMEMBERED:
            self._values.popitem(last=False)

    def __len__(self) -> int:
        return len(self._values)


class _Similar(msgspec.Struct):
    messages: set[str]
    last_ns: int


class _Budget(msgspec.Struct):
    left: float
    at_ns: int


class Correlator:
    """What becomes of a message: as it is, as one of many, or not written."""

    def __init__(self) -> None:
        self._similar: Recent[_Similar] = Recent()
        self._budgets: Recent[_Budget] = Recent()

    def combined(self, recorded: Recorded) -> tuple[Key, Recorded]:
        """What is to be written, and what it is the same as: its own repetitions, or all that are similar."""
        group = (*recorded.source_and_object, recorded.type, recorded.reason)
        similar = self._similar.get(group)
        if similar is None or recorded.at_ns - similar.last_ns > SIMILAR_S * 1_000_000_000:
            similar = _Similar(set(), 0)
            self._similar.put(group, similar)
        similar.last_ns = recorded.at_ns
        if recorded.message not in similar.messages:
            if len(similar.messages) >= SIMILAR - 1:
                return group, msgspec.structs.replace(recorded, message=COMBINED + recorded.message)
            similar.messages.add(recorded.message)
        return (*group, recorded.about.field_path, recorded.message), recorded

    def allows(self, recorded: Recorded) -> bool:
        """Whether the component may write about the object once more now; takes one from what it may."""
        key, now_ns = recorded.source_and_object, recorded.at_ns
        budget = self._budgets.get(key)
        if budget is None:
            budget = _Budget(BURST, now_ns)
            self._budgets.put(key, budget)
        waited_ns = max(0, now_ns - budget.at_ns)  # time may step back
        budget.left, budget.at_ns = min(BURST, budget.left + waited_ns / (REFILL_S * 1e9)), now_ns
        if budget.left < 1:
            return False
        budget.left -= 1
        return True
