"""Binds pods to nodes: those that wait are looked at together, most important first.

Source: the default scheduler of Kubernetes 1.5: predicates (fit.py), then priorities (priorities.py).
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import controller_of
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Bind, Update
from shipslog.store.objects import core_v1
from shipslog.store.objects.conditions import find_condition, set_condition
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.selector import of_labels
from shipslog.store.objects.times import api_time
from shipslog.store.view import View

from . import priorities
from .fit import Amounts, NodeLoad, load_of, misfits, requests_of
from .topology import NOWHERE_CLOSED, Neighbours, depends_on_others

KEY, NAME = "pending", "default-scheduler"
LOOK_AGAIN_S = 1.0  # while a pod waits for what others do: to ask at each of their changes would cost too much
BATCH = 256  # pods bound by one decision; the next follows when they are on the log


def _makes_work(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    """Whether a pod waits for a node, or leaves one and makes room."""
    return after is None or not after.spec.node_name or after.status.phase in TERMINAL


def _all_that_wait(view: View, obj: core_v1.Pod | core_v1.Node) -> Iterable[str]:
    waits = isinstance(obj, core_v1.Pod) and not obj.spec.node_name
    return (KEY,) if waits or view.pods_on("") else ()


# One key for all that wait: they are looked at together, most important first.
WAKES = rule(always=(KEY,)).watches(core_v1.Pod, to=_all_that_wait, when=_makes_work).watches(core_v1.Node, to=_all_that_wait)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Bind what fits; say of the rest why it does not."""
    waiting = [pod for pod in view.pods_on("") if _is_for_us(pod)]
    if not waiting:
        return Decision(reason="no pod waits for a node")
    waiting.sort(key=lambda p: (-(p.spec.priority or 0), p.metadata.creation_timestamp, p.metadata.namespace, p.metadata.name))
    loads = [load_of(node, view.pods_on(node.metadata.name)) for node in view.list(core_v1.Node)]
    spread, neighbours = SelectorSpread(view), Neighbours(view, loads)
    commands: list[AnyObjectCommand] = []
    says: list[Say] = []
    bound, may_change = 0, False
    for pod in waiting:
        if pod.spec.scheduling_gates:
            commands += _unscheduled(pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", now)
            continue
        chosen, why = choose(pod, loads, spread, neighbours)
        if chosen is None:
            may_change = may_change or depends_on_others(pod)
            for update in _unscheduled(pod, "Unschedulable", why, now):
                commands.append(update)
                says.append(Say(about=reference(pod), type="Warning", reason="FailedScheduling", message=why, after=update))
            continue
        chosen.place(pod.spec, requests_of(pod.spec))
        spread.place(pod, chosen.name)
        neighbours.place(pod, chosen.name)
        meta = pod.metadata
        bind = Bind(namespace=meta.namespace, name=meta.name, node=chosen.name, uid=meta.uid)
        commands.append(bind)
        assigned = f"Successfully assigned {meta.namespace}/{meta.name} to {chosen.name}"
        says.append(Say(about=reference(pod), reason="Scheduled", message=assigned, after=bind))
        bound += 1
        if bound == BATCH:
            break
    left = len(waiting) - bound
    again_s = 0.001 if bound == BATCH else LOOK_AGAIN_S if may_change else None
    reason = f"{bound} pods bound, {left} left waiting"
    return Decision(reason=reason, commands=tuple(commands), requeue_after=again_s, says=tuple(says))


def _is_for_us(pod: core_v1.Pod) -> bool:
    return not pod.metadata.deletion_timestamp and pod.spec.scheduler_name in ("", NAME) and pod.status.phase not in TERMINAL


class SelectorSpread:
    """How many pods of the same Services and controllers each node runs."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._counts: dict[tuple[Any, ...], Counter[str]] = {}
        self._services: dict[str, list[core_v1.Service]] = {}

    def of(self, pod: core_v1.Pod) -> Counter[str]:
        key, selectors = self._alike(pod)
        if key not in self._counts:
            pods = {p.metadata.uid: p for s in selectors for p in self._view.select(core_v1.Pod, pod.metadata.namespace, s)}
            nodes = (p.spec.node_name for p in pods.values() if p.spec.node_name and not p.metadata.deletion_timestamp)
            self._counts[key] = Counter(nodes)
        return self._counts[key]

    def place(self, pod: core_v1.Pod, node: str) -> None:
        self.of(pod)[node] += 1

    def _alike(self, pod: core_v1.Pod) -> tuple[tuple[Any, ...], list[dict[str, str]]]:
        namespace, labels = pod.metadata.namespace, pod.metadata.labels
        if namespace not in self._services:
            self._services[namespace] = [s for s in self._view.list(core_v1.Service, namespace) if s.spec.selector]
        mine = [s for s in self._services[namespace] if of_labels(s.spec.selector).matches(labels)]
        selectors = [s.spec.selector for s in mine]
        owner = controller_of(pod)
        if owner is not None and owner.kind == "ReplicationController":
            rc = self._view.get(core_v1.ReplicationController, owner.name, namespace)
            if rc is not None and rc.spec.selector:
                selectors.append(rc.spec.selector)
        return (namespace, owner.uid if owner else "", tuple(s.metadata.name for s in mine)), selectors


def choose(
    pod: core_v1.Pod, loads: list[NodeLoad], spread: SelectorSpread, neighbours: Neighbours
) -> tuple[NodeLoad | None, str]:
    """The best node that fits; or None, and why none does."""
    asked, reasons, fitting = requests_of(pod.spec), Counter[str](), []
    limits = neighbours.limits(pod)
    for load in loads:
        why = misfits(pod, asked, load)
        if not why and limits is not NOWHERE_CLOSED and (misfit := limits.misfit(load.node.metadata.labels)):
            why = [misfit]
        if why:
            reasons.update(why)
        else:
            fitting.append(load)
    if not fitting:
        return None, fit_error(len(loads), reasons)
    if len(fitting) == 1:
        return fitting[0], ""
    alike = spread.of(pod)
    most = max((alike[load.name] for load in fitting), default=0)
    return max(
        fitting, key=lambda load: (_score(pod, asked, load, alike, most), priorities.lot(pod.metadata.uid, load.name))
    ), ""


def _score(pod: core_v1.Pod, asked: Amounts, load: NodeLoad, alike: Counter[str], most: int) -> float:
    return (
        priorities.least_requested(load, asked)
        + priorities.balanced(load, asked)
        + priorities.spread(load, alike, most)
        + priorities.preferred(pod, load)
    )


def fit_error(nodes: int, reasons: Counter[str]) -> str:
    """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`"""
    if not nodes:
        return "no nodes available to schedule pods"
    return f"0/{nodes} nodes are available: {', '.join(sorted(f'{count} {reason}' for reason, count in reasons.items()))}."


def _unscheduled(pod: core_v1.Pod, reason: str, message: str, now: Instant) -> list[AnyObjectCommand]:
    """Say it in the pod's status, unless it says so already."""
    old = find_condition(pod.status.conditions, "PodScheduled")
    if old is not None and (old.status, old.reason, old.message) == ("False", reason, message):
        return []
    condition = core_v1.PodCondition(type="PodScheduled", status="False", reason=reason, message=message)
    status = replace(pod.status, conditions=set_condition(pod.status.conditions, condition, api_time(now)))
    return [Update(object=replace(pod, status=status), subresource="status")]


RECONCILER = Reconciler(
    name="scheduler", actor="system:kube-scheduler",
    wakes=WAKES, decide=decide, component="default-scheduler",
)  # fmt: skip
