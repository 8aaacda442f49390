"""What other pods say about where a pod may go: required (anti-)affinity, and how evenly pods of a kind must be spread.

Source: the InterPodAffinity and PodTopologySpread plugins of Kubernetes 1.32; what must hold. A place is the nodes that have a
label in common, (key, value).
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from shipslog.store.objects import core_v1
from shipslog.store.objects.selector import Selector

from .fit import Ask, matches_node, untolerated
from .nodes import NodesState
from .shape import Shape
from .terms import Namespaces, constraints, namespaces_of, required, selector_of, speaks_in

AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
SPREAD = "node(s) didn't match pod topology spread constraints"
UNLABELLED = f"{SPREAD} (missing required label)"


class Evenly(Struct):
    """One constraint of a spread, with the pods that count in each place."""

    key: str
    max_skew: int
    min_domains: int
    selector: Selector
    itself: int  # 1 if the pod will count
    counted: frozenset[int] | None  # the nodes that take part; None for all that have the keys
    counts: dict[str, int]
    most: int = 0  # that a place may have already, so that one more is not too many

    def weigh(self) -> None:
        least = min(self.counts.values(), default=0) if len(self.counts) >= self.min_domains else 0
        self.most = self.max_skew + least - self.itself


class Limits:
    """Where the pods of one shape may go while one decision is being made. `placed` takes in what the decision places."""

    def __init__(self, shape: Shape, nodes: NodesState, namespaces: Namespaces) -> None:
        self._shape, self._nodes, self._namespaces = shape, nodes, namespaces
        self._where = nodes.labels
        spec, meta = shape.ask.spec, shape.pod.metadata
        self._near, self._far = required(spec), required(spec, anti=True)
        self._selectors = {
            id(t): selector_of(t.label_selector, meta.labels, t.match_label_keys) for t in (*self._near, *self._far)
        }
        self._closed: set[tuple[str, str]] = set()  # by the terms of others
        self._avoided: set[tuple[str, str]] = set()  # by its own
        self._wanted: list[tuple[str, set[str]]] = []  # key, values; all must hold
        self._first = False  # whether it may be the first of a group that wants to be together
        self._evenly: list[Evenly] = []
        self._keys = tuple(dict.fromkeys(c.topology_key for c in constraints(spec)))
        self._begin()
        self._beside_spreads = [""] * len(self._where)  # why not, if the spreads said nothing
        self.why = self._everywhere()

    # --- at the beginning ---

    def _begin(self) -> None:
        pods, namespace = self._nodes.pods, self._shape.pod.metadata.namespace
        for keeper in self._nodes.keepers.that_speak_of(namespace, self._shape.pod.metadata.labels, self._namespaces):
            self._closed.update(self._places(keeper.term.topology_key, keeper.nodes))
        for term in self._far:
            for other in namespaces_of(term, namespace, self._namespaces):
                chosen = pods.chosen(other, self._selectors[id(term)], ending_too=True)
                self._avoided.update(self._places(term.topology_key, chosen))
        if self._near:
            self._first = all(self._speaks_of(term, self._shape.pod) for term in self._near)
            together = Selector(tuple(r for term in self._near for r in self._selectors[id(term)].requirements),
                                any(self._selectors[id(term)].nothing for term in self._near))  # fmt: skip
            spoken = [set(namespaces_of(term, namespace, self._namespaces)) for term in self._near]
            found = [pods.chosen(other, together, ending_too=True) for other in sorted(set.intersection(*spoken))]
            for term in self._near:
                places = (self._places(term.topology_key, chosen) for chosen in found)
                self._wanted.append((term.topology_key, {value for some in places for _, value in some}))
        for constraint in constraints(self._shape.ask.spec):
            self._evenly.append(self._even(constraint))

    def _even(self, constraint: core_v1.TopologySpreadConstraint) -> Evenly:
        meta, key = self._shape.pod.metadata, constraint.topology_key
        chosen = selector_of(constraint.label_selector, meta.labels, constraint.match_label_keys)
        itself = 1 if chosen.matches(meta.labels) else 0
        counted = taking_part(self._shape.ask, self._nodes, constraint)
        found = Evenly(key, constraint.max_skew, constraint.min_domains or 1, chosen, itself, counted, {})
        for value, members in self._nodes.places(key).items():
            if any(self._counts(found, i) for i in members):
                found.counts[value] = 0
        index = self._nodes.index
        for node, many in self._nodes.pods.chosen(meta.namespace, chosen, ending_too=False).items():
            i = index.get(node)
            if i is not None and key in self._where[i] and self._counts(found, i):
                found.counts[self._where[i][key]] += many
        found.weigh()
        return found

    def _counts(self, even: Evenly, i: int) -> bool:
        """Whether a node counts: it takes part, and has the keys of all constraints."""
        where = self._where[i]
        return (even.counted is None or i in even.counted) and all(key in where for key in self._keys)

    def _places(self, key: str, nodes: Iterable[str]) -> set[tuple[str, str]]:
        index, where = self._nodes.index, self._where
        there = (where[i] for node in nodes if (i := index.get(node)) is not None)
        return {(key, labels[key]) for labels in there if key in labels}

    def _speaks_of(self, term: core_v1.PodAffinityTerm, other: core_v1.Pod) -> bool:
        owner = self._shape.pod.metadata.namespace
        in_namespace = speaks_in(term, owner, other.metadata.namespace, self._namespaces)
        return in_namespace and self._selectors[id(term)].matches(other.metadata.labels)

    # --- what they come to ---

    def _everywhere(self) -> list[str]:
        """Why not, for each node; "" where it may go. What speaks first is written last."""
        why = self._beside_spreads
        for places, said in ((self._closed, EXISTING), (self._avoided, ANTI_AFFINITY)):
            for key, value in places:
                for i in self._nodes.places(key).get(value, ()):
                    why[i] = said
        if self._wanted:
            why[:] = [self._affinity(i) or said for i, said in enumerate(why)]
        why = why.copy()
        for even in reversed(self._evenly):
            members = self._nodes.places(even.key)
            for value, many in even.counts.items():
                if many > even.most:
                    for i in members[value]:
                        why[i] = SPREAD
            if sum(map(len, members.values())) < len(why):
                for i, where in enumerate(self._where):
                    if even.key not in where:
                        why[i] = UNLABELLED
        return why

    def _affinity(self, i: int) -> str:
        where = self._where[i]
        anywhere = self._first and not any(values for _, values in self._wanted)
        for key, values in self._wanted:
            if key not in where or (where[key] not in values and not anywhere):
                return AFFINITY
        return ""

    def _spread(self, i: int) -> str:
        where = self._where[i]
        for even in self._evenly:
            value = where.get(even.key)
            if value is None:
                return UNLABELLED
            if even.counts.get(value, 0) > even.most:
                return SPREAD
        return ""

    def _look(self, i: int) -> None:
        """Work out anew why not on one node, by what its neighbours want."""
        places = self._where[i].items()
        why = EXISTING if self._closed and not self._closed.isdisjoint(places) else ""
        if self._avoided and not self._avoided.isdisjoint(places):
            why = ANTI_AFFINITY
        self._beside_spreads[i] = why = (self._affinity(i) if self._wanted else "") or why
        self.why[i] = (self._spread(i) if self._evenly else "") or why

    def placed(self, i: int, effects: "Effects") -> set[int]:
        """A pod goes to a node. -> the nodes where the answer may differ now; they have been looked at."""
        where, changed = self._where[i], set[int]()
        for keys, held in ((effects.closes, self._closed), (effects.avoids, self._avoided)):
            for key in keys:
                if key in where and (key, where[key]) not in held:
                    held.add((key, where[key]))
                    changed.update(self._nodes.places(key)[where[key]])
        if effects.joins:
            alone = self._first and not any(values for _, values in self._wanted)
            for key, values in self._wanted:
                if key in where and where[key] not in values:
                    values.add(where[key])
                    changed.update(range(len(self._where)) if alone else self._nodes.places(key)[where[key]])
        for j in changed:
            self._look(j)
        for even, counts in zip(self._evenly, effects.evens, strict=True):
            if counts and even.key in where and self._counts(even, i):
                changed.update(self._one_more(even, where[even.key]))
        return changed

    def _one_more(self, even: Evenly, value: str) -> list[int]:
        """One more pod counts in a place. -> the nodes that may take more now, or no more."""
        before, changed = even.most, list[int]()
        even.counts[value] += 1
        even.weigh()
        if even.most == before:
            turned = [value] if even.counts[value] == before + 1 else []
        else:
            turned = [v for v, many in even.counts.items() if (many > even.most) != (many - (v == value) > before)]
        for v in turned:
            members = self._nodes.places(even.key)[v]
            changed += members
            if len(self._evenly) > 1:
                for i in members:
                    self.why[i] = self._spread(i) or self._beside_spreads[i]
            elif even.counts[v] > even.most:
                for i in members:
                    self.why[i] = SPREAD
            else:
                for i in members:
                    self.why[i] = self._beside_spreads[i]
        return changed

    def effects_of(self, other: Shape) -> "Effects":
        """What a pod of another shape, or of the same, changes where it is placed."""
        pod, meta, mine = other.pod, other.pod.metadata, self._shape.pod
        closes = tuple(
            term.topology_key for term in required(other.ask.spec, anti=True)
            if speaks_in(term, meta.namespace, mine.metadata.namespace, self._namespaces)
            and selector_of(term.label_selector, meta.labels, term.match_label_keys).matches(mine.metadata.labels)
        )  # fmt: skip
        avoids = tuple(term.topology_key for term in self._far if self._speaks_of(term, pod))
        joins = bool(self._near) and all(self._speaks_of(term, pod) for term in self._near)
        same = meta.namespace == mine.metadata.namespace
        evens = tuple(same and even.selector.matches(meta.labels) for even in self._evenly)
        return Effects(closes, avoids, joins, evens)


class Effects(Struct, frozen=True):
    """What a pod that is placed changes for those of a shape: keys of places that it closes to them, or that they avoid;
    whether they want to be where it is; in which of their spreads it counts."""

    closes: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    joins: bool = False
    evens: tuple[bool, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.closes or self.avoids or self.joins or any(self.evens))


def taking_part(ask: Ask, nodes: NodesState, constraint: core_v1.TopologySpreadConstraint) -> frozenset[int] | None:
    """The nodes over which pods are spread, KEP-3094; None for all of them."""
    by_affinity = constraint.node_affinity_policy != "Ignore" and ask.selective
    by_taints = constraint.node_taints_policy == "Honor"
    if not (by_affinity or by_taints):
        return None
    return frozenset(
        i for i, load in enumerate(nodes.order)
        if load.node is not None and (not by_affinity or matches_node(ask.spec, load.node))
        and (not by_taints or not load.taints or not untolerated(ask.spec, load.node))
    )  # fmt: skip


def labels_of_namespaces(found: Iterable[core_v1.Namespace]) -> dict[str, Mapping[str, str]]:
    return {namespace.metadata.name: namespace.metadata.labels for namespace in found}
