"""The nodes with what runs on them, folded from the changes of nodes and pods: the projection that the scheduler decides on.

What is compared are the loads, the labels of what runs and the terms of it. The rest is remembered work: which nodes fit pods
of a spec is kept for the specs that were asked for last, and worked out anew for the nodes that a change has touched since.

Tests: tests/reconcilers/scheduler/test_same_decisions.py
"""

import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.projections import Projection
from shipslog.store.state import Entry

from .fit import Ask, NodeLoad, ask_of, image_name, misfits
from .labelled import Keepers, LabelledPods
from .priorities import alone
from .profile import Profile
from .terms import required, weighted

NODES, PODS = "nodes", "pods"
REMEMBERED, SPECS = 1 << 20, 256  # pairs of a spec and a node whose fit is kept; specs, however few the nodes
ASKS = 50_000  # pods that run whose asks are kept
NEVER = "9999"  # after all API times
TOUCHED = 1000  # changes, and four for each node, after which all that is remembered is begun anew
Reasons = tuple[str, ...]


class Fit(Struct):
    """How pods of one spec fit the nodes, in the nodes' order."""

    ask: Ask
    profile: Profile
    reasons: list[Reasons]  # () where they fit
    scores: list[int]  # what the node itself is worth to them
    at: int  # how much of what was touched it has taken in

    def look(self, i: int, load: NodeLoad) -> None:
        self.reasons[i] = why = misfits(self.ask, load, self.profile)
        self.scores[i] = 0 if why else alone(self.ask, load, self.profile)


class Running(Struct, frozen=True):
    """One pod that runs, as one who is more important looks at it."""

    pod: core_v1.Pod
    ask: Ask

    @property
    def priority(self) -> int:
        return self.ask.priority


