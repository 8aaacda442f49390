"""Autoscalers from what is measured to what is scaled: conditions, events, what is recorded, and that it verifies."""

import asyncio
from typing import Any

import pytest

from shipslog.engine.past.replay import verify
from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.workloads.autoscaler.controller import decide
from shipslog.store.facts import MetricReading, MetricsObserved
from shipslog.store.objects.types import apps_v1, autoscaling_v2, core_v1
from shipslog.testing import TestCluster
from tests.reconcilers.views import NOW, view_of

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 10
  metrics: METRICS
"""
CPU = "[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]"
flowless = pytest.mark.shipslog(start="2026-11-01T12:00:00Z", flows=False)


def conditions(cluster: TestCluster) -> dict[str, tuple[str, str]]:
    held = cluster.get(autoscaling_v2.HorizontalPodAutoscaler, "web").status.conditions
    return {c.type: (c.status, c.reason) for c in held}


def replicas(cluster: TestCluster) -> int | None:
    return cluster.get(apps_v1.Deployment, "web").spec.replicas


def says(cluster: TestCluster, reason: str) -> list[str]:
    return [e.message for e in cluster.list(core_v1.Event) if e.reason == reason]


async def uses(cluster: TestCluster, cpu: str) -> None:
    await cluster.settled()
    for pod in cluster.list(core_v1.Pod):
        cluster.container(pod.metadata.name).uses(cpu=cpu)


@flowless
async def test_it_follows_what_its_pods_use(cluster: TestCluster) -> None:
    await cluster.apply(MANIFEST.replace("METRICS", CPU))
    await uses(cluster, "90m")
    await cluster.advance(minutes=10)
    assert (replicas(cluster) or 0) > 2
    assert "New size: 4; reason: cpu resource utilization (percentage of request) above target" in says(
        cluster, "SuccessfulRescale"
    )
    await uses(cluster, "45m")
    await cluster.advance(minutes=6)
    settled = replicas(cluster)
    assert conditions(cluster)["ScalingActive"] == ("True", "ValidMetricFound")
    assert conditions(cluster)["ScalingLimited"] == ("False", "DesiredWithinRange")
    status = cluster.get(autoscaling_v2.HorizontalPodAutoscaler, "web").status
    assert status.current_metrics[0].resource is not None
    assert status.current_metrics[0].resource.current.average_utilization == 45
    assert status.current_replicas == status.desired_replicas == settled and status.last_scale_time
    await uses(cluster, "1m")
    await cluster.advance(minutes=4)
    assert replicas(cluster) == settled and conditions(cluster)["AbleToScale"] == ("True", "ScaleDownStabilized")
    await cluster.advance(minutes=3)
    assert replicas(cluster) == 1
    assert "New size: 1; reason: All metrics below target" in says(cluster, "SuccessfulRescale")


@flowless
async def test_what_goes_on_is_no_fact_and_all_of_it_verifies(cluster: TestCluster) -> None:
    await cluster.apply(MANIFEST.replace("METRICS", CPU))
    await uses(cluster, "80m")
    await cluster.advance(minutes=10)
    await uses(cluster, "50m")
    await cluster.advance(minutes=10)
    events = [event async for batch in cluster.log.read() for event in batch]
    observed = [event for event in events if isinstance(event.fact, MetricsObserved)]
    assert 2 <= len(observed) <= 12, "eighty samples, and few that say something new"
    verified = await verify(cluster.log, ALL)
    assert verified.difference is None, str(verified.difference)
    assert any(
        getattr(event.fact, "reconciler", "") == "horizontal-pod-autoscaler" and "Patch" in str(event.fact.commands)
        for event in events
    )


class Given:
    """A source of metrics of one's own."""

    def __init__(self) -> None:
        self.readings: dict[str, MetricReading] = {}

    async def read(self, autoscaler: Any, spec: autoscaling_v2.MetricSpec, pods: Any) -> MetricReading:
        return self.readings.get(spec.type, MetricReading(error="nobody says"))


MANY = """
  - type: External
    external: {metric: {name: queue, selector: {matchLabels: {q: a}}}, target: {type: AverageValue, averageValue: 10}}
  - {type: Object, object: {describedObject: {kind: Service, name: s}, metric: {name: rps}, target: {type: Value, value: 100}}}
  - {type: Pods, pods: {metric: {name: hits}, target: {type: AverageValue, averageValue: 1k}}}
"""


@flowless
async def test_metrics_of_other_kinds(cluster: TestCluster) -> None:
    given = cluster.metrics_reader.metrics = Given()
    await cluster.apply(MANIFEST.replace("METRICS", MANY))
    await cluster.advance(minutes=1)
    assert replicas(cluster) == 2 and conditions(cluster)["ScalingActive"] == ("False", "FailedGetExternalMetric")
    assert says(cluster, "FailedComputeMetricsReplicas") == [
        "invalid metrics (3 invalid out of 3), first error is: failed to get queue external metric value: nobody says"
    ]
    given.readings["External"] = MetricReading(value=35_000)
    await cluster.advance(seconds=30)
    assert replicas(cluster) == 4, "one that can be asked is enough to go up"
    (told,) = says(cluster, "SuccessfulRescale")
    assert told.startswith("New size: 4; reason: external metric queue(&LabelSelector{MatchLabels:map[string]string{q: a,}")
    given.readings["External"] = MetricReading(value=1_000)
    await cluster.advance(minutes=10)
    assert replicas(cluster) == 4, "and not enough to go down"
    given.readings |= {"Object": MetricReading(value=150_000), "Pods": MetricReading(value=0, values={})}
    await cluster.advance(seconds=30)
    assert "New size: 6; reason: Service metric rps above target" in says(cluster, "SuccessfulRescale")


