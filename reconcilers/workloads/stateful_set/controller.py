"""Brings a StatefulSet about: its revisions, its pods one after the other, its claims, updates, its status.

Source: Kubernetes' stateful set controller. A decision takes the steps that may be taken at once: one where the order counts,
all where pods are managed in parallel.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.pods import is_active
from shipslog.reconcilers.rule.wakes import rule
from shipslog.reconcilers.workloads.adoption import adopters, claimed
from shipslog.reconcilers.workloads.revisions import forgotten, history_of
from shipslog.store.commands import Update
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import ControllerRevision, StatefulSet
from shipslog.store.view import View

from . import steps
from .identity import REVISION, ordinal_of
from .status import status_of

HISTORY_HASH = "controller.kubernetes.io/hash"


def _selector_of(stateful: StatefulSet) -> Selector:
    return of_label_selector(stateful.spec.selector)


def _claimants(view: View, claim: core_v1.PersistentVolumeClaim) -> Iterable[str]:
    """The sets whose claim it is, by its name."""
    meta = claim.metadata
    for stateful in view.list(StatefulSet, meta.namespace):
        name = stateful.metadata.name
        starts = (f"{template.metadata.name}-{name}-" for template in stateful.spec.volume_claim_templates)
        if any(meta.name.startswith(start) for start in starts):
            yield f"{meta.namespace}/{name}"


WAKES = (
    rule(StatefulSet)
    .owns(core_v1.Pod, ControllerRevision)
    .watches(core_v1.Pod, to=adopters(StatefulSet, _selector_of))
    .watches(core_v1.PersistentVolumeClaim, to=_claimants)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Keep its history, then take the next steps to the pods that it should have; say how far that is."""
    namespace, _, name = key.partition("/")
    stateful = view.get(StatefulSet, name, namespace)
    if stateful is None:
        return Decision(reason="there is no such stateful set")
    chosen = _selector_of(stateful)

    def adoptable(pod: core_v1.Pod) -> bool:
        return is_active(pod) and ordinal_of(stateful, pod) is not None

    held, commands = claimed(view, stateful, chosen, core_v1.Pod, adoptable)
    if commands:
        return Decision(reason="adopting and releasing pods", commands=tuple(commands))
    pods = {number: pod for pod in held if (number := ordinal_of(stateful, pod)) is not None}
    history = history_of(view, stateful, chosen, hash_label=HISTORY_HASH)
    if history.commands:
        return Decision(reason="keeping its history", commands=history.commands)
    if history.collides:
        status = replace(stateful.status, collision_count=(stateful.status.collision_count or 0) + 1)
        update = Update(object=replace(stateful, status=status), subresource="status")
        return Decision(reason="another revision has the name that the new one would have", commands=(update,))
    if history.current is None:
        return Decision(reason="it is being deleted")
    update_to = history.current
    current = history.named(stateful.status.current_revision) or update_to
    taken = steps.Steps(reason="it is being deleted")
    if not stateful.metadata.deletion_timestamp:
        taken = steps.next_steps(view, stateful, pods, current, update_to, now)
    commands = list(taken.commands)
    if not commands:
        living = {pod.metadata.labels.get(REVISION, "") for pod in pods.values()}
        limit = stateful.spec.revision_history_limit
        kept = living | {current.metadata.name, update_to.metadata.name}
        commands += forgotten(history.all, kept, 10 if limit is None else limit)
    status, wait_s = status_of(stateful, pods, current.metadata.name, update_to.metadata.name, now)
    if status != stateful.status:
        commands.append(Update(object=replace(stateful, status=status), subresource="status"))
    again_s = min((s for s in (wait_s, taken.again_s) if s is not None), default=None)
    return Decision(reason=taken.reason, commands=tuple(commands), says=taken.says, requeue_after=again_s)


RECONCILER = Reconciler(
    name="stateful-set", version=3, actor="system:controller:statefulset-controller", wakes=WAKES, decide=decide,
    component="statefulset-controller",
)  # fmt: skip
