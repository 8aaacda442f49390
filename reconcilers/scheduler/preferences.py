"""What other pods make a node worth: preferred (anti-)affinity, the pod's and theirs, and spreads that may be missed.

Source: the scores of the InterPodAffinity and PodTopologySpread plugins of Kubernetes 1.37.
"""

from collections.abc import Iterable, Sequence
from math import floor, log
from typing import Any

from msgspec import Struct

from shipslog.store.objects.selector import Selector
from shipslog.store.objects.types import core_v1

from .columns import Column, Raw
from .nodes import NodesState
from .priorities import TOP
from .profile import HOSTNAME, Profile
from .shape import Shape
from .terms import Constraint, Namespaces, namespaces_of, required, selector_of, speaks_in, weighted
from .topology import taking_part


class Affinities(Column):
    """The weights of the terms that speak of a node's places: the pod's own, and those of pods that run about it."""

    changes = True

    def __init__(self, weight: int, shape: Shape, nodes: NodesState, namespaces: Namespaces, profile: Profile) -> None:
        super().__init__("InterPodAffinity", weight, [0] * len(nodes.order))
        self._shape, self._nodes, self._namespaces, self._profile = shape, nodes, namespaces, profile
        meta, spec = shape.pod.metadata, shape.ask.spec
        self._weights: dict[tuple[str, str], int] = {}  # by place
        for keeper in nodes.wishers.that_speak_of(meta.namespace, meta.labels, namespaces):
            if counts := self._counts(keeper.weight, keeper.required):
                self._add(keeper.term.topology_key, counts, keeper.nodes.items())
        for term, wish in weighted(spec):
            chosen = selector_of(term.label_selector, meta.labels, term.match_label_keys)
            for other in namespaces_of(term, meta.namespace, namespaces):
                self._add(term.topology_key, wish, nodes.pods.chosen(other, chosen, ending_too=True).items())
        for (key, value), many in self._weights.items():
            for i in nodes.places(key).get(value, ()):
                self.raw[i] = (self.raw[i] or 0) + many

        self.idle = not self._weights

    def _counts(self, weight: int, required: bool) -> int:
        """What a term of a pod that runs weighs."""
        return self._profile.hard_weight if required else 0 if self._profile.only_required else weight

    def _add(self, key: str, weight: int, nodes: Iterable[tuple[str, int]]) -> None:
        index, labels = self._nodes.index, self._nodes.labels
        for node, many in nodes:
            i = index.get(node)
            if i is not None and key in labels[i]:
                place = key, labels[i][key]
                self._weights[place] = self._weights.get(place, 0) + weight * many

    def scaled(self, raw: int, least: int, most: int) -> int:
        return int(TOP * (raw - least) / (most - least)) if most > least else 0

    def effect_of(self, pod: core_v1.Pod) -> tuple[tuple[str, int], ...]:
        theirs, mine = pod.metadata, self._shape.pod.metadata
        found = list[tuple[str, int]]()
        terms = [(term, self._counts(weight, False)) for term, weight in weighted(pod.spec)]
        terms += [(term, self._profile.hard_weight) for term in required(pod.spec)]
        for term, weight in terms:
            chosen = selector_of(term.label_selector, theirs.labels, term.match_label_keys)
            if weight and chosen.matches(mine.labels) and speaks_in(term, theirs.namespace, mine.namespace, self._namespaces):
                found.append((term.topology_key, weight))
        for term, weight in weighted(self._shape.ask.spec):
            chosen = selector_of(term.label_selector, mine.labels, term.match_label_keys)
            if chosen.matches(theirs.labels) and speaks_in(term, mine.namespace, theirs.namespace, self._namespaces):
                found.append((term.topology_key, weight))
        return tuple(found)

    def placed(self, i: int, effect: Any) -> Iterable[int]:
        changed = set[int]()
        labels = self._nodes.labels[i]
        for key, weight in effect:
            if key in labels:
                place = key, labels[key]
                self._weights[place], self.idle = self._weights.get(place, 0) + weight, False
                changed.update(self._nodes.places(key)[labels[key]])
        return changed

    def renew(self, i: int) -> Raw:
        return sum(self._weights.get(place, 0) for place in self._nodes.labels[i].items())


class Rather(Struct):
    """A spread that may be missed, with the pods that count in each place; by the node's own name for host names."""

    key: str
    max_skew: int
    selector: Selector
    counted: frozenset[int] | None  # the nodes that take part; None for all
    counts: dict[str, int]
    weight: float = 0.0


class Spreads(Column):
    """How many pods there are in a node's places already, by the spreads that may be missed."""

    changes = True

    def __init__(
        self, weight: int, shape: Shape, nodes: NodesState, constraints: Sequence[Constraint], fits: Sequence[bool]
    ) -> None:
        super().__init__("PodTopologySpread", weight, [])
        self._shape, self._nodes = shape, nodes
        own = bool(shape.ask.spec.topology_spread_constraints) or not shape.system_constraints
        keys = [constraint.key for constraint in constraints]
        self._ignored = [own and any(key not in labels for key in keys) for labels in nodes.labels]
        self._rather = [self._begun(constraint) for constraint in constraints]
        for rather in self._rather:
            rather.weight = log(self._places(rather.key, fits) + 2)
        self.raw = [self.renew(i) for i in range(len(nodes.order))]

    def _place(self, key: str, i: int) -> str | None:
        labels = self._nodes.labels[i]
        return self._nodes.order[i].name if key == HOSTNAME else labels.get(key)

    def _places(self, key: str, fits: Sequence[bool]) -> int:
        """How many places there are among the nodes that fit."""
        there = [i for i, fit in enumerate(fits) if fit and not self._ignored[i]]
        return len(there) if key == HOSTNAME else len({self._nodes.labels[i].get(key, "") for i in there})

    def _begun(self, constraint: Constraint) -> Rather:
        counted = taking_part(self._shape.ask, self._nodes, constraint)
        found = Rather(constraint.key, constraint.max_skew, constraint.selector, counted, {})
        namespace = self._shape.pod.metadata.namespace
        for node, many in self._nodes.pods.chosen(namespace, constraint.selector, ending_too=False).items():
            i = self._nodes.index.get(node)
            if i is not None:
                self._count(found, i, many)
        return found

    def _count(self, rather: Rather, i: int, many: int) -> str | None:
        place = self._place(rather.key, i)
        if place is None or self._ignored[i] or (rather.counted is not None and i not in rather.counted):
            return None
        rather.counts[place] = rather.counts.get(place, 0) + many
        return place

    def scaled(self, raw: int, least: int, most: int) -> int:
        return TOP * (most + least - raw) // most if most else TOP

    def effect_of(self, pod: core_v1.Pod) -> tuple[bool, ...] | None:
        if pod.metadata.namespace != self._shape.pod.metadata.namespace:
            return None
        counts = tuple(rather.selector.matches(pod.metadata.labels) for rather in self._rather)
        return counts if any(counts) else None

    def placed(self, i: int, effect: Any) -> Iterable[int]:
        changed = set[int]()
        for rather, counts in zip(self._rather, effect, strict=True):
            place = self._count(rather, i, 1) if counts else None
            if place is not None:
                changed.update((i,) if rather.key == HOSTNAME else self._nodes.places(rather.key)[place])
        return changed

    def renew(self, i: int) -> Raw:
        if self._ignored[i]:
            return None
        score = 0.0
        for rather in self._rather:
            place = self._place(rather.key, i)
            if place is not None:
                score += rather.counts.get(place, 0) * rather.weight + (rather.max_skew - 1)
        return floor(score + 0.5)
