"""One world under one seed: engines that live and die on it, and the verdict at its end."""

import asyncio
import random
from collections.abc import Callable

from msgspec import Struct

from shipslog.engine import replay
from shipslog.engine.cluster import Cluster, all_reconcilers
from shipslog.engine.time.clock import Entropy
from shipslog.reconcilers.rule.decision import blind_to
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.events import Event
from shipslog.store.log.memory import MemoryLog
from shipslog.store.log.retention import EPHEMERAL
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.refusals import Unavailable

from . import checkers, clients
from .faults import CALM, FaultyLog, FaultyNode, Life, Rates
from .virtual_time import VirtualClock, VirtualLoop, run

NODES, CLIENTS = 3, 2
STORM_S = 25.0  # virtual seconds with faults
SETTLE_S = 900.0  # within so many it must have settled: back-offs go up to five minutes


class Outcome(Struct, frozen=True):
    """What a seed came to."""

    seed: int
    events: int
    lives: int
    acknowledged: int
    decisions: int
    virtual_s: float


class World:
    def __init__(self, seed: int, loop: VirtualLoop, say: Callable[[str], None]) -> None:
        self.seed, self.loop, self.rng = seed, loop, random.Random(seed)
        self.clock = VirtualClock(loop)
        self.disk = MemoryLog()
        self.nodes = [SimulatedNode(f"n{i}", now_ns=self.clock.now_ns, number=i) for i in range(NODES)]
        self.ledger = clients.Ledger()
        self.lives = 0
        self._say = say

    def say(self, what: str) -> None:
        self._say(f"{self.loop.now:9.3f}  rev {self.disk.revision:<6} {what}")

    async def live(self, rates: Rates, *, storm: bool) -> None:
        """One engine's life: until it dies, the storm is over, or (without storm) the world has settled."""
        self.lives += 1
        self.say(f"engine {self.lives} starts")
        life = Life(self.rng, rates, self.say)
        nodes = [FaultyNode(node, life, lambda _: checkers.no_pod_runs_twice(self.nodes)) for node in self.nodes]
        running = asyncio.ensure_future(self._engine(life, nodes, storm))
        over = asyncio.ensure_future(life.over.wait())
        await asyncio.wait((running, over), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            over.cancel()
            try:
                await running
            except Unavailable:
                self.say("the engine could not start: its log refused")
            return
        for node in self.nodes:
            await node.close()  # nobody listens any more; what runs goes on
        await cancelled(running)

    async def _engine(self, life: Life, nodes: list[FaultyNode], storm: bool) -> None:
        first = self.disk.revision
        seen: list[tuple[int, str, str]] = []
        async with Cluster.open(
            event_log=FaultyLog(self.disk, life), runtime=nodes, clock=self.clock, entropy=Entropy(self.rng.getrandbits(32)),  # type: ignore[arg-type]
        ) as cluster:  # fmt: skip
            first = cluster.view.revision
            watching = asyncio.ensure_future(clients.watcher(cluster, seen))
            busy = [
                asyncio.ensure_future(clients.client(cluster, self.ledger, self.rng)) for _ in range(CLIENTS if storm else 0)
            ]
            try:
                if storm:
                    await asyncio.sleep(max(STORM_S - self.loop.now, 0.0))
                else:
                    await self._settle(cluster)
            finally:
                for task in (watching, *busy):
                    task.cancel()
                await asyncio.gather(watching, *busy, return_exceptions=True)
                checkers.watch_saw_everything(seen, await self.events(), first, self.disk.revision)

    async def _settle(self, cluster: Cluster) -> None:
        """Wait until all is as it should be; -> when it is, or the first thing that is not."""
        deadline = self.loop.now + SETTLE_S
        while True:
            await asyncio.sleep(5)
            try:
                checkers.settled(cluster, self.nodes)
                checkers.rules_equal_what_runs(cluster, self.nodes)
                checkers.nothing_acknowledged_is_lost(cluster, self.ledger)
                return
            except checkers.Broken:
                if self.loop.now > deadline:
                    raise

    async def events(self) -> list[Event]:
        return [event async for batch in self.disk.read() for event in batch]

    async def run(self) -> Outcome:
        while self.loop.now < STORM_S:
            await self.live(Rates(), storm=True)
            await asyncio.sleep(self.rng.uniform(0, 0.5))  # the world goes on without an engine
        self.say("the storm is over")
        await self.live(CALM, storm=False)
        events = await self.events()
        checkers.log_is_whole(events)
        checkers.no_pod_runs_twice(self.nodes)
        blind = blind_to(all_reconcilers(), [BUILTIN.by_resource(resource) for resource in EPHEMERAL])
        await self.disk.forget(self.clock.now_ns(), blind=blind)  # what nobody decided by: a replay does not miss it
        verified = await replay.verify(self.disk, all_reconcilers())  # type: ignore[arg-type]
        checkers.require(verified.difference is None, f"a decision comes out otherwise: {verified.difference}")
        return Outcome(self.seed, len(events), self.lives, self.ledger.acknowledged, verified.decisions, self.loop.now)


async def cancelled(task: "asyncio.Future[None]") -> None:
    """Cancel and wait; a dead engine's complaints are of no interest."""
    task.cancel()
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.gather(task, return_exceptions=True)), 1.0)
    except TimeoutError:
        return


def simulate(seed: int, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run one seed. Errors: Broken, Deadlock."""
    loop = VirtualLoop()
    return run(World(seed, loop, say).run(), loop)
