"""What other pods make a node worth: preferred (anti-)affinity, the pod's and theirs, and spreads that may be missed.

Source: the scores of the InterPodAffinity and PodTopologySpread plugins of Kubernetes 1.32, from 0 to 10 times their weight.
"""

from collections.abc import Iterable, Sequence
from math import log

from msgspec import Struct

from shipslog.store.objects import core_v1
from shipslog.store.objects.selector import Selector

from .nodes import NodesState
from .priorities import TOP
from .shape import Shape
from .terms import Namespaces, constraints, namespaces_of, selector_of, speaks_in, weighted
from .topology import taking_part

WEIGHT = 2  # of each of the two, where what a node has left weighs 1


class Rather(Struct):
    """A spread that may be missed, with the pods that count in each place."""

    key: str
    max_skew: int
    selector: Selector
    counted: frozenset[int] | None  # the nodes that take part; None for all
    counts: dict[str, int]


class Preferences:
    """What the pods of one shape prefer while one decision is being made. `placed` takes in what the decision places."""

    def __init__(self, shape: Shape, nodes: NodesState, namespaces: Namespaces) -> None:
        self._shape, self._nodes, self._namespaces = shape, nodes, namespaces
        self._weights: dict[tuple[str, str], int] = {}  # by place
        meta, spec = shape.pod.metadata, shape.ask.spec
        for keeper in nodes.wishers.that_speak_of(meta.namespace, meta.labels, namespaces):
            self._add(keeper.term.topology_key, keeper.weight, keeper.nodes.items())
        for term, weight in weighted(spec, required_too=False):
            chosen = selector_of(term.label_selector, meta.labels, term.match_label_keys)
            for other in namespaces_of(term, meta.namespace, namespaces):
                self._add(term.topology_key, weight, nodes.pods.chosen(other, chosen, ending_too=True).items())
        self._rather = [self._begun(constraint) for constraint in constraints(spec, "ScheduleAnyway")]

    @property
    def idle(self) -> bool:
        """Whether all nodes are worth the same by it."""
        return not (self._weights or self._rather)

    def _add(self, key: str, weight: int, nodes: Iterable[tuple[str, int]]) -> None:
        index, labels = self._nodes.index, self._nodes.labels
        for node, many in nodes:
            i = index.get(node)
            if i is not None and key in labels[i]:
                place = (key, labels[i][key])
                self._weights[place] = self._weights.get(place, 0) + weight * many

    def _begun(self, constraint: core_v1.TopologySpreadConstraint) -> Rather:
        meta, key, labels = self._shape.pod.metadata, constraint.topology_key, self._nodes.labels
        chosen = selector_of(constraint.label_selector, meta.labels, constraint.match_label_keys)
        found = Rather(key, constraint.max_skew, chosen, taking_part(self._shape.ask, self._nodes, constraint), {})
        for node, many in self._nodes.pods.chosen(meta.namespace, chosen, ending_too=False).items():
            i = self._nodes.index.get(node)
            if i is not None and key in labels[i] and (found.counted is None or i in found.counted):
                found.counts[labels[i][key]] = found.counts.get(labels[i][key], 0) + many
        return found

    def placed(self, i: int, wishes: "Wishes") -> None:
        """A pod goes to a node."""
        labels = self._nodes.labels[i]
        for key, weight in wishes.weights:
            self._add(key, weight, ((self._nodes.order[i].name, 1),))
        for rather, counts in zip(self._rather, wishes.counts, strict=True):
            if counts and rather.key in labels and (rather.counted is None or i in rather.counted):
                value = labels[rather.key]
                rather.counts[value] = rather.counts.get(value, 0) + 1

    def wishes_of(self, other: Shape) -> "Wishes":
        """What a pod of another shape, or of the same, changes where it is placed."""
        theirs, mine = other.pod.metadata, self._shape.pod.metadata
        weights = []
        for term, weight in weighted(other.ask.spec, required_too=True):
            chosen = selector_of(term.label_selector, theirs.labels, term.match_label_keys)
            if chosen.matches(mine.labels) and speaks_in(term, theirs.namespace, mine.namespace, self._namespaces):
                weights.append((term.topology_key, weight))
        for term, weight in weighted(self._shape.ask.spec, required_too=False):
            chosen = selector_of(term.label_selector, mine.labels, term.match_label_keys)
            if chosen.matches(theirs.labels) and speaks_in(term, mine.namespace, theirs.namespace, self._namespaces):
                weights.append((term.topology_key, weight))
        same = theirs.namespace == mine.namespace
        return Wishes(tuple(weights), tuple(same and rather.selector.matches(theirs.labels) for rather in self._rather))

    def worth(self, fits: Sequence[bool]) -> list[float]:
        """What each node is worth by it, compared with all that fit."""
        total = self._by_affinity(fits)
        if self._rather:
            total = [one + other for one, other in zip(total, self._by_spread(fits), strict=True)]
        return total

    def _by_affinity(self, fits: Sequence[bool]) -> list[float]:
        raw = [0] * len(fits)
        for (key, value), weight in self._weights.items():
            for i in self._nodes.places(key).get(value, ()):
                raw[i] += weight
        among = [one for one, fit in zip(raw, fits, strict=True) if fit]
        least, most = min(among, default=0), max(among, default=0)
        return [TOP * WEIGHT * (one - least) / (most - least) for one in raw] if most > least else [0.0] * len(raw)

    def _by_spread(self, fits: Sequence[bool]) -> list[float]:
        """Less for a place with more pods, by each constraint; nothing for a node that lacks the key of any."""
        labels, keys = self._nodes.labels, [rather.key for rather in self._rather]
        takes_part = [all(key in where for key in keys) for where in labels]
        raw = [0.0] * len(labels)
        for rather in self._rather:
            key, counts = rather.key, rather.counts
            places = {where[key] for where, fit, part in zip(labels, fits, takes_part, strict=True) if fit and part}
            each = log(len(places) + 2)
            for i, where in enumerate(labels):
                if takes_part[i]:
                    raw[i] += counts.get(where[key], 0) * each + (rather.max_skew - 1)
        among = [one for one, fit, part in zip(raw, fits, takes_part, strict=True) if fit and part]
        least, most = min(among, default=0.0), max(among, default=0.0)
        worth = [TOP * WEIGHT * (most + least - one) / most if most else TOP * WEIGHT for one in raw]
        return [one if part else 0.0 for one, part in zip(worth, takes_part, strict=True)]


class Wishes(Struct, frozen=True):
    """What a pod that is placed changes for those of a shape: the weights of its place by key, in which of their spreads it
    counts."""

    weights: tuple[tuple[str, int], ...] = ()
    counts: tuple[bool, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.weights) or any(self.counts)
