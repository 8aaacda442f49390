"""The nodes as one decision sees them: with the pods that it has placed already; and the best of them for pods of a shape.

Tests: tests/reconcilers/scheduler/test_scheduler.py
"""

from collections import Counter

from msgspec import Struct

from shipslog.store.objects import core_v1
from shipslog.store.objects.claims import claims_of
from shipslog.store.view import View

from . import priorities
from .fit import Final, NodeLoad, misfits
from .nodes import NodesState, Reasons, Running
from .preferences import Preferences, Wishes
from .shape import Shape
from .topology import Effects, Limits, labels_of_namespaces
from .volumes import Taken, Volumes

UNFIT = -1.0


class Placed(Struct, frozen=True):
    """A pod goes to a node; the node is kept free for it (`reserved`), or with -1 no more."""

    shape: Shape
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

    def volumes_of(self, pod: core_v1.Pod) -> Volumes | None:
        """Its claims; None for a pod without any."""
        return Volumes(self._view, self.nodes, self.taken, pod) if any(claims_of(pod)) else None

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
        fit = turn.nodes.fit(shape.ask, shape.key)
        self._reasons, self._scores = fit.reasons.copy(), fit.scores.copy()
        self.volumes = turn.volumes_of(shape.pod)
        if self.volumes is not None:
            refused = self.volumes.refused
            whys = (Final(refused),) * len(self._reasons) if refused else self.volumes.why
            self._reasons = [
                (why,) if refused or (why and not own) else own for own, why in zip(self._reasons, whys, strict=True)
            ]
        self.limits = Limits(shape, turn.nodes, turn.namespaces)
        self._preferences = Preferences(shape, turn.nodes, turn.namespaces)
        self._alike = self._count_alike()
        self._effects: dict[int, tuple[Effects, Wishes, bool]] = {}  # by shape
        self._at = 0  # how much of what was placed is taken in
        self._told_at, self._told = -1, ""
        self.moves = 0  # how often what others want has opened or closed places
        self._releases = 0  # of what was placed, when it was told
        self._begin()

    def _count_alike(self) -> list[int]:
        nodes, shape = self._turn.nodes, self.shape
        alike = [0] * len(nodes.order)
        if shape.alike:
            for name, many in nodes.pods.chosen(shape.pod.metadata.namespace, *shape.alike, ending_too=False).items():
                i = nodes.index.get(name)
                if i is not None:
                    alike[i] = many
        return alike

    def _begin(self) -> None:
        why = self.limits.why
        fits = [not reasons and not limit for reasons, limit in zip(self._reasons, why, strict=True)]
        self._tallied = [alike if fit else -1 for alike, fit in zip(self._alike, fits, strict=True)]  # -1: it does not fit
        self._tally = Counter(self._tallied)
        self._most = max(max(self._tally, default=0), 0)
        self._weigh()

    def _weigh(self) -> None:
        """What all nodes are worth, compared with the most that any has."""
        worth = [priorities.spread(alike, self._most) for alike in range(self._most + 1)]
        self._totals = [
            score + worth[alike] if alike >= 0 else UNFIT for score, alike in zip(self._scores, self._tallied, strict=True)
        ]
        if not self._preferences.idle:
            liked = self._preferences.worth([alike >= 0 for alike in self._tallied])
            self._totals = [total + more if total > UNFIT else UNFIT for total, more in zip(self._totals, liked, strict=True)]

    def best(self) -> int | None:
        """The node that is worth most, the first of several; None when none fits."""
        self._catch_up()
        most = max(self._totals, default=UNFIT)
        return self._totals.index(most) if most > UNFIT else None

    def fits(self, i: int) -> bool:
        self._catch_up()
        return self._tallied[i] >= 0

    def reasons(self) -> list[Reasons]:
        """Why not, for each node; () where it fits."""
        self._catch_up()
        return [own or ((limit,) if limit else ()) for own, limit in zip(self._reasons, self.limits.why, strict=True)]

    def reasons_of(self, i: int) -> Reasons:
        self._catch_up()
        return self._reasons[i] or ((self.limits.why[i],) if self.limits.why[i] else ())

    def beyond(self, i: int) -> Reasons:
        """Why not, by the pod's claims."""
        if self.volumes is None:
            return ()
        why = Final(self.volumes.refused) if self.volumes.refused else self.volumes.why[i]
        return (why,) if why else ()

    def why(self) -> str:
        """Why none fits."""
        self._catch_up()
        if self.volumes is not None and self.volumes.refused and self._reasons:
            self._told, self._told_at = f"0/{len(self._reasons)} nodes are available: {self.volumes.refused}.", 0
            return self._told
        if self._told_at != len(self._turn.placed):
            reasons = Counter(
                reason for own, limit in zip(self._reasons, self.limits.why, strict=True) for reason in own or (limit,)
            )
            self._told, self._told_at = fit_error(len(self._reasons), reasons), len(self._turn.placed)
            self._releases = self._turn.releases
        return self._told

    @property
    def compares_all(self) -> bool:
        """Whether each pod that is placed makes all nodes be compared again."""
        return not self._preferences.idle

    @property
    def fitted_nowhere(self) -> bool:
        """Whether a pod of the shape has been left waiting."""
        return self._told_at >= 0

    @property
    def known_to_fit_nowhere(self) -> bool:
        """Whether nothing has been placed since none fitted that could have made room."""
        if self._told_at < 0 or self._releases != self._turn.releases:
            return False
        return self._told_at == len(self._turn.placed) or not self.shape.depends_on_others

    def _catch_up(self) -> None:
        placed = self._turn.placed
        if self._at == len(placed):
            return
        changed: set[int] = set()
        touched: set[int] = set()
        for one in placed[self._at :]:
            i, (effects, wishes, alike) = one.node, self._effects_of(one.shape)
            touched.add(i)
            if effects:
                changed |= self.limits.placed(i, effects, one.times, one.reserved)
            if one.reserved:
                continue
            if alike:
                self._alike[i] += 1
            if wishes:
                self._preferences.placed(i, wishes)
        self._at = len(placed)
        for i in touched:
            load = self._turn.load(i)
            self._reasons[i] = reasons = misfits(self.shape.ask, load) or self.beyond(i)
            self._scores[i] = 0.0 if reasons else priorities.alone(self.shape.ask, load)
        self.moves += bool(changed)
        self._settle(changed, touched)

    def _effects_of(self, other: Shape) -> tuple[Effects, Wishes, bool]:
        held = self._effects.get(id(other))
        if held is None:
            effects, wishes = self.limits.effects_of(other.pod), self._preferences.wishes_of(other)
            held = self._effects[id(other)] = (effects, wishes, self.shape.is_alike(other.pod))
        return held

    def _settle(self, changed: set[int], touched: set[int]) -> None:
        """Weigh anew the nodes that may fit now or fit no more, and those that are worth something else."""
        why, reasons, alike, tallied = self.limits.why, self._reasons, self._alike, self._tallied
        moved: list[tuple[int, int, int]] = []
        for i in changed | touched:
            now = -1 if reasons[i] or why[i] else alike[i]
            if now != tallied[i] or i in touched:
                moved.append((i, tallied[i], now))
                tallied[i] = now
        tally = self._tally
        for _, was, now in moved:
            if was != now:
                tally[was] -= 1
                tally[now] += 1
        most = max((count for count, nodes in tally.items() if nodes), default=-1)
        if max(most, 0) != self._most or self.compares_all:
            self._most = max(most, 0)
            self._weigh()
            return
        totals, scores = self._totals, self._scores
        worth = [priorities.spread(count, self._most) for count in range(self._most + 1)]
        for i, _, now in moved:
            totals[i] = scores[i] + worth[now] if now >= 0 else UNFIT


def fit_error(nodes: int, reasons: Counter[str]) -> str:
    """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`"""
    if not nodes:
        return "no nodes available to schedule pods"
    return f"0/{nodes} nodes are available: {', '.join(sorted(f'{count} {reason}' for reason, count in reasons.items()))}."
