"""Each rule has its turn: what one has made is taken up by the next before the first goes on with hundreds more."""

import asyncio
import time

from msgspec.structs import replace

from shipslog import Cluster
from shipslog.engine.host.host import YIELD_AFTER_S
from shipslog.engine.testing.simulation import objects
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.facts import ObjectCreated, ObjectModified
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.core_v1 import ReplicationController
from shipslog.store.view import View
from tests.engine.host.test_host import config_map, hosted, reconciler

MANY, MANY_KEYS = 400, 40


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


async def test_a_rule_with_many_keys_lets_the_next_have_its_turn_between_them() -> None:
    order = list[str]()

    def first(view: View, key: str, *, now: int) -> Decision:
        until_s = time.perf_counter() + YIELD_AFTER_S / 2
        while time.perf_counter() < until_s:
            pass
        order.append("first")
        return Decision(reason="looked at")

    def second(view: View, key: str, *, now: int) -> Decision:
        order.append("second")
        return Decision(reason="looked at")

    async with hosted(reconciler(first), replace(reconciler(second), name="second")) as cluster:
        made = [cluster.create(config_map(f"c{i}")) for i in range(MANY_KEYS)]
        await asyncio.gather(*made)
        async with asyncio.timeout(30):
            while len(order) < 2 * MANY_KEYS:
                await asyncio.sleep(0.001)
    assert order.index("second") < MANY_KEYS / 2, order
    assert order.count("first") == order.count("second") == MANY_KEYS, "each key is decided once, also one that waits again"
