"""Keeps a Deployment's pods at its template: a replica set for each template that it had, and the rollout from one to the next.

Belongs here: finding and numbering replica sets (revisions.py), how large each may be (sizes.py), the strategies
(strategies.py), the status (conditions.py). Does not: pods, which are the replica sets' matter.

Source: Kubernetes' deployment controller.

Tests: tests/reconcilers/workloads/deployment/test_strategies.py, tests/reconcilers/workloads/deployment/test_fences.py
"""

from collections.abc import Iterable

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.pods import controller_of
from shipslog.reconcilers.rule.wakes import rule
from shipslog.reconcilers.workloads.adoption import adopters, claimed
from shipslog.reconcilers.workloads.failures import is_new
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types.apps_v1 import Deployment, ReplicaSet
from shipslog.store.objects.types.core_v1 import Event, Pod
from shipslog.store.view import View

from .revisions import REFUSED, asks_back, forget, refused, renew, rollback
from .rollout import Rollout
from .sizes import is_scaled, scale
from .status import again_s, how_it_stands, is_complete, note_pause, sync
from .strategies import recreate, roll


def _selector(deployment: Deployment) -> Selector:
    return of_label_selector(deployment.spec.selector)


def _ended(before: Pod | None, after: Pod | None) -> bool:
    """A pod has gone or ended: Recreate waits for that."""
    return after is None or (after.status.phase in TERMINAL and (before is None or before.status.phase not in TERMINAL))


def _of_pod(view: View, pod: Pod) -> Iterable[str]:
    """The deployment of a pod's replica set."""
    owner = controller_of(pod)
    entry = view.by_uid(owner.uid) if owner is not None and owner.kind == "ReplicaSet" else None
    above = controller_of(entry.object) if entry is not None else None
    return (f"{pod.metadata.namespace}/{above.name}",) if above is not None and above.kind == "Deployment" else ()


WAKES = (
    rule(Deployment)
    .owns(ReplicaSet)
    .watches(ReplicaSet, to=adopters(Deployment, _selector))
    .watches(Pod, to=_of_pod, when=_ended)
    .watches(Event, to=refused, when=is_new)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Adopt and release replica sets; move the rollout on; say in the status how it goes."""
    namespace, _, name = key.partition("/")
    deployment = view.get(Deployment, name, namespace)
    if deployment is None:
        return Decision(reason="there is no such deployment")
    sets, claims = claimed(view, deployment, _selector(deployment), ReplicaSet, _may_be_adopted)
    if claims:
        return Decision(reason="adopting and releasing replica sets", commands=tuple(claims))
    rollout = Rollout(view, deployment, sets, now)
    if deployment.metadata.deletion_timestamp:
        renew(rollout, make=False)
        sync(rollout, progress=False)
        return rollout.decision("it is going")
    note_pause(rollout)
    if deployment.spec.paused:
        return _paused(rollout)
    if to := asks_back(deployment):
        renew(rollout, make=False)
        return rollback(rollout, to)
    if is_scaled(rollout):
        renew(rollout, make=False)
        if scale(rollout):
            sync(rollout, progress=False)
            return rollout.decision(f"scaling to {rollout.wanted}")
    if rollout.is_rolling:
        roll(rollout)
    else:
        recreate(rollout)
    if is_complete(rollout, deployment.status):
        forget(rollout)
    sync(rollout, progress=True)
    return rollout.decision(how_it_stands(rollout), again_s(rollout))


def _paused(rollout: Rollout) -> Decision:
    renew(rollout, make=False)
    scale(rollout)
    forget(rollout)
    sync(rollout, progress=False)
    return rollout.decision("it is paused")


def _may_be_adopted(replica_set: ReplicaSet) -> bool:
    return not replica_set.metadata.deletion_timestamp


RECONCILER = Reconciler(
    name="deployment", actor="system:controller:deployment-controller", wakes=WAKES, decide=decide, version=2,
    projections=(REFUSED,),
)  # fmt: skip
