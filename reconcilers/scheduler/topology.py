"""What other pods say about where a pod may go: required (anti-)affinity, and how evenly pods of a kind must be spread.

Source: the InterPodAffinity and PodTopologySpread plugins of Kubernetes 1.32; only what must hold, not what is preferred.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.selector import NOTHING, Selector, of_label_selector
from shipslog.store.view import View

from .fit import NodeLoad, matches_node, untolerated

AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
SPREAD = "node(s) didn't match pod topology spread constraints"
UNLABELLED = f"{SPREAD} (missing required label)"


class Placed(Struct, frozen=True):
    """A pod, its node and the labels of that."""

    pod: core_v1.Pod
    where: dict[str, str]
    node: str


class Limits(Struct, frozen=True):
    """Where one pod may go. A place is a node's label: (key, value)."""

    wanted: tuple[tuple[str, frozenset[str] | None], ...] = ()  # key, values (None: any); all must hold
    avoided: frozenset[tuple[str, str]] = frozenset()  # by the pod's own terms
    closed: frozenset[tuple[str, str]] = frozenset()  # by those of others
    spread: tuple[tuple[str, frozenset[str]], ...] = ()  # key, values that may take one more

    def misfit(self, labels: dict[str, str]) -> str:
        """Why a node with these labels will not do; "" if it will."""
        for key, values in self.wanted:
            if key not in labels or (values is not None and labels[key] not in values):
                return AFFINITY
        places = labels.items()
        if any(place in self.avoided for place in places):
            return ANTI_AFFINITY
        if any(place in self.closed for place in places):
            return EXISTING
        for key, values in self.spread:
            if key not in labels:
                return UNLABELLED
            if labels[key] not in values:
                return SPREAD
        return ""


NOWHERE_CLOSED = Limits()


class TermsByLabel:
    """The required anti-affinity terms of pods that run. A term that asks for a label is found by it: a pod with thousands
    of terms must not make every other pod look at each."""

    def __init__(self) -> None:
        self._by_label: dict[tuple[str, str], list[tuple[Placed, core_v1.PodAffinityTerm]]] = {}
        self._others: list[tuple[Placed, core_v1.PodAffinityTerm]] = []

    def add(self, placed: Placed) -> None:
        for term in _required(placed.pod, anti=True):
            chosen = term.label_selector
            label = next(iter(chosen.match_labels.items()), None) if chosen is not None else None
            held = self._by_label.setdefault(label, []) if label is not None else self._others
            held.append((placed, term))

    def that_may_speak_of(self, pod: core_v1.Pod) -> Iterator[tuple[Placed, core_v1.PodAffinityTerm]]:
        """Those that the pod's labels do not rule out."""
        yield from self._others
        for label in pod.metadata.labels.items():
            yield from self._by_label.get(label, ())


