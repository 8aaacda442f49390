"""From what was measured of pods to how many there should be. Source: the replica calculator of Kubernetes' autoscaler.

Amounts are whole thousandths. A ratio of what is used to what is aimed at decides; pods that say nothing, or not yet, count so
that nothing is scaled further than what is known of the others bears out.
"""

from collections.abc import Mapping, Sequence
from math import ceil

from msgspec import Struct

from shipslog.store.facts import MetricReading
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.times import SECOND_NS, parse_time

CPU_INITIALIZATION_NS = 300 * SECOND_NS  # for so long after its start a pod's CPU may be that of its beginning
INITIAL_READINESS_NS = 30 * SECOND_NS
NO_PODS = "no pods returned by selector while calculating replica count"
NO_METRICS = "did not receive metrics for targeted pods (pods might be unready)"


class Unmeasured(Exception):
    """There is no telling how many; the message is for the autoscaler's condition."""


class Tolerance(Struct, frozen=True):
    """How far the ratio may be from one, in each direction, before anything is done."""

    down: float = 0.1
    up: float = 0.1

    def holds(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Proposal(Struct, frozen=True):
    """How many replicas one metric wants, and what it is now: a percentage, an amount, or both."""

    replicas: int
    utilization: int | None = None
    average: int | None = None
    value: int | None = None


class _Groups(Struct):
    ready: int
    unready: list[str]
    missing: list[str]
    values: dict[str, int]  # of those that are ready


def by_utilization(
    pods: Sequence[core_v1.Pod],
    reading: MetricReading,
    resource: str,
    container: str,
    target: int,
    current: int,
    tolerance: Tolerance,
    now: int,
) -> Proposal:
    """By a percentage of what pods request. Errors: Unmeasured."""
    if not pods:
        raise Unmeasured(NO_PODS)
    groups = _grouped(pods, reading, resource, now)
    if not groups.values:
        raise Unmeasured(NO_METRICS)
    requests = _requests(pods, resource, container)
    ratio, utilization, average = _utilization(groups.values, requests, target)
    fallback = {name: requests[name] * max(100, target) // 100 for name in groups.missing}
    values = _filled(groups, ratio, fallback)
    again = _utilization(values, requests, target)[0] if values is not None else ratio
    return Proposal(_settled(current, groups, values, ratio, again, tolerance), utilization, average)


def by_average(
    pods: Sequence[core_v1.Pod],
    reading: MetricReading,
    resource: str,
    target: int,
    current: int,
    tolerance: Tolerance,
    now: int,
) -> Proposal:
    """By an amount that pods have on average. Errors: Unmeasured."""
    if not pods:
        raise Unmeasured(NO_PODS)
    groups = _grouped(pods, reading, resource, now)
    if not groups.values:
        raise Unmeasured(NO_METRICS)
    average = sum(groups.values.values()) // len(groups.values)
    ratio = average / target
    values = _filled(groups, ratio, dict.fromkeys(groups.missing, target))
    again = sum(values.values()) // len(values) / target if values else ratio
    return Proposal(_settled(current, groups, values, ratio, again, tolerance), average=average)


def by_value(pods: Sequence[core_v1.Pod], value: int, target: int, current: int, tolerance: Tolerance) -> Proposal:
    """By one amount for all of them together. Errors: Unmeasured."""
    ratio = value / target
    if not current:
        return Proposal(ceil(ratio), value=value)
    if tolerance.holds(ratio):
        return Proposal(current, value=value)
    if not pods:
        raise Unmeasured(f"unable to calculate ready pods: {NO_PODS}")
    ready = sum(1 for pod in pods if pod.status.phase == "Running" and _says(pod, "Ready") == "True")
    return Proposal(ceil(ratio * ready), value=value)


def by_share(value: int, target: int, found: int, tolerance: Tolerance) -> Proposal:
    """By one amount that is divided among as many as there are."""
    ratio = value / (target * found) if found else 0.0
    replicas = found if found and tolerance.holds(ratio) else ceil(value / target)
    return Proposal(replicas, average=ceil(value / found) if found else value)


# --- what counts how ---


def _grouped(pods: Sequence[core_v1.Pod], reading: MetricReading, resource: str, now: int) -> _Groups:
    groups = _Groups(0, [], [], {})
    for pod in pods:
        name = pod.metadata.name
        if pod.metadata.deletion_timestamp or pod.status.phase == "Failed":
            continue
        if pod.status.phase == "Pending":
            groups.unready.append(name)
        elif name not in reading.values:
            groups.missing.append(name)
        elif resource == "cpu" and _is_unready(pod, reading, now):
            groups.unready.append(name)
        else:
            groups.ready += 1
            groups.values[name] = reading.values[name]
    return groups


def _is_unready(pod: core_v1.Pod, reading: MetricReading, now: int) -> bool:
    """Whether what its CPU shows is that of a beginning."""
    ready = find_condition(pod.status.conditions, "Ready")
    if ready is None or not pod.status.start_time:
        return True
    began, since = parse_time(pod.status.start_time), parse_time(ready.last_transition_time or pod.status.start_time)
    if began + CPU_INITIALIZATION_NS > now:
        return ready.status == "False" or reading.at_ns < since + reading.window_ns
    return ready.status == "False" and began + INITIAL_READINESS_NS > since


def _says(pod: core_v1.Pod, type_: str) -> str:
    held = find_condition(pod.status.conditions, type_)
    return held.status if held is not None else ""


def _requests(pods: Sequence[core_v1.Pod], resource: str, container: str) -> dict[str, int]:
    """What each pod requests; of one container if it is named. Errors: Unmeasured where it says nothing."""
    found: dict[str, int] = {}
    for pod in pods:
        total = 0
        sidecars = [c for c in pod.spec.init_containers if c.restart_policy == "Always"]
        for one in (*pod.spec.containers, *sidecars):
            if container and one.name != container:
                continue
            asked = one.resources.requests.get(resource)
            if asked is None:
                raise Unmeasured(f"missing request for {resource} in container {one.name} of Pod {pod.metadata.name}")
            total += quantity.milli(str(asked))
        found[pod.metadata.name] = total
    return found


def _utilization(values: Mapping[str, int], requests: Mapping[str, int], target: int) -> tuple[float, int, int]:
    """-> (ratio to the target, per cent, the amount that they use on average)"""
    known = [name for name in values if name in requests]
    requested = sum(requests[name] for name in known)
    if not requested:
        raise Unmeasured("no metrics returned matched known pods")
    used = sum(values[name] for name in known)
    utilization = used * 100 // requested
    return utilization / target, utilization, used // len(known)


def _filled(groups: _Groups, ratio: float, fallback: Mapping[str, int]) -> dict[str, int] | None:
    """The values with those of pods that say nothing made up against the direction; None where nothing has to be."""
    with_unready = bool(groups.unready) and ratio > 1.0
    if not with_unready and not groups.missing:
        return None
    values = dict(groups.values)
    if ratio < 1.0:
        values |= fallback
    elif ratio > 1.0:
        values |= dict.fromkeys(groups.missing, 0)
    if with_unready:
        values |= dict.fromkeys(groups.unready, 0)
    return values


def _settled(
    current: int, groups: _Groups, values: dict[str, int] | None, ratio: float, again: float, tolerance: Tolerance
) -> int:
    if values is None:
        return current if tolerance.holds(ratio) else ceil(ratio * groups.ready)
    if tolerance.holds(again) or (ratio < 1.0 < again) or (again < 1.0 < ratio):
        return current
    replicas = ceil(again * len(values))
    if (again < 1.0 and replicas > current) or (again > 1.0 and replicas < current):
        return current
    return replicas
