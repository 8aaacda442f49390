"""What one plugin makes of each node, and what that is worth beside the others: a column of numbers, one a node.

A column holds raw numbers (weights met, pods counted); what one is worth, from 0 to 100 times the weight, depends on the least
and the most among the nodes that fit. Those are kept up as nodes come and go, so that a pod that is placed costs the nodes
that it changes and not all of them.

Source: the plugins' NormalizeScore of Kubernetes 1.37.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from shipslog.store.objects.types import core_v1

from .fit import Ask, matches_term
from .nodes import NodesState
from .priorities import TOP
from .profile import Profile

Raw = int | None  # None: the plugin has nothing to say of the node, which is worth nothing by it
KIB, MIB = 1 << 10, 1 << 20
SMALLEST, LARGEST = 23 * MIB, 1000 * MIB  # of images: what is worth nothing, and what is worth all, for each container


class Column:
    """The numbers of one plugin for one shape. `changes`: whether what is placed may change them."""

    changes = False
    idle = False  # whether all nodes are worth nothing by it, for the moment

    def __init__(self, name: str, weight: int, raw: list[Raw]) -> None:
        self.name, self.weight, self.raw = name, weight, raw
        self.tally: Counter[int] = Counter()
        self.bounds = (0, 0)
        self._worth: dict[Raw, int] = {}

    def begin(self, fits: Iterable[bool]) -> None:
        self.tally = Counter(raw for raw, fit in zip(self.raw, fits, strict=True) if fit and raw is not None)
        self.settle()

    def settle(self) -> bool:
        """Whether the least or the most is another one now, so that all are worth something else."""
        bounds = (min(self.tally, default=0), max(self.tally, default=0))
        if bounds == self.bounds and self._worth:
            return False
        self.bounds = bounds
        self._worth = {None: 0}
        return True

    def leave(self, raw: Raw) -> None:
        """A node that had this number fits no more, or has another one."""
        if raw is not None:
            self.tally[raw] -= 1
            if not self.tally[raw]:
                del self.tally[raw]

    def join(self, raw: Raw) -> None:
        if raw is not None:
            self.tally[raw] += 1

    def worth(self, raw: Raw) -> int:
        """What a number comes to beside the others, times the weight."""
        held = self._worth.get(raw)
        if held is None:
            assert raw is not None
            held = self._worth[raw] = self.weight * self.scaled(raw, *self.bounds)
        return held

    def scaled(self, raw: int, least: int, most: int) -> int:
        """From 0 to 100."""
        return raw

    def effect_of(self, pod: core_v1.Pod) -> Any:
        """What a pod changes where it is placed; nothing if it is false."""
        return None

    def placed(self, i: int, effect: Any) -> Iterable[int]:
        """-> the nodes whose numbers are to change; `renew` changes one."""
        return ()

    def renew(self, i: int) -> Raw:
        return self.raw[i]


class More(Column):
    """The most is best: 100 for it."""

    def scaled(self, raw: int, least: int, most: int) -> int:
        return raw * TOP // most if most else 0


class Fewer(Column):
    """The least is best: 0 for the most."""

    def scaled(self, raw: int, least: int, most: int) -> int:
        return TOP - raw * TOP // most if most else TOP


def preferred_affinity(ask: Ask, nodes: NodesState, profile: Profile, weight: int) -> Column | None:
    """The weights of the preferences of node affinity that a node meets."""
    added = profile.added_affinity
    more = added.preferred_during_scheduling_ignored_during_execution if added is not None else ()
    terms = (*ask.preferred, *more)
    if not terms:
        return None
    raw: list[Raw] = [
        sum(t.weight for t in terms if load.node is not None and _matches(t.preference, load.node)) for load in nodes.order
    ]
    return More("NodeAffinity", weight, raw)


def _matches(term: core_v1.NodeSelectorTerm, node: core_v1.Node) -> bool:
    return not (term.match_expressions or term.match_fields) or matches_term(term, node)


def unwelcome(ask: Ask, nodes: NodesState, weight: int) -> Column | None:
    """How many taints would rather keep the pod away."""
    if not nodes.soft:
        return None
    raw: list[Raw] = [0] * len(nodes.order)
    for name, taints in nodes.soft.items():
        i = nodes.index.get(name)
        if i is not None:
            raw[i] = sum(1 for taint in taints if not ask.bears(taint))
    return Fewer("TaintToleration", weight, raw)


def images(ask: Ask, nodes: NodesState, weight: int) -> Column | None:
    """How much of the pod's images a node has, and how many others have it too."""
    held = [(name, nodes.images[name]) for name in ask.images if name in nodes.images]
    if not held:
        return None
    total, raw = len(nodes.order), [0] * len(nodes.order)
    for _, where in held:
        share = len(where) / max(total, 1)
        for node, size in where.items():
            i = nodes.index.get(node)
            if i is not None:
                raw[i] += int(size * share)
    most = LARGEST * len(ask.images)
    scaled: list[Raw] = [TOP * (min(max(one, SMALLEST), most) - SMALLEST) // (most - SMALLEST) for one in raw]
    return Column("ImageLocality", weight, scaled)


class SelectorSpread(Fewer):
    """How many pods of the same services and controllers a node has. Source: SelectorSpreadPriority of Kubernetes 1.0."""

    changes = True

    def __init__(self, weight: int, counts: Mapping[str, int], nodes: NodesState, is_alike: Any) -> None:
        raw: list[Raw] = [counts.get(load.name, 0) for load in nodes.order]
        super().__init__("SelectorSpread", weight, raw)
        self._is_alike = is_alike
        self._more: dict[int, int] = {}

    def effect_of(self, pod: core_v1.Pod) -> bool:
        return bool(self._is_alike(pod))

    def placed(self, i: int, effect: Any) -> Iterable[int]:
        self._more[i] = self._more.get(i, 0) + 1
        return (i,)

    def renew(self, i: int) -> Raw:
        return (self.raw[i] or 0) + self._more.pop(i, 0)


class ServiceAntiAffinity(Column):
    """How many pods of the pod's services there are where a label has the node's value. Source: ServiceAntiAffinity of 1.0."""

    changes = True

    def __init__(self, weight: int, key: str, counts: Mapping[str, int], nodes: NodesState, is_alike: Any) -> None:
        self._key, self._nodes, self._is_alike = key, nodes, is_alike
        self._counts: Counter[str] = Counter()
        self._total = 0
        for name, many in counts.items():
            i = nodes.index.get(name)
            self._total += many
            if i is not None and key in nodes.labels[i]:
                self._counts[nodes.labels[i][key]] += many
        raw: list[Raw] = [self._counts[labels[key]] if key in labels else None for labels in nodes.labels]
        super().__init__(f"ServiceAntiAffinity({key})", weight, raw)

    def settle(self) -> bool:
        bounds = (0, self._total)
        if bounds == self.bounds and self._worth:
            return False
        self.bounds, self._worth = bounds, {None: 0}
        return True

    def scaled(self, raw: int, least: int, most: int) -> int:
        return (most - raw) * TOP // most if most else TOP

    def effect_of(self, pod: core_v1.Pod) -> bool:
        return bool(self._is_alike(pod))

    def placed(self, i: int, effect: Any) -> Iterable[int]:
        self._total += 1
        labels = self._nodes.labels[i]
        if self._key not in labels:
            return ()
        self._counts[labels[self._key]] += 1
        return self._nodes.places(self._key)[labels[self._key]]

    def renew(self, i: int) -> Raw:
        return self._counts[self._nodes.labels[i][self._key]]
