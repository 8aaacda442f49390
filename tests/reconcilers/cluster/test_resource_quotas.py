"""Quotas as tables: what is there, and what their status is to say."""

from shipslog.reconcilers.cluster import resource_quotas
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.core_v1 import ResourceQuota, ResourceQuotaSpec
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.values.times import api_time
from tests.reconcilers.views import NOW, view_of, woken

SECOND = 10**9


def quota(name: str = "q", namespace: str = "default", **hard: str) -> ResourceQuota:
    amounts = {key.replace("__", "/").replace("_", "."): value for key, value in hard.items()}
    return ResourceQuota(metadata=ObjectMeta(name=name, namespace=namespace), spec=ResourceQuotaSpec(hard=dict(amounts)))


def pod(name: str, namespace: str = "default", **meta: object) -> core_v1.Pod:
    resources = core_v1.ResourceRequirements(requests={"cpu": "100m"})
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", resources=resources),))
    return core_v1.Pod(metadata=ObjectMeta(name=name, namespace=namespace, **meta), spec=spec)  # type: ignore[arg-type]


def test_its_status_says_what_its_namespace_takes() -> None:
    limited = quota(pods="5", requests_cpu="1", configmaps="3", count__secrets="2")
    maps = [core_v1.ConfigMap(metadata=ObjectMeta(name=name, namespace="default")) for name in "ab"]
    there = (limited, pod("p"), pod("r"), pod("elsewhere", "other"), *maps)
    (command,) = resource_quotas.decide(view_of(*there), "default/q", now=NOW).commands
    assert isinstance(command, Update) and command.subresource == "status"
    status = command.object.status
    assert status.hard == limited.spec.hard
    assert status.used == {"pods": "2", "requests.cpu": "200m", "configmaps": "2", "count/secrets": "0"}
    assert not resource_quotas.decide(view_of(command.object, *there[1:]), "default/q", now=NOW).commands, "once is enough"
    assert not resource_quotas.decide(view_of(), "default/q", now=NOW).commands


def test_it_looks_again_when_a_pod_overstays() -> None:
    going = pod("p", deletion_timestamp=api_time(NOW), deletion_grace_period_seconds=30)
    decision = resource_quotas.decide(view_of(quota(pods="5"), going), "default/q", now=NOW)
    assert decision.requeue_after is not None and 29 <= decision.requeue_after <= 31
    later = resource_quotas.decide(view_of(quota(pods="5"), going), "default/q", now=NOW + 32 * SECOND)
    assert later.requeue_after is None and later.commands[0].object.status.used == {"pods": "0"}  # type: ignore[union-attr]


def test_whatever_comes_or_goes_wakes_those_of_its_namespace() -> None:
    view = view_of(quota(), quota("r"), quota("s", "other"))
    assert sorted(woken(resource_quotas.WAKES, view, pod("p"))) == ["default/q", "default/r"]
