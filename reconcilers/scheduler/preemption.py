"""Who gives way: the less important pods of one node in whose place a pod that fits nowhere could run.

Nodes where no pod that leaves would help are passed over. On each of the others all less important pods are taken away in
thought, and put back one by one, the most important first, as long as there is room for the pod; those that would break a
disruption budget are put back before all others. Of the nodes that is best that breaks the fewest budgets, then that whose
most important victim is least so, then by the sum of what they matter, their number, and whose most important ones began last.

Source: the DefaultPreemption plugin of Kubernetes 1.37.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from shipslog.reconcilers.rule.pods import DISRUPTION_TARGET
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget
from shipslog.store.objects.values.times import SECOND_NS
from shipslog.store.view import View

from .candidates import Candidates, Turn
from .fit import Final, lacks_without, misfits
from .labelled import Labels
from .nodes import NEVER, Reasons, Running
from .topology import Effects

REASON = "PreemptionByScheduler"
NO_VICTIMS = Final("No preemption victims found for incoming pod")
NOT_HELPFUL = Final("Preemption is not helpful for scheduling")
NEVER_PREEMPTS = "not eligible due to preemptionPolicy=Never."
WAITS_FOR_ENDS = "not eligible due to a terminating pod on the nominated node."
FURTHER = 100  # nodes, each second
LOWEST = -(1 << 31)


class Victims(Struct, frozen=True):
    """Who gives way on one node; the smallest `rank` is best."""

    node: int
    pods: tuple[Running, ...]
    rank: tuple[int, int, int, int, tuple[int, ...], int]


class Budget(Struct):
    selector: Selector
    left: int  # pods that may be spared


class Budgets:
    """What the disruption budgets allow while one decision is being made."""

    def __init__(self, view: View, turn: Turn) -> None:
        self._view, self._turn = view, turn
        self._of_namespace: dict[str, list[Budget]] = {}
        self._speaking: dict[tuple[str, Labels], tuple[Budget, ...]] = {}
        self.changes = 0

    def spend(self, pod: core_v1.Pod) -> None:
        """The pod gives way."""
        for budget in self.that_speak_of(pod):
            budget.left -= 1
            self.changes += 1

    def that_speak_of(self, pod: core_v1.Pod) -> tuple[Budget, ...]:
        meta = pod.metadata
        if not meta.labels:
            return ()
        key = meta.namespace, frozenset(meta.labels.items())
        held = self._speaking.get(key)
        if held is None:
            found = self._of_namespace.get(meta.namespace)
            if found is None:
                budgets = self._view.list(PodDisruptionBudget, meta.namespace)
                found = [self._budget(budget) for budget in budgets if budget.spec.selector is not None]
                self._of_namespace[meta.namespace] = found
            held = self._speaking[key] = tuple(b for b in found if b.selector.requirements and b.selector.matches(meta.labels))
        return held

    def _budget(self, budget: PodDisruptionBudget) -> Budget:
        """Its status may not know yet of pods that were taken a moment ago: those that stay are counted too."""
        assert budget.spec.selector is not None
        chosen, status = of_label_selector(budget.spec.selector), budget.status
        staying = sum(self._turn.nodes.pods.chosen(budget.metadata.namespace, chosen, ending_too=False).values())
        return Budget(chosen, min(status.disruptions_allowed, max(staying - status.desired_healthy, 0)))


class Preemption:
    """Who could give way to the pods of one shape, kept up with what the decision places and takes away."""

    def __init__(self, candidates: Candidates, turn: Turn, budgets: Budgets, taken: set[str], now: int) -> None:
        self._candidates, self._turn, self._budgets, self._taken = candidates, turn, budgets, taken
        self._ask = candidates.shape.ask
        self._begin = now // SECOND_NS
        self._victims: dict[int, Victims] = {}
        self._failed: dict[int, Reasons] = {}
        self._guarded: set[int] = set()  # nodes with pods of which a budget speaks
        self._at = (-1, 0, 0)  # how much is taken in: of what was placed, of what that closed, of what the budgets lost
        self.tried = 0  # how many nodes were weighed

    def best(self) -> Victims | None:
        """None when nobody could give way: `why` says why."""
        placed = self._turn.placed
        self._candidates.reasons_of(0)  # so that they know of all that was placed
        at = (len(placed), self._candidates.moves, self._budgets.changes)
        if at[1] != self._at[1] or self._at[0] < 0:
            self._try_all()
        else:
            touched = {one.node for one in placed[self._at[0] :]}
            if at[2] != self._at[2]:
                touched |= self._guarded
            for i in sorted(touched & (self._victims.keys() | self._failed.keys())):
                self._try(i)
        self._at = at
        return min(self._victims.values(), key=lambda found: found.rank, default=None)

    def why(self) -> Counter[str]:
        reasons = Counter[str](reason for failed in self._failed.values() for reason in failed)
        rest = len(self._turn.nodes.order) - len(self._failed)
        return reasons + Counter({NOT_HELPFUL: rest})

    def _try_all(self) -> None:
        self._victims.clear()
        self._failed.clear()
        nodes, reasons = len(self._turn.nodes.order), self._candidates.reasons()
        profile = self._candidates.shape.profile
        most = max(nodes * profile.candidates_percent // 100, profile.candidates_least)
        tried = 0
        for i in from_another(nodes, self._begin):
            if any(isinstance(reason, Final) for reason in reasons[i]):
                continue
            if tried >= most:
                if self._victims:
                    return
                self._failed[i] = (NO_VICTIMS,)
            else:
                tried += self._try(i)

    def _try(self, i: int) -> bool:
        """-> whether it was much work"""
        self._victims.pop(i, None)
        self._failed.pop(i, None)
        load = self._turn.load(i)
        if not any(priority < self._ask.priority for priority in load.by_priority):
            self._failed[i] = (NO_VICTIMS,)
            return False
        if self._candidates.shape.profile.holds("NodeResourcesFit") and lacks_without(self._ask, load):
            self._failed[i] = self._candidates.reasons_of(i)
            return False
        self.tried += 1
        _OnNode(self, i).weigh()
        return True


class _OnNode:
    """One node, with its less important pods taken away in thought."""

    def __init__(self, of: Preemption, i: int) -> None:
        self._of, self._i = of, i
        self._load = of._turn.load(i).copy()
        self._limits = of._candidates.limits

    def weigh(self) -> None:
        of, i = self._of, self._i
        lower = sorted((r for r in of._turn.running(i) if r.priority < of._ask.priority), key=_importance)
        effects = {r.pod.metadata.uid: self._limits.effects_of(r.pod) for r in lower}
        for one in lower:
            self._move(one, effects, -1)
        why = self._why()
        if why or not lower:
            of._failed[i] = why or (NO_VICTIMS,)
            taken = lower
        else:
            taken, violations = self._spared(lower, effects)
            of._victims[i] = Victims(i, tuple(taken), rank_of(taken, violations, i))
        for one in taken:
            self._move(one, effects, 1)  # the limits are the decision's own

    def _spared(self, lower: list[Running], effects: dict[str, Effects]) -> tuple[list[Running], int]:
        """Put back whom there is room for. -> those for whom there is none, the most important first; how many of them
        break a budget"""
        breaking, others = self._by_budgets(lower)
        taken, violations = list[Running](), 0
        for number, one in enumerate((*breaking, *others)):
            self._move(one, effects, 1)
            if self._why():
                self._move(one, effects, -1)
                taken.append(one)
                violations += number < len(breaking)
        return sorted(taken, key=_importance), violations

    def _by_budgets(self, lower: list[Running]) -> tuple[list[Running], list[Running]]:
        """Those that break a budget, if all before them went, and the others."""
        left: dict[int, int] = {}
        breaking, others = list[Running](), list[Running]()
        for one in lower:
            broken = False
            if one.pod.metadata.uid not in self._of._taken and not one.pod.metadata.deletion_timestamp:
                for budget in self._of._budgets.that_speak_of(one.pod):
                    self._of._guarded.add(self._i)
                    left[id(budget)] = left.get(id(budget), budget.left) - 1
                    broken = broken or left[id(budget)] < 0
            (breaking if broken else others).append(one)
        return breaking, others

    def _move(self, one: Running, effects: dict[str, Effects], times: int) -> None:
        self._load.place(one.ask, times)
        effect = effects[one.pod.metadata.uid]
        if effect:
            self._limits.count(self._i, effect, times)

    def _why(self) -> Reasons:
        own = misfits(self._of._ask, self._load, self._of._candidates.shape.profile) or self._of._candidates.beyond(self._i)
        limit = "" if own else self._limits.reason(self._i)
        return own or ((limit,) if limit else ())


def from_another(nodes: int, begin: int) -> Iterator[int]:
    """All of them, from another one each second."""
    first = begin * FURTHER % max(nodes, 1)
    yield from range(first, nodes)
    yield from range(first)


def _importance(one: Running) -> tuple[int, str, str, str]:
    """The more important come first: of a higher priority, or begun earlier."""
    meta = one.pod.metadata
    return -one.priority, one.pod.status.start_time or NEVER, meta.namespace, meta.name


def rank_of(victims: Sequence[Running], violations: int, i: int) -> tuple[int, int, int, int, tuple[int, ...], int]:
    """`victims`: the most important first."""
    most = victims[0].priority if victims else LOWEST
    begun = min((v.pod.status.start_time or NEVER for v in victims if v.priority == most), default=NEVER)
    late_first = tuple(-ord(letter) for letter in begun)
    return violations, most, sum(v.priority - LOWEST for v in victims), len(victims), late_first, i


def waits_for_ends(pods: Iterable[Running], priority: int) -> bool:
    """Whether pods that gave way to one of this priority have not ended yet."""
    return any(one.priority < priority and is_giving_way(one.pod) for one in pods)


def is_giving_way(pod: core_v1.Pod) -> bool:
    held = find_condition(pod.status.conditions, DISRUPTION_TARGET)
    return bool(pod.metadata.deletion_timestamp) and held is not None and held.status == "True" and held.reason == REASON