QUEUE = "[{type: External, external: {metric: {name: queue}, target: {type: Value, value: 10}}}]"


@flowless
async def test_its_limits_hold_for_each_turn_and_each_period(cluster: TestCluster) -> None:
    given = cluster.metrics_reader.metrics = Given()
    given.readings["External"] = MetricReading(value=90_000)
    await cluster.apply(MANIFEST.replace("METRICS", QUEUE).replace("replicas: 2", "replicas: 1"))

    async def turns(count: int, seconds: int) -> list[int | None]:
        sizes = []
        for _ in range(count):
            await cluster.advance(seconds=seconds)
            sizes.append(replicas(cluster))
        return sizes

    assert await turns(3, 15) == [4, 8, 10], "twice as many at each turn, or four"
    once_a_minute = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}], "stabilizationWindowSeconds": 0}
    await cluster.patch(
        autoscaling_v2.HorizontalPodAutoscaler, "web", {"spec": {"behavior": {"scaleDown": once_a_minute}}}, how="merge"
    )
    await cluster.advance(minutes=2)
    given.readings["External"] = MetricReading(value=1)
    assert await turns(4, 60) == [9, 8, 7, 6]


@flowless
async def test_nothing_is_decided_on_what_was_measured_before_a_restart(cluster: TestCluster) -> None:
    await cluster.apply(MANIFEST.replace("METRICS", CPU))
    await uses(cluster, "50m")
    await cluster.advance(minutes=2)
    view = cluster.view.copy()
    uid = cluster.get(autoscaling_v2.HorizontalPodAutoscaler, "web").metadata.uid
    state = view.autoscaler(uid)
    assert state is not None and state.observed is not None and state == cluster.view.autoscaler(uid)
    view._autoscalers.restart()
    decision = decide(view, "default/web", now=cluster.clock.now_ns())
    assert not decision.commands and decision.reason == "nothing has been measured for it yet"
    await asyncio.sleep(0)


def autoscaler(**spec: Any) -> autoscaling_v2.HorizontalPodAutoscaler:
    ref = autoscaling_v2.CrossVersionObjectReference(kind=spec.pop("of", "Deployment"), name="web", api_version="apps/v1")
    from tests.reconcilers.views import meta

    made = autoscaling_v2.HorizontalPodAutoscalerSpec(scale_target_ref=ref, max_replicas=spec.pop("most", 5), **spec)
    return autoscaling_v2.HorizontalPodAutoscaler(metadata=meta("web"), spec=made)


def deployment(count: int, labels: Any = ("app", "web")) -> apps_v1.Deployment:
    from shipslog.store.objects.types import meta_v1
    from tests.reconcilers.views import meta

    selector = meta_v1.LabelSelector(match_labels=dict([labels]) if labels else {})
    return apps_v1.Deployment(metadata=meta("web"), spec=apps_v1.DeploymentSpec(replicas=count, selector=selector))


@pytest.mark.parametrize(
    ("there", "type_", "reason", "size"),
    [
        ((autoscaler(),), "AbleToScale", "FailedGetScale", None),
        ((autoscaler(of="Nothing"),), "AbleToScale", "FailedGetScale", None),
        ((autoscaler(), deployment(0)), "ScalingActive", "ScalingDisabled", None),
        ((autoscaler(), deployment(9)), "AbleToScale", "SucceededRescale", 5),
        ((autoscaler(min_replicas=3), deployment(2)), "AbleToScale", "SucceededRescale", 3),
    ],
)
def test_what_needs_no_measuring(there: tuple[Any, ...], type_: str, reason: str, size: int | None) -> None:
    decision = decide(view_of(*there), "default/web", now=NOW)
    held = {c.type: c.reason for c in decision.commands[-1].object.status.conditions}  # type: ignore[union-attr]
    assert held[type_] == reason
    assert [say.message for say in decision.says if say.reason == "SuccessfulRescale"] == (
        [
            f"New size: {size}; reason: Current number of replicas {'above' if size == 5 else 'below'} "
            f"Spec.{'Max' if size == 5 else 'Min'}Replicas"
        ]
        if size
        else []
    )


def test_two_that_would_scale_the_same_pods() -> None:
    from msgspec.structs import replace

    from shipslog.store.objects.types import meta_v1
    from tests.reconcilers.views import add, meta, pod

    two = replace(deployment(2), metadata=meta("two"))
    expressed = meta_v1.LabelSelector(match_expressions=(meta_v1.LabelSelectorRequirement(key="app", operator="Exists"),))
    for other in (two, replace(two, spec=replace(two.spec, selector=expressed))):
        ref = autoscaling_v2.CrossVersionObjectReference(kind="Deployment", name="two", api_version="apps/v1")
        rival = replace(autoscaler(), metadata=meta("rival"), spec=replace(autoscaler().spec, scale_target_ref=ref))
        view = view_of(autoscaler(), deployment(2), other, rival, pod("p", node="n", labels={"app": "web"}))
        uid = "uid-horizontalpodautoscalers-web"
        add(view, autoscaler())
        fact = MetricsObserved(namespace="default", name="web", uid=uid, readings=(), replicas=2, recommended=2)
        view._autoscalers.observe(fact, NOW)
        decision = decide(view, "default/web", now=NOW)
        (said,) = decision.says
        assert said.reason == "AmbiguousSelector"
        assert said.message == "pods by selector app=web are controlled by multiple HPAs: [default/web default/rival]"
    alone = view_of(autoscaler(), deployment(2), other, pod("p", node="n", labels={"app": "web"}))
    alone._autoscalers.observe(fact, NOW)
    assert "AmbiguousSelector" not in [say.reason for say in decide(alone, "default/web", now=NOW).says]
