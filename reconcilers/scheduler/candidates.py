"""The nodes as one decision sees them: with the pods that it has placed already; and the best of them for pods of a shape.

Tests: tests/reconcilers/scheduler/test_scheduler.py
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from shipslog.store.objects.types import core_v1
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.view import View

from . import priorities
from .columns import Column, SelectorSpread, ServiceAntiAffinity, images, preferred_affinity, unwelcome
from .devices import Devices
from .fit import Final, NodeLoad, misfits
from .nodes import NodesState, Reasons, Running
from .preferences import Affinities, Spreads
from .profile import SELECTOR_SPREAD, SERVICE_ANTI_AFFINITY, Profile
from .shape import Shape
from .terms import Namespaces
from .topology import Effects, Limits, labels_of_namespaces
from .volumes import Taken, Volumes

UNFIT = -1
NOT_WITH_ITS_SERVICE = Final("node(s) didn't match service affinity")


class Placed(Struct, frozen=True):
    """A pod goes to a node; the node is kept free for it (`reserved`); or with -1 it is not there any more, in thought."""

    shape: Shape | Running
    node: int
    times: int = 1
    reserved: bool = False


class Turn:
    """One decision: what it places is kept here, and not in the projection."""

    def __init__(self, view: View, nodes: NodesState) -> None:
        self.nodes = nodes
        self.namespaces = labels_of_namespaces(view.list(core_v1.Namespace))
        self.placed: list[Placed] = []
        self.releases = 0
        self.taken = Taken()
        self._view = view
        self._loads: dict[int, NodeLoad] = {}

    def load(self, i: int) -> NodeLoad:
        return self._loads.get(i) or self.nodes.order[i]

    def place(self, shape: Shape, i: int) -> str:
        """-> the node's name"""
        self._put(Placed(shape, i))
        return self.load(i).name

    def reserve(self, shape: Shape, i: int) -> None:
        """Keep the node free for a pod that is nominated for it."""
        self._put(Placed(shape, i, reserved=True))

    def release(self, shape: Shape, i: int) -> None:
        """Keep it free no more."""
        self._put(Placed(shape, i, times=-1, reserved=True))
        self.releases += 1

    def move(self, one: Shape | Running, i: int, times: int) -> None:
        """In thought a pod leaves its node (-1), or is back on it (1)."""
        self._put(Placed(one, i, times))

    def rewind(self, count: int, taken: Taken) -> None:
        """Nothing but the first so many was placed. Candidates that have looked on meanwhile are out of date."""
        nodes = {one.node for one in self.placed[count:]}
        del self.placed[count:]
        self.taken = taken
        for i in nodes:
            load = self._loads[i] = self.nodes.order[i].copy()
            for one in self.placed:
                if one.node == i:
                    load.place(one.shape.ask, one.times)

    def volumes_of(self, pod: core_v1.Pod, profile: Profile) -> Volumes | None:
        """Its claims; None for a pod without any."""
        return Volumes(self._view, self.nodes, self.taken, pod, profile) if any(claims_of(pod)) else None

    def devices_of(self, pod: core_v1.Pod, profile: Profile) -> Devices | None:
        """Its claims on devices; None for a pod without any."""
        looks = bool(pod.spec.resource_claims) and profile.holds("DynamicResources")
        return Devices(self._view, self.nodes, pod) if looks else None

    def _put(self, placed: "Placed") -> None:
        load = self._loads.get(placed.node)
        if load is None:
            load = self._loads[placed.node] = self.nodes.order[placed.node].copy()
        load.place(placed.shape.ask, placed.times)
        self.placed.append(placed)

    def running(self, i: int) -> list[Running]:
        """The pods that a node runs; not those that the decision places."""
        return self.nodes.running(self._view.pods_on(self.nodes.order[i].name))