class NodesState:
    """All nodes, and whatever runs on them."""

    def __init__(self) -> None:
        self.loads: dict[str, NodeLoad] = {}
        self.pods = LabelledPods()
        self.keepers = Keepers(lambda spec: ((term, 0) for term in required(spec, anti=True)))  # who keep others away
        self.wishers = Keepers(_wishes)  # who like others near, or away
        self.soft: dict[str, tuple[core_v1.Taint, ...]] = {}  # by node: taints that would rather keep pods away
        self.images: dict[str, dict[str, int]] = {}  # by image: the nodes that have it, with its size in bytes
        self._order: list[NodeLoad] | None = None
        self._index: dict[str, int] = {}
        self._labels: list[Mapping[str, str]] = []
        self._places: dict[str, dict[str, list[int]]] = {}
        self._touched: list[str] = []  # names of nodes, since all that is remembered was begun
        self._fits: OrderedDict[bytes, Fit] = OrderedDict()
        self._asks: dict[str, tuple[core_v1.PodSpec, Ask]] = {}  # by the uid of the pod

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodesState) and self._state() == other._state()

    def _state(self) -> tuple[object, ...]:
        terms = ({key: one.nodes for key, one in all_.terms.items()} for all_ in (self.keepers, self.wishers))
        return self.loads, self.pods.counts, self.soft, self.images, *terms

    # --- folding ---

    def evolve(self, before: Entry | None, after: Entry | None) -> None:
        """A node or a pod was made, changed or deleted."""
        if (after or before).resource == NODES:  # type: ignore[union-attr]
            self._node(before.object if before is not None else None, after.object if after is not None else None)
            return
        old = _running(before.object) if before is not None else None
        new = _running(after.object) if after is not None else None
        if old is not None and new is not None and _same(old, new):
            return
        if old is not None:
            self._pod(old, -1)
        if new is not None:
            self._pod(new, 1)

    def _node(self, before: core_v1.Node | None, after: core_v1.Node | None) -> None:
        name = (after or before).metadata.name  # type: ignore[union-attr]
        load = self._load(name)
        if (load.node is None) != (after is None):
            self._order = None
            self._forget()
        elif before is not None and after is not None and before.metadata.labels != after.metadata.labels:
            self._forget_places()
        load.stand(after)
        soft = tuple(t for t in after.spec.taints if t.effect == "PreferNoSchedule") if after is not None else ()
        self.soft.pop(name, None)
        if soft:
            self.soft[name] = soft
        self._images(name, before.status.images if before is not None else (), after.status.images if after is not None else ())
        self._settle(load)

    def _images(self, node: str, before: Iterable[core_v1.ContainerImage], after: Iterable[core_v1.ContainerImage]) -> None:
        if before == after:
            return
        for image in before:
            for name in map(image_name, image.names or ()):
                where = self.images.get(name, {})
                where.pop(node, None)
                if not where:
                    self.images.pop(name, None)
        for image in after:
            for name in map(image_name, image.names or ()):
                self.images.setdefault(name, {})[node] = image.size_bytes or 0

    def _pod(self, pod: core_v1.Pod, times: int) -> None:
        name = pod.spec.node_name
        load = self._load(name)
        load.place(ask_of(pod.spec), times)
        self._asks.pop(pod.metadata.uid, None)
        self.pods.add(pod, name, times)
        self.keepers.add(pod, name, times)
        self.wishers.add(pod, name, times)
        self._settle(load)

    def _load(self, name: str) -> NodeLoad:
        load = self.loads.get(name)
        if load is None:
            load = self.loads[name] = NodeLoad(name, used={}, ports={}, disks={}, by_priority={})
        return load

    def _settle(self, load: NodeLoad) -> None:
        if load.node is None and not load.pods:
            del self.loads[load.name]
        elif self._fits:
            self._touched.append(load.name)
            if len(self._touched) > 4 * len(self.loads) + TOUCHED:
                self._forget()

    def _forget(self) -> None:
        self._fits.clear()
        self._touched.clear()
        self._forget_places()

    def _forget_places(self) -> None:
        self._labels = []
        self._places.clear()

    # --- asking ---

    @property
    def order(self) -> list[NodeLoad]:
        """The nodes that there are. Of those that are worth the same the first is taken, so the order is one that means
        nothing, and is always the same."""
        if self._order is None:
            there = (load for load in self.loads.values() if load.node is not None)
            self._order = sorted(there, key=lambda load: (zlib.crc32(load.name.encode()), load.name))
            self._index = {load.name: i for i, load in enumerate(self._order)}
        return self._order

    @property
    def index(self) -> dict[str, int]:
        """The place in the order, by name."""
        assert self.order is not None
        return self._index

    @property
    def labels(self) -> list[Mapping[str, str]]:
        """Those of each node, in the order."""
        if len(self._labels) != len(self.order):
            self._labels = [load.node.metadata.labels for load in self.order if load.node is not None]
        return self._labels

    def places(self, key: str) -> dict[str, list[int]]:
        """The nodes by the value of one of their labels."""
        held = self._places.get(key)
        if held is None:
            held = self._places[key] = {}
            for i, labels in enumerate(self.labels):
                if key in labels:
                    held.setdefault(labels[key], []).append(i)
        return held

    def running(self, pods: Iterable[core_v1.Pod]) -> list[Running]:
        """Those of the pods that run, with what they ask for."""
        found = []
        for pod in pods:
            if pod.status.phase in TERMINAL:
                continue
            held = self._asks.get(pod.metadata.uid)
            if held is None or held[0] is not pod.spec:
                if len(self._asks) >= ASKS:
                    self._asks.clear()
                held = self._asks[pod.metadata.uid] = pod.spec, ask_of(pod.spec)
            found.append(Running(pod, held[1]))
        return found

    def fit(self, ask: Ask, key: bytes, profile: Profile) -> Fit:
        """How pods that ask so fit the nodes; not to be changed."""
        order, index = self.order, self.index
        held = self._fits.get(key)
        if held is None or held.profile is not profile:
            reasons = [misfits(ask, load, profile) for load in order]
            scores = [0 if why else alone(ask, load, profile) for why, load in zip(reasons, order, strict=True)]
            held = self._fits[key] = Fit(ask, profile, reasons, scores, len(self._touched))
            while len(self._fits) > 1 and (len(self._fits) > SPECS or len(self._fits) * len(order) > REMEMBERED):
                self._fits.popitem(last=False)
            return held
        self._fits.move_to_end(key)
        if held.at < len(self._touched):
            for name in set(self._touched[held.at :]):
                if (i := index.get(name)) is not None:
                    held.look(i, order[i])
            held.at = len(self._touched)
        return held


def _wishes(spec: core_v1.PodSpec) -> Iterable[tuple[core_v1.PodAffinityTerm, int]]:
    """The terms of a pod that runs: what it needs beside it, it likes beside it too (0)."""
    yield from weighted(spec)
    yield from ((term, 0) for term in required(spec))


def _running(pod: core_v1.Pod) -> core_v1.Pod | None:
    return pod if pod.spec.node_name and pod.status.phase not in TERMINAL else None


def _same(old: core_v1.Pod, new: core_v1.Pod) -> bool:
    before, after = old.metadata, new.metadata
    if bool(before.deletion_timestamp) != bool(after.deletion_timestamp) or before.labels != after.labels:
        return False
    return old.spec is new.spec or old.spec == new.spec


NODES_STATE = Projection("nodes with what runs on them", (NODES, PODS), NodesState, NodesState.evolve)
