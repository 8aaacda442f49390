"""What goes wrong on nodes: commands lost, doubled and late, containers that die, probes that fail, a machine that reboots.

Tests: tests/engine/testing/simulation/test_simulation.py
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from shipslog.engine.cluster import Cluster
from shipslog.runtime.commands import AnyRuntimeCommand, StartContainer
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.runtime.node import Report
from shipslog.store.facts import RuntimeFact
from shipslog.store.state import PodRuntime

from .life import Life

TROUBLE_EVERY_S = 3.0


class FaultyNode:
    """A node as one engine sees it."""

    def __init__(self, node: SimulatedNode, life: Life, started: Callable[[], None]) -> None:
        self.inner, self._life, self._started = node, life, started
        self.node = node.node

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def start(self, report: Report, known: Sequence[PodRuntime]) -> None:
        def alive(fact: RuntimeFact) -> None:
            if not self._life.over.is_set():
                report(fact)

        await self.inner.start(alive, known)

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        life, what = self._life, command.identity
        await life.step(f"before {type(command).__name__}")
        if life.chance(life.rates.late):
            await asyncio.sleep(life.rng.uniform(0, 5))
            await life.step("while a command is late")
        if life.chance(life.rates.lost):
            life.say(f"lost {type(command).__name__} {what}")
            raise OSError("simulated: the command was lost")
        facts = await self.inner.execute(command)
        if isinstance(command, StartContainer):
            self._started()
        if life.chance(life.rates.doubled):
            facts = await self.inner.execute(command)
        await life.step(f"after {type(command).__name__}")
        if life.chance(life.rates.outcome_lost):
            life.say(f"outcome lost {type(command).__name__} {what}")
            raise OSError("simulated: the outcome was lost")
        return facts

    async def close(self, *, end_pods: bool = False) -> None:
        if not self._life.over.is_set():
            await self.inner.close(end_pods=end_pods)


async def trouble(cluster: Cluster, nodes: Sequence[FaultyNode], life: Life, rng: random.Random) -> None:
    """Now and then something happens on one of the nodes, for ever."""
    while True:
        await asyncio.sleep(rng.expovariate(1 / TROUBLE_EVERY_S))
        node = rng.choice(nodes).inner
        match rng.choices(("kill", "probe", "reboot"), (3, 6, 1))[0]:
            case "kill" if live := _live(node):
                uid, container, _ = rng.choice(live)
                life.say(f"{container} of {uid} dies")
                node.kill(uid, container)
            case "probe" if node.probed:
                uid, container, attempt, probe = rng.choice(node.probed)
                healthy = rng.random() < 0.4
                life.say(f"the {probe} probe of {uid} says {'well' if healthy else 'ill'}")
                node.flip(uid, container, attempt, probe, healthy=healthy)
            case "reboot":
                life.say(f"{node.node} reboots")
                node.reboot(cluster.view.pods_running_on(node.node))


def _live(node: SimulatedNode) -> list[tuple[str, str, int]]:
    return [(uid, name, c.attempt) for uid, pod in node.pods.items() for name, c in pod.containers.items() if c.exit is None]
