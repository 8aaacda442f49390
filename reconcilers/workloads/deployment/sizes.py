"""How large the new replica set may be, and what each gets of a change of the deployment's size.

Source: Kubernetes' deployment controller and its utilities.
"""

from shipslog.store.objects.types.apps_v1 import ReplicaSet

from .rollout import DESIRED_REPLICAS, DIGITS, MAX_REPLICAS, Rollout, age_of, size_of


def size_of_new(rollout: Rollout) -> int:
    """As large as it may be beside those that are there."""
    assert rollout.new is not None, "there is a new replica set"
    if not rollout.is_rolling:
        return rollout.wanted
    now = size_of(rollout.new)
    room = rollout.wanted + rollout.surge - rollout.total
    return now + min(room, rollout.wanted - now) if room > 0 else now


def is_scaled(rollout: Rollout) -> bool:
    """Whether the deployment is of another size than when its replica sets were last scaled."""
    noted = [_noted(s, DESIRED_REPLICAS) for s in rollout.active]
    return any(size is not None and size != rollout.wanted for size in noted)


def scale(rollout: Rollout) -> bool:
    """Bring the replica sets to the size that is asked for, without moving the rollout on. -> whether anything changed"""
    before = dict(rollout.planned)
    new, active = rollout.new, rollout.active
    if len(active) <= 1:
        latest = active[0] if active else new or (rollout.old[-1] if rollout.old else None)
        if latest is not None and not rollout.scale(latest, rollout.wanted) and active:
            rollout.put(rollout.with_size(latest))
    elif new is not None and _is_saturated(rollout, new):
        for old in rollout.active_old:
            rollout.scale(old, 0)
    elif rollout.is_rolling:
        _proportionally(rollout)
    return rollout.planned != before


def _is_saturated(rollout: Rollout, new: ReplicaSet) -> bool:
    """The new replica set is all that is asked for already."""
    return size_of(new) == _noted(new, DESIRED_REPLICAS) == new.status.available_replicas == rollout.wanted


def _proportionally(rollout: Rollout) -> None:
    """Each gets of what comes or goes what it has of the whole; the largest, and of those the newest when it grows and the
    oldest when it shrinks, what is left over."""
    allowed = rollout.wanted + rollout.surge if rollout.wanted else 0
    change = allowed - rollout.total
    by_age = sorted(rollout.active, key=age_of, reverse=change > 0)
    sets = sorted(by_age, key=size_of, reverse=True)
    sizes, added = {}, 0
    for each in sets:
        part = _part(rollout, each, change, added)
        sizes[each.metadata.name] = size_of(each) + part
        added += part
    largest = sets[0].metadata.name
    sizes[largest] = max(sizes[largest] + change - added, 0)
    for each in sets:
        if not rollout.scale(each, sizes[each.metadata.name]):
            rollout.put(rollout.with_size(each))


def _part(rollout: Rollout, each: ReplicaSet, change: int, added: int) -> int:
    if change == added:
        return 0
    limit = change - added
    return min(_fraction(rollout, each), limit) if change > 0 else max(_fraction(rollout, each), limit)


def _fraction(rollout: Rollout, each: ReplicaSet) -> int:
    """What a replica set would grow by if it kept its part of the deployment, rounded to the nearest."""
    size = size_of(each)
    if not rollout.wanted:
        return -size
    most = rollout.wanted + rollout.surge
    before = _noted(each, MAX_REPLICAS) or rollout.deployment.status.replicas or most
    return (2 * size * most + before) // (2 * before) - size


def _noted(replica_set: ReplicaSet, annotation: str) -> int | None:
    text = replica_set.metadata.annotations.get(annotation, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
