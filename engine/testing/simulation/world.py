"""One world under one seed: engines that live and die on it, and the verdict at its end.

Tests: tests/engine/testing/simulation/test_simulation.py, tests/engine/testing/simulation/test_scenario.py
"""

import asyncio
import random
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from shipslog.engine.cluster import Cluster, all_reconcilers
from shipslog.engine.state.view import MemoryView
from shipslog.engine.testing.simulation.checkers.broken_promise import Broken
from shipslog.engine.time.clock import Entropy
from shipslog.reconcilers.rule.decision import Reconciler, blind_to
from shipslog.reconcilers.rule.dormant import Rule, awake
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.events import Event
from shipslog.store.facts import PodFact
from shipslog.store.log.event_log import EventLog
from shipslog.store.log.retention import EPHEMERAL
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.refusals import Unavailable
from shipslog.store.tasks import Tasks

from .checkers import (
    acknowledged,
    budgets,
    decisions,
    deletion,
    foreground,
    indexes,
    log_is_whole,
    network_policies,
    nodes,
    preemption,
    services,
    settled,
    snapshots,
    watches,
)
from .clients import EVERY_S, Client, watcher
from .disk import SimulatedDisk
from .faults import FaultyNode, trouble
from .ledger import Ledger
from .life import CALM, Life, Rates, silent
from .virtual_time import VirtualClock, VirtualLoop, run

T = TypeVar("T")
NODES, CLIENTS = 3, 3
STORM_S = 25.0  # virtual seconds with faults
SILENT_S = 400.0  # then, in some worlds, so many more without one of the nodes: its pods are given up after five minutes
SETTLE_S = 1800.0  # within so many more it must have settled: back-offs go up to five minutes
SNAPSHOT_EVERY = 200  # events
QUIETER = Rates(crash=0.0002, torn=0.0002, refused=0.001, fills=0, lost=0.01, outcome_lost=0.01, doubled=0.01, late=0.01)


class Phase(Struct, frozen=True):
    """A time in the world's life. `absent`: the number of the node that is away."""

    until_s: float
    rates: Rates
    every_s: float = EVERY_S
    absent: int | None = None


class Scenario(Struct, frozen=True, kw_only=True):
    """What lives in the world besides what Shipslog brings.

    `client`: a client of an engine that lives; it begins anew with each engine, is cut off when that dies, and may be refused
    at any time. `settled`: what must hold when the faults are over and all has come to rest; it raises AssertionError while it
    does not. `always`: what must hold after every batch of events."""

    reconcilers: tuple[Reconciler, ...] = ()
    client: Callable[[Cluster, random.Random], Coroutine[Any, Any, None]] | None = None
    settled: Callable[[Cluster], None] | None = None
    always: Callable[[Cluster], None] | None = None


class Outcome(Struct, frozen=True):
    """What a seed came to."""

    seed: int
    events: int
    lives: int
    acknowledged: int
    refused: int
    decisions: int
    snapshots: int
    virtual_s: float


EMPTY = Scenario()


