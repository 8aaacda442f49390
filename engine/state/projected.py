"""The projections that one view keeps: begun when they are first asked for, and kept up with each change from there.

Tests: tests/engine/state/test_indexes.py
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from shipslog.store.logger import logger
from shipslog.store.projections import Projection
from shipslog.store.state import Entry

S = TypeVar("S")
log = logger(__name__)


class Projected:
    """`entries` gives the view's objects of some kinds, of all for none."""

    def __init__(self, entries: Callable[[tuple[str, ...]], Iterable[Entry]]) -> None:
        self._entries = entries
        self._states: dict[Projection[Any], Any] = {}
        self._listeners: dict[str, list[Projection[Any]]] = {}  # by resource: those that a change of it is told to

    def state(self, projection: Projection[S]) -> S:
        """What the projection holds now."""
        if projection not in self._states:
            self._states[projection] = projection.rebuilt(self._entries(projection.resources))
            self._listeners.clear()
        return self._states[projection]  # type: ignore[no-any-return]

    def fold(self, resource: str, before: Entry | None, after: Entry | None) -> None:
        """An object was made (none before), changed, or deleted (none after).

        A projection that fails is let go of: who asks for it next finds it made anew, or what is wrong with it."""
        listeners = self._listeners.get(resource)
        if listeners is None:
            listeners = self._listeners[resource] = [p for p in self._states if not p.resources or resource in p.resources]
        for projection in tuple(listeners):
            try:
                projection.evolve(self._states[projection], before, after)
            except Exception:
                log.exception("projection_failed", projection=projection.name, resource=resource)
                del self._states[projection]
                self._listeners.clear()

    def refold(self) -> list[str]:
        """Make every one anew. -> the names of those that did not hold the same."""
        wrong = []
        for projection, state in tuple(self._states.items()):
            rebuilt = projection.rebuilt(self._entries(projection.resources))
            if state != rebuilt:
                self._states[projection] = rebuilt
                wrong.append(projection.name)
        return wrong
