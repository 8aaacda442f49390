"""Asks what autoscalers go by, four times a minute, and records it when it would change what they decide or show.

A sample is no fact. But a decision has to come out the same when it is taken again, so what it goes by must be on the log: an
observation is appended when, on the state of this moment, it leads to another number of replicas than the one recorded last,
when something cannot be measured any more or can again, or when what is shown is off by more than a tenth. Between two that are
recorded the wish has been the same (ADR 37).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from shipslog.engine.commit.committer import Committer
from shipslog.engine.time.clock import Clock
from shipslog.engine.usage import Usage
from shipslog.reconcilers.workloads.autoscaler.metrics import Wish, wish
from shipslog.reconcilers.workloads.autoscaler.target import NoTarget, Target, target_of
from shipslog.runtime.node import NodeRuntime
from shipslog.store.facts import MetricReading, MetricsObserved
from shipslog.store.logger import logger
from shipslog.store.objects import core_v1, durations, quantity
from shipslog.store.objects.autoscaling_v2 import HorizontalPodAutoscaler, MetricSpec, MetricStatus
from shipslog.store.objects.metrics_v1beta1 import PodMetrics
from shipslog.store.objects.times import parse_time
from shipslog.store.refusals import Refusal

EVERY_S = 15.0
NOTICED = 0.1  # of what is shown
FRESH_NS = 1_000_000_000
ACTOR = "system:controller:horizontal-pod-autoscaler"
CUSTOM = "unable to fetch metrics from custom metrics API"
MISSING = "the server could not find the requested resource"

log = logger(__name__)


class Metrics(Protocol):
    """Where autoscalers' metrics come from. What cannot be had comes back as a reading with an error."""

    def read(self, autoscaler: HorizontalPodAutoscaler, spec: MetricSpec, pods: Sequence[core_v1.Pod]) -> MetricReading: ...


class MeasuredMetrics:
    """What the nodes measure of pods; other metrics nobody has here."""

    def __init__(self, runtimes: Mapping[str, NodeRuntime], clock: Clock) -> None:
        self._runtimes, self._clock = runtimes, clock
        self._usage, self._asked_ns = Usage({}, 0), 0

    def read(self, autoscaler: HorizontalPodAutoscaler, spec: MetricSpec, pods: Sequence[core_v1.Pod]) -> MetricReading:
        for source, container in (
            (spec.resource, ""),
            (spec.container_resource, spec.container_resource.container if spec.container_resource else ""),
        ):
            if source is not None:
                return self._of_pods(pods, source.name, container)
        if spec.pods is not None:
            name, what = spec.pods.metric.name, "pods.custom.metrics.k8s.io"
            return MetricReading(error=f"unable to get metric {name}: {CUSTOM}: {MISSING} (get {what})")
        if spec.object is not None:
            described = spec.object.described_object
            where = f"{described.kind} on {autoscaler.metadata.namespace} {described.name}"
            return MetricReading(error=f"unable to get metric {spec.object.metric.name}: {where}/{CUSTOM}: {MISSING}")
        name = spec.external.metric.name if spec.external is not None else ""
        where = f"{autoscaler.metadata.namespace}/{name}/nil"
        return MetricReading(
            error=f"unable to get external metric {where}: unable to fetch metrics from external metrics API: {MISSING}"
        )

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


def _amount(measured: PodMetrics, resource: str, container: str) -> int | None:
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
            for autoscaler in self._committer.view.list(HorizontalPodAutoscaler):
                try:
                    await self.look(autoscaler)
                except Refusal as refusal:
                    log.warning("metrics_not_recorded", autoscaler=autoscaler.metadata.name, why=refusal.message)
                await asyncio.sleep(0)

    async def look(self, autoscaler: HorizontalPodAutoscaler) -> None:
        """Record what is measured for one, if it matters. Errors: Refusal while the log takes nothing."""
        view, now, meta = self._committer.view, self._committer.clock.now_ns(), autoscaler.metadata
        try:
            target = target_of(view, autoscaler)
        except NoTarget:
            return
        pods = target.pods(view)
        readings = tuple(self.metrics.read(autoscaler, spec, pods) for spec in autoscaler.spec.metrics)
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


def _recommended(found: Wish, target: Target) -> int:
    return target.replicas if found.replicas is None else found.replicas


def differs(old: Wish, new: Wish) -> bool:
    """Whether what is measured now matters beside what was recorded."""
    if (old.replicas, old.metric, old.failures) != (new.replicas, new.metric, new.failures):
        return True
    return any(_is_off(was, now) for was, now in zip(old.statuses, new.statuses, strict=True))


def _is_off(old: MetricStatus, new: MetricStatus) -> bool:
    for was, now in zip(_values(old), _values(new), strict=True):
        if (was is None) != (now is None):
            return True
        if was is not None and now is not None and abs(now - was) > max(abs(was) * NOTICED, 1000):
            return True
    return False


def _values(status: MetricStatus) -> list[int | None]:
    """Thousandths: of what is shown as an amount and, where there is one, of the percentage."""
    source = status.resource or status.container_resource or status.pods or status.object or status.external
    assert source is not None
    current = source.current
    if current.average_utilization is not None:
        return [current.average_utilization * 1000]
    return [quantity.milli(str(amount)) if amount is not None else None for amount in (current.value, current.average_value)]
