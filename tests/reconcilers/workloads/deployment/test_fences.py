"""Whatever the order in which pods become available: a rollout keeps its fences at each step, and comes to its end."""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types.apps_v1 import Deployment, ReplicaSet
from tests.reconcilers.views import controlled_by

from .made import decide, deployment, of

STEPS = 400


def size(replica_set: ReplicaSet) -> int:
    return replica_set.spec.replicas or 0


class Cluster:
    """A deployment and its replica sets, whose pods become available one after the other and do not fail."""

    def __init__(self, asked: Deployment, *sets: ReplicaSet) -> None:
        self.deployment = asked
        self.sets = {s.metadata.name: s for s in sets}

    def step(self) -> bool:
        """Decide, and do it. -> whether there was anything to do"""
        commands = decide(self.deployment, *self.sets.values()).commands
        for command in commands:
            if isinstance(command, Delete):
                del self.sets[command.name]
                continue
            assert isinstance(command, Create | Update)
            if isinstance(command.object, Deployment):
                self.deployment = command.object
            else:
                self.put(command.object)
        return bool(commands)

    def put(self, replica_set: ReplicaSet) -> None:
        """It has as many pods as asked for at once; those that go are the ones that are not available."""
        available = min(replica_set.status.available_replicas, size(replica_set))
        counts = {"replicas": size(replica_set), "ready_replicas": available, "available_replicas": available}
        self.sets[replica_set.metadata.name] = replace(
            replica_set, status=replace(replica_set.status, observed_generation=1, terminating_replicas=0, **counts)
        )

    def come_up(self, rng: random.Random) -> bool:
        """Some pods of one replica set become available. -> whether any could"""
        waiting = [s for s in self.sets.values() if s.status.available_replicas < size(s)]
        if not waiting:
            return False
        one = rng.choice(waiting)
        available = one.status.available_replicas + rng.randint(1, size(one) - one.status.available_replicas)
        status = replace(one.status, available_replicas=available, ready_replicas=available)
        self.sets[one.metadata.name] = replace(one, status=status)
        return True

    @property
    def total(self) -> int:
        return sum(map(size, self.sets.values()))

    @property
    def available(self) -> int:
        return sum(s.status.available_replicas for s in self.sets.values())


@pytest.mark.parametrize("seed", range(40))
def test_no_rollout_leaves_its_fences(seed: int) -> None:
    rng = random.Random(seed)
    wanted, surge, unavailable = rng.randint(1, 30), rng.randint(0, 8), rng.randint(0, 8)
    if not surge and not unavailable:
        unavailable = 1
    owner: dict[str, Any] = {"owner_references": controlled_by(deployment())}
    begun = of("v1", wanted, noted=(wanted, wanted + surge), **owner)
    cluster = Cluster(deployment(wanted, "v2", rolling=(surge, unavailable)), begun)
    images = ["v3", "v1"]
    for _ in range(STEPS):
        moved = cluster.step()
        assert cluster.total <= wanted + surge
        assert cluster.available >= wanted - unavailable
        if images and rng.random() < 0.05:  # in the middle of it, another one begins
            image = images.pop(0)
            cluster.deployment = replace(cluster.deployment, spec=deployment(wanted, image, rolling=(surge, unavailable)).spec)
        elif not moved and not cluster.come_up(rng):
            break
        elif rng.random() < 0.5:
            cluster.come_up(rng)
    else:
        raise AssertionError(f"it does not end: {cluster.sets}")
    image = cluster.deployment.spec.template.spec.containers[0].image
    used = {s.spec.template.spec.containers[0].image: size(s) for s in cluster.sets.values() if size(s)}
    assert used == {image: wanted}
    assert {c.reason for c in cluster.deployment.status.conditions} == {"MinimumReplicasAvailable", "NewReplicaSetAvailable"}


@pytest.mark.parametrize("seed", range(20))
def test_one_that_is_scaled_while_it_rolls_comes_to_its_end(seed: int) -> None:
    rng = random.Random(seed)
    cluster = Cluster(deployment(10, "v2"), of("v1", 10))
    scalings = [rng.randint(0, 40) for _ in range(4)]
    for _ in range(STEPS):
        moved = cluster.step()
        wanted = cluster.deployment.spec.replicas or 0
        if scalings and rng.random() < 0.2:
            wanted = scalings.pop()
            cluster.deployment = replace(cluster.deployment, spec=replace(cluster.deployment.spec, replicas=wanted))
        elif not moved and not cluster.come_up(rng):
            break
        elif rng.random() < 0.5:
            cluster.come_up(rng)
    else:
        raise AssertionError(f"it does not end: {cluster.sets}")
    sizes = {s.spec.template.spec.containers[0].image: size(s) for s in cluster.sets.values()}
    assert sizes == {"v1": 0, "v2": wanted}
