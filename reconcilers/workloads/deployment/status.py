"""The status of a Deployment: counts, and the conditions Available, Progressing and ReplicaFailure in Kubernetes' words.

Source: Kubernetes' deployment controller (progress.go, sync.go).
"""

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Instant
from shipslog.store.objects.conditions import dated, find_condition
from shipslog.store.objects.types.apps_v1 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet
from shipslog.store.objects.values.times import SECOND_NS, api_time, parse_time

from .rollout import Rollout, size_of

AVAILABLE, PROGRESSING, REPLICA_FAILURE = "Available", "Progressing", "ReplicaFailure"
COMPLETE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
NOT_MADE = "ReplicaSetCreateError"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
NO_DEADLINE = 2**31 - 1

Conditions = tuple[DeploymentCondition, ...]


def has_deadline(deployment: Deployment) -> bool:
    return deployment.spec.progress_deadline_seconds not in (None, NO_DEADLINE)


# --- setting ---


def put_condition(rollout: Rollout, condition: DeploymentCondition) -> None:
    """Have the deployment say it."""
    deployment = rollout.deployment
    conditions = _with(deployment.status.conditions, condition, rollout.now)
    rollout.deployment = replace(deployment, status=replace(deployment.status, conditions=conditions))


def _with(conditions: Conditions, new: DeploymentCondition, now: Instant) -> Conditions:
    """The conditions with `new` as the last, unless one says the same for the same reason."""
    held = find_condition(conditions, new.type)
    if held is not None and (held.status, held.reason) == (new.status, new.reason):
        return conditions
    return (*_without(conditions, new.type), replace(dated(new, held, api_time(now)), last_update_time=api_time(now)))


def _without(conditions: Conditions, kind: str) -> Conditions:
    return tuple(c for c in conditions if c.type != kind)


def note_pause(rollout: Rollout) -> None:
    """That a rollout is paused stops the clock of its deadline; that it goes on starts it anew."""
    deployment = rollout.deployment
    held = find_condition(deployment.status.conditions, PROGRESSING)
    if not has_deadline(deployment) or (held is not None and held.reason == TIMED_OUT):
        return
    was_paused = held is not None and held.reason == PAUSED
    if deployment.spec.paused and not was_paused:
        made = DeploymentCondition(type=PROGRESSING, status="Unknown", reason=PAUSED, message="Deployment is paused")
        put_condition(rollout, made)
    elif not deployment.spec.paused and was_paused:
        made = DeploymentCondition(type=PROGRESSING, status="Unknown", reason=RESUMED, message="Deployment is resumed")
        put_condition(rollout, made)


# --- the whole status ---


def sync(rollout: Rollout, *, progress: bool) -> None:
    """Have the status say how things stand; with `progress` also how the rollout goes."""
    status = _counted(rollout)
    if progress:
        status = replace(status, conditions=_failures(rollout, _progress(rollout, status)))
    rollout.deployment = replace(rollout.deployment, status=status)


def _counted(rollout: Rollout) -> DeploymentStatus:
    deployment, sets, new = rollout.deployment, rollout.planned.values(), rollout.new
    available = sum(s.status.available_replicas for s in sets)
    ending = [s.status.terminating_replicas for s in sets]
    if available >= rollout.wanted - rollout.unavailable:
        word = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        word = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    made = DeploymentCondition(type=AVAILABLE, status=word[0], reason=word[1], message=word[2])
    return replace(
        deployment.status,
        observed_generation=deployment.metadata.generation,
        replicas=sum(s.status.replicas for s in sets),
        updated_replicas=new.status.replicas if new is not None else 0,
        ready_replicas=sum(s.status.ready_replicas for s in sets),
        available_replicas=available,
        unavailable_replicas=max(rollout.total - available, 0),
        terminating_replicas=None if None in ending else sum(filter(None, ending)),
        conditions=_with(deployment.status.conditions, made, rollout.now),
    )


