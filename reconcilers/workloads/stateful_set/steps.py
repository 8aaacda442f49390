"""What is to be done next to a StatefulSet's pods: missing ones made from the lowest ordinal up, surplus and outdated ones
deleted from the highest down. In order, each step waits until the pods before it run; in parallel none does.

Source: Kubernetes' stateful set control: processReplica, processCondemned, the update after the invariants hold.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Say, reference
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import ControllerRevision, StatefulSet
from shipslog.store.view import View

from ..replicas import refused_wait_s
from ..revisions import template_of
from . import identity
from .identity import REVISION
from .status import is_available, runs


class Steps(Struct, frozen=True, kw_only=True):
    """What may be done at once, and why."""

    reason: str
    commands: tuple[AnyObjectCommand, ...] = ()
    says: tuple[Say, ...] = ()
    again_s: float | None = None  # when to look again, though nothing has happened


class _Plan:
    """Collects steps; `stops` when the next has to wait."""

    def __init__(self, stateful: StatefulSet) -> None:
        self.stateful, self.about = stateful, reference(stateful)
        self.in_order = stateful.spec.pod_management_policy != "Parallel"
        self.commands: list[AnyObjectCommand] = []
        self.says: list[Say] = []
        self.reason = ""
        self.again_s: float | None = None

    def create(self, obj: Any, what: str, of: str = "") -> None:
        """`what` of Kubernetes' messages, Pod or Claim; `of`: the pod whose claim it is."""
        name, create = self.stateful.metadata.name, Create(object=obj)
        words = f"{what} {obj.metadata.name} {f'Pod {of} ' if of else ''}in StatefulSet {name}"
        good = f"create {words} {'success' if of else 'successful'}"
        self.commands.append(create)
        self.says.append(Say(about=self.about, reason="SuccessfulCreate", message=good, after=create))
        bad = f"create {words} failed error: {{why}}"
        refused: dict[str, Any] = {"refused": True, "unless_exists": True}
        self.says.append(Say(about=self.about, type="Warning", reason="FailedCreate", message=bad, after=create, **refused))

    def delete(self, pod: core_v1.Pod) -> None:
        meta = pod.metadata
        delete = Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid)
        message = f"delete Pod {meta.name} in StatefulSet {self.stateful.metadata.name} successful"
        self.commands.append(delete)
        self.says.append(Say(about=self.about, reason="SuccessfulDelete", message=message, after=delete))

    def recreate(self, pod: core_v1.Pod) -> None:
        """A pod that came to its end: it is deleted, and made again when it is gone."""
        meta, failed = self.stateful.metadata, pod.status.phase == "Failed"
        word = "Failed" if failed else "Terminated"
        where = f"{meta.namespace}/{meta.name}"
        message = f"StatefulSet {where} is recreating {word.lower()} Pod {pod.metadata.name}"
        says: dict[str, Any] = {"type": "Warning" if failed else "Normal", "reason": f"Recreating{word}Pod"}
        self.says.append(Say(about=self.about, message=message, **says))
        self.delete(pod)

    def waits(self, why: str) -> bool:
        """Whether to stop here, where the order counts."""
        self.reason = self.reason or why
        return self.in_order

    def done(self, reason: str = "") -> Steps:
        return Steps(reason=self.reason or reason, commands=tuple(self.commands), says=tuple(self.says), again_s=self.again_s)


def next_steps(
    view: View,
    stateful: StatefulSet,
    pods: Mapping[int, core_v1.Pod],
    current: ControllerRevision,
    update: ControllerRevision,
    now: int,
) -> Steps:
    """The steps of now. `pods` by their ordinals; `current` and `update`: the revisions from and to which it is going."""
    plan = _Plan(stateful)
    start = identity.first_of(stateful)
    wanted = range(start, start + identity.replicas_of(stateful))
    templates = {revision.metadata.name: template_of(revision) for revision in (current, update)}
    for ordinal in wanted:
        pod = pods.get(ordinal)
        if pod is None:
            revision = (current if _stays_old(stateful, ordinal) else update).metadata.name
            _make(plan, view, identity.make(stateful, ordinal, templates[revision], revision))
            if plan.waits(f"pod {ordinal} is missing"):
                return plan.done()
        elif _upkeep(plan, view, pod, now):
            return plan.done()
    condemned = sorted((ordinal for ordinal in pods if ordinal not in wanted), reverse=True)
    if condemned and _condemn(plan, view, pods, condemned, now):
        return plan.done()
    if stateful.spec.update_strategy.type == "RollingUpdate":
        _roll(plan, [pods.get(ordinal) for ordinal in wanted], update.metadata.name, now)
    return plan.done("its pods are as they should be")


def _stays_old(stateful: StatefulSet, ordinal: int) -> bool:
    """Whether a pod of this ordinal, if made now, is made as before: it is below the partition."""
    strategy = stateful.spec.update_strategy
    return strategy.type == "RollingUpdate" and ordinal < identity.first_of(stateful) + _partition(stateful)


def _partition(stateful: StatefulSet) -> int:
    rolling = stateful.spec.update_strategy.rolling_update
    return (rolling.partition or 0) if rolling is not None else 0