class Neighbours:
    """Which pods run where, while one decision is being made; looked up when the first pod asks."""

    def __init__(self, view: View, loads: Sequence[NodeLoad]) -> None:
        self._view, self._loads = view, loads
        self._labels = {load.name: dict(load.node.metadata.labels) for load in loads}
        self._all: list[Placed] | None = None
        self._wary: TermsByLabel | None = None
        self._selectors: dict[int, Selector] = {}  # by term: made once for all pods that it is held against
        self._namespaces: dict[str, dict[str, str]] = {}

    def place(self, pod: core_v1.Pod, node: str) -> None:
        placed = Placed(pod, self._labels[node], node)
        if self._all is not None:
            self._all.append(placed)
        if self._wary is not None:
            self._wary.add(placed)

    def limits(self, pod: core_v1.Pod) -> Limits:
        """Where the pod may go."""
        near, far, even = _required(pod), _required(pod, anti=True), _constraints(pod)
        if self._wary is None:
            self._wary = TermsByLabel()
            for placed in self._running():
                self._wary.add(placed)
        closed = frozenset(
            (term.topology_key, placed.where[term.topology_key])
            for placed, term in self._wary.that_may_speak_of(pod)
            if term.topology_key in placed.where and self._speaks_of(term, placed.pod, pod)
        )
        if not (near or far or even):
            return Limits(closed=closed) if closed else NOWHERE_CLOSED
        if self._all is None:
            self._all = list(self._running())
        avoided = frozenset(place for term in far for place in self._places(term, pod))
        return Limits(self._wanted(pod, near), avoided, closed, tuple(self._open(pod, c) for c in even))

    def _running(self) -> Iterator[Placed]:
        for load in self._loads:
            for pod in self._view.pods_on(load.name):
                if pod.status.phase not in TERMINAL:
                    yield Placed(pod, self._labels[load.name], load.name)

    def _places(self, term: core_v1.PodAffinityTerm, pod: core_v1.Pod) -> Iterator[tuple[str, str]]:
        for placed in self._all or ():
            if term.topology_key in placed.where and self._speaks_of(term, pod, placed.pod):
                yield term.topology_key, placed.where[term.topology_key]

    def _wanted(
        self, pod: core_v1.Pod, terms: Sequence[core_v1.PodAffinityTerm]
    ) -> tuple[tuple[str, frozenset[str] | None], ...]:
        found = [(term.topology_key, frozenset(value for _, value in self._places(term, pod))) for term in terms]
        if not any(values for _, values in found) and all(self._speaks_of(term, pod, pod) for term in terms):
            return tuple((key, None) for key, _ in found)  # the first of a group that wants to be together
        return tuple(found)

    def _open(self, pod: core_v1.Pod, constraint: core_v1.TopologySpreadConstraint) -> tuple[str, frozenset[str]]:
        key, chosen = constraint.topology_key, _selector(constraint.label_selector, pod, constraint.match_label_keys)
        counts: Counter[str] = Counter()
        counted = set()  # the nodes: what runs on others of the same place does not count
        for load in self._loads:
            labels = self._labels[load.name]
            if key in labels and _takes_part(pod, constraint, load.node):
                counted.add(load.name)
                counts[labels[key]] += 0
        for placed in self._all or ():
            same = placed.pod.metadata.namespace == pod.metadata.namespace and not placed.pod.metadata.deletion_timestamp
            if same and placed.node in counted and chosen.matches(placed.pod.metadata.labels):
                counts[placed.where[key]] += 1
        least = min(counts.values(), default=0) if len(counts) >= (constraint.min_domains or 1) else 0
        more = 1 if chosen.matches(pod.metadata.labels) else 0
        return key, frozenset(value for value, count in counts.items() if count + more - least <= constraint.max_skew)

    def _speaks_of(self, term: core_v1.PodAffinityTerm, owner: core_v1.Pod, other: core_v1.Pod) -> bool:
        namespace = other.metadata.namespace
        if term.namespaces or term.namespace_selector is not None:
            chosen = term.namespace_selector
            by_label = chosen is not None and of_label_selector(chosen).matches(self._labels_of(namespace))
            if namespace not in term.namespaces and not by_label:
                return False
        elif namespace != owner.metadata.namespace:
            return False
        selector = self._selectors.get(id(term))
        if selector is None:
            selector = self._selectors[id(term)] = _selector(term.label_selector, owner, term.match_label_keys)
        return selector.matches(other.metadata.labels)

    def _labels_of(self, namespace: str) -> dict[str, str]:
        if namespace not in self._namespaces:
            found = self._view.get(core_v1.Namespace, namespace)
            self._namespaces[namespace] = dict(found.metadata.labels) if found is not None else {}
        return self._namespaces[namespace]


def _takes_part(pod: core_v1.Pod, constraint: core_v1.TopologySpreadConstraint, node: core_v1.Node) -> bool:
    """Whether a node counts among those over which the pods are spread: KEP-3094."""
    if constraint.node_affinity_policy != "Ignore" and not matches_node(pod.spec, node):
        return False
    return constraint.node_taints_policy != "Honor" or not untolerated(pod.spec, node)


def _selector(chosen: meta_v1.LabelSelector | None, pod: core_v1.Pod, more: Iterable[str]) -> Selector:
    """None chooses nothing; the keys in `more` must be as the pod has them."""
    if chosen is None:
        return NOTHING
    same = {key: pod.metadata.labels[key] for key in more if key in pod.metadata.labels}
    return of_label_selector(replace(chosen, match_labels={**chosen.match_labels, **same}) if same else chosen)


def _required(pod: core_v1.Pod, *, anti: bool = False) -> tuple[core_v1.PodAffinityTerm, ...]:
    affinity = pod.spec.affinity
    if affinity is None:
        return ()
    if anti:
        far = affinity.pod_anti_affinity
        return far.required_during_scheduling_ignored_during_execution if far is not None else ()
    near = affinity.pod_affinity
    return near.required_during_scheduling_ignored_during_execution if near is not None else ()


def _constraints(pod: core_v1.Pod) -> list[core_v1.TopologySpreadConstraint]:
    return [c for c in pod.spec.topology_spread_constraints if c.when_unsatisfiable == "DoNotSchedule"]


def depends_on_others(pod: core_v1.Pod) -> bool:
    """Whether what other pods do decides where it may go."""
    return bool(_required(pod) or _required(pod, anti=True) or _constraints(pod))
