"""The rules that sleep because there is nothing for them to do, and what stirs them.

A rule that was stirred stays at work for as long as the cluster runs, even when what stirred it is gone again."""

from collections.abc import Iterator, Sequence
from typing import Any

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.rule.dormant import Dormant, Rule, When


class Sleepers:
    """Each with its place among all the rules."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._asleep = {place: rule for place, rule in enumerate(rules) if isinstance(rule, Dormant)}
        self._by_resource: dict[str, list[tuple[int, When]]] = {}
        self._sort()

    def names(self) -> list[str]:
        """Of those that sleep now."""
        return [rule.name for rule in self._asleep.values()]

    def stirred(self, resource: str, obj: Any) -> list[tuple[int, Dormant]]:
        """Those that an object stirs, in their order; they sleep no more."""
        asked = self._by_resource.get(resource)
        return self._let_go([place for place, when in asked if when(obj)]) if asked else []

    def stirred_by(self, view: MemoryView) -> list[tuple[int, Dormant]]:
        """Those that something in the view stirs, in their order; they sleep no more."""
        return self._let_go(list(self._places(view)))

    def _places(self, view: MemoryView) -> Iterator[int]:
        for place, rule in self._asleep.items():
            if any(when(e.object) for resource, when in rule.stirred_by.items() for e in view.entries(resource)):
                yield place

    def _let_go(self, places: list[int]) -> list[tuple[int, Dormant]]:
        found = [(place, self._asleep.pop(place)) for place in places]
        if found:
            self._sort()
        return found

    def _sort(self) -> None:
        self._by_resource = {}
        for place, rule in self._asleep.items():
            for resource, when in rule.stirred_by.items():
                self._by_resource.setdefault(resource, []).append((place, when))
