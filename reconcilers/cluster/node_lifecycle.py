"""Nodes that fall silent: their Ready turns Unknown, they are tainted, and after a while their pods go.

Source: Kubernetes' node lifecycle controller and taint eviction; pod garbage collection for nodes that no longer exist.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import disrupted
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Delete, Update
from shipslog.store.objects.conditions import dated
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import coordination_v1, core_v1
from shipslog.store.objects.values.times import SECOND_NS, api_time, parse_time
from shipslog.store.view import View

LEASES = "kube-node-lease"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
UNREACHABLE, NOT_READY = "node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"
PRESSURE_TAINTS = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
}
UNKNOWN_MESSAGE = "Kubelet stopped posting node status."
QUARANTINE_S = 40  # a node that is not there is looked for again before its pods go, as pod garbage collection does
CHECKED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


def _node_of(view: View, pod: core_v1.Pod) -> Iterable[str]:
    """The pod's node, if something about it can cost the pod its place: it is tainted, or it is not there."""
    name = pod.spec.node_name
    node = view.get(core_v1.Node, name) if name else None
    return (name,) if name and (node is None or node.spec.taints) else ()


def _node_heard_again(view: View, lease: coordination_v1.Lease) -> Iterable[str]:
    """The node whose heartbeat it is, if it had fallen silent."""
    node = view.get(core_v1.Node, lease.metadata.name) if lease.metadata.namespace == LEASES else None
    return (node.metadata.name,) if node is not None and _condition(node, "Ready") == "Unknown" else ()


WAKES = (
    rule(core_v1.Node)
    .watches(core_v1.Pod, to=_node_of, at_start=True)
    .watches(coordination_v1.Lease, to=_node_heard_again, by=lambda lease: lease.metadata.name)
)


