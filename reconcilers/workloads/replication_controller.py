"""Keeps as many pods of a template as a ReplicationController asks for."""

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say
from shipslog.reconcilers.rule.pods import is_active
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Update
from shipslog.store.objects.selector import NOTHING, Selector, of_labels
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

from .adoption import adopters, claimed
from .failures import FAILURES, conditions, failing, failure, is_new
from .replicas import BATCH, count, refused_wait_s, scale


def _selector(rc: core_v1.ReplicationController) -> Selector:
    return of_labels(rc.spec.selector)


def _adopting(rc: core_v1.ReplicationController) -> Selector:
    return _selector(rc) or NOTHING


WAKES = (
    rule(core_v1.ReplicationController)
    .owns(core_v1.Pod)
    .watches(core_v1.Pod, to=adopters(core_v1.ReplicationController, _adopting))
    .watches(core_v1.Event, to=failing("ReplicationController"), when=is_new)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Adopt, release, make or delete pods; then say in the status how many there are, and why there are not more."""
    namespace, _, name = key.partition("/")
    rc = view.get(core_v1.ReplicationController, name, namespace)
    if rc is None:
        return Decision(reason="there is no such controller")
    mine, claims = claimed(view, rc, _selector(rc), core_v1.Pod, is_active)
    if claims:
        return Decision(reason="adopting and releasing pods", commands=tuple(claims))
    active = [pod for pod in mine if is_active(pod)]
    why = failure(view, rc, active, mine)
    says: tuple[Say, ...] = ()
    wait_s = refused_wait_s(mine, now)
    reason = "as many pods as asked for"
    commands: list[AnyObjectCommand] = []
    if not rc.metadata.deletion_timestamp:
        scaling = scale(rc, active, view, most=0 if wait_s > 0 else 1 if why else BATCH, related=active)
        commands, reason, says = [*scaling.commands], scaling.reason, scaling.says
    counts = count(rc, active, now)
    status = replace(
        rc.status, replicas=counts.all, fully_labeled_replicas=counts.fully_labeled, ready_replicas=counts.ready,
        available_replicas=counts.available, observed_generation=rc.metadata.generation,
        conditions=conditions(rc.status.conditions, why, core_v1.ReplicationControllerCondition, now),
    )  # fmt: skip
    if status != rc.status:
        commands.append(Update(object=replace(rc, status=status), subresource="status"))
    return Decision(
        reason=reason,
        commands=tuple(commands),
        requeue_after=counts.again_s if wait_s <= 0 else min(wait_s, counts.again_s or wait_s),
        says=says,
    )


RECONCILER = Reconciler(
    name="replication-controller", actor="system:controller:replication-controller",
    wakes=WAKES, decide=decide, version=5, projections=(FAILURES,),
)  # fmt: skip
