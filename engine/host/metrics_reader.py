"""Asks what autoscalers go by, four times a minute, and records it when it would change what they decide or show.

A sample is no fact. But a decision has to come out the same when it is taken again, so what it goes by must be on the log: an
observation is appended when, on the state of this moment, it leads to another number of replicas than the one recorded last,
when something cannot be measured any more or can again, or when what is shown is off by more than a tenth. Between two that are
recorded the wish has been the same (ADR 37).

Tests: tests/reconcilers/workloads/autoscaler/test_controller.py
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from shipslog.engine.commit.committer import Committer
from shipslog.engine.time.clock import Clock
from shipslog.engine.usage import Usage
from shipslog.runtime.node import NodeRuntime
from shipslog.store.facts import MetricReading, MetricsObserved
from shipslog.store.logger import logger
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import durations, quantity
from shipslog.store.objects.values.times import parse_time
from shipslog.store.refusals import Refusal

if TYPE_CHECKING:  # loaded when there is an autoscaler
    from shipslog.reconcilers.workloads.autoscaler.metrics import Wish
    from shipslog.reconcilers.workloads.autoscaler.target import Target
    from shipslog.store.objects.types.autoscaling_v2 import (
        ExternalMetricSource,
        HorizontalPodAutoscaler,
        MetricSpec,
        MetricStatus,
        ObjectMetricSource,
    )
    from shipslog.store.objects.types.metrics_v1beta1 import PodMetrics

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
EVERY_S = 15.0
NOTICED = 0.1  # of what is shown
FRESH_NS = 1_000_000_000
ACTOR = "system:controller:horizontal-pod-autoscaler"
AT_ONCE = 8  # autoscalers that are looked at together: who waits for one that does not answer keeps few others
CUSTOM = "unable to fetch metrics from custom metrics API"
EXTERNAL = "unable to fetch metrics from external metrics API"
RESOURCE = "unable to fetch metrics from resource metrics API"
NOBODY = "no custom metrics API (custom.metrics.k8s.io) registered"
MISSING = "the server could not find the requested resource"

log = logger(__name__)


class Metrics(Protocol):
    """Where autoscalers' metrics come from. What cannot be had comes back as a reading with an error."""

    async def read(
        self, autoscaler: "HorizontalPodAutoscaler", spec: "MetricSpec", pods: Sequence[core_v1.Pod]
    ) -> MetricReading: ...


class MeasuredMetrics:
    """What the nodes measure of pods; other metrics are for whoever is registered for them
    (engine/api/aggregation/metrics.py)."""

    def __init__(self, runtimes: Mapping[str, NodeRuntime], clock: Clock) -> None:
        self._runtimes, self._clock = runtimes, clock
        self._usage, self._asked_ns = Usage({}, 0), 0

    async def read(
        self, autoscaler: "HorizontalPodAutoscaler", spec: "MetricSpec", pods: Sequence[core_v1.Pod]
    ) -> MetricReading:
        if spec.resource is not None:
            return self._of_pods(pods, spec.resource.name, "")
        if spec.container_resource is not None:
            return self._of_pods(pods, spec.container_resource.name, spec.container_resource.container)
        if spec.pods is not None:
            return MetricReading(error=f"unable to get metric {spec.pods.metric.name}: {CUSTOM}: {NOBODY}")
        if spec.object is not None:
            return MetricReading(error=f"{described_as(autoscaler, spec.object)}: {CUSTOM}: {NOBODY}")
        if spec.external is None:
            return MetricReading(error=f'unknown metric source type "{spec.type}"')
        get = f"(get {spec.external.metric.name}.external.metrics.k8s.io)"
        return MetricReading(error=f"{external_as(autoscaler, spec.external)}: {EXTERNAL}: {MISSING} {get}")

    def _of_pods(self, pods: Sequence[core_v1.Pod], resource: str, container: str) -> MetricReading:
        usage = self._measured()
        found = {pod.metadata.name: measured for pod in pods if (measured := usage.of_pod(pod)) is not None}
        values = {name: amount for name, one in found.items() if (amount := _amount(one, resource, container)) is not None}
        if not values:
            why = "no metrics returned from resource metrics API"
            return MetricReading(error=f"unable to get metrics for resource {resource}: {why}")
        oldest = min(found.values(), key=lambda one: str(one.timestamp))
        window_ns = durations.read(oldest.window)
        return MetricReading(values=values, at_ns=parse_time(str(oldest.timestamp)), window_ns=window_ns)

    def _measured(self) -> Usage:
        """What the nodes say now; they are asked once for all that is read within a second."""
        now_ns = self._clock.now_ns()
        if not 0 <= now_ns - self._asked_ns < FRESH_NS:
            self._usage, self._asked_ns = Usage(self._runtimes, now_ns), now_ns
        return self._usage


