"""Quotas as admission keeps to them: what an object may not take beyond them, in Kubernetes' words."""

from typing import Any

import pytest

from shipslog.store.refusals import Forbidden
from tests.engine.kinds.conftest import World

SMALL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}}


def world_with(hard: dict[str, str], **spec: Any) -> World:
    world = World()
    world.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}})
    return world


def pod(name: str, *resources: dict[str, Any], **spec: Any) -> dict[str, Any]:
    containers = [{"name": f"c{i}", "image": "i", "resources": of} for i, of in enumerate(resources)]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (pod("p", {}), "failed quota: q: must specify limits.memory for: c0; requests.cpu for: c0"),
        (pod("p", SMALL, {"requests": {"cpu": "1m"}}), "failed quota: q: must specify limits.memory for: c1"),
        (
            pod("p", {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}),
            "exceeded quota: q, requested: limits.memory=1Gi,requests.cpu=1, used: limits.memory=0,requests.cpu=0, "
            "limited: limits.memory=256Mi,requests.cpu=250m",
        ),
        (
            pod(
                "p",
                SMALL,
                initContainers=[{"name": "i", "image": "i", "resources": {"limits": {"cpu": "300m", "memory": "1Mi"}}}],
            ),
            "exceeded quota: q, requested: requests.cpu=300m, used: requests.cpu=0, limited: requests.cpu=250m",
        ),
    ],
)
def test_what_a_pod_may_not_take(body: dict[str, Any], why: str) -> None:
    world = world_with({"pods": "1", "requests.cpu": "250m", "limits.memory": "256Mi"})
    with pytest.raises(Forbidden) as refused:
        world.create("pods", body)
    assert refused.value.message == f'pods "p" is forbidden: {why}'


def test_the_last_that_fits_is_the_last() -> None:
    world = world_with({"pods": "1", "requests.cpu": "250m"})
    first = world.create("pods", pod("p", SMALL))
    with pytest.raises(Forbidden, match="exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"):
        world.create("pods", pod("r", SMALL))
    world.change(first, "status", status={"phase": "Succeeded"})
    assert world.create("pods", pod("r", SMALL)), "what has ended takes nothing"


def test_what_a_pod_says_as_a_whole_its_containers_need_not() -> None:
    world = world_with({"requests.cpu": "1", "limits.memory": "1Gi"})
    whole = {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi", "cpu": "2"}}
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=0"):
        world.create("pods", pod("p", {}, resources=whole))
    assert world.create("pods", pod("p", {}, resources={**whole, "requests": {"cpu": "1"}}))


def test_objects_are_counted_by_both_names() -> None:
    world = world_with({"configmaps": "1", "count/secrets": "0", "count/jobs.batch": "0"})
    world.create("configmaps", {"metadata": {"name": "a"}})
    for plural, name, what in (("configmaps", "b", "configmaps=1"), ("secrets", "s", "count/secrets=1")):
        with pytest.raises(Forbidden, match=f"requested: {what}"):
            world.create(plural, {"metadata": {"name": name}})
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    with pytest.raises(Forbidden, match=r'jobs.batch "j" is forbidden: exceeded quota: q, requested: count/jobs.batch=1'):
        world.create("jobs", {"metadata": {"name": "j"}, "spec": {"template": template}})


def test_what_grows_is_counted_by_what_it_takes_more() -> None:
    world = world_with(
        {"services.nodeports": "2", "requests.storage": "2Gi", "fast.storageclass.storage.k8s.io/requests.storage": "0"}
    )
    ports = [{"port": 80, "name": "a"}]
    service = world.create("services", {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": ports}})
    more = [{"port": 80 + i, "name": f"p{i}"} for i in range(3)]
    with pytest.raises(
        Forbidden, match=r"requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2"
    ):
        world.change(service, spec={"ports": more})
    assert world.change(service, spec={"ports": more[:2]})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    with pytest.raises(Forbidden, match=r"requested: fast.storageclass.storage.k8s.io/requests.storage=1Gi, used: .*=0"):
        world.create("persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": {**spec, "storageClassName": "fast"}})
    assert world.create("persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": {**spec, "storageClassName": ""}})


@pytest.mark.parametrize(
    ("scope", "refused", "let"),
    [
        ({"scopes": ["BestEffort"]}, pod("p", {}), pod("p", SMALL)),
        ({"scopes": ["NotBestEffort"]}, pod("p", SMALL), pod("p", {})),
        ({"scopes": ["Terminating"]}, pod("p", {}, activeDeadlineSeconds=5), pod("p", {})),
        ({"scopes": ["NotTerminating"]}, pod("p", {}), pod("p", {}, activeDeadlineSeconds=5)),
        (
            {"scopes": ["CrossNamespacePodAffinity"]},
            pod(
                "p",
                {},
                affinity={
                    "podAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {"topologyKey": "k", "namespaces": ["other"], "labelSelector": {"matchLabels": {"a": "b"}}}
                        ]
                    }
                },
            ),
            pod("p", {}),
        ),
    ],
    ids=lambda value: str(value.get("scopes", [""])[0]) if isinstance(value, dict) else "",
)
def test_a_scope_says_whom_it_is_about(scope: dict[str, Any], refused: dict[str, Any], let: dict[str, Any]) -> None:
    world = world_with({"pods": "0"}, **scope)
    with pytest.raises(Forbidden, match="exceeded quota"):
        world.create("pods", refused)
    assert world.create("pods", let)
    assert world.create("services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})


def test_priorities_are_chosen_by_name() -> None:
    chosen = {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
    world = world_with({"pods": "0"}, scopeSelector={"matchExpressions": [chosen]})
    world.create("priorityclasses", {"metadata": {"name": "high"}, "value": 5})
    with pytest.raises(Forbidden, match="exceeded quota"):
        world.create("pods", pod("p", {}, priorityClassName="high"))
    assert world.create("pods", pod("p", {}))