def _condition(node: core_v1.Node, type_: str) -> str:
    return next((c.status for c in node.status.conditions if c.type == type_), "Unknown")


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Judge one node by its lease."""
    node = view.get(core_v1.Node, key)
    if node is None:
        return _without_node(view, key, now)
    silent_ns = now - _last_heard(view, node)
    grace_ns = int(view.config.node_monitor_grace_s * SECOND_NS)
    if silent_ns < grace_ns and _condition(node, "Ready") != "Unknown":
        healthy = _taints(node, "Ready" if _condition(node, "Ready") == "True" else "NotReady", now)
        again_s = (grace_ns - silent_ns) / SECOND_NS + 1
        commands: list[AnyObjectCommand] = _retaint(node, healthy)
        evictions, evict_s = _evictions(view, node, healthy, now)
        waits = [again_s] + ([evict_s] if evict_s is not None else [])
        return Decision(
            reason="it is heard of", commands=(*commands, *evictions), requeue_after=min(waits), says=_told(view, evictions)
        )
    if silent_ns < grace_ns:
        return Decision(reason="it is heard of again; its own status follows")
    commands = []
    if _condition(node, "Ready") != "Unknown":
        commands.append(Update(object=replace(node, status=_unknown(node, now)), subresource="status"))
        return Decision(reason="it has not been heard of", commands=tuple(commands), requeue_after=0.1)
    taints = _taints(node, "Unknown", now)
    commands = _retaint(node, taints)
    evictions, again = _evictions(view, node, taints, now)
    said = _told(view, evictions)
    return Decision(reason="it is unreachable", commands=(*commands, *evictions), requeue_after=again, says=said)


def _last_heard(view: View, node: core_v1.Node) -> int:
    lease = view.get(coordination_v1.Lease, node.metadata.name, LEASES)
    text = lease.spec.renew_time if lease is not None and lease.spec is not None else ""
    return parse_time(text or "") or parse_time(node.metadata.creation_timestamp)


def _unknown(node: core_v1.Node, now: Instant) -> core_v1.NodeStatus:
    stamp = api_time(now)
    conditions = tuple(
        dated(replace(c, status="Unknown", reason="NodeStatusUnknown", message=UNKNOWN_MESSAGE), c, stamp)
        if c.type in CHECKED
        else c
        for c in node.status.conditions
    )
    return replace(node.status, conditions=conditions)


def _taints(node: core_v1.Node, state: str, now: Instant) -> tuple[core_v1.Taint, ...]:
    """The node's taints with those that its state asks for. One that somebody made without saying when begins now: for how long
    a pod tolerates it is counted from there, over restarts too."""
    stamp = api_time(now)
    key = {"Unknown": UNREACHABLE, "NotReady": NOT_READY}.get(state)
    kept = [t for t in node.spec.taints if t.key not in (UNREACHABLE, NOT_READY) or t.key == key]
    if key is not None and not any(t.key == key for t in kept):
        kept += [core_v1.Taint(key=key, effect="NoSchedule"), core_v1.Taint(key=key, effect="NoExecute", time_added=stamp)]
    kept = [t for t in kept if t.key != UNSCHEDULABLE or node.spec.unschedulable]
    for condition, pressing in PRESSURE_TAINTS.items():
        held = _condition(node, condition)
        if held == "False":
            kept = [t for t in kept if t.key != pressing]
        elif held == "True" and not any(t.key == pressing for t in kept):
            kept.append(core_v1.Taint(key=pressing, effect="NoSchedule", time_added=stamp))
    if node.spec.unschedulable and not any(t.key == UNSCHEDULABLE for t in kept):
        kept.append(core_v1.Taint(key=UNSCHEDULABLE, effect="NoSchedule", time_added=stamp))
    return tuple(replace(t, time_added=stamp) if t.effect == "NoExecute" and not t.time_added else t for t in kept)


def _retaint(node: core_v1.Node, taints: tuple[core_v1.Taint, ...]) -> list[AnyObjectCommand]:
    return [Update(object=replace(node, spec=replace(node.spec, taints=taints)))] if taints != node.spec.taints else []


def _evictions(
    view: View, node: core_v1.Node, taints: tuple[core_v1.Taint, ...], now: Instant
) -> tuple[list[AnyObjectCommand], float | None]:
    """Pods that do not tolerate a NoExecute taint (any longer), and seconds until the next such."""
    commands: list[AnyObjectCommand] = []
    soonest: float | None = None
    executing = [t for t in taints if t.effect == "NoExecute"]
    for pod in view.pods_on(node.metadata.name) if executing else ():
        if pod.metadata.deletion_timestamp:
            continue
        left_s = min((_tolerated_s(pod, taint, now) for taint in executing), default=float("inf"))
        if left_s <= 0:
            commands += _evict(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", now)
        elif left_s != float("inf"):
            soonest = left_s if soonest is None else min(soonest, left_s)
    return commands, soonest


def _told(view: View, evictions: Iterable[AnyObjectCommand]) -> tuple[Say, ...]:
    """As the taint manager tells of a pod that it deletes."""
    found = []
    for delete in evictions:
        pod = view.get(core_v1.Pod, delete.name, delete.namespace) if isinstance(delete, Delete) else None
        if pod is not None:
            message = f"Marking for deletion Pod {pod.metadata.namespace}/{pod.metadata.name}"
            found.append(Say(about=reference(pod), reason="TaintManagerEviction", message=message, after=delete))
    return tuple(found)


def _tolerated_s(pod: core_v1.Pod, taint: core_v1.Taint, now: Instant) -> float:
    """For how long the pod stays: 0 for not at all, infinity for ever."""
    for toleration in pod.spec.tolerations:
        if not tolerates(toleration, taint):
            continue
        if toleration.toleration_seconds is None:
            return float("inf")
        since_ns = max(parse_time(taint.time_added) or now, _bound_ns(pod))  # a pod that came later stays as long as any other
        return max((since_ns + toleration.toleration_seconds * SECOND_NS - now) / SECOND_NS, 0.0)
    return 0.0


def _bound_ns(pod: core_v1.Pod) -> int:
    """When the pod got its node; when it was made, if it does not say."""
    scheduled = (c for c in pod.status.conditions if c.type == "PodScheduled" and c.status == "True")
    return parse_time(next((c.last_transition_time for c in scheduled), "") or pod.metadata.creation_timestamp)


def _evict(
    pod: core_v1.Pod, reason: str, message: str, now: Instant, *, grace_s: int | None = None, failed: bool = False
) -> list[AnyObjectCommand]:
    """Say in the pod's status why it goes, and delete it. `failed`: nobody else will say that it is over."""
    meta = pod.metadata
    delete = Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid, grace_period_s=grace_s)
    disrupted_pod = disrupted(pod, reason, message, api_time(now))
    if failed and pod.status.phase not in TERMINAL:
        disrupted_pod = replace(disrupted_pod, status=replace(disrupted_pod.status, phase="Failed"))
    return [delete] if disrupted_pod is pod else [Update(object=disrupted_pod, subresource="status"), delete]


def tolerates(toleration: core_v1.Toleration, taint: core_v1.Taint) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    return toleration.operator == "Exists" or toleration.value == taint.value


def _without_node(view: View, name: str, now: Instant) -> Decision:
    """Pods of a node that does not exist are gone: nobody will ever say so. A node that is missing only for a moment, or
    comes a little after its first pod, keeps them."""
    pods = view.pods_on(name)
    if not pods:
        return Decision(reason="there is no such node")
    missing_since = view.node_gone_at(name) or min(_bound_at(pod) for pod in pods)
    wait_ns = missing_since + QUARANTINE_S * SECOND_NS - now
    if wait_ns > 0:
        return Decision(reason="there is no such node: it may come yet", requeue_after=wait_ns / SECOND_NS)
    commands: list[AnyObjectCommand] = []
    for pod in pods:
        commands += _evict(pod, "DeletionByPodGC", "PodGC: node no longer exists", now, grace_s=0, failed=True)
    return Decision(reason="there is no such node", commands=tuple(commands))


def _bound_at(pod: core_v1.Pod) -> int:
    scheduled = next((c.last_transition_time for c in pod.status.conditions if c.type == "PodScheduled"), "")
    return parse_time(scheduled or pod.metadata.creation_timestamp)


RECONCILER = Reconciler(name="node-lifecycle", actor="system:controller:node-controller", wakes=WAKES, decide=decide, version=2)
