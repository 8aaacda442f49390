"""How a rollout moves on: RollingUpdate step by step within its fences, Recreate after all that is old has ended.

Source: Kubernetes' deployment controller.
"""

from shipslog.reconcilers.workloads.adoption import controlled
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types.core_v1 import Pod

from .revisions import renew
from .rollout import Rollout, size_of
from .sizes import size_of_new


def roll(rollout: Rollout) -> None:
    """Make room for the new replica set, or make it larger."""
    renew(rollout, make=True)
    if rollout.new is None:
        return  # its name is taken: it gets another
    if _size_new(rollout):
        return
    if (most := _may_go(rollout)) > 0:
        gone = _drop_unavailable(rollout, most)
        _drop_available(rollout, most, gone)


def _size_new(rollout: Rollout) -> bool:
    new = rollout.new
    assert new is not None, "there is a new replica set"
    return rollout.scale(new, rollout.wanted if size_of(new) > rollout.wanted else size_of_new(rollout))


def _may_go(rollout: Rollout) -> int:
    """How many old pods may go: what is more than must be available, were all of the new that are not available missing."""
    new = rollout.new
    assert new is not None, "there is a new replica set"
    if not rollout.active_old:
        return 0
    return rollout.total - (rollout.wanted - rollout.unavailable) - (size_of(new) - new.status.available_replicas)


def _drop_unavailable(rollout: Rollout, most: int) -> int:
    """Old pods that are not available go first: they are of no use."""
    gone = 0
    for old in rollout.active_old:
        useless = min(most - gone, size_of(old) - old.status.available_replicas)
        if useless > 0:
            rollout.scale(old, size_of(old) - useless)
            gone += useless
    return gone


def _drop_available(rollout: Rollout, most: int, gone: int) -> None:
    """As many others as there are more available than must be, the oldest first."""
    available = sum(s.status.available_replicas for s in rollout.planned.values())
    surplus = available - (rollout.wanted - rollout.unavailable)
    for old in rollout.active_old:
        if surplus <= 0:
            return
        dropped = min(size_of(old), surplus)
        rollout.scale(old, size_of(old) - dropped)
        surplus -= dropped


def recreate(rollout: Rollout) -> None:
    """End all that is old, wait until it has ended, then have the new."""
    renew(rollout, make=False)
    ended = [rollout.scale(old, 0) for old in rollout.active_old]
    if ended or _runs_old(rollout):
        return
    renew(rollout, make=True)
    if rollout.new is not None:
        rollout.scale(rollout.new, rollout.wanted)


def _runs_old(rollout: Rollout) -> bool:
    """Whether a pod of the old is left that has not ended."""
    if any(old.status.replicas for old in rollout.old):
        return True
    pods = [pod for old in rollout.old for pod in controlled(rollout.view, old, Pod)]
    return any(pod.status.phase not in TERMINAL for pod in pods)
