"""Who gives way to a gang: less important pods, and groups as a whole, wherever they run.

A gang takes its places together, so all nodes are looked at as one. All that are less important are taken away in thought, and
the gang is placed once; then they are put back where they ran, the most important first, as long as each of the gang's pods
keeps the place that it has found. Those that would break a disruption budget are put back before all others. A pod of a group
counts with the group's priority, and a group whose mode of disruption is `all` goes as a whole or stays.

Source: KEP-5710, and "Workload-Aware Preemption" in the documentation of Kubernetes 1.37.

Tests: tests/reconcilers/scheduler/test_gang_preemption.py
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from shipslog.reconcilers.rule.decision import Instant
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import SECOND_NS
from shipslog.store.view import View

from .candidates import Candidates, Turn
from .gangs import GROUPS, MEMBERS
from .nodes import NEVER, Running
from .preemption import Budgets, from_another, is_giving_way
from .queue import Waiting, group_of

if TYPE_CHECKING:  # most clusters have no groups of pods
    from shipslog.store.objects.types.scheduling_v1beta1 import PodGroup

MOST = 3_000  # pods that are taken away in thought for one gang; where more are less important, other nodes each second

Importance = tuple[int, bool, int, str, str, str]


class Unit(Struct, frozen=True):
    """What goes or stays together: a pod, or a group. `pods`: each with the place of its node in the order."""

    pods: tuple[tuple[int, Running], ...]
    priority: int
    is_group: bool = False

    @property
    def importance(self) -> Importance:
        """The most important first: by priority, a group before a pod, a larger one before a smaller, by who began first."""
        begun = min(one.pod.status.start_time or NEVER for _, one in self.pods)
        meta = self.pods[0][1].pod.metadata
        return -self.priority, not self.is_group, -len(self.pods), begun, meta.namespace, meta.name


def priority_of(group: "PodGroup", pod: int) -> int:
    """How important the pods of a group are; `pod`: one of them by itself, for a group that says nothing."""
    return group.spec.priority if group.spec.priority is not None else pod


def may_preempt(group: "PodGroup", members: Sequence[Waiting]) -> bool:
    """Whether somebody may have to give way to the group."""
    policy = group.spec.preemption_policy or (members[0].pod.spec.preemption_policy if members else None)
    return policy != "Never"


def waits_for_ends(turn: Turn, group: "PodGroup", members: Iterable[Waiting]) -> bool:
    """Whether some that gave way to the group before have not ended yet."""
    for waiting in members:
        i = turn.nodes.index.get(waiting.pod.status.nominated_node_name or "")
        if i is not None and any(
            is_giving_way(one.pod) and one.priority < priority_of(group, waiting.ask.priority) for one in turn.running(i)
        ):
            return True
    return False


def units_below(view: View, turn: Turn, gang: "PodGroup", priority: int, now: Instant) -> list[Unit]:
    """What is less important than the gang, the most important first; up to MOST pods and the groups that they are of."""
    found: list[Unit] = []
    groups: dict[tuple[str, str], PodGroup | None] = {}
    count = 0
    taken = {(gang.metadata.namespace, gang.metadata.name)}  # groups that are dealt with
    for i in from_another(len(turn.nodes.order), now // SECOND_NS):
        if count >= MOST:
            break
        for one in turn.running(i):
            name, namespace = group_of(one.pod), one.pod.metadata.namespace
            key = namespace, name
            if key in taken:
                continue
            if name and key not in groups:
                entry = view.entry(GROUPS, name, namespace)
                groups[key] = entry.object if entry is not None else None
            group = groups.get(key)
            important = priority_of(group, one.priority) if group is not None else one.priority
            if important >= priority:
                continue
            unit = Unit(((i, one),), important)
            if group is not None and group.spec.disruption_mode is not None and group.spec.disruption_mode.all is not None:
                taken.add(key)
                unit = Unit(_whole(view, turn, key), important, is_group=True)
            found.append(unit)
            count += len(unit.pods)
    return sorted(found, key=lambda unit: unit.importance)


def _whole(view: View, turn: Turn, key: tuple[str, str]) -> tuple[tuple[int, Running], ...]:
    """All pods of a group that run, in the order of their names."""
    pods: list[core_v1.Pod] = [entry.object for entry in view.find(MEMBERS, key)]
    there = [pod for pod in pods if pod.spec.node_name in turn.nodes.index and pod.status.phase not in TERMINAL]
    there.sort(key=lambda pod: pod.metadata.name)
    return tuple((turn.nodes.index[one.pod.spec.node_name], one) for one in turn.nodes.running(there))


class Places:
    """The places that a gang has found in the turn while those that are less important were taken away."""

    def __init__(self, turn: Turn, places: Sequence[tuple[Candidates, int]]) -> None:
        """`places`: for each pod of the gang the candidates of its shape, and its node."""
        self._turn = turn
        self._places = list({(id(candidates), i): (candidates, i) for candidates, i in places}.values())
        self._depends = any(candidates.shape.depends_on_others for candidates, _ in places)

    def victims(self, units: Sequence[Unit], budgets: Budgets, gone: set[str]) -> list[Unit]:
        """Put back whom there is room for. -> those for whom there is none. `gone`: uids of those that give way already."""
        breaking, others = _by_budgets(units, budgets, gone)
        return [unit for unit in (*breaking, *others) if not self._goes_back(unit)]

    def _goes_back(self, unit: Unit) -> bool:
        for i, one in unit.pods:
            self._turn.move(one, i, 1)
        far = self._depends or any(one.pod.spec.affinity is not None for _, one in unit.pods)
        nodes = {i for i, _ in unit.pods}
        if all(self._stays(candidates, i) for candidates, i in self._places if far or i in nodes):
            return True
        for i, one in unit.pods:
            self._turn.move(one, i, -1)
        return False

    def _stays(self, candidates: Candidates, i: int) -> bool:
        """Whether one that is placed there could be placed there if it were not."""
        self._turn.move(candidates.shape, i, -1)
        fits = candidates.fits(i)
        self._turn.move(candidates.shape, i, 1)
        return fits


def _by_budgets(units: Sequence[Unit], budgets: Budgets, gone: set[str]) -> tuple[list[Unit], list[Unit]]:
    """Those of which a pod breaks a budget, if all before them went, and the others."""
    left: dict[int, int] = {}
    breaking, others = list[Unit](), list[Unit]()
    for unit in units:
        broken = False
        for _, one in unit.pods:
            if one.pod.metadata.uid in gone or one.pod.metadata.deletion_timestamp:
                continue
            for budget in budgets.that_speak_of(one.pod):
                left[id(budget)] = left.get(id(budget), budget.left) - 1
                broken = broken or left[id(budget)] < 0
        (breaking if broken else others).append(unit)
    return breaking, others
