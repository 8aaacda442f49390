"""The pods that give way in one decision: whom each waiting pod takes the place of, and what is done to them.

Tests: tests/reconcilers/scheduler/test_preemption.py
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shipslog.reconcilers.rule.decision import Instant, Say, reference
from shipslog.reconcilers.rule.pods import disrupted
from shipslog.store.commands import AnyObjectCommand, Delete, Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.view import View

from .candidates import Candidates, Turn, fit_error
from .fit import Final
from .nodes import Running
from .preemption import NEVER_PREEMPTS, REASON, WAITS_FOR_ENDS, Budgets, Preemption, Victims, waits_for_ends
from .profile import NAME
from .queue import Waiting

if TYPE_CHECKING:  # most clusters have no groups of pods
    from shipslog.store.objects.types.scheduling_v1beta1 import PodGroup

TRIES = 3_000  # nodes that one decision weighs so, some 30 µs each; pods beyond that are looked at by the next


class Evictions:
    """`commands` and `says` are for the decision, `victims` the uids of those that give way by it; `budgets` knows of them."""

    def __init__(self, view: View, turn: Turn, now: Instant) -> None:
        self._turn, self._now = turn, now
        self.budgets = Budgets(view, turn)
        self._of_shape: dict[int, Preemption] = {}
        self.victims: set[str] = set()
        self.commands: list[AnyObjectCommand] = []
        self.says: list[Say] = []

    def puts_off(self, waiting: Waiting, candidates: Candidates) -> bool:
        """Whether so much was weighed already that another decision is to look at it. Those that were told before have the
        half of it, so that they keep nobody who is new from being looked at."""
        tried = sum(held.tried for held in self._of_shape.values())
        return tried >= (TRIES if waiting.message is None else TRIES // 2) and self._may(waiting, candidates)

    def for_(self, waiting: Waiting, candidates: Candidates) -> Victims | None:
        """Who is to give way to a pod that fits nowhere; None when nobody is: `why_not` says why."""
        if not self._may(waiting, candidates):
            return None
        held = self._of_shape.get(id(candidates))
        if held is None:
            held = Preemption(candidates, self._turn, self.budgets, self.victims, self._now)
            self._of_shape[id(candidates)] = held
        return held.best()

    def why_not(self, waiting: Waiting, candidates: Candidates) -> str:
        """Why nobody gives way: `preemption: 0/3 nodes are available: ...`."""
        if not self._turn.nodes.order or not candidates.shape.profile.preempts:
            return ""
        if waiting.pod.spec.preemption_policy == "Never":
            return f"preemption: {NEVER_PREEMPTS}"
        if self.waits(waiting, candidates):
            return f"preemption: {WAITS_FOR_ENDS}"
        held = self._of_shape[id(candidates)]
        return f"preemption: {fit_error(len(self._turn.nodes.order), held.why())}"

    def _may(self, waiting: Waiting, candidates: Candidates) -> bool:
        never = waiting.pod.spec.preemption_policy == "Never" or not candidates.shape.profile.preempts
        return not never and bool(self._turn.nodes.order) and not self.waits(waiting, candidates)

    def waits(self, waiting: Waiting, candidates: Candidates) -> bool:
        """Whether those that gave way to the pod before have not ended yet, on a node where that will help."""
        i = self._turn.nodes.index.get(waiting.pod.status.nominated_node_name or "")
        if i is None or any(isinstance(reason, Final) for reason in candidates.reasons_of(i)):
            return False
        return waits_for_ends(self._turn.running(i), waiting.ask.priority)

    def evict(self, pod: core_v1.Pod, victims: Victims, node: str) -> None:
        """Have those end in whose place the pod is to run."""
        for one in victims.pods:
            self._evict(one, pod.spec.scheduler_name, f"pod {pod.metadata.uid} on node {node}")

    def evict_for_group(self, group: "PodGroup", scheduler: str, victims: Iterable[tuple[Running, str]]) -> None:
        """Have those end, each with the name of its node, in whose places the pods of the group are to run."""
        for one, node in victims:
            self._evict(one, scheduler, f"podgroup {group.metadata.uid} on node {node}")

    def _evict(self, one: Running, scheduler: str, whom: str) -> None:
        """Mark it with why, and delete it with its own grace. One that ends already is left alone."""
        meta = one.pod.metadata
        if meta.deletion_timestamp or meta.uid in self.victims:
            return
        self.victims.add(meta.uid)
        self.budgets.spend(one.pod)
        message = f"{scheduler or NAME}: preempting to accommodate a higher priority pod"
        marked = disrupted(one.pod, REASON, message, api_time(self._now))
        delete = Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid)
        if marked is not one.pod:
            self.commands.append(Update(object=marked, subresource="status"))
        self.commands.append(delete)
        self.says.append(Say(about=reference(one.pod), reason="Preempted", message=f"Preempted by {whom}", after=delete))
