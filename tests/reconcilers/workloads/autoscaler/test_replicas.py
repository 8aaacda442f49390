"""From amounts to a number, with pods that say nothing, are not ready, or end."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.workloads.autoscaler import replicas
from shipslog.reconcilers.workloads.autoscaler.replicas import Proposal, Tolerance, Unmeasured
from shipslog.store.facts import MetricReading
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import api_time
from tests.reconcilers import views

NOW = views.NOW
LONG_AGO = api_time(NOW - 3600 * 10**9)


def pod(
    name: str, *, cpu: str = "1", ready: str = "True", began_s: int = 3600, since_s: int = 3000, **more: Any
) -> core_v1.Pod:
    made = views.pod(name, node="n", cpu=cpu, **more)
    condition = core_v1.PodCondition(type="Ready", status=ready, last_transition_time=api_time(NOW - since_s * 10**9))
    status = replace(made.status, conditions=(condition,), start_time=api_time(NOW - began_s * 10**9))
    return replace(made, status=status)


def reading(**values: int) -> MetricReading:
    return MetricReading(values=values, at_ns=NOW, window_ns=15 * 10**9)


def percent(pods: list[core_v1.Pod], target: int, current: int = 0, resource: str = "cpu", **values: int) -> Proposal:
    found = reading(**values)
    return replicas.by_utilization(pods, found, resource, "", target, current or len(pods), Tolerance(), NOW)


@pytest.mark.parametrize(
    ("values", "target", "wanted", "utilization"),
    [
        ({"a": 600, "b": 600}, 50, 3, 60),  # a little over: one more
        ({"a": 540, "b": 540}, 50, 2, 54),  # within the tolerance
        ({"a": 100, "b": 100}, 50, 1, 10),
        ({"a": 1000, "b": 1000}, 50, 4, 100),
        ({"a": 0, "b": 0}, 50, 0, 0),
    ],
)
def test_a_percentage_of_requests(values: dict[str, int], target: int, wanted: int, utilization: int) -> None:
    found = percent([pod("a"), pod("b")], target, **values)
    assert (found.replicas, found.utilization) == (wanted, utilization)


def test_a_pod_that_says_nothing_counts_against_the_direction() -> None:
    pods = [pod("a"), pod("b"), pod("c")]
    assert percent(pods, 50, a=800, b=800).replicas == 3, "it is taken to use nothing: 1600 of 3000 is 53 per cent"
    assert percent(pods, 50, a=1000, b=900).replicas == 4
    assert percent(pods, 50, a=10, b=10).replicas == 3, "it is taken to use all that it requests"


def test_a_pod_that_begins_is_no_reason_to_scale_further() -> None:
    pods = [pod("a"), pod("b", ready="False", began_s=10, since_s=10)]
    assert percent(pods, 50, a=900, b=900).replicas == 2, "900 of 2000 is within what is aimed at"
    assert percent([pod("a"), pod("b", began_s=100, since_s=10)], 50, a=900, b=900).replicas == 2, "its window is not over"
    assert percent([pod("a"), pod("b", began_s=100, since_s=60)], 50, a=900, b=900).replicas == 4
    late = pod("b", ready="False", began_s=3000, since_s=100)
    assert percent([pod("a"), late], 50, a=900, b=900).replicas == 4, "it was ready once: what it uses is no beginning"


def test_pods_that_wait_end_or_failed() -> None:
    pods = [pod("a"), pod("w", phase="Pending"), pod("e", deletion_timestamp=LONG_AGO), pod("f", phase="Failed")]
    assert percent(pods, 50, current=1, a=800, e=9000, f=9000).replicas == 1, "the one that waits is taken to use nothing"
    assert percent(pods, 50, current=4, a=100).replicas == 1


def test_memory_does_not_mind_readiness() -> None:
    requests = core_v1.ResourceRequirements(requests={"memory": "1Ki"})
    pods = [pod("a", ready="False"), pod("b")]
    spec = replace(pods[0].spec, containers=(replace(pods[0].spec.containers[0], resources=requests),))
    asked = [replace(p, spec=spec) for p in pods]
    assert percent(asked, 50, resource="memory", a=1024_000, b=1024_000).replicas == 4


@pytest.mark.parametrize(
    ("pods", "values", "why"),
    [
        ([], {}, "no pods returned by selector while calculating replica count"),
        ([pod("a")], {}, "did not receive metrics for targeted pods (pods might be unready)"),
        ([pod("a", cpu="")], {"a": 1}, "missing request for cpu in container c of Pod a"),
    ],
)
def test_what_cannot_be_told(pods: list[core_v1.Pod], values: dict[str, int], why: str) -> None:
    with pytest.raises(Unmeasured) as refused:
        percent(pods, 50, **values)
    assert str(refused.value) == why


def test_an_average_amount() -> None:
    pods = [pod("a"), pod("b"), pod("c")]

    def average(target: int, **values: int) -> int:
        return replicas.by_average(pods, reading(**values), "", target, 3, Tolerance(), NOW).replicas

    assert average(10_000, a=20_000, b=20_000, c=20_000) == 6
    assert average(10_000, a=20_000, b=20_000) == 4, "the third is taken to have none: 13.3"
    assert average(10_000, a=1_000, b=1_000) == 2, "the third is taken to have what is aimed at"
    assert average(10_000, a=10_500, b=10_500, c=10_500) == 3


def test_one_amount_for_all() -> None:
    pods = [pod("a"), pod("b", ready="False")]
    assert replicas.by_value(pods, 30_000, 10_000, 2, Tolerance()).replicas == 3, "three times as many as are ready"
    assert replicas.by_value(pods, 10_900, 10_000, 2, Tolerance()).replicas == 2
    assert replicas.by_value([], 30_000, 10_000, 0, Tolerance()).replicas == 3
    assert replicas.by_share(30_000, 10_000, 2, Tolerance()) == Proposal(3, average=15_000)
    assert replicas.by_share(20_500, 10_000, 2, Tolerance()).replicas == 2
    assert replicas.by_share(20_500, 10_000, 2, Tolerance(up=0.01)).replicas == 3
