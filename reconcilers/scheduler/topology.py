"""What other pods say about where a pod may go: required (anti-)affinity, and how evenly pods of a kind must be spread.

Source: the InterPodAffinity and PodTopologySpread plugins of Kubernetes 1.32; what must hold. A place is the nodes that have a
label in common, (key, value).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shipslog.store.objects.selector import Selector
from shipslog.store.objects.types import core_v1

from .fit import Ask, Final, matches_node, untolerated
from .nodes import NodesState
from .shape import Shape
from .terms import Constraint, Namespaces, namespaces_of, required, selector_of, speaks_in

AFFINITY = Final("node(s) didn't match pod affinity rules")
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
SPREAD = "node(s) didn't match pod topology spread constraints"
UNLABELLED = Final(f"{SPREAD} (missing required label)")
Place = tuple[str, str]  # key, value
ANYWHERE = ""  # in the place of a key: all nodes


class Evenly(Struct):
    """One constraint of a spread, with the pods that count in each place."""

    key: str
    max_skew: int
    min_domains: int
    selector: Selector
    itself: int  # 1 if the pod will count
    counted: frozenset[int] | None  # the nodes that take part; None for all that have the keys
    counts: dict[str, int]
    places: Counter[int]  # how many places have so many
    most: int = 0  # that a place may have already, so that one more is not too many
    certain: "Evenly | None" = None  # the same without those that may not come; None when there are none of them

    def begin(self) -> None:
        self.places = Counter(self.counts.values())
        self._weigh()

    def add(self, value: str, times: int, expected: bool = False) -> None:
        """One more pod in a place; one less with -1. `expected`: it may not come."""
        if expected and self.certain is None:
            self.certain = replace(self, counts=dict(self.counts), places=Counter(self.places))
        elif not expected and self.certain is not None:
            self.certain.add(value, times)
        many = self.counts[value]
        self.counts[value] = many + times
        self.places[many] -= 1
        if not self.places[many]:
            del self.places[many]
        self.places[many + times] += 1
        self._weigh()

    def is_full(self, value: str) -> bool:
        too_many = self.counts.get(value, 0) > self.most
        return too_many or (self.certain is not None and self.certain.is_full(value))

    def _weigh(self) -> None:
        least = min(self.places, default=0) if len(self.counts) >= self.min_domains else 0
        self.most = self.max_skew + least - self.itself


class Limits:
    """Where the pods of one shape may go while one decision is being made. `placed` takes in what the decision places."""

    def __init__(self, shape: Shape, nodes: NodesState, namespaces: Namespaces) -> None:
        self._shape, self._nodes, self._namespaces = shape, nodes, namespaces
        self._where = nodes.labels
        spec, meta = shape.ask.spec, shape.pod.metadata
        self._by_others = by_others = shape.profile.holds("InterPodAffinity")
        self._near, self._far = (required(spec), required(spec, anti=True)) if by_others else ((), ())
        self._evens = shape.hard if shape.profile.holds("PodTopologySpread") else ()
        self._selectors = {
            id(t): selector_of(t.label_selector, meta.labels, t.match_label_keys) for t in (*self._near, *self._far)
        }
        self._closed: dict[Place, int] = {}  # by the terms of how many others
        self._avoided: dict[Place, int] = {}  # for how many, by its own
        self._wanted: list[tuple[str, dict[str, int]]] = []  # key, values with how many are there; all must hold
        self._expected: list[dict[str, int]] = []  # to each of these the places of those that may not come
        self._first = False  # whether it may be the first of a group that wants to be together
        self._evenly: list[Evenly] = []
        self._keys = tuple(dict.fromkeys(c.key for c in self._evens))
        self._begin()
        self._beside_spreads = [""] * len(self._where)  # why not, if the spreads said nothing
        self.why = self._everywhere()

    # --- at the beginning ---

    def _begin(self) -> None:
        pods, namespace = self._nodes.pods, self._shape.pod.metadata.namespace
        keepers = self._nodes.keepers.that_speak_of(namespace, self._shape.pod.metadata.labels, self._namespaces)
        for keeper in keepers if self._shape.profile.holds("InterPodAffinity") else ():
            self._add(self._closed, keeper.term.topology_key, keeper.nodes)
        for term in self._far:
            for other in namespaces_of(term, namespace, self._namespaces):
                chosen = pods.chosen(other, self._selectors[id(term)], ending_too=True)
                self._add(self._avoided, term.topology_key, chosen)
        if self._near:
            self._first = all(self._speaks_of(term, self._shape.pod) for term in self._near)
            together = Selector(tuple(r for term in self._near for r in self._selectors[id(term)].requirements),
                                any(self._selectors[id(term)].nothing for term in self._near))  # fmt: skip
            spoken = [set(namespaces_of(term, namespace, self._namespaces)) for term in self._near]
            found = [pods.chosen(other, together, ending_too=True) for other in sorted(set.intersection(*spoken))]
            for term in self._near:
                places: dict[Place, int] = {}
                for chosen in found:
                    self._add(places, term.topology_key, chosen)
                self._wanted.append((term.topology_key, {value: many for (_, value), many in places.items()}))
                self._expected.append({})
        for constraint in self._evens:
            self._evenly.append(self._even(constraint))

    def _even(self, constraint: Constraint) -> Evenly:
        meta, key, chosen = self._shape.pod.metadata, constraint.key, constraint.selector
        itself = 1 if chosen.matches(meta.labels) else 0
        counted = taking_part(self._shape.ask, self._nodes, constraint)
        found = Evenly(key, constraint.max_skew, constraint.min_domains, chosen, itself, counted, {}, Counter())
        for value, members in self._nodes.places(key).items():
            if any(self._counts(found, i) for i in members):
                found.counts[value] = 0
        index = self._nodes.index
        for node, many in self._nodes.pods.chosen(meta.namespace, chosen, ending_too=False).items():
            i = index.get(node)
            if i is not None and key in self._where[i] and self._counts(found, i):
                found.counts[self._where[i][key]] += many
        found.begin()
        return found

    def _counts(self, even: Evenly, i: int) -> bool:
        """Whether a node counts: it takes part, and has the keys of all constraints."""
        where = self._where[i]
        return (even.counted is None or i in even.counted) and all(key in where for key in self._keys)

    def _add(self, into: dict[Place, int], key: str, nodes: Mapping[str, int]) -> None:
        index, where = self._nodes.index, self._where
        for node, many in nodes.items():
            i = index.get(node)
            if i is not None and key in where[i]:
                place = key, where[i][key]
                into[place] = into.get(place, 0) + many

    def _speaks_of(self, term: core_v1.PodAffinityTerm, other: core_v1.Pod) -> bool:
        owner = self._shape.pod.metadata.namespace
        in_namespace = speaks_in(term, owner, other.metadata.namespace, self._namespaces)
        return in_namespace and self._selectors[id(term)].matches(other.metadata.labels)

    # --- what they come to ---

    def _everywhere(self) -> list[str]:
        """Why not, for each node; "" where it may go. What speaks first is written last."""
        why = self._beside_spreads
        for places, reason in ((self._closed, EXISTING), (self._avoided, ANTI_AFFINITY)):
            for key, value in places:
                for i in self._nodes.places(key).get(value, ()):
                    why[i] = reason
        if self._wanted:
            why[:] = [self._affinity(i) or reason for i, reason in enumerate(why)]
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
        one_comes = any(self._expected)
        for (key, values), expected in zip(self._wanted, self._expected, strict=True):
            if key not in where or (where[key] not in values and not (anywhere and (not one_comes or where[key] in expected))):
                return AFFINITY
        return ""

    def _spread(self, i: int) -> str:
        where = self._where[i]
        for even in self._evenly:
            value = where.get(even.key)
            if value is None:
                return UNLABELLED
            if even.is_full(value):
                return SPREAD
        return ""

    def _beside(self, i: int) -> str:
        """Why not on one node, by what its neighbours want."""
        places = self._where[i].items()
        why = EXISTING if self._closed and not self._closed.keys().isdisjoint(places) else ""
        if self._avoided and not self._avoided.keys().isdisjoint(places):
            why = ANTI_AFFINITY
        return (self._affinity(i) if self._wanted else "") or why

    def reason(self, i: int) -> str:
        """Why not on one node, as the counts are now."""
        return (self._spread(i) if self._evenly else "") or self._beside(i)

    def _look(self, i: int) -> None:
        self._beside_spreads[i] = why = self._beside(i)
        self.why[i] = (self._spread(i) if self._evenly else "") or why

    def placed(self, i: int, effects: "Effects", times: int = 1, expected: bool = False) -> set[int]:
        """A pod goes to a node, or with -1 leaves it. -> the nodes where the answer may be another now. `expected`: it may
        not come, so it counts where it closes something and not where it opens something."""
        before = [even.most for even in self._evenly]
        changed = set[int]()
        for key, value in self.count(i, effects, times, expected):
            changed.update(range(len(self._where)) if key == ANYWHERE else self._nodes.places(key)[value])
        for j in changed:
            self._look(j)
        for even, counts, most in zip(self._evenly, effects.evens, before, strict=True):
            if not counts or even.key not in self._where[i] or not self._counts(even, i):
                continue
            if even.certain is None:
                changed.update(self._turned(even, self._where[i][even.key], most, times))
            else:
                changed.update(self._turned_all())
        return changed

    def count(self, i: int, effects: "Effects", times: int, expected: bool = False) -> list[Place]:
        """Only the counts, after which `reason` is right and `why` is not. -> the places that open or close by it, beside the
        spreads."""
        where, turned = self._where[i], list[Place]()
        for keys, held in ((effects.closes, self._closed), (effects.avoids, self._avoided)):
            for key in keys:
                if key in where and _one_more(held, (key, where[key]), times):
                    turned.append((key, where[key]))
        if effects.joins:
            turned += self._joined(where, times, expected)
        for even, counts in zip(self._evenly, effects.evens, strict=True):
            if counts and even.key in where and self._counts(even, i):
                even.add(where[even.key], times, expected)
        return turned

    def _joined(self, where: Mapping[str, str], times: int, expected: bool) -> list[Place]:
        turned, alone = list[Place](), not any(values for _, values in self._wanted)
        for (key, values), others in zip(self._wanted, self._expected, strict=True):
            if key in where and _one_more(others if expected else values, where[key], times):
                turned.append((key, where[key]))
        if self._first and turned and (any(self._expected) or expected or alone != (not any(v for _, v in self._wanted))):
            return [(ANYWHERE, "")]
        return turned

    def _turned_all(self) -> list[int]:
        for i in range(len(self._where)):
            self.why[i] = self._spread(i) or self._beside_spreads[i]
        return list(range(len(self._where)))

    def _turned(self, even: Evenly, value: str, before: int, times: int) -> list[int]:
        """One more pod counts in a place, or one less. -> the nodes that may take more now, or no more."""
        changed = list[int]()
        if even.most == before:
            now = even.counts[value]
            turned = [value] if (now > before) != (now - times > before) else []
        else:
            turned = [v for v, many in even.counts.items() if (many > even.most) != (many - times * (v == value) > before)]
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

    def effects_of(self, pod: core_v1.Pod) -> "Effects":
        """What a pod of another shape, or of the same, changes where it is placed."""
        meta, mine = pod.metadata, self._shape.pod
        if pod.spec.affinity is None and not (self._far or self._near or self._evenly):
            return NOTHING
        closes = tuple(
            term.topology_key for term in (required(pod.spec, anti=True) if self._by_others else ())
            if speaks_in(term, meta.namespace, mine.metadata.namespace, self._namespaces)
            and selector_of(term.label_selector, meta.labels, term.match_label_keys).matches(mine.metadata.labels)
        )  # fmt: skip
        avoids = tuple(term.topology_key for term in self._far if self._speaks_of(term, pod))
        joins = bool(self._near) and all(self._speaks_of(term, pod) for term in self._near)
        same = meta.namespace == mine.metadata.namespace and not meta.deletion_timestamp
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


NOTHING = Effects()
K = TypeVar("K")


def _one_more(held: dict[K, int], key: K, times: int) -> bool:
    """-> whether it is the first, or was the last."""
    many = held.get(key, 0)
    if many + times:
        held[key] = many + times
    else:
        held.pop(key, None)
    return not many or not many + times


def taking_part(ask: Ask, nodes: NodesState, constraint: Constraint) -> frozenset[int] | None:
    """The nodes over which pods are spread, KEP-3094; None for all of them."""
    by_affinity, by_taints = constraint.by_affinity and ask.selective, constraint.by_taints
    if not (by_affinity or by_taints):
        return None
    return frozenset(
        i for i, load in enumerate(nodes.order)
        if load.node is not None and (not by_affinity or matches_node(ask.spec, load.node))
        and (not by_taints or not load.taints or not untolerated(ask.spec, load.node))
    )  # fmt: skip


def labels_of_namespaces(found: Iterable[core_v1.Namespace]) -> dict[str, Mapping[str, str]]:
    return {namespace.metadata.name: namespace.metadata.labels for namespace in found}
