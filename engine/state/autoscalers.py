"""What the log remembers of autoscalers: what was measured for each, what was wished for, and what was scaled.

Tests: tests/reconcilers/workloads/autoscaler/test_controller.py
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shipslog.store.facts import MetricsObserved
from shipslog.store.objects.values.times import api_time
from shipslog.store.state import AutoscalerState

if TYPE_CHECKING:
    from shipslog.store.objects.types.autoscaling_v2 import HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus

KEPT_NS = 3600 * 1_000_000_000  # the longest window that a behavior may have
Times = tuple[tuple[int, int], ...]


class Autoscalers:
    """All of a view, by uid."""

    def __init__(self, states: Iterable[AutoscalerState] = ()) -> None:
        self._states = {state.uid: state for state in states}

    def of(self, uid: str) -> AutoscalerState | None:
        return self._states.get(uid)

    def states(self) -> Sequence[AutoscalerState]:
        return [self._states[uid] for uid in sorted(self._states)]

    def observe(self, fact: MetricsObserved, at_ns: int) -> None:
        """Take in what was measured. The first time, what there was is what was wished for."""
        held = self._states.get(fact.uid) or AutoscalerState(uid=fact.uid)
        wishes = held.recommendations or ((at_ns, fact.replicas),)
        if wishes[-1][1] != fact.recommended:
            wishes = (*wishes, (at_ns, fact.recommended))
        self._states[fact.uid] = replace(held, observed=fact, recommendations=_recent(wishes, at_ns))

    def change(self, before: "HorizontalPodAutoscaler", after: "HorizontalPodAutoscaler", at_ns: int) -> None:
        """The object has changed: it may say that it scaled."""
        uid, status = after.metadata.uid, after.status
        if uid not in self._states or not _has_scaled(before.status, status, at_ns):
            return
        held = self._states[uid]
        scalings = tuple((at, by) for at, by in held.scalings if at > at_ns - KEPT_NS)
        scaled = (at_ns, status.desired_replicas - status.current_replicas)
        self._states[uid] = replace(held, scalings=(*scalings, scaled))

    def drop(self, uid: str) -> None:
        self._states.pop(uid, None)

    def restart(self) -> None:
        """An engine began: what was measured before says nothing of now."""
        self._states = {uid: replace(state, observed=None) for uid, state in self._states.items()}

    def restore(self, uid: str, to: "Autoscalers") -> None:
        """Have of one what another has."""
        states: Mapping[str, AutoscalerState] = to._states
        if uid in states:
            self._states[uid] = states[uid]
        else:
            self._states.pop(uid, None)

    def copy(self) -> "Autoscalers":
        return Autoscalers(self._states.values())


def _has_scaled(before: "HorizontalPodAutoscalerStatus", after: "HorizontalPodAutoscalerStatus", at_ns: int) -> bool:
    """The time that it says has seconds: of two scalings in one, the second shows in the numbers."""
    if after.last_scale_time != before.last_scale_time:
        return True
    numbers = [(status.current_replicas, status.desired_replicas) for status in (before, after)]
    moved = numbers[0] != numbers[1] and after.current_replicas != after.desired_replicas
    return moved and after.last_scale_time == api_time(at_ns)


def _recent(wishes: Times, at_ns: int) -> Times:
    """Without those that another had followed an hour ago."""
    ends = [at for at, _ in wishes[1:]]
    return tuple(wish for i, wish in enumerate(wishes) if i == len(ends) or ends[i] > at_ns - KEPT_NS)
