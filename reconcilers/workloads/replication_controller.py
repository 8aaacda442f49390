"""Keeps as many pods of a template as a ReplicationController asks for.

Source: Kubernetes' replicaset controller (which runs ReplicationControllers too), its adoption rules and the order in which
it chooses pods to delete.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import (
    available_in_ns,
    controller_of,
    is_active,
    is_ready,
    owner_reference,
    pod_from_template,
)
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects import core_v1
from shipslog.store.objects.selector import of_labels
from shipslog.store.objects.times import SECOND_NS, parse_time
from shipslog.store.view import View

RESOURCE = "replicationcontrollers"
BATCH_BYTES = 16 << 20  # ... of the controller's JSON, with its template
BATCH = 500  # pods made by one decision; the next follows when they are on the log


def _adopters(view: View, pod: core_v1.Pod) -> Iterable[str]:
    """The controllers that would adopt the pod: those whose selectors match, if nobody controls it."""
    if controller_of(pod) is not None:
        return ()
    controllers, labels = view.list(core_v1.ReplicationController, pod.metadata.namespace), pod.metadata.labels.items()
    return [key_of(rc) for rc in controllers if rc.spec.selector.items() <= labels]


WAKES = rule(core_v1.ReplicationController).owns(core_v1.Pod).watches(core_v1.Pod, to=_adopters)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Adopt, release, make or delete pods; then say in the status how many there are."""
    namespace, _, name = key.partition("/")
    rc = view.get(core_v1.ReplicationController, name, namespace)
    if rc is None:
        return Decision(reason="there is no such controller")
    mine, commands = _claimed(view, rc)
    if commands:
        return Decision(reason="adopting and releasing pods", commands=tuple(commands))
    active = [pod for pod in mine if is_active(pod)]
    says: tuple[Say, ...] = ()
    reason = "as many pods as asked for"
    if not rc.metadata.deletion_timestamp:
        commands, reason, says = _scale(rc, active, view)
    status, again_s = _status(rc, active, now)
    if status != rc.status:
        commands.append(Update(object=replace(rc, status=status), subresource="status"))
    return Decision(reason=reason, commands=tuple(commands), requeue_after=again_s, says=says)


def _claimed(view: View, rc: core_v1.ReplicationController) -> tuple[list[core_v1.Pod], list[AnyObjectCommand]]:
    """The pods of the controller, and what makes them so."""
    meta, selector = rc.metadata, of_labels(rc.spec.selector)
    mine: list[core_v1.Pod] = []
    commands: list[AnyObjectCommand] = []
    for entry in view.owned(meta.uid):
        pod = entry.object
        owner = controller_of(pod) if isinstance(pod, core_v1.Pod) else None
        if owner is None or owner.uid != meta.uid:
            continue
        if selector.matches(pod.metadata.labels):
            mine.append(pod)
        elif not pod.metadata.deletion_timestamp and not meta.deletion_timestamp:
            others = tuple(o for o in pod.metadata.owner_references if o.uid != meta.uid)
            commands.append(Update(object=replace(pod, metadata=replace(pod.metadata, owner_references=others))))
    if meta.deletion_timestamp or not rc.spec.selector:
        return mine, commands
    for pod in view.select(core_v1.Pod, meta.namespace, rc.spec.selector):
        if controller_of(pod) is None and is_active(pod):
            references = (*pod.metadata.owner_references, owner_reference(rc))
            commands.append(Update(object=replace(pod, metadata=replace(pod.metadata, owner_references=references))))
    return mine, commands


def _scale(
    rc: core_v1.ReplicationController, active: list[core_v1.Pod], view: View
) -> tuple[list[AnyObjectCommand], str, tuple[Say, ...]]:
    """What brings the number about, why, and what people hear of it."""
    about = reference(rc)
    wanted = 1 if rc.spec.replicas is None else rc.spec.replicas
    missing = wanted - len(active)
    if missing > 0 and rc.spec.template is not None:
        pod = pod_from_template(rc, rc.spec.template, owner_reference(rc))
        create = Create(object=pod)
        made: list[AnyObjectCommand] = [create] * min(missing, _batch(rc, view))
        created = (
            Say(about=about, reason="SuccessfulCreate", message="Created pod: {name}", after=create),
            Say(
                about=about, type="Warning", reason="FailedCreate", message="Error creating: {why}", after=create, refused=True
            ),
        )
        return made, f"{missing} pods are missing of {wanted}", created
    if missing < 0:
        doomed = [_delete(pod) for pod in choose_to_delete(active, -missing, view)]
        deleted = tuple(
            Say(about=about, reason="SuccessfulDelete", message=f"Deleted pod: {delete.name}", after=delete)
            for delete in doomed
        )
        return [*doomed], f"{-missing} pods are more than {wanted}", deleted
    return [], "as many pods as asked for", ()


def _batch(rc: core_v1.ReplicationController, view: View) -> int:
    """How many pods one decision makes: what shares a transaction is held in memory and written as one."""
    entry = view.by_uid(rc.metadata.uid)
    return max(1, min(BATCH, BATCH_BYTES // max(1, len(entry.encoded) if entry is not None else 1)))


def _delete(pod: core_v1.Pod) -> Delete:
    meta = pod.metadata
    return Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation="Background")


def choose_to_delete(pods: Sequence[core_v1.Pod], count: int, view: View) -> list[core_v1.Pod]:
    """Those that will be missed least: unassigned, pending, not ready, cheap, crowded, young, restarted often."""
    crowd: dict[str, int] = {}
    for pod in pods:
        crowd[pod.spec.node_name] = crowd.get(pod.spec.node_name, 0) + 1
    phases = {"Pending": 0, "Unknown": 1, "": 1, "Running": 2}

    def rank(pod: core_v1.Pod) -> tuple[Any, ...]:
        cost = pod.metadata.annotations.get("controller.kubernetes.io/pod-deletion-cost", "0")
        ready = is_ready(pod)
        since = next((c.last_transition_time for c in pod.status.conditions if c.type == "Ready"), "") if ready else ""
        return (
            bool(pod.spec.node_name),
            phases.get(pod.status.phase, 2),
            ready,
            int(cost) if _is_int(cost) else 0,
            -crowd[pod.spec.node_name],
            -parse_time(since),
            -sum(s.restart_count for s in pod.status.container_statuses),
            -parse_time(pod.metadata.creation_timestamp),
            pod.metadata.name,
        )

    return sorted(pods, key=rank)[:count]


def _is_int(text: str) -> bool:
    return text.lstrip("-").isdigit()


def _status(
    rc: core_v1.ReplicationController, active: Sequence[core_v1.Pod], now: Instant
) -> tuple[core_v1.ReplicationControllerStatus, float | None]:
    """The status, and in how many seconds a pod becomes available that is only ready now."""
    labels = of_labels(rc.spec.template.metadata.labels if rc.spec.template is not None else {})
    ready = [pod for pod in active if is_ready(pod)]
    waits = [available_in_ns(pod, rc.spec.min_ready_seconds, now) for pod in ready]
    status = replace(
        rc.status, replicas=len(active), fully_labeled_replicas=sum(labels.matches(p.metadata.labels) for p in active),
        ready_replicas=len(ready), available_replicas=sum(wait <= 0 for wait in waits),
        observed_generation=rc.metadata.generation,
    )  # fmt: skip
    left = [wait for wait in waits if wait > 0]
    return status, min(left) / SECOND_NS if left else None


RECONCILER = Reconciler(
    name="replication-controller", actor="system:controller:replication-controller",
    wakes=WAKES, decide=decide,
)  # fmt: skip
