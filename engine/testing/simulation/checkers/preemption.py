"""Nobody gives way but to one who is more important and is promised the place; a budget is broken where nobody else could go.

In the end nobody important waits while somebody less so has a place that would do.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from typing import Any

from shipslog.engine.cluster import Cluster
from shipslog.engine.state.view import MemoryView
from shipslog.store.events import Event
from shipslog.store.facts import ObjectModified
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget

from .broken_promise import require

GIVES_WAY = "PreemptionByScheduler"


def check(before: MemoryView, after: MemoryView, event: Event) -> None:
    """`before`, `after`: the state on both sides of the event."""
    fact = event.fact
    if not isinstance(fact, ObjectModified) or fact.resource != "pods":
        return
    was, now = before.entry("pods", fact.name, fact.namespace), after.entry("pods", fact.name, fact.namespace)
    if was is None or now is None or _gives_way(was.object) or not _gives_way(now.object):
        return
    victim, pods = was.object, before.list(core_v1.Pod)
    takers = [p for p in pods if _is_promised(p, victim.spec.node_name)]
    what = f"revision {event.revision}: {fact.name} gives way on {victim.spec.node_name}"
    more = any(_priority(taker) > _priority(victim) for taker in takers)
    require(more, __name__, f"{what}, and nobody more important is promised its place")
    if _is_guarded(before, victim):
        others = [p.metadata.name for p in pods if _could_go(before, p, victim)]
        require(not others, __name__, f"{what} against its budget, where {others} could")


def settled(cluster: Cluster) -> None:
    pods = cluster.list(core_v1.Pod)
    waiting = [p for p in pods if not p.spec.node_name and p.status.phase not in TERMINAL]
    for pod in waiting:
        beside = [p for p in pods if _asks(p) == _asks(pod) and _stays(p) and _priority(p) < _priority(pod)]
        names = [p.metadata.name for p in beside]
        require(not names, __name__, f"{pod.metadata.name} waits while {names} have places: {pod.status}")


def _gives_way(pod: core_v1.Pod) -> bool:
    return any(c.type == "DisruptionTarget" and c.reason == GIVES_WAY for c in pod.status.conditions)


def _is_promised(pod: core_v1.Pod, node: str) -> bool:
    return not pod.spec.node_name and pod.status.nominated_node_name == node


def _priority(pod: core_v1.Pod) -> int:
    return pod.spec.priority or 0


def _asks(pod: core_v1.Pod) -> Any:
    return pod.spec.containers[0].resources.requests.get("cpu", "")


def _stays(pod: core_v1.Pod) -> bool:
    return bool(pod.spec.node_name) and not pod.metadata.deletion_timestamp and pod.status.phase not in TERMINAL


def _is_guarded(view: MemoryView, pod: core_v1.Pod) -> bool:
    """Whether a budget speaks of it that has nothing to spare."""
    for budget in view.list(PodDisruptionBudget, pod.metadata.namespace):
        labels = budget.spec.selector.match_labels if budget.spec.selector is not None else {}
        if labels.items() <= pod.metadata.labels.items() and not budget.status.disruptions_allowed:
            return True
    return False


def _could_go(view: MemoryView, pod: core_v1.Pod, victim: core_v1.Pod) -> bool:
    """Whether it takes as much as the victim, is no more important, has no budget, and nobody is promised its place."""
    if pod.metadata.uid == victim.metadata.uid or _asks(pod) != _asks(victim) or _priority(pod) > _priority(victim):
        return False
    node = view.get(core_v1.Node, pod.spec.node_name) if _stays(pod) else None
    well = node is not None and not node.spec.taints and not node.spec.unschedulable
    ready = node is not None and any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)
    promised = any(_is_promised(p, pod.spec.node_name) for p in view.list(core_v1.Pod))
    return well and ready and not promised and not _is_guarded(view, pod)
