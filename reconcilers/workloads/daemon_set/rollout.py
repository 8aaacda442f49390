"""How a new template comes to the pods of a DaemonSet: node by node, as many at a time as may be missing or doubled.

Source: Kubernetes' daemon controller, rollingUpdate.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

from msgspec import Struct

from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import DaemonSet

Test = Callable[[core_v1.Pod], bool]


class Changes(Struct, frozen=True, kw_only=True):
    """Pods that go, and nodes that get one."""

    doomed: tuple[core_v1.Pod, ...] = ()
    nodes: tuple[str, ...] = ()


def share(value: int | str | None, of: int) -> int:
    """A number, or the percentage of `of`, rounded up."""
    if isinstance(value, str):
        return ceil(int(value.removesuffix("%")) * of / 100)
    return value or 0


def limits(daemons: DaemonSet, wanted: int) -> tuple[int, int]:
    """How many may be missing, and how many doubled, of so many."""
    rolling = daemons.spec.update_strategy.rolling_update
    if rolling is None:
        return 1, 0
    missing, surge = share(rolling.max_unavailable, wanted), share(rolling.max_surge, wanted)
    return (missing, surge) if missing or surge else (1, 0)


def roll(pods: Mapping[str, Sequence[core_v1.Pod]], missing: int, surge: int, updated: Test, available: Test) -> Changes:
    """What the update does next. `pods` by their nodes; what is doubled or gone besides is left to the upkeep."""
    return _with_surge(pods, surge, updated, available) if surge else _in_place(pods, missing, updated, available)


def _in_place(pods: Mapping[str, Sequence[core_v1.Pod]], most: int, updated: Test, available: Test) -> Changes:
    unavailable = 0
    broken: list[core_v1.Pod] = []
    candidates: list[core_v1.Pod] = []
    for node in sorted(pods):
        new, old = _split(pods[node], updated)
        if len(new) + len(old) != 1:
            unavailable += 1
        elif new:
            unavailable += not available(new[0])
        elif not available(old[0]):
            broken.append(old[0])  # it is missed already
        else:
            candidates.append(old[0])
    return Changes(doomed=(*broken, *candidates[: max(most - unavailable, 0)]))


def _with_surge(pods: Mapping[str, Sequence[core_v1.Pod]], most: int, updated: Test, available: Test) -> Changes:
    surging = 0
    doomed: list[core_v1.Pod] = []
    broken: list[str] = []
    candidates: list[str] = []
    for node in sorted(pods):
        new, old = _split(pods[node], updated)
        if len(new) > 1 or len(old) > 1:
            surging += 1
        elif old and not new:
            (candidates if available(old[0]) else broken).append(node)
        elif old and available(new[0]):
            doomed.append(old[0])
        elif old:
            surging += 1
    return Changes(doomed=tuple(doomed), nodes=(*broken, *candidates[: max(most - surging, 0)]))


def _split(pods: Sequence[core_v1.Pod], updated: Test) -> tuple[list[core_v1.Pod], list[core_v1.Pod]]:
    living = [pod for pod in pods if not pod.metadata.deletion_timestamp]
    return [pod for pod in living if updated(pod)], [pod for pod in living if not updated(pod)]
