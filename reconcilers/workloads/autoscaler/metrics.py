"""What all metrics of an autoscaler want together, and what to say of each. Source: Kubernetes' autoscaler.

Tests: tests/reconcilers/workloads/autoscaler/test_replicas.py
"""

from collections.abc import Sequence

from msgspec import Struct

from shipslog.store.facts import MetricReading
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.autoscaling_v2 import (
    ContainerResourceMetricStatus,
    ExternalMetricStatus,
    HorizontalPodAutoscaler,
    HPAScalingRules,
    MetricSpec,
    MetricStatus,
    MetricTarget,
    MetricValueStatus,
    ObjectMetricStatus,
    PodsMetricStatus,
    ResourceMetricStatus,
)
from shipslog.store.objects.values import quantity

from .replicas import Proposal, Tolerance, Unmeasured, by_average, by_share, by_utilization, by_value
from .target import Target

FAILED = {
    "Resource": "FailedGetResourceMetric",
    "ContainerResource": "FailedGetContainerResourceMetric",
    "Pods": "FailedGetPodsMetric",
    "Object": "FailedGetObjectMetric",
    "External": "FailedGetExternalMetric",
}


class Wish(Struct, frozen=True):
    """What the metrics come to. `replicas` None: there is no telling. `failures`: (reason, message) of those that fail."""

    replicas: int | None = None
    metric: str = ""  # the one that wants the most, for people
    statuses: tuple[MetricStatus, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    error: str = ""


def wish(
    autoscaler: HorizontalPodAutoscaler,
    target: Target,
    pods: Sequence[core_v1.Pod],
    readings: Sequence[MetricReading],
    now: int,
) -> Wish:
    """The most that any metric wants; fewer only if all of them can be asked."""
    specs = autoscaler.spec.metrics
    most: tuple[int, str] | None = None
    statuses: list[MetricStatus] = []
    failures: list[tuple[str, str]] = []
    tolerance = _tolerance(autoscaler)
    for number, spec in enumerate(specs):
        reading = readings[number] if number < len(readings) else MetricReading(error="not measured yet")
        try:
            proposal, name = _proposed(spec, reading, target, pods, tolerance, now)
        except Unmeasured as why:
            failures.append((FAILED.get(spec.type, "InvalidMetricSourceType"), f"{_failing(spec)}: {why}"))
            continue
        statuses.append(_status(spec, proposal))
        if most is None or proposal.replicas > most[0]:
            most = proposal.replicas, name
    error = ""
    if failures:
        error = f"invalid metrics ({len(failures)} invalid out of {len(specs)}), first error is: {failures[0][1]}"
    if most is None or (failures and most[0] < target.replicas):
        return Wish(None, "", tuple(statuses), tuple(failures), error)
    return Wish(most[0], most[1], tuple(statuses), tuple(failures), error)


def _tolerance(autoscaler: HorizontalPodAutoscaler) -> Tolerance:
    behavior = autoscaler.spec.behavior

    def of(rules: HPAScalingRules | None) -> float:
        return quantity.milli(str(rules.tolerance)) / 1000 if rules is not None and rules.tolerance is not None else 0.1

    return Tolerance(of(behavior.scale_down), of(behavior.scale_up)) if behavior is not None else Tolerance()


def _proposed(
    spec: MetricSpec, reading: MetricReading, target: Target, pods: Sequence[core_v1.Pod], tolerance: Tolerance, now: int
) -> tuple[Proposal, str]:
    """-> (what it wants, what it is called). Errors: Unmeasured."""
    if reading.error:
        raise Unmeasured(reading.error)
    current = target.replicas
    for source, container, of in (
        (spec.resource, "", "resource"),
        (spec.container_resource, spec.container_resource.container if spec.container_resource else "", "container resource"),
    ):
        if source is None:
            continue
        percent, average = source.target.average_utilization, source.target.average_value
        if average is not None:
            found = by_average(pods, reading, source.name, _milli(average), current, tolerance, now)
            return found, f"{source.name} {of}"
        found = by_utilization(pods, reading, source.name, container, percent or 0, current, tolerance, now)
        return found, f"{source.name} {of} utilization (percentage of request)"
    if spec.pods is not None:
        found = by_average(pods, reading, "", _milli(spec.pods.target.average_value), current, tolerance, now)
        return found, f"pods metric {spec.pods.metric.name}"
    if spec.object is not None:
        name = f"{spec.object.described_object.kind} metric {spec.object.metric.name}"
        return _by_one(spec.object.target, reading, target, pods, tolerance), name
    if spec.external is not None:
        name = f"external metric {spec.external.metric.name}({shown(spec.external.metric.selector)})"
        return _by_one(spec.external.target, reading, target, pods, tolerance), name
    raise Unmeasured(f'unknown metric source type "{spec.type}"')


def _by_one(
    wanted: MetricTarget, reading: MetricReading, target: Target, pods: Sequence[core_v1.Pod], tolerance: Tolerance
) -> Proposal:
    if wanted.value is not None:
        return by_value(pods, reading.value, _milli(wanted.value), target.replicas, tolerance)
    return by_share(reading.value, _milli(wanted.average_value), target.found, tolerance)


def _milli(amount: object) -> int:
    return max(quantity.milli(str(amount)), 1)


def _failing(spec: MetricSpec) -> str:
    """The beginning of what is said where a metric says nothing."""
    for source, of in ((spec.resource, ""), (spec.container_resource, " container")):
        if source is not None:
            what = "usage" if source.target.average_value is not None else "utilization"
            return f"failed to get {source.name}{of} {what}"
    if spec.pods is not None:
        return "failed to get pods metric value"
    if spec.object is not None:
        return "failed to get object metric value"
    if spec.external is not None:
        return f"failed to get {spec.external.metric.name} external metric value"
    return "invalid metric source"


def shown(chosen: meta_v1.LabelSelector | None) -> str:
    """A selector as Go prints it."""
    if chosen is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted(chosen.match_labels.items()))
    terms = "".join(f"LabelSelectorRequirement{{Key:{e.key},Operator:{e.operator},Values:[{' '.join(e.values)}],}}"
                    for e in chosen.match_expressions)  # fmt: skip
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{terms}}},}}"
    )


def _status(spec: MetricSpec, proposal: Proposal) -> MetricStatus:
    def amount(milli: int | None) -> str | None:
        return quantity.canonical(f"{milli}m") if milli is not None else None

    current = MetricValueStatus(
        value=amount(proposal.value), average_value=amount(proposal.average), average_utilization=proposal.utilization
    )
    if spec.resource is not None:
        return MetricStatus(type=spec.type, resource=ResourceMetricStatus(name=spec.resource.name, current=current))
    if (of := spec.container_resource) is not None:
        held = ContainerResourceMetricStatus(name=of.name, container=of.container, current=current)
        return MetricStatus(type=spec.type, container_resource=held)
    if spec.pods is not None:
        return MetricStatus(type=spec.type, pods=PodsMetricStatus(metric=spec.pods.metric, current=current))
    if (what := spec.object) is not None:
        described = ObjectMetricStatus(metric=what.metric, described_object=what.described_object, current=current)
        return MetricStatus(type=spec.type, object=described)
    assert spec.external is not None
    return MetricStatus(type=spec.type, external=ExternalMetricStatus(metric=spec.external.metric, current=current))
