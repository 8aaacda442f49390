"""Clients that create, scale, evict and delete, on the same few objects; the ledger remembers what they were told.

Tests: tests/engine/testing/simulation/test_simulation.py
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from shipslog.engine.cluster import Cluster
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Evict, Patch, Update
from shipslog.store.objects.patch import MERGE_PATCH, STRATEGIC_PATCH
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Refusal

from . import objects
from .checkers.watches import Seen
from .ledger import Ledger

RCS = "replicationcontrollers"
DEPLOYMENTS = "deployments.apps"
IMAGES = ("img", "img:2", "img:3")
STRATEGIES = ("RollingUpdate", "RollingUpdate", "Recreate")
EVERY_S = 0.7  # between two calls of a client, on average
WAYS = ("Background", "Background", "Foreground", "Orphan")


class Client:
    """One of them."""

    def __init__(self, cluster: Cluster, ledger: Ledger, rng: random.Random) -> None:
        self.cluster, self.ledger, self.rng = cluster, ledger, rng
        self._works: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (4, self.config_map),
            (3, self.rc),
            (4, self.scale),
            (1, self.delete_rc),
            (2, self.deployment),
            (3, self.roll),
            (1, self.delete_deployment),
            (2, self.service),
            (2, self.pod),
            (3, self.evict),
            (1, self.budget),
            (1, self.network_policy),
            (4, self.large),
            (4, self.counter),
            (1, self.namespace),
        )

    async def run(self, every_s: float = EVERY_S) -> None:
        """Do something every so often, for ever."""
        weights, works = [w for w, _ in self._works], [work for _, work in self._works]
        while True:
            await asyncio.sleep(self.rng.expovariate(1 / every_s))
            await self.rng.choices(works, weights)[0]()

    # --- what the ledger knows of ---

    async def config_map(self) -> None:
        name = self._name("map")
        if self.rng.random() < 0.25:
            delete = Delete(resource="configmaps", namespace="default", name=name)
            await self._attempt("configmaps", "default", name, None, delete)
            return
        value = str(self.rng.getrandbits(32))
        made = objects.config_map(name, "default", value)
        there = self.cluster.view.get(core_v1.ConfigMap, name, "default") is not None
        await self._attempt("configmaps", "default", name, value, Update(object=made) if there else Create(object=made))

    async def rc(self) -> None:
        name, replicas = self._name("rc"), self.rng.randrange(1, 5)
        made = objects.rc(name, "default", replicas, probed=self.rng.random() < 0.6)
        await self._attempt(RCS, "default", name, replicas, Create(object=made))

    async def scale(self) -> None:
        name, replicas = self._name("rc"), self.rng.randrange(0, 6)
        body = msgspec.json.encode({"spec": {"replicas": replicas}})
        patch = Patch(resource=RCS, namespace="default", name=name, media_type=MERGE_PATCH, body=body)
        await self._attempt(RCS, "default", name, replicas, patch)

    async def delete_rc(self) -> None:
        name, way = self._name("rc"), self.rng.choice(WAYS)
        delete = Delete(resource=RCS, namespace="default", name=name, propagation=way)  # type: ignore[arg-type]
        await self._attempt(RCS, "default", name, None, delete)

    async def deployment(self) -> None:
        name, replicas, image = self._name("web"), self.rng.randrange(1, 4), self.rng.choice(IMAGES)
        probed, strategy = self.rng.random() < 0.5, self.rng.choice(STRATEGIES)
        made = objects.deployment(name, "default", replicas, image, probed=probed, strategy=strategy)
        await self._attempt(DEPLOYMENTS, "default", name, (replicas, image), Create(object=made))

    async def roll(self) -> None:
        """Another image, or an old one again; another size at once, or the same."""
        name, replicas, image = self._name("web"), self.rng.randrange(0, 4), self.rng.choice(IMAGES)
        template = {"spec": {"containers": [{"name": "c", "image": image}]}}
        body = msgspec.json.encode({"spec": {"replicas": replicas, "template": template}})
        patch = Patch(resource=DEPLOYMENTS, namespace="default", name=name, media_type=STRATEGIC_PATCH, body=body)
        await self._attempt(DEPLOYMENTS, "default", name, (replicas, image), patch)

    async def delete_deployment(self) -> None:
        name, way = self._name("web"), self.rng.choice(WAYS)
        delete = Delete(resource=DEPLOYMENTS, namespace="default", name=name, propagation=way)  # type: ignore[arg-type]
        await self._attempt(DEPLOYMENTS, "default", name, None, delete)

    async def service(self) -> None:
        name = self._name("rc")
        if self.cluster.view.get(core_v1.Service, name, "default") is not None:
            delete = Delete(resource="services", namespace="default", name=name)
            await self._attempt("services", "default", name, None, delete)
        else:
            await self._attempt("services", "default", name, True, Create(object=objects.service(name, "default")))

    async def namespace(self) -> None:
        """Make one with something in it, or end it."""
        name = self._name("team")
        if self.cluster.view.get(core_v1.Namespace, name) is not None:
            await self._attempt("namespaces", "", name, None, Delete(resource="namespaces", name=name))
            return
        made = core_v1.Namespace(metadata=objects.meta(name, ""))
        await self._attempt("namespaces", "", name, True, Create(object=made))
        rolled = objects.deployment("web", name, 2, "img", probed=True, strategy="RollingUpdate")
        controller = objects.rc("rc", name, 2, probed=True)
        for inside in (controller, rolled, objects.service("rc", name), objects.config_map("m", name, "")):
            await self._try(Create(object=inside))

    async def counter(self) -> None:
        """Two at once: whoever writes second has read what is there no more."""
        name = self._name("counter")
        await asyncio.gather(self._count(name), self._count(name))

    async def _count(self, name: str) -> None:
        """Read, add one, write: only if nobody else has written meanwhile."""
        found = self.cluster.view.get(core_v1.ConfigMap, name, "default")
        await asyncio.sleep(self.rng.uniform(0, 1.5))  # it thinks
        data = {"n": str(int(found.data["n"]) + 1 if found is not None else 1)}
        update: AnyObjectCommand
        if found is None:
            update = Create(object=core_v1.ConfigMap(metadata=objects.meta(name, "default"), data=data))
        elif self.rng.random() < 0.5:
            update = Update(object=msgspec.structs.replace(found, data=data))
        else:
            body = msgspec.json.encode({"metadata": {"resourceVersion": found.metadata.resource_version}, "data": data})
            update = Patch(resource="configmaps", namespace="default", name=name, media_type=MERGE_PATCH, body=body)
        await self.ledger.count(self.cluster, name, update)

    # --- what only has to be survived ---

    async def pod(self) -> None:
        if (pod := self._some_pod()) is not None:
            await self._try(Delete(resource="pods", namespace=pod.namespace, name=pod.name, uid=pod.uid))

    async def evict(self) -> None:
        for _ in range(self.rng.randrange(1, 4)):
            if (pod := self._some_pod()) is not None:
                await self._try(Evict(namespace=pod.namespace, name=pod.name))

    async def budget(self) -> None:
        name = self._name("rc")
        budgets = "poddisruptionbudgets.policy"
        if self.cluster.view.entry(budgets, name, "default") is None:
            await self._try(Create(object=objects.budget(name, "default", self.rng.randrange(1, 4))))
        elif self.rng.random() < 0.3:
            await self._try(Delete(resource=budgets, namespace="default", name=name))

    async def network_policy(self) -> None:
        """One more, another in its place, or one less."""
        name, policies = self._name("policy"), "networkpolicies.networking.k8s.io"
        there = self.cluster.view.entry(policies, name, "default") is not None
        if there and self.rng.random() < 0.3:
            await self._try(Delete(resource=policies, namespace="default", name=name))
            return
        made = objects.network_policy(name, "default", self.rng)
        await self._try(Update(object=made) if there else Create(object=made))

    async def large(self) -> None:
        """One that leaves no room for another of its sort on a node: idle, or urgent; some of the idle ones are not to be
        disrupted."""
        what = self.rng.choice(("idle", "idle", "urgent"))
        name = self._name(what)
        if self.cluster.view.get(core_v1.Pod, name, "default") is not None:
            if self.rng.random() < 0.5:
                await self._try(Delete(resource="pods", namespace="default", name=name))
            return
        await self._try(Create(object=objects.large(name, "default", urgent=what == "urgent")))
        if name == "idle-0":
            await self._try(Create(object=objects.budget(name, "default", 1)))

    # --- how ---

    def _name(self, what: str) -> str:
        return f"{what}-{self.rng.randrange(3)}"

    def _some_pod(self) -> Any:
        pods = self.cluster.list(core_v1.Pod)
        return self.rng.choice(pods).metadata if pods else None

    async def _attempt(self, resource: str, namespace: str, name: str, value: Any, command: AnyObjectCommand) -> None:
        await self.ledger.attempt(self.cluster, (resource, namespace, name), value, command)

    async def _try(self, command: AnyObjectCommand) -> None:
        try:
            await self.cluster.submit(command)
        except Refusal:
            self.ledger.refused += 1


async def watcher(cluster: Cluster, seen: Seen) -> None:
    """Every change of ConfigMaps, as one client sees it."""
    async for record in cluster.watch("configmaps", after=seen.after):
        seen.records.append((record.revision, record.change, record.entry.object.metadata.name))