def described_as(autoscaler: "HorizontalPodAutoscaler", source: "ObjectMetricSource") -> str:
    """The beginning of what is said where an object's metric cannot be had."""
    about = source.described_object
    where = f"{about.kind} on {autoscaler.metadata.namespace} {about.name}"
    return f"unable to get metric {source.metric.name}: {where}"


def external_as(autoscaler: "HorizontalPodAutoscaler", source: "ExternalMetricSource") -> str:
    """The beginning of what is said where a metric from outside cannot be had."""
    from shipslog.reconcilers.workloads.autoscaler.metrics import shown

    where = f"{autoscaler.metadata.namespace}/{source.metric.name}/{shown(source.metric.selector)}"
    return f"unable to get external metric {where}"


def _amount(measured: "PodMetrics", resource: str, container: str) -> int | None:
    """Thousandths of what a pod, or one container of it, uses; None where that is not known."""
    chosen = [one for one in measured.containers if not container or one.name == container]
    if not chosen or any(resource not in one.usage for one in chosen):
        return None
    return sum(quantity.milli(str(one.usage[resource])) for one in chosen)


class MetricsReader:
    """Runs for as long as the engine does. `metrics` may be another source than what the nodes measure."""

    def __init__(self, committer: Committer, metrics: Metrics) -> None:
        self._committer, self.metrics = committer, metrics

    async def run(self) -> None:
        """Look at all autoscalers, again and again."""
        while True:
            await self._committer.clock.sleep(EVERY_S)
            turn = asyncio.Semaphore(AT_ONCE)
            held = self._committer.view.entries(AUTOSCALERS)
            await asyncio.gather(*(self._in_turn(turn, entry.object) for entry in held))

    async def _in_turn(self, turn: asyncio.Semaphore, autoscaler: "HorizontalPodAutoscaler") -> None:
        async with turn:
            try:
                await self.look(autoscaler)
            except Refusal as refusal:
                log.warning("metrics_not_recorded", autoscaler=autoscaler.metadata.name, why=refusal.message)

    async def look(self, autoscaler: "HorizontalPodAutoscaler") -> None:
        """Record what is measured for one, if it matters. Errors: Refusal while the log takes nothing."""
        from shipslog.reconcilers.workloads.autoscaler.metrics import wish

        meta, target = autoscaler.metadata, self._target(autoscaler)
        if target is None:
            return
        pods = target.pods(self._committer.view)
        asked = (self.metrics.read(autoscaler, spec, pods) for spec in autoscaler.spec.metrics)
        readings = tuple(await asyncio.gather(*asked))
        view, now, target = self._committer.view, self._committer.clock.now_ns(), self._target(autoscaler)
        entry = view.by_uid(meta.uid)
        if target is None or entry is None or entry.object.spec != autoscaler.spec:
            return  # it went, or wants something else, while somebody was asked
        pods = target.pods(view)
        new = wish(autoscaler, target, pods, readings, now)
        state = view.autoscaler(meta.uid)
        held = state.observed if state is not None else None
        if held is not None and not differs(wish(autoscaler, target, pods, held.readings, now), new):
            return
        fact = MetricsObserved(
            namespace=meta.namespace, name=meta.name, uid=meta.uid, readings=readings, replicas=target.replicas,
            recommended=_recommended(new, target),
        )  # fmt: skip
        await self._committer.submit_facts((fact,), actor=ACTOR)

    def _target(self, autoscaler: "HorizontalPodAutoscaler") -> "Target | None":
        from shipslog.reconcilers.workloads.autoscaler.target import NoTarget, target_of

        try:
            return target_of(self._committer.view, autoscaler)
        except NoTarget:
            return None


def _recommended(found: "Wish", target: "Target") -> int:
    return target.replicas if found.replicas is None else found.replicas


def differs(old: "Wish", new: "Wish") -> bool:
    """Whether what is measured now matters beside what was recorded."""
    if (old.replicas, old.metric, old.failures) != (new.replicas, new.metric, new.failures):
        return True
    return any(_is_off(was, now) for was, now in zip(old.statuses, new.statuses, strict=True))


def _is_off(old: "MetricStatus", new: "MetricStatus") -> bool:
    for was, now in zip(_values(old), _values(new), strict=True):
        if (was is None) != (now is None):
            return True
        if was is not None and now is not None and abs(now - was) > max(abs(was) * NOTICED, 1000):
            return True
    return False


def _values(status: "MetricStatus") -> list[int | None]:
    """Thousandths: of what is shown as an amount and, where there is one, of the percentage."""
    source = status.resource or status.container_resource or status.pods or status.object or status.external
    assert source is not None
    current = source.current
    if current.average_utilization is not None:
        return [current.average_utilization * 1000]
    return [quantity.milli(str(amount)) if amount is not None else None for amount in (current.value, current.average_value)]
