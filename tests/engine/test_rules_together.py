"""Rules of the catalogue in one engine: what a change wakes, to its end."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.store.objects.types import core_v1, meta_v1

WAIT_S = 10.0


def controller(name: str, replicas: int, **more: Any) -> core_v1.ReplicationController:
    labels = {"app": name}
    pod = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),))
    template = core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels=labels), spec=pod)
    spec = core_v1.ReplicationControllerSpec(replicas=replicas, selector=labels, template=template)
    meta = meta_v1.ObjectMeta(name=name, namespace="default", **more)
    return core_v1.ReplicationController(metadata=meta, spec=spec)


async def comes(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_pod_that_is_relabelled_away_from_its_controller_is_replaced() -> None:
    async with Cluster.open() as cluster:
        await cluster.create(controller("web", 1))
        await comes(lambda: len(cluster.list(core_v1.Pod)) == 1)
        (pod,) = cluster.list(core_v1.Pod)
        async with asyncio.timeout(WAIT_S):
            pod = await cluster.wait(core_v1.Pod, pod.metadata.name, until=lambda p: p.status.phase == "Running")
        await cluster.update(replace(pod, metadata=replace(pod.metadata, labels={"app": "debug"}, resource_version="")))
        await comes(lambda: len(cluster.list(core_v1.Pod)) == 2)
        taken_out = cluster.get(core_v1.Pod, pod.metadata.name)
        assert taken_out.metadata.owner_references == () and not taken_out.metadata.deletion_timestamp


def owner(obj: Any) -> meta_v1.OwnerReference:
    meta = obj.metadata
    return meta_v1.OwnerReference(api_version="v1", kind="ConfigMap", name=meta.name, uid=meta.uid, block_owner_deletion=True)


async def config_map(cluster: Cluster, name: str, *owners: Any, namespace: str = "default") -> core_v1.ConfigMap:
    meta = meta_v1.ObjectMeta(name=name, namespace=namespace, owner_references=tuple(owner(o) for o in owners))
    return await cluster.create(core_v1.ConfigMap(metadata=meta))


async def own(cluster: Cluster, obj: core_v1.ConfigMap, *owners: Any) -> None:
    meta = replace(obj.metadata, owner_references=tuple(owner(o) for o in owners), resource_version="")
    await cluster.update(replace(obj, metadata=meta))


async def test_a_circle_of_owners_that_is_deleted_in_the_foreground_goes() -> None:
    async with Cluster.open() as cluster:
        a = await config_map(cluster, "a")
        b = await config_map(cluster, "b", a)
        c = await config_map(cluster, "c", b)
        await own(cluster, a, c)
        await cluster.delete(core_v1.ConfigMap, "a", propagation="Foreground")
        for name in ("a", "b", "c"):
            await cluster.gone(core_v1.ConfigMap, name, timeout_s=WAIT_S)


async def test_an_owner_does_not_wait_for_what_another_owner_keeps() -> None:
    async with Cluster.open() as cluster:
        goes, stays = await config_map(cluster, "goes"), await config_map(cluster, "stays")
        await config_map(cluster, "shared", goes, stays)
        await cluster.delete(core_v1.ConfigMap, "goes", propagation="Foreground")
        await cluster.gone(core_v1.ConfigMap, "goes", timeout_s=WAIT_S)
        shared = cluster.get(core_v1.ConfigMap, "shared")
        assert [o.name for o in shared.metadata.owner_references] == ["stays"]


async def test_an_owner_that_is_named_later_and_was_never_there_takes_its_dependent_along() -> None:
    async with Cluster.open() as cluster:
        gone = await config_map(cluster, "gone")
        await cluster.delete(core_v1.ConfigMap, "gone")
        await own(cluster, await config_map(cluster, "late"), gone)
        await cluster.gone(core_v1.ConfigMap, "late", timeout_s=WAIT_S)


async def test_a_namespace_stays_whatever_owner_it_names_and_people_are_told() -> None:
    async with Cluster.open() as cluster:
        gone = await config_map(cluster, "gone")
        await cluster.create(core_v1.Namespace(metadata=meta_v1.ObjectMeta(name="kept", owner_references=(owner(gone),))))
        await cluster.delete(core_v1.ConfigMap, "gone")
        await comes(lambda: any(e.reason == "OwnerRefInvalidNamespace" for e in cluster.list(core_v1.Event)))
        assert not cluster.get(core_v1.Namespace, "kept").metadata.deletion_timestamp
