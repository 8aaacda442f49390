"""What objects take of quotas, as tables."""

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.cluster import quota_usage
from shipslog.reconcilers.cluster.quota_usage import Amount, amount, overdue_at, resource_of, total, usage
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from tests.reconcilers.views import NOW


def container(name: str, cpu: str, memory: str = "1Mi", policy: str = "") -> core_v1.Container:
    resources = core_v1.ResourceRequirements(requests={"cpu": cpu, "memory": memory})
    return core_v1.Container(name=name, resources=resources, restart_policy=policy or None)


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [("100m", "200m", "300m"), ("1Gi", "1Gi", "2Gi"), ("0", "1Gi", "1Gi"), ("1Gi", "1", "1073741825"), ("500m", "500m", "1")],
)
def test_amounts_are_printed_in_the_form_of_the_first(one: str, other: str, text: str) -> None:
    assert (amount(one) + amount(other)).text == text


def test_a_pod_asks_for_its_containers_or_for_the_largest_of_those_before_them() -> None:
    initial = (container("a", "3"), container("side", "1", policy="Always"), container("b", "2500m"))
    spec = core_v1.PodSpec(containers=(container("c", "1"), container("d", "1")), init_containers=initial)
    assert {name: a.text for name, a in total(spec, quota_usage.requests).items()} == {"cpu": "3500m", "memory": "3Mi"}
    whole = core_v1.ResourceRequirements(requests={"cpu": "4"})
    found = total(replace(spec, resources=whole), quota_usage.requests)
    assert {name: a.text for name, a in found.items()} == {"cpu": "4", "memory": "3Mi"}, "what the pod says as a whole counts"


def test_what_has_ended_or_overstays_is_counted_as_an_object_alone() -> None:
    spec = core_v1.PodSpec(containers=(container("c", "1"),))
    meta = ObjectMeta(name="p", deletion_timestamp="2020-01-01T00:00:00Z", deletion_grace_period_seconds=30)
    ended = core_v1.Pod(metadata=ObjectMeta(name="p"), spec=spec, status=core_v1.PodStatus(phase="Failed"))
    late = core_v1.Pod(metadata=meta, spec=spec)
    for pod in (ended, late):
        assert usage("pods", pod, now=NOW) == {"count/pods": Amount(10**9)}
    assert usage("pods", late, now=overdue_at(late))["requests.cpu"].text == "1", "not yet"


def test_a_load_balancer_without_node_ports() -> None:
    ports = (core_v1.ServicePort(port=80), core_v1.ServicePort(port=81, node_port=30_000))
    spec = core_v1.ServiceSpec(type="LoadBalancer", ports=ports, allocate_load_balancer_node_ports=False)
    taken = usage("services", core_v1.Service(spec=spec), now=NOW)
    assert {name: a.text for name, a in taken.items()} == {
        "count/services": "1",
        "services": "1",
        "services.loadbalancers": "1",
        "services.nodeports": "1",
    }


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("pods", "pods"),
        ("requests.nvidia.com/gpu", "pods"),
        ("count/crontabs.example.com", "crontabs.example.com"),
        ("requests.storage", "persistentvolumeclaims"),
        ("gold.storageclass.storage.k8s.io/persistentvolumeclaims", "persistentvolumeclaims"),
        ("services.nodeports", "services"),
        ("secrets", "secrets"),
    ],
)
def test_whose_objects_take_of_it(name: str, resource: str) -> None:
    assert resource_of(name) == resource
