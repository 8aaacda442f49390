"""No eviction takes a pod that its disruption budget could not spare at that moment.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from typing import Any

from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import ObjectModified
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget

from .broken_promise import require

EVICTED = "EvictionByEvictionAPI"


def check(before: MemoryView, after: MemoryView, event: Event) -> None:
    """`before`, `after`: the state on both sides of the event."""
    fact = event.fact
    if not isinstance(fact, ObjectModified) or fact.resource != "pods":
        return
    was, now = before.entry("pods", fact.name, fact.namespace), after.entry("pods", fact.name, fact.namespace)
    if was is None or now is None or _evicted(was.object) or not _evicted(now.object) or not _counts(was.object):
        return
    pods = before.list(core_v1.Pod, fact.namespace)
    for budget in before.list(PodDisruptionBudget, fact.namespace):
        labels = budget.spec.selector.match_labels if budget.spec.selector is not None else {}
        if not labels.items() <= was.object.metadata.labels.items():
            continue
        healthy = sum(_counts(p) for p in pods if labels.items() <= p.metadata.labels.items())
        least = budget.spec.min_available
        assert isinstance(least, int)
        what = f"revision {event.revision}: {fact.name} was evicted with {healthy} healthy pods, {least} are to stay"
        require(healthy > least, __name__, what)


def _evicted(pod: Any) -> bool:
    return any(c.type == "DisruptionTarget" and c.reason == EVICTED for c in pod.status.conditions)


def _counts(pod: Any) -> bool:
    """Whether it is ready and stays."""
    ready = any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)
    return ready and not pod.metadata.deletion_timestamp
