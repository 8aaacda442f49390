"""Pods that are placed together or not at all: those of a pod group that is a gang.

A gang's pods are looked at when the most important of them is, all in one decision: if so many of them as the group asks for
have a place, counting those that run already, these are bound at once; else none is, and what was tried is taken back. Who
gives way to a gang is another matter (gang_preemption.py).

Source: KEP-4671, KEP-5832; the messages of the GangScheduling plugin. The condition is that of scheduling.k8s.io/v1beta1: once
it is true it stays.

Tests: tests/reconcilers/scheduler/test_gangs.py
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Instant
from shipslog.store.commands import Update
from shipslog.store.objects.conditions import find_condition, set_condition
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.projections import index
from shipslog.store.view import View

from .queue import Queue, Waiting, group_of, order_of

if TYPE_CHECKING:  # most clusters have no groups of pods
    from shipslog.store.objects.types.scheduling_v1beta1 import PodGroup

GROUPS = "podgroups.scheduling.k8s.io"
SCHEDULED = "PodGroupInitiallyScheduled"
TOO_FEW = "waiting for minCount pods from a gang to appear in scheduling queue"
WAITS = "waiting for minCount pods from a gang to be scheduled"


def _key(pod: core_v1.Pod) -> tuple[Any, ...]:
    name = group_of(pod)
    return ((pod.metadata.namespace, name),) if name and pod.status.phase not in TERMINAL else ()


MEMBERS = index("pods by their pod group", ("pods",), _key)


class Gang(Struct, frozen=True):
    """A group whose pods come together. `why`: they are not looked at yet."""

    group: "PodGroup | None"
    least: int
    placed: int  # pods that have a node
    waiting: Sequence[Waiting]  # the most important first
    why: str = ""

    def missing(self, found: int) -> bool:
        """Whether places for so many more are too few."""
        return self.placed + found < self.least


def gang_of(view: View, queue: Queue, pod: core_v1.Pod) -> Gang | None:
    """None for a pod that is placed for itself."""
    name, namespace = group_of(pod), pod.metadata.namespace
    if not name:
        return None
    pods = [entry.object for entry in view.find(MEMBERS, (namespace, name))]
    orders = sorted(order_of(one) for one in pods if not one.spec.node_name)
    waiting = [queue.pods[order] for order in orders if order in queue.pods]
    entry = view.entry(GROUPS, name, namespace)
    if entry is None:
        return Gang(None, 0, 0, waiting, f'waiting for pods\'s pod group "{name}" to appear in scheduling queue')
    group: PodGroup = entry.object
    gang = group.spec.scheduling_policy.gang
    if gang is None:
        return None
    placed = sum(bool(one.spec.node_name) for one in pods)
    return Gang(group, gang.min_count, placed, waiting, TOO_FEW if len(pods) < gang.min_count else "")


def update_of(group: "PodGroup", why: str, now: Instant) -> Update | None:
    """Have the group say whether it was scheduled (`why` it was not); None where it says so, or has been once."""
    held = find_condition(group.status.conditions, SCHEDULED)
    new = meta_v1.Condition(
        type=SCHEDULED, status="False" if why else "True", reason="Unschedulable" if why else "Scheduled", message=why,
        observed_generation=group.metadata.generation, last_transition_time="",
    )  # fmt: skip
    if held is not None and (held.status == "True" or (held.status, held.message) == (new.status, new.message)):
        return None
    conditions = set_condition(group.status.conditions, new, api_time(now))
    return Update(object=replace(group, status=replace(group.status, conditions=conditions)), subresource="status")