def _make(plan: _Plan, view: View, pod: core_v1.Pod) -> None:
    """The pod, when its claims are there; else these."""
    missing, going = False, False
    for claim in identity.claims_of(plan.stateful, pod.metadata.name):
        held = view.get(core_v1.PersistentVolumeClaim, claim.metadata.name, claim.metadata.namespace)
        if held is None:
            missing = True
            owners = identity.owners_of(plan.stateful, claim, None, surplus=False)
            claim = replace(claim, metadata=replace(claim.metadata, owner_references=owners))
            plan.create(claim, "Claim", of=pod.metadata.name)
        elif held.metadata.deletion_timestamp:
            going = True
    if not missing and not going:
        plan.create(pod, "Pod")


def _upkeep(plan: _Plan, view: View, pod: core_v1.Pod, now: int) -> bool:
    """What a pod that is there needs. -> whether what comes after it has to wait."""
    name = pod.metadata.name
    if pod.status.phase in TERMINAL:
        if (wait_s := refused_wait_s([pod], now)) > 0:
            plan.again_s = min(wait_s, plan.again_s or wait_s)
        elif not pod.metadata.deletion_timestamp:
            plan.recreate(pod)
        return plan.waits(f"{name} has come to its end")
    if pod.metadata.deletion_timestamp:
        return plan.waits(f"{name} is going")
    labels = identity.labels_of(name)
    if not labels.items() <= pod.metadata.labels.items():
        meta = replace(pod.metadata, labels={**pod.metadata.labels, **labels})
        plan.commands.append(Update(object=replace(pod, metadata=meta)))
    _keep_claims(plan, view, pod, surplus=False)
    if not is_available(plan.stateful, pod, now):
        return plan.waits(f"{name} is not {'available' if runs(pod) else 'running and ready'} yet")
    return False


def _keep_claims(plan: _Plan, view: View, pod: core_v1.Pod, *, surplus: bool) -> None:
    """Missing claims of a pod that waits for them, and whom each claim goes with."""
    for claim in identity.claims_of(plan.stateful, pod.metadata.name):
        held = view.get(core_v1.PersistentVolumeClaim, claim.metadata.name, claim.metadata.namespace)
        owners = identity.owners_of(plan.stateful, held or claim, pod, surplus=surplus)
        if held is not None and owners != held.metadata.owner_references:
            plan.commands.append(Update(object=replace(held, metadata=replace(held.metadata, owner_references=owners))))
        elif held is None and not surplus and pod.status.phase == "Pending":
            new = replace(claim, metadata=replace(claim.metadata, owner_references=owners))
            plan.create(new, "Claim", of=pod.metadata.name)


def _condemn(plan: _Plan, view: View, pods: Mapping[int, core_v1.Pod], condemned: list[int], now: int) -> bool:
    """Delete pods above and below those that are wanted. -> whether what comes after has to wait."""
    unhealthy = min((n for n, pod in pods.items() if pod.metadata.deletion_timestamp or not runs(pod)), default=None)
    for ordinal in condemned:
        pod = pods[ordinal]
        name = pod.metadata.name
        if pod.metadata.deletion_timestamp:
            if plan.waits(f"{name} is going"):
                return True
            continue
        if not is_available(plan.stateful, pod, now) and ordinal != unhealthy and plan.waits(f"{name} is not available"):
            return True
        before = len(plan.commands)
        _keep_claims(plan, view, pod, surplus=True)
        if len(plan.commands) == before:  # the claims go with the pod only when they say so
            plan.delete(pod)
        if plan.waits(f"{name} is not wanted"):
            return True
    return False


def _roll(plan: _Plan, pods: list[core_v1.Pod | None], update: str, now: int) -> None:
    """Delete outdated pods from the last to the partition, as many as may be missing at a time."""
    stateful, partition = plan.stateful, _partition(plan.stateful)
    rolling = stateful.spec.update_strategy.rolling_update
    limit = rolling.max_unavailable if rolling is not None else None

    def missing(pod: core_v1.Pod | None) -> bool:
        return pod is None or bool(pod.metadata.deletion_timestamp) or not is_available(stateful, pod, now)

    def outdated(pod: core_v1.Pod | None) -> bool:
        return pod is not None and not pod.metadata.deletion_timestamp and pod.metadata.labels.get(REVISION) != update

    most, count = 1, 0
    if limit is not None:  # then what is missing elsewhere counts too
        share = int(limit.removesuffix("%")) * len(pods) // 100 if isinstance(limit, str) else limit
        most = max(share, 1)
        count = sum(missing(pod) and (i < partition or not outdated(pod)) for i, pod in enumerate(pods))
    for i in reversed(range(partition, len(pods))):
        if count >= most:
            plan.reason = plan.reason or "the update waits for pods that are not available yet"
            return
        pod = pods[i]
        if pod is not None and outdated(pod):
            plan.delete(pod)
            plan.reason = plan.reason or f"{pod.metadata.name} is of an old revision"
            count += 1
        elif limit is None and missing(pod):
            count += 1