class World:
    def __init__(self, seed: int, loop: VirtualLoop, folder: Path, say: Callable[[str], None], scenario: Scenario) -> None:
        self.seed, self.loop, self.rng = seed, loop, random.Random(seed)
        self.scenario = scenario
        self.clock = VirtualClock(loop)
        self.disk = SimulatedDisk(folder, self.rng)
        self.nodes = [SimulatedNode(f"n{i}", now_ns=self.clock.now_ns, number=i) for i in range(NODES)]
        self.ledger = Ledger()
        self.watches: list[watches.Seen] = []
        self.lives = self.revision = 0
        self._broken: Broken | None = None
        self._tasks = Tasks("simulation")
        self._say = say

    def say(self, what: str) -> None:
        self._say(f"{self.loop.now:9.3f}  rev {self.revision:<6} {what}")

    async def run(self) -> Outcome:
        for phase in self._phases():
            while self.loop.now < phase.until_s:
                await self._live(phase)
                await asyncio.sleep(self.rng.uniform(0, 0.5))  # the world goes on without an engine
        self._keep_always()
        self.say("the storm is over")
        self.disk.heal()
        await self._live(None)
        self._keep_always()
        self.say("it has settled; looking back")
        return await self._verdict()

    def _keep_always(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _phases(self) -> Sequence[Phase]:
        storm = Phase(STORM_S, Rates())
        if self.seed % 16:
            return (storm,)
        quieter = Rates(
            crash=0.0002, torn=0.0002, refused=0.001, fills=0, lost=0.01, outcome_lost=0.01, doubled=0.01, late=0.01
        )
        return (storm, Phase(STORM_S + SILENT_S, quieter, every_s=40.0, absent=self.rng.randrange(NODES)))

    # --- lives ---

    async def _live(self, phase: Phase | None) -> None:
        """One engine's life: until it dies, the phase is over, or (without one) the world has settled."""
        self.lives += 1
        away = phase.absent if phase is not None else None
        self.say(f"engine {self.lives} starts" + (f" without n{away}" if away is not None else ""))
        life = Life(self.rng, phase.rates if phase is not None else CALM, self.say)
        self.disk.life = life
        present = [FaultyNode(node, life, lambda: nodes.check(self.nodes)) for node in self.nodes if node.number != away]
        running = self._start("engine", self._engine(life, present, phase))
        over = self._start("the end of its life", life.over.wait())
        await asyncio.wait((running, over), return_when=asyncio.FIRST_COMPLETED)
        if not life.over.is_set():
            over.cancel()
            try:
                await running
            except Unavailable:
                self.say("the engine could not start: its log refused")
            return
        self.disk.cut_off()
        for node in self.nodes:
            await node.close()  # nobody listens any more; what runs goes on
        await cancelled(running)

    async def _engine(self, life: Life, present: list[FaultyNode], phase: Phase | None) -> None:
        log = await self.disk.open()
        if log.dropped:
            self.say(log.dropped)
        async with Cluster.open(
            event_log=log,
            runtime=present,
            clock=self.clock,
            entropy=Entropy(self.rng.getrandbits(32)),
            snapshot_every=SNAPSHOT_EVERY,
            reconcilers=self._rules(),
        ) as cluster:
            seen = watches.Seen(cluster.view.revision)
            self.watches.append(seen)
            cluster.committer.after_batch.append(lambda: self._reached(cluster))
            busy = [self._start("watcher", watcher(cluster, seen))]
            if phase is not None:
                clients = [Client(cluster, self.ledger, self.rng) for _ in range(CLIENTS)]
                busy += [self._start("client", client.run(phase.every_s)) for client in clients]
                busy.append(self._start("trouble", trouble(cluster, present, life, self.rng)))
                if self.scenario.client is not None:
                    own = random.Random(self.rng.getrandbits(64))
                    busy.append(self._start("own client", self.scenario.client(cluster, own)))
            try:
                if phase is not None:
                    await asyncio.sleep(max(phase.until_s - self.loop.now, 0.0))
                else:
                    await self._settle(cluster)
            finally:
                for task in busy:
                    task.cancel()
                ended = await asyncio.gather(*busy, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error
            indexes.check(cluster.view, "the view")
            indexes.check(cluster.committer.head, "the head")

    def _start(self, name: str, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """A task of the world's; who awaits it hears what it raises."""
        return self._tasks.start(name, work, ordinary=Exception)

    def _rules(self) -> Sequence[Rule]:
        return (*all_reconcilers(), *self.scenario.reconcilers)

    def _reached(self, cluster: Cluster) -> None:
        self.revision = cluster.view.revision
        if self.scenario.always is not None:
            try:
                self.scenario.always(cluster)
            except AssertionError as error:
                self._broken = self._broken or Broken("always", f"revision {self.revision}: {error}")

    async def _settle(self, cluster: Cluster) -> None:
        """Wait until all is as it should be. Errors: Broken with the first thing that is not so in the end."""
        acknowledged.check_counters(cluster, self.ledger)
        deadline = self.loop.now + SETTLE_S
        while True:
            await asyncio.sleep(5)
            try:
                settled.check(cluster, self.nodes)
                deletion.check(cluster)  # first: in a namespace that does not end nothing else can be as it should
                preemption.settled(cluster)
                services.check(cluster, self.nodes)
                network_policies.check(cluster, self.nodes)
                acknowledged.check(cluster, self.ledger)
                if self.scenario.settled is not None:
                    self.scenario.settled(cluster)
                return
            except AssertionError as error:
                if self.loop.now > deadline:
                    raise error if isinstance(error, Broken) else Broken("settled", str(error)) from error

    # --- looking back ---

    async def _verdict(self) -> Outcome:
        self.disk.life = Life(self.rng)
        async with await self.disk.open() as log:
            events = [event async for batch in log.read() for event in batch]
            log_is_whole.check(events)
            watches.check(self.watches, events)
            nodes.check(self.nodes)
            count = await look_back(log, events)
            rules = [awake(rule) for rule in self._rules()]
            blind = blind_to(rules, [BUILTIN.by_resource(resource) for resource in EPHEMERAL])
            await log.forget(self.clock.now_ns(), blind=blind)  # what nobody decided by: a replay does not miss it
            decided = await decisions.check(log, rules_to_verify(rules))
        recorded = self.ledger
        return Outcome(
            self.seed, len(events), self.lives, recorded.acknowledged, recorded.refused, decided, count, self.loop.now
        )


def rules_to_verify(rules: Sequence[Reconciler]) -> Sequence[Reconciler]:
    """Those that take the decisions again."""
    return rules


async def look_back(log: EventLog, events: Sequence[Event]) -> int:
    """Fold the log once more, and let those look who want to see each step. -> the number of snapshots it has."""
    kept = await snapshots.kept(log)
    before, after, ends = MemoryView(), MemoryView(), foreground.Foreground()
    for event in events:
        made, _ = after.evolve(event)
        runs = after.pod_runtime(event.fact.pod_uid) if isinstance(event.fact, PodFact) else None
        ends.check(before, event)
        budgets.check(before, after, event)
        preemption.check(before, after, event)
        before.evolve(event, made, runs)
        if event.revision in kept:
            snapshots.check(after, kept[event.revision])
    indexes.check(after, "the log")
    return len(kept)


async def cancelled(task: "asyncio.Future[None]") -> None:
    """Cancel and wait; a dead engine's complaints are of no interest."""
    task.cancel()
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.gather(task, return_exceptions=True)), 1.0)
    except TimeoutError:
        return


def simulate(seed: int, say: Callable[[str], None] = silent, scenario: Scenario = EMPTY) -> Outcome:
    """Run one seed; the same seed is the same world. `say` hears what goes wrong in it, when. Errors: Broken, Deadlock."""
    loop = VirtualLoop()
    with tempfile.TemporaryDirectory(prefix="shipslog-seed-") as folder:
        return run(World(seed, loop, Path(folder), say, scenario).run(), loop)


__all__ = ["Broken", "Outcome", "Scenario", "World", "simulate"]
