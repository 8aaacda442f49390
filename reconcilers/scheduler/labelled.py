"""How many of the pods that run a selector chooses, by node; and what those that run keep away from them.

Tests: tests/reconcilers/scheduler/test_topology.py, tests/reconcilers/scheduler/test_same_decisions.py
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from shipslog.store.objects.selector import Selector
from shipslog.store.objects.types import core_v1

from .terms import Namespaces, selector_of, speaks_in

Labels = frozenset[tuple[str, str]]
Nodes = dict[str, int]  # by the name of the node: how many
SELECTORS = 256  # choices whose counts are kept up; beyond that, those that were asked for longest ago are counted again


def count(into: Nodes, node: str, more: int) -> None:
    """What is at nothing goes."""
    total = into.get(node, 0) + more
    if total:
        into[node] = total
    else:
        into.pop(node, None)


Choice = tuple[str, tuple[Selector, ...], bool]  # of a namespace's pods those that any selector chooses; also ending ones


class Watched(Struct):
    """The counts of one choice."""

    choice: Choice
    nodes: Nodes

    def has(self, labels: Mapping[str, str], ending: bool) -> bool:
        _, selectors, ending_too = self.choice
        return (ending_too or not ending) and any(selector.matches(labels) for selector in selectors)


class LabelledPods:
    """The pods that run, counted by namespace, labels and node.

    A selector's counts are made when it is first asked for and kept up with each change, so that nobody walks all pods."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[tuple[Labels, bool], Nodes]] = {}  # by namespace, by (labels, whether it is being deleted)
        self._watched: dict[Choice, Watched] = {}  # asked for last, last
        self._by_label: dict[tuple[str, tuple[str, str] | None], dict[Choice, Watched]] = {}

    def add(self, pod: core_v1.Pod, node: str, times: int = 1) -> None:
        """One more pod on a node; one less with -1."""
        meta = pod.metadata
        labels, ending = meta.labels, bool(meta.deletion_timestamp)
        of_namespace = self.counts.setdefault(meta.namespace, {})
        key = (frozenset(labels.items()), ending)
        nodes = of_namespace.setdefault(key, {})
        count(nodes, node, times)
        if not nodes:
            del of_namespace[key]
            if not of_namespace:
                del self.counts[meta.namespace]
        for label in (None, *labels.items()) if self._by_label else ():
            for watched in self._by_label.get((meta.namespace, label), {}).values():
                if watched.has(labels, ending):
                    count(watched.nodes, node, times)

    def chosen(self, namespace: str, *selectors: Selector, ending_too: bool) -> Nodes:
        """By node: how many pods of the namespace any of the selectors chooses; not to be changed.
        `ending_too`: those as well that are being deleted."""
        choice = (namespace, selectors, ending_too)
        held = self._watched.pop(choice, None)
        if held is None:
            held = Watched(choice, {})
            for (labels, ending), nodes in self.counts.get(namespace, {}).items():
                if held.has(dict(labels), ending):
                    for node, many in nodes.items():
                        count(held.nodes, node, many)
            self._by_label.setdefault(_found_by(choice), {})[choice] = held
        self._watched[choice] = held
        if len(self._watched) > SELECTORS:
            self._forget(next(iter(self._watched)))
        return held.nodes

    def _forget(self, choice: Choice) -> None:
        del self._watched[choice]
        where = _found_by(choice)
        del self._by_label[where][choice]
        if not self._by_label[where]:
            del self._by_label[where]


def _found_by(choice: Choice) -> tuple[str, tuple[str, str] | None]:
    namespace, selectors, _ = choice
    return namespace, needed(selectors[0]) if len(selectors) == 1 else None


def needed(selector: Selector) -> tuple[str, str] | None:
    """A label that all must have whom it chooses, if there is one."""
    return next(iter(selector.exact.items()), None)


class Keeper(Struct):
    """One term of pods that run, with the nodes that they run on."""

    term: core_v1.PodAffinityTerm
    namespace: str  # of the pods whose term it is
    weight: int  # 0 for one that must hold
    selector: Selector
    nodes: Nodes

    @property
    def required(self) -> bool:
        return not self.weight


class Keepers:
    """The terms of one sort of the pods that run, equal ones once. One that asks for a label is found by it: a pod must not
    make every other look at its terms. `terms_of`: the terms of a spec with their weights."""

    def __init__(self, terms_of: Callable[[core_v1.PodSpec], Iterable[tuple[core_v1.PodAffinityTerm, int]]]) -> None:
        self._terms_of = terms_of
        self.terms: dict[bytes, Keeper] = {}
        self._by_label: dict[tuple[str, str] | None, dict[bytes, Keeper]] = {}

    def add(self, pod: core_v1.Pod, node: str, times: int = 1) -> None:
        """The terms of one more pod; of one less with -1."""
        for term, weight in self._terms_of(pod.spec) if pod.spec.affinity is not None else ():
            selector = selector_of(term.label_selector, pod.metadata.labels, term.match_label_keys)
            key = msgspec.json.encode((pod.metadata.namespace, term, weight, str(selector)))
            held = self.terms.get(key)
            if held is None:
                held = self.terms[key] = Keeper(term, pod.metadata.namespace, weight, selector, {})
                self._by_label.setdefault(needed(selector), {})[key] = held
            count(held.nodes, node, times)
            if not held.nodes:
                del self.terms[key]
                of_label = self._by_label[needed(selector)]
                del of_label[key]
                if not of_label:
                    del self._by_label[needed(selector)]

    def that_speak_of(self, namespace: str, labels: Mapping[str, str], namespaces: Namespaces) -> Iterator[Keeper]:
        """Those about a pod of this namespace and with these labels. `namespaces`: the labels of each."""
        for label in (None, *labels.items()):
            for keeper in self._by_label.get(label, {}).values():
                if keeper.selector.matches(labels) and speaks_in(keeper.term, keeper.namespace, namespace, namespaces):
                    yield keeper
