"""Each rule has its turn: what one has made is taken up by the next before the first goes on with hundreds more."""

from shipslog import Cluster
from shipslog.engine.testing.simulation import objects
from shipslog.store.facts import ObjectCreated, ObjectModified
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.core_v1 import ReplicationController

MANY = 400


async def test_the_first_pods_are_bound_while_others_are_made() -> None:
    async with Cluster.open(nodes=4) as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        for i in range(4):
            await cluster.wait(core_v1.Node, f"node-{i}", until=lambda node: not node.spec.taints)
        await cluster.create(objects.rc("many", "default", MANY, probed=False))
        await cluster.wait(ReplicationController, "many", until=lambda rc: rc.status.replicas == MANY)
        made, bound = list[int](), list[int]()
        async for events in cluster.log.read():
            for event in events:
                if not isinstance(event.fact, ObjectCreated | ObjectModified) or event.fact.resource != "pods":
                    continue
                if isinstance(event.fact, ObjectCreated):
                    made.append(event.revision)
                elif event.fact.subresource == "binding":
                    bound.append(event.revision)
        assert len(made) == MANY
        before = sum(revision < bound[0] for revision in made)
        assert before <= MANY / 2, f"{before} of {MANY} pods were made before the first was bound"
