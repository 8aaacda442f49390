"""What a view folds from the changes of its objects, so that nobody need walk the world: projections, and indexes among them.

A projection is declared once, as a constant of the room that asks for it; `view.projected(IT)` gives its state. The view begins
one when it is first asked for, from the objects that it has then, and keeps it up from there: every change is told to it, as
the entry before and the entry after. It never stands on the log. What it holds is a function of the objects alone, whatever
the order in which they came: folded equals rebuilt, at any revision, and the simulator holds every one of them to that.

Tests: tests/engine/state/test_indexes.py
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from .state import Entry

S = TypeVar("S")
Key = tuple[str, str, str]  # resource, namespace, name
EVERY_KIND: tuple[str, ...] = ()


class Projection(Struct, Generic[S], frozen=True, eq=False):
    """How a state is folded.

    `evolve(state, before, after)` changes the state in place: `before` is None for an object that was made, `after` for one
    that is gone. Both are of one of `resources` (the keys of kinds, "pods"; EVERY_KIND for all). A state may put work off until
    it is read; who reads it changes nothing that another reader could tell. States are compared by `==`."""

    name: str
    resources: tuple[str, ...]
    start: Callable[[], S]
    evolve: Callable[[S, Entry | None, Entry | None], None]

    def rebuilt(self, entries: Iterable[Entry]) -> S:
        """The state of these objects, made from nothing."""
        state = self.start()
        for entry in entries:
            self.evolve(state, None, entry)
        return state


Held = tuple[Key] | set[Key]  # the only one under its key, or several: most indexes hold one, and a set is four times as large
Index = Projection[dict[Hashable, Held]]


def index(name: str, resources: tuple[str, ...], keys: Callable[[Any], tuple[Hashable, ...]]) -> Index:
    """A projection that finds objects by what `keys` says of each: `view.find(index, key)`."""

    def evolve(state: dict[Hashable, Held], before: Entry | None, after: Entry | None) -> None:
        old = keys(before.object) if before is not None else ()
        new = keys(after.object) if after is not None else ()
        if old == new:
            return
        whose = _key_of(after or before)
        for key in old:
            if key not in new and (held := state.get(key)) is not None and whose in held:
                if isinstance(held, tuple):
                    del state[key]
                else:
                    held.discard(whose)
                    if len(held) == 1:
                        state[key] = (held.pop(),)
        for key in new:
            there = state.get(key)
            if there is None:
                state[key] = (whose,)
            elif isinstance(there, set):
                there.add(whose)
            elif whose not in there:
                state[key] = {*there, whose}

    return Projection(name, resources, dict, evolve)


def _key_of(entry: Entry | None) -> Key:
    assert entry is not None
    meta = entry.object.metadata
    return entry.resource, meta.namespace, meta.name
