"""As many pods as asked for: which are made, which go first, and how many are ready. Shared by what keeps replicas.

Source: Kubernetes' replicaset controller (which runs ReplicationControllers too) and the order in which it chooses pods to
delete. It does not need that controller's expectations: a decision sees all that was committed.

Tests: tests/reconcilers/workloads/test_replication_controller.py, tests/reconcilers/workloads/test_replica_set.py
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from shipslog.reconcilers.rule.decision import Say, reference
from shipslog.reconcilers.rule.pods import available_in_ns, is_ready, owner_reference, pod_from_template
from shipslog.store.commands import AnyObjectCommand, Create, Delete
from shipslog.store.objects.selector import of_labels
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import SECOND_NS, parse_time
from shipslog.store.view import View
from shipslog.store.wording import counted

BATCH = 64  # pods made by one decision; the next follows when they are on the log, and they have woken who binds them
BATCH_BYTES = 16 << 20  # ... of the controller's JSON, with its template
ERROR_CREATING = "Error creating: "
TURNED_AWAY_S = 1.0
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
PHASES = {"Pending": 0, "Unknown": 1, "": 1, "Running": 2}
_COST = re.compile(r"0|-?[1-9][0-9]{0,9}", re.ASCII)


# --- making and deleting ---


class Scaling(Struct, frozen=True):
    """What brings the number about, why, and what people hear of it."""

    commands: tuple[AnyObjectCommand, ...]
    reason: str
    says: tuple[Say, ...]


def scale(
    owner: Any, active: Sequence[core_v1.Pod], view: View, *, most: int = BATCH, related: Sequence[core_v1.Pod]
) -> Scaling:
    """Make what is missing of `spec.replicas`, `most` at once, or delete what is too much; nodes are crowded by `related`."""
    wanted = 1 if owner.spec.replicas is None else owner.spec.replicas
    missing = wanted - len(active)
    if missing > 0 and owner.spec.template is not None:
        create = Create(object=pod_from_template(owner, owner.spec.template, owner_reference(owner)))
        made = (create,) * min(missing, most, _batch(owner, view))
        return Scaling(made, f"{counted(missing, 'pod is', 'pods are')} missing of {wanted}", _created(owner, create))
    if missing < 0:
        doomed = [_delete(pod) for pod in choose_to_delete(active, -missing, crowds_of(related))]
        return Scaling(tuple(doomed), f"{counted(-missing, 'pod is', 'pods are')} more than {wanted}", _deleted(owner, doomed))
    return Scaling((), "as many pods as asked for", ())


def refused_wait_s(pods: Iterable[core_v1.Pod], now: int) -> float:
    """Seconds until a pod may be made, where a node has turned the last one away at once: the next will hardly fare better.
    0 or less: now. Kubernetes makes the next at once, and is held up by what its API lets through."""
    turned_away = (p for p in pods if p.status.phase == "Failed" and not p.status.container_statuses)
    last_ns = max((parse_time(pod.metadata.creation_timestamp) for pod in turned_away), default=0)
    left_s = (last_ns - now) / SECOND_NS + TURNED_AWAY_S
    return left_s if left_s <= TURNED_AWAY_S else 0.0  # the clock was put back


def _created(owner: Any, create: Create) -> tuple[Say, ...]:
    about, why = reference(owner), f"{ERROR_CREATING}{{why}}"
    return (
        Say(about=about, reason="SuccessfulCreate", message="Created pod: {name}", after=create),
        Say(about=about, type="Warning", reason="FailedCreate", message=why, after=create, refused=True),
    )


def _deleted(owner: Any, doomed: Iterable[Delete]) -> tuple[Say, ...]:
    about = reference(owner)
    return tuple(Say(about=about, reason="SuccessfulDelete", message=f"Deleted pod: {d.name}", after=d) for d in doomed)


def _batch(owner: Any, view: View) -> int:
    """How many pods one decision makes: what shares a transaction is held in memory and written as one."""
    entry = view.by_uid(owner.metadata.uid)
    return max(1, min(BATCH, BATCH_BYTES // max(1, len(entry.encoded) if entry is not None else 1)))


def _delete(pod: core_v1.Pod) -> Delete:
    meta = pod.metadata
    return Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation="Background")


def crowds_of(related: Iterable[core_v1.Pod]) -> Mapping[str, int]:
    """By node: how many of these pods, which are active, it has."""
    return Counter(pod.spec.node_name for pod in related)


def choose_to_delete(pods: Sequence[core_v1.Pod], count: int, crowds: Mapping[str, int]) -> list[core_v1.Pod]:
    """Those that will be missed least: unassigned, pending, not ready, cheap, crowded (`crowds_of`), young, restarted often."""
    if count <= 0:
        return []

    def rank(pod: core_v1.Pod) -> tuple[Any, ...]:
        ready = is_ready(pod)
        since = next((c.last_transition_time for c in pod.status.conditions if c.type == "Ready"), "") if ready else ""
        return (
            bool(pod.spec.node_name),
            PHASES.get(pod.status.phase, 2),
            ready,
            _cost(pod.metadata.annotations.get(DELETION_COST, "0")),
            -crowds.get(pod.spec.node_name, 0),
            -parse_time(since),
            -sum(s.restart_count for s in pod.status.container_statuses),
            -parse_time(pod.metadata.creation_timestamp),
            pod.metadata.name,
        )

    return sorted(pods, key=rank)[:count]


def _cost(text: str) -> int:
    """What an annotation says that a pod's deletion costs; 0 for what is no number."""
    return int(text) if _COST.fullmatch(text) else 0


# --- counting ---


class Counts(Struct, frozen=True):
    """How many pods there are, and in how many seconds one becomes available that is only ready now."""

    all: int
    fully_labeled: int
    ready: int
    available: int
    again_s: float | None


def count(owner: Any, active: Sequence[core_v1.Pod], now: int) -> Counts:
    """What the status of a controller says of its active pods."""
    template = owner.spec.template
    labels = of_labels(template.metadata.labels if template is not None else {})
    waits = [available_in_ns(pod, owner.spec.min_ready_seconds, now) for pod in active if is_ready(pod)]
    left = [wait for wait in waits if wait > 0]
    return Counts(
        all=len(active), fully_labeled=sum(labels.matches(pod.metadata.labels) for pod in active), ready=len(waits),
        available=len(waits) - len(left), again_s=min(left) / SECOND_NS if left else None,
    )  # fmt: skip