class Candidates:
    """What each node is worth to the pods of a shape, kept up with what the decision places."""

    def __init__(self, shape: Shape, turn: Turn) -> None:
        self.shape, self._turn = shape, turn
        fit = turn.nodes.fit(shape.ask, shape.key, shape.profile)
        self._reasons, self._scores = fit.reasons.copy(), fit.scores.copy()
        self.volumes = turn.volumes_of(shape.pod, shape.profile)
        self._devices = turn.devices_of(shape.pod, shape.profile)
        self._affine = ServiceAffinity(shape, turn) if shape.profile.service_affinity else None
        if self.volumes is not None or self._devices is not None or self._affine is not None:
            self._reasons = [own or self.beyond(i) for i, own in enumerate(self._reasons)]
        self.limits = Limits(shape, turn.nodes, turn.namespaces)
        self._fits = [not own and not limit for own, limit in zip(self._reasons, self.limits.why, strict=True)]
        self.columns = columns_of(shape, turn.nodes, turn.namespaces, self._fits)
        self._effects: dict[int, tuple[Effects, tuple[Any, ...]]] = {}  # by shape
        self._at = 0  # how much of what was placed is taken in
        self._fit_error_at, self._fit_error = -1, ""
        self.moves = 0  # how often what others want has opened or closed places
        self._releases = 0  # of what was placed, when it was told
        for column in self.columns:
            column.begin(self._fits)
        self._weigh()

    def _weigh(self) -> None:
        """What all nodes are worth."""
        totals = [score if fit else UNFIT for score, fit in zip(self._scores, self._fits, strict=True)]
        for column in self.columns:
            if column.idle:
                continue
            worth: dict[int | None, int] = {raw: column.worth(raw) for raw in column.tally}
            worth[None] = 0
            totals = [total + worth[raw] if total > UNFIT else UNFIT for total, raw in zip(totals, column.raw, strict=True)]
        self._totals = totals

    def total(self, i: int) -> int:
        """What one node is worth; below zero where the pods do not fit."""
        if not self._fits[i]:
            return UNFIT
        return self._scores[i] + sum(column.worth(column.raw[i]) for column in self.columns if not column.idle)

    def best(self) -> int | None:
        """The node that is worth most, the first of several; None when none fits."""
        self._catch_up()
        most = max(self._totals, default=UNFIT)
        return self._totals.index(most) if most > UNFIT else None

    def fits(self, i: int) -> bool:
        self._catch_up()
        return self._fits[i]

    def reasons(self) -> list[Reasons]:
        """Why not, for each node; () where it fits."""
        self._catch_up()
        return [own or ((limit,) if limit else ()) for own, limit in zip(self._reasons, self.limits.why, strict=True)]

    def reasons_of(self, i: int) -> Reasons:
        self._catch_up()
        return self._reasons[i] or ((self.limits.why[i],) if self.limits.why[i] else ())

    def beyond(self, i: int) -> Reasons:
        """Why not, by the pod's claims on volumes and on devices, and by its services."""
        if self.volumes is not None:
            why = Final(self.volumes.refused) if self.volumes.refused else self.volumes.why[i]
            if why:
                return (why,)
        if self._devices is not None and (why := self._devices.refused or self._devices.why[i]):
            return (why,)
        return self._affine.why(i) if self._affine is not None else ()

    def why(self) -> str:
        """Why none fits."""
        self._catch_up()
        refused = next((one.refused for one in (self.volumes, self._devices) if one is not None and one.refused), "")
        if refused and self._reasons:
            self._fit_error, self._fit_error_at = f"0/{len(self._reasons)} nodes are available: {refused}.", 0
            return self._fit_error
        if self._fit_error_at != len(self._turn.placed):
            reasons = Counter(
                reason for own, limit in zip(self._reasons, self.limits.why, strict=True) for reason in own or (limit,)
            )
            self._fit_error, self._fit_error_at = fit_error(len(self._reasons), reasons), len(self._turn.placed)
            self._releases = self._turn.releases
        return self._fit_error

    @property
    def compares_all(self) -> bool:
        """Whether a pod that is placed may make all nodes be compared again."""
        return any(column.changes and not column.idle for column in self.columns)

    @property
    def fitted_nowhere(self) -> bool:
        """Whether a pod of the shape has been left waiting."""
        return self._fit_error_at >= 0

    @property
    def known_to_fit_nowhere(self) -> bool:
        """Whether nothing has been placed since none fitted that could have made room."""
        if self._fit_error_at < 0 or self._releases != self._turn.releases:
            return False
        return self._fit_error_at == len(self._turn.placed) or not self.shape.depends_on_others

    def _catch_up(self) -> None:
        placed = self._turn.placed
        if self._at == len(placed):
            return
        changed, touched = set[int](), set[int]()
        moved: list[set[int]] = [set() for _ in self.columns]
        idle = [column for column in self.columns if column.idle]
        for one in placed[self._at :]:
            i, (effects, more) = one.node, self._effects_of(one.shape)
            touched.add(i)
            if effects:
                changed |= self.limits.placed(i, effects, one.times, one.reserved)
            if one.reserved or one.times < 0 or isinstance(one.shape, Running):
                continue  # what nodes are worth goes by those that are placed
            for column, effect, these in zip(self.columns, more, moved, strict=True):
                if effect:
                    these.update(column.placed(i, effect))
            if self._affine is not None and self._affine.placed(one.shape.pod, i):
                touched.update(range(len(self._reasons)))
        self._at = len(placed)
        ask, profile = self.shape.ask, self.shape.profile
        for i in touched:
            load = self._turn.load(i)
            self._reasons[i] = reasons = misfits(ask, load, profile) or self.beyond(i)
            self._scores[i] = 0 if reasons else priorities.alone(ask, load, profile)
        self.moves += bool(changed)
        self._settle(changed | touched, moved, [column for column in idle if not column.idle])

    def _effects_of(self, other: Shape | Running) -> tuple[Effects, tuple[Any, ...]]:
        held = self._effects.get(id(other))
        if held is None:
            held = self.limits.effects_of(other.pod), tuple(column.effect_of(other.pod) for column in self.columns)
            self._effects[id(other)] = held
        return held

    def _settle(self, looked_at: set[int], moved: list[set[int]], begun: list[Column]) -> None:
        """Weigh anew the nodes that may fit now or fit no more, and those that are worth something else; all of them, where
        what they are compared with is another. `begun`: columns that had nothing to say before. Those that have nothing to say
        keep no tally, which is made when they begin."""
        fits, reasons, why = self._fits, self._reasons, self.limits.why
        turned = {i for i in looked_at if fits[i] != (not reasons[i] and not why[i])}
        for column, these in zip(self.columns, moved, strict=True):
            if column.idle:
                continue
            raw = column.raw
            for i in turned | these:
                if fits[i]:
                    column.leave(raw[i])
                if i in these:
                    raw[i] = column.renew(i)
                if fits[i] != (i in turned):
                    column.join(raw[i])
        for i in turned:
            fits[i] = not fits[i]
        for column in begun:
            column.begin(fits)
        active = [column for column in self.columns if not column.idle]
        settled = [column.settle() for column in active]
        if begun or any(settled):
            self._weigh()
            return
        totals, scores = self._totals, self._scores
        if not active:  # what others want opens and closes hundreds of nodes at once
            for i in looked_at:
                totals[i] = scores[i] if fits[i] else UNFIT
            return
        for i in looked_at.union(*moved):
            totals[i] = self.total(i)


