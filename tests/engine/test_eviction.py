"""Evictions and budgets together, as a drain meets them."""

import asyncio

from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.store.commands import Evict
from shipslog.store.objects.types import core_v1, meta_v1, policy_v1
from shipslog.store.refusals import TooManyRequests

LABELS = {"app": "x"}


async def a_ready_pod(cluster: Cluster, name: str) -> None:
    spec = core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),))
    await cluster.create(core_v1.Pod(metadata=meta_v1.ObjectMeta(name=name, namespace="default", labels=LABELS), spec=spec))
    async with asyncio.timeout(5):
        while not any(c.type == "Ready" and c.status == "True" for c in cluster.get(core_v1.Pod, name).status.conditions):
            await asyncio.sleep(0.01)


async def test_two_evictions_at_once_draw_on_one_budget() -> None:
    async with Cluster.open() as cluster:
        for name in ("a", "b"):
            await a_ready_pod(cluster, name)
        chosen = meta_v1.LabelSelector(match_labels=LABELS)
        spec = policy_v1.PodDisruptionBudgetSpec(min_available=1, selector=chosen)
        meta = meta_v1.ObjectMeta(name="b", namespace="default")
        await cluster.create(policy_v1.PodDisruptionBudget(metadata=meta, spec=spec))
        async with asyncio.timeout(5):
            while cluster.get(policy_v1.PodDisruptionBudget, "b").status.disruptions_allowed != 1:
                await asyncio.sleep(0.01)
        evictions = (cluster.submit(Evict(namespace="default", name=name)) for name in ("a", "b"))
        results = await asyncio.gather(*evictions, return_exceptions=True)
        assert [isinstance(r, TooManyRequests) for r in results] == [False, True]
        kept = cluster.get(core_v1.Pod, "b")
        assert not kept.metadata.deletion_timestamp
        budget = cluster.get(policy_v1.PodDisruptionBudget, "b")
        await cluster.update(replace(budget, spec=replace(spec, min_available=0)))
        async with asyncio.timeout(5):
            while cluster.get(policy_v1.PodDisruptionBudget, "b").status.disruptions_allowed != 1:
                await asyncio.sleep(0.01)
        await cluster.submit(Evict(namespace="default", name="b"))
        going = cluster.get(core_v1.Pod, "b")
        (said,) = [c for c in going.status.conditions if c.type == "DisruptionTarget"]
        assert (said.status, said.reason, said.message) == ("True", "EvictionByEvictionAPI", "Eviction API: evicting")