def is_complete(rollout: Rollout, status: DeploymentStatus) -> bool:
    """All that is asked for is there, new and available, and nothing else."""
    counts = (status.updated_replicas, status.replicas, status.available_replicas)
    return counts == (rollout.wanted,) * 3 and status.observed_generation >= rollout.deployment.metadata.generation


def _progress(rollout: Rollout, status: DeploymentStatus) -> Conditions:
    if not has_deadline(rollout.deployment):
        return _without(status.conditions, PROGRESSING)
    held = find_condition(status.conditions, PROGRESSING)
    if status.replicas == status.updated_replicas and held is not None and held.reason == COMPLETE:
        return status.conditions
    new = rollout.new
    what = f'ReplicaSet "{new.metadata.name}"' if new is not None else f'Deployment "{rollout.deployment.metadata.name}"'
    if is_complete(rollout, status):
        made = _says("True", COMPLETE, f"{what} has successfully progressed.")
        return _with(status.conditions, made, rollout.now)
    if _moves(rollout.was.status, status):
        made = _says("True", "ReplicaSetUpdated", f"{what} is progressing.")
        made = replace(dated(made, held, api_time(rollout.now)), last_update_time=api_time(rollout.now))
        return (*_without(status.conditions, PROGRESSING), made)  # also where it said so before: the deadline begins anew
    if held is not None and _is_late(rollout, held):
        return _with(status.conditions, _says("False", TIMED_OUT, f"{what} has timed out progressing."), rollout.now)
    return status.conditions


def _says(status: str, reason: str, message: str) -> DeploymentCondition:
    return DeploymentCondition(type=PROGRESSING, status=status, reason=reason, message=message)


def _moves(before: DeploymentStatus, after: DeploymentStatus) -> bool:
    return (
        after.updated_replicas > before.updated_replicas
        or after.replicas - after.updated_replicas < before.replicas - before.updated_replicas
        or after.ready_replicas > before.ready_replicas
        or after.available_replicas > before.available_replicas
    )


def _is_late(rollout: Rollout, held: DeploymentCondition) -> bool:
    if held.reason in (COMPLETE, NOT_MADE):
        return False
    return held.reason == TIMED_OUT or _left_ns(rollout, held) < 0


def _left_ns(rollout: Rollout, held: DeploymentCondition) -> int:
    deadline_s = rollout.deployment.spec.progress_deadline_seconds or 0
    return parse_time(held.last_update_time) + deadline_s * SECOND_NS - rollout.now


def again_s(rollout: Rollout) -> float | None:
    """In how many seconds a rollout that does not move is late; None for one that is done, late, or has no deadline."""
    status = rollout.deployment.status
    held = find_condition(status.conditions, PROGRESSING)
    if (
        held is None
        or held.reason in (TIMED_OUT, NOT_MADE)
        or not has_deadline(rollout.deployment)
        or is_complete(rollout, status)
    ):
        return None
    return max(_left_ns(rollout, held) / SECOND_NS, 0.0) + 1


def _failures(rollout: Rollout, conditions: Conditions) -> Conditions:
    """What keeps a replica set from making its pods, the new one's first."""
    sets: list[ReplicaSet] = [*([rollout.new] if rollout.new is not None else ()), *rollout.old]
    failed = next((c for s in sets for c in s.status.conditions if c.type == REPLICA_FAILURE), None)
    if failed is None:
        return _without(conditions, REPLICA_FAILURE)
    made = DeploymentCondition(
        type=REPLICA_FAILURE, status=failed.status, reason=failed.reason, message=failed.message,
    )  # fmt: skip
    return _with(conditions, made, parse_time(failed.last_transition_time) or rollout.now)


def how_it_stands(rollout: Rollout) -> str:
    """The rollout in one line."""
    status = rollout.deployment.status
    if is_complete(rollout, status):
        return "as asked for"
    sizes = ", ".join(f"{s.metadata.name} {size_of(s)}" for s in rollout.planned.values() if size_of(s))
    return f"{status.updated_replicas} updated, {status.available_replicas} available of {rollout.wanted}: {sizes or 'none'}"