def columns_of(shape: Shape, nodes: NodesState, namespaces: Namespaces, fits: Sequence[bool]) -> list[Column]:
    """Those of the profile's scores that compare nodes, where they have something to say."""
    found = list[Column | None]()
    ask, profile, namespace = shape.ask, shape.profile, shape.pod.metadata.namespace
    alike: Mapping[str, int] = {}
    for name, weight in profile.scores:
        if name in (SELECTOR_SPREAD, SERVICE_ANTI_AFFINITY) and shape.alike:
            alike = nodes.pods.chosen(namespace, *shape.alike, ending_too=False)
        match name:
            case "TaintToleration":
                found.append(unwelcome(ask, nodes, weight))
            case "NodeAffinity":
                found.append(preferred_affinity(ask, nodes, profile, weight))
            case "ImageLocality":
                found.append(images(ask, nodes, weight))
            case "InterPodAffinity":
                found.append(Affinities(weight, shape, nodes, namespaces, profile))
            case "PodTopologySpread" if shape.soft:
                found.append(Spreads(weight, shape, nodes, shape.soft, fits))
            case "SelectorSpread" if shape.alike:
                found.append(SelectorSpread(weight, alike, nodes, shape.is_alike))
            case "ServiceAntiAffinity":
                apart = profile.service_anti_affinity
                found += [ServiceAntiAffinity(weight * each, key, alike, nodes, shape.is_alike) for key, each in apart]
    return [column for column in found if column is not None]


class ServiceAffinity:
    """Labels that the nodes of a service's pods have in common: what a pod does not choose, the first of the others did.

    Source: CheckServiceAffinity of Kubernetes 1.0."""

    def __init__(self, shape: Shape, turn: Turn) -> None:
        self._shape, self._nodes = shape, turn.nodes
        chosen, keys = shape.pod.spec.node_selector, shape.profile.service_affinity
        self._wanted = {key: chosen[key] for key in keys if key in chosen}
        self._missing = [key for key in keys if key not in chosen]
        namespace = shape.pod.metadata.namespace
        there = self._nodes.pods.chosen(namespace, *shape.alike, ending_too=False) if shape.alike else {}
        first = min((i for name in there if (i := self._nodes.index.get(name)) is not None), default=None)
        if first is not None:
            self._follow(first)

    def _follow(self, i: int) -> None:
        labels = self._nodes.labels[i]
        self._wanted |= {key: labels[key] for key in self._missing if key in labels}
        self._missing = []

    def placed(self, pod: core_v1.Pod, i: int) -> bool:
        """-> whether other nodes are wanted now: the first of a service has been placed."""
        if not self._missing or not self._shape.is_alike(pod):
            return False
        self._follow(i)
        return True

    def why(self, i: int) -> Reasons:
        labels = self._nodes.labels[i]
        fits = all(labels.get(key) == value for key, value in self._wanted.items())
        return () if fits else (NOT_WITH_ITS_SERVICE,)


def fit_error(nodes: int, reasons: Counter[str]) -> str:
    """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`"""
    if not nodes:
        return "no nodes available to schedule pods"
    return f"0/{nodes} nodes are available: {', '.join(sorted(f'{count} {reason}' for reason, count in reasons.items()))}."
