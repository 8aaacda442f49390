"""The resize subresource: what it brings, what it leaves, and what is refused in Kubernetes' words."""

from typing import Any

import msgspec
import pytest

from shipslog.store.commands import Patch
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Invalid
from shipslog.testing import TestCluster

RESOURCES = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m"}}
STRATEGIC = "application/strategic-merge-patch+json"


def pod(**more: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "containers": [{"name": "c", "image": "i", "resources": RESOURCES}, {"name": "d", "image": "i"}],
        "initContainers": [
            {"name": "first", "image": "i", "resources": RESOURCES},
            {"name": "side", "image": "i", "restartPolicy": "Always", "resources": RESOURCES},
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec | more}


async def resize(cluster: TestCluster, spec: dict[str, Any], media: str = STRATEGIC, name: str = "p") -> core_v1.Pod:
    body = msgspec.json.encode({"metadata": {"labels": {"seen": "yes"}}, "spec": spec})
    await cluster.submit(
        Patch(resource="pods", namespace="default", name=name, media_type=media, body=body, subresource="resize")
    )  # fmt: skip
    return cluster.get(core_v1.Pod, name)


def container(name: str, kind: str = "requests", **amounts: str | None) -> dict[str, Any]:
    return {"name": name, "resources": {kind: amounts}}


async def test_it_brings_cpu_and_memory_and_nothing_else(cluster: TestCluster) -> None:
    await cluster.create(pod())
    wanted = {"containers": [container("c", cpu="150m")], "initContainers": [container("side", "limits", cpu="1")]}
    now = await resize(cluster, wanted | {"activeDeadlineSeconds": 5, "tolerations": [{"operator": "Exists"}]})
    assert now.spec.containers[0].resources.requests == {"cpu": "150m", "memory": "64Mi"}
    assert now.spec.containers[0].resources.limits == RESOURCES["limits"]
    assert now.spec.init_containers[1].resources.limits["cpu"] == "1"
    assert now.spec.active_deadline_seconds is None and len(now.spec.tolerations) == 2
    assert now.metadata.labels == {"seen": "yes"}


QOS = "Pod QOS Class may not change as a result of resizing"
BOTH = {"name": "c", "resources": {"requests": {"cpu": "200m"}, "limits": {"memory": "64Mi"}}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"containers": [container("c", memory=None)]}, "requests: Forbidden: resource requests cannot be removed"),
        ({"containers": [container("c", "limits", cpu=None)]}, "limits: Forbidden: resource limits cannot be removed"),
        ({"containers": [container("c", cpu="500m")]}, "must be less than or equal to cpu limit of 200m"),
        ({"containers": [container("c", cpu="-1")]}, "must be greater than or equal to 0"),
        ({"containers": [container("c", "limits", **{"ephemeral-storage": "1Gi"})]}, "spec: Forbidden: only cpu and memory"),
        ({"initContainers": [container("side", **{"ephemeral-storage": "1Gi"})]}, "for sidecar containers are mutable"),
        ({"initContainers": [container("first", cpu="150m")]}, "resources for non-sidecar init containers are immutable"),
        ({"containers": [{"name": "new", "image": "i"}]}, "spec.containers: Forbidden: containers may not be added"),
        ({"containers": [{"$patch": "delete", "name": "d"}]}, "containers may not be added or removed on resize"),
        (
            {"containers": [{"name": "c", "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}]},
            "only cpu and memory resources are mutable",
        ),
    ],
)
async def test_what_is_refused(cluster: TestCluster, spec: dict[str, Any], words: str) -> None:
    await cluster.create(pod())
    before = cluster.get(core_v1.Pod, "p").spec.containers
    with pytest.raises(Invalid) as refused:
        await resize(cluster, spec)
    assert words in refused.value.message
    assert cluster.get(core_v1.Pod, "p").spec.containers == before


async def test_containers_keep_their_order_and_names(cluster: TestCluster) -> None:
    await cluster.create(pod(initContainers=[]))
    reordered = [{"name": "d", "image": "i"}, {"name": "c", "image": "i", "resources": RESOURCES}]
    with pytest.raises(Invalid) as refused:
        await resize(cluster, {"containers": reordered}, "application/merge-patch+json")
    words = "Forbidden: containers may not be renamed or reordered on resize"
    assert f"spec.containers[0].name: {words}" in refused.value.message
    assert f"spec.containers[1].name: {words}" in refused.value.message


async def test_the_class_of_service_stays(cluster: TestCluster) -> None:
    await cluster.create(pod(containers=[{"name": "c", "image": "i", "resources": RESOURCES}], initContainers=[]))
    with pytest.raises(Invalid, match=QOS):
        await resize(cluster, {"containers": [BOTH]})


async def test_pods_of_other_systems_cannot_be_resized(cluster: TestCluster) -> None:
    await cluster.create(pod(os={"name": "windows"}, initContainers=[]))
    with pytest.raises(Invalid, match="windows pods cannot be resized"):
        await resize(cluster, {"containers": [container("c", cpu="150m")]})


async def test_without_the_subresource_resources_stay(cluster: TestCluster) -> None:
    await cluster.create(pod())
    body = msgspec.json.encode({"spec": {"containers": [container("c", cpu="150m")]}})
    with pytest.raises(Invalid, match="pod updates may not change fields other than"):
        await cluster.submit(Patch(resource="pods", namespace="default", name="p", media_type=STRATEGIC, body=body))
