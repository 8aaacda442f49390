"""Which rules are asked about an event, and by which of their sources: worked out once for each kind of object and of fact.

Tests: tests/engine/host/test_subscriptions.py
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

from shipslog.reconcilers.rule.wakes import EVERY_KIND, Source, Wakes, What
from shipslog.store.facts import AnyFact, Fact, ObjectFact
from shipslog.store.objects.scheme import Kind, Scheme

R = TypeVar("R")


class Subscriptions(Generic[R]):
    """`rules`: each with what wakes it, in the order in which they are asked."""

    def __init__(self, rules: Iterable[tuple[R, Wakes]]) -> None:
        self._rules: list[R] = []
        self._by_what: dict[What, list[tuple[int, tuple[Source, ...]]]] = {}  # the places of rules, and their sources
        self._facts: list[tuple[type[Fact], int, Source]] = []
        for place, (rule, wakes) in enumerate(rules):
            self._rules.append(rule)
            for what, sources in wakes.sources.items():
                self._by_what.setdefault(what, []).append((place, sources))
            self._facts += [(fact, place, source) for fact, source in wakes.facts]
        self._known: dict[object, list[tuple[R, tuple[Source, ...]]]] = {}
        self._scheme: Scheme | None = None  # for which that is known

    def of(self, fact: AnyFact, scheme: Scheme) -> list[tuple[R, tuple[Source, ...]]]:
        """Those who look at such facts at all, each with the sources that are asked about it."""
        if scheme is not self._scheme:  # a kind came or went: what nobody looked at may concern somebody now
            self._known, self._scheme = {}, scheme
        what: object = fact.resource if isinstance(fact, ObjectFact) else type(fact)
        known = self._known.get(what)
        if known is None:
            known = self._known[what] = self._worked_out(fact, scheme)
        return known

    def _worked_out(self, fact: AnyFact, scheme: Scheme) -> list[tuple[R, tuple[Source, ...]]]:
        found: dict[int, tuple[Source, ...]] = {}
        if not isinstance(fact, ObjectFact):
            for heard, place, source in self._facts:
                if isinstance(fact, heard):
                    found[place] = (*found.get(place, ()), source)
        elif scheme.knows(fact.resource):
            kind = scheme.by_resource(fact.resource)
            for what in (kind.type, kind.resource, EVERY_KIND):  # as Wakes.sources_of has them
                for place, sources in self._by_what.get(what, ()):
                    found[place] = (*found.get(place, ()), *(_of(sources, kind) if what == EVERY_KIND else sources))
        return [(self._rules[place], sources) for place, sources in sorted(found.items()) if sources]


def _of(sources: Iterable[Source], kind: Kind) -> tuple[Source, ...]:
    """Those of every kind that are about this one."""
    return tuple([source for source in sources if source.of is None or source.of(kind)])
