"""Keeps as many pods of a template as a ReplicaSet asks for.

That pods cannot be made it learns from what was said of it: the Event FailedCreate, which is on the log as all else. Then it
says so in a condition, and tries with one pod at a time until there are as many as asked for.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say
from shipslog.reconcilers.rule.pods import controller_of, is_active
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Update
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import ReplicaSet, ReplicaSetCondition, ReplicaSetStatus
from shipslog.store.view import View

from .adoption import adopters, claimed, controlled
from .failures import FAILURES, conditions, failing, failure, is_new
from .replicas import BATCH, Counts, count, refused_wait_s, scale

COMPONENT = "replicaset-controller"


def selector_of(replica_set: ReplicaSet) -> Selector:
    """The pods that are meant."""
    return of_label_selector(replica_set.spec.selector)


WAKES = (
    rule(ReplicaSet)
    .owns(core_v1.Pod)
    .watches(core_v1.Pod, to=adopters(ReplicaSet, selector_of))
    .watches(core_v1.Event, to=failing("ReplicaSet"), when=is_new)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Adopt, release, make or delete pods; then say in the status how many there are, and why there are not more."""
    namespace, _, name = key.partition("/")
    held = view.get(ReplicaSet, name, namespace)
    if held is None:
        return Decision(reason="there is no such replica set")
    mine, claims = claimed(view, held, selector_of(held), core_v1.Pod, is_active)
    if claims:
        return Decision(reason="adopting and releasing pods", commands=tuple(claims))
    active = [pod for pod in mine if is_active(pod)]
    why = failure(view, held, active, mine)
    says: tuple[Say, ...] = ()
    wait_s = refused_wait_s(mine, now)
    reason = "it is going"
    commands: list[AnyObjectCommand] = []
    if not held.metadata.deletion_timestamp:
        scaling = scale(held, active, view, most=0 if wait_s > 0 else 1 if why else BATCH, related=_related(view, held, active))
        commands, reason, says = [*scaling.commands], scaling.reason, scaling.says
    counts = count(held, active, now)
    ending = sum(bool(pod.metadata.deletion_timestamp) and pod.status.phase not in TERMINAL for pod in mine)
    status = _status(held, counts, ending, why, now)
    if status != held.status:
        commands.append(Update(object=replace(held, status=status), subresource="status"))
    return Decision(
        reason=reason,
        commands=tuple(commands),
        requeue_after=counts.again_s if wait_s <= 0 else min(wait_s, counts.again_s or wait_s),
        says=says,
    )


def _related(view: View, held: ReplicaSet, active: Sequence[core_v1.Pod]) -> Sequence[core_v1.Pod]:
    """The active pods of all replica sets of the same Deployment: nodes that have many of those are crowded."""
    owner = controller_of(held)
    deployment = view.by_uid(owner.uid) if owner is not None else None
    if deployment is None:
        return active
    siblings = controlled(view, deployment.object, ReplicaSet)
    return [pod for sibling in siblings for pod in controlled(view, sibling, core_v1.Pod) if is_active(pod)]


def _status(held: ReplicaSet, counts: Counts, ending: int, why: str, now: Instant) -> ReplicaSetStatus:
    return replace(
        held.status, replicas=counts.all, fully_labeled_replicas=counts.fully_labeled, ready_replicas=counts.ready,
        available_replicas=counts.available, terminating_replicas=ending, observed_generation=held.metadata.generation,
        conditions=conditions(held.status.conditions, why, ReplicaSetCondition, now),
    )  # fmt: skip


RECONCILER = Reconciler(
    name="replica-set", actor=f"system:controller:{COMPONENT}", wakes=WAKES, decide=decide, version=4, projections=(FAILURES,)
)
