"""Clients that create, scale and delete, and remember what they were told: the ledger is what the checkers compare with."""

import asyncio
import random
from typing import Any

import msgspec

from shipslog.engine.cluster import Cluster
from shipslog.store.commands import Delete, Patch
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.refusals import Refusal

MERGE = "application/merge-patch+json"


class Ledger:
    """By name: every value that the object may have now. None stands for not existing."""

    def __init__(self) -> None:
        self.config_maps: dict[str, set[str | None]] = {}
        self.replicas: dict[str, set[int | None]] = {}
        self.services: dict[str, set[bool]] = {}
        self.acknowledged = 0

    async def attempt(self, held: dict[str, set[Any]], name: str, value: Any, work: Any, absent: Any) -> None:
        """Do it: from then on the value may be the new one, and is when it was acknowledged."""
        before = held.get(name, {absent})
        held[name] = before | {value}
        try:
            await work
        except Refusal as refusal:
            if refusal.code < 500:
                held[name] = before  # refused: certainly not done
            return
        held[name] = {value}
        self.acknowledged += 1


def rc(name: str, replicas: int) -> core_v1.ReplicationController:
    labels = {"app": name}
    container = core_v1.Container(name="c", image="img", ports=(core_v1.ContainerPort(container_port=80),))
    template = core_v1.PodTemplateSpec(
        metadata=meta_v1.ObjectMeta(labels=labels),
        spec=core_v1.PodSpec(containers=(container,), termination_grace_period_seconds=1),
    )
    spec = core_v1.ReplicationControllerSpec(replicas=replicas, selector=labels, template=template)
    return core_v1.ReplicationController(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), spec=spec)


def service(name: str) -> core_v1.Service:
    spec = core_v1.ServiceSpec(selector={"app": name}, ports=(core_v1.ServicePort(port=80),))
    return core_v1.Service(metadata=meta_v1.ObjectMeta(name=name, namespace="default"), spec=spec)


async def client(cluster: Cluster, ledger: Ledger, rng: random.Random) -> None:
    """Do something every so often, for ever."""
    while True:
        await asyncio.sleep(rng.expovariate(1.5))
        kind = rng.choice(("config_map", "config_map", "rc", "rc", "scale", "scale", "service", "pod", "delete_rc"))
        name = f"{kind.removeprefix('delete_').replace('scale', 'rc').replace('service', 'rc')}-{rng.randrange(3)}"
        await _act(cluster, ledger, rng, kind, name)


async def _act(cluster: Cluster, ledger: Ledger, rng: random.Random, kind: str, name: str) -> None:
    match kind:
        case "config_map" if rng.random() < 0.25:
            work = cluster.submit(Delete(resource="configmaps", namespace="default", name=name))
            await ledger.attempt(ledger.config_maps, name, None, work, None)
        case "config_map":
            value = str(rng.getrandbits(32))
            found = cluster.view.get(core_v1.ConfigMap, name, "default")
            meta = meta_v1.ObjectMeta(name=name, namespace="default")
            made = core_v1.ConfigMap(metadata=meta, data={"v": value})
            await ledger.attempt(
                ledger.config_maps, name, value, cluster.create(made) if found is None else cluster.update(made), None
            )
        case "rc":
            replicas = rng.randrange(1, 6)
            await ledger.attempt(ledger.replicas, name, replicas, cluster.create(rc(name, replicas)), None)
        case "scale":
            replicas = rng.randrange(0, 7)
            body = msgspec.json.encode({"spec": {"replicas": replicas}})
            patch = Patch(resource="replicationcontrollers", namespace="default", name=name, media_type=MERGE, body=body)
            await ledger.attempt(ledger.replicas, name, replicas, cluster.submit(patch), None)
        case "delete_rc":
            delete = Delete(resource="replicationcontrollers", namespace="default", name=name, propagation="Background")
            await ledger.attempt(ledger.replicas, name, None, cluster.submit(delete), None)
        case "service":
            there = cluster.view.get(core_v1.Service, name, "default") is not None
            work = (
                cluster.submit(Delete(resource="services", namespace="default", name=name))
                if there
                else cluster.create(service(name))
            )
            await ledger.attempt(ledger.services, name, not there, work, False)
        case "pod":
            pods = cluster.list(core_v1.Pod, "default")
            if pods:
                meta = rng.choice(pods).metadata
                delete = Delete(resource="pods", namespace="default", name=meta.name, uid=meta.uid)
                try:
                    await cluster.submit(delete)
                except Refusal:
                    return


async def watcher(cluster: Cluster, seen: list[tuple[int, str, str]]) -> None:
    """Every change of ConfigMaps, as one client sees it."""
    watch = cluster.watch("configmaps")
    async for record in watch:
        seen.append((record.revision, record.change, record.entry.object.metadata.name))
