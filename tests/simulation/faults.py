"""What goes wrong: a log and nodes that outlive the engine, seen by one engine through wrappers that fail and die with it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from msgspec import Struct

from shipslog.runtime.commands import AnyRuntimeCommand, StartContainer
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.runtime.node import Report
from shipslog.store.events import Event
from shipslog.store.facts import RuntimeFact
from shipslog.store.log.event_log import LogUnwritable, Snapshot
from shipslog.store.log.memory import MemoryLog
from shipslog.store.state import PodRuntime


class Rates(Struct, frozen=True):
    """How often what happens, as probabilities of one step."""

    crash: float = 0.004  # before or after an append or a command
    append_fails: float = 0.01
    lost: float = 0.03  # a command that is never carried out
    outcome_lost: float = 0.03
    doubled: float = 0.05
    late: float = 0.1


CALM = Rates(0, 0, 0, 0, 0, 0)


class Life:
    """One engine's life. When it is over nothing of that engine reaches the world any more."""

    def __init__(self, rng: random.Random, rates: Rates, say: Callable[[str], None]) -> None:
        self.rng, self.rates, self.say = rng, rates, say
        self.over = asyncio.Event()

    async def step(self, where: str) -> None:
        """A moment in which the engine may die."""
        if not self.over.is_set() and self.rng.random() < self.rates.crash:
            self.say(f"crash {where}")
            self.over.set()
        if self.over.is_set():
            await asyncio.Event().wait()  # a dead engine's call never comes back

    def chance(self, rate: float) -> bool:
        return self.rng.random() < rate


class FaultyLog:
    """The log as one engine sees it."""

    def __init__(self, disk: MemoryLog, life: Life) -> None:
        self._disk, self._life = disk, life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)

    async def append(self, events: Sequence[Event], *, expected_revision: int, urgent: bool = False) -> None:
        await asyncio.sleep(self._life.rng.uniform(0, 0.002))
        await self._life.step("before an append")
        if self._life.chance(self._life.rates.append_fails):
            self._life.say("append refused")
            raise LogUnwritable("simulated: the disk is full")
        await self._disk.append(events, expected_revision=expected_revision)
        await self._life.step("after an append")

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        if not self._life.over.is_set():
            await self._disk.save_snapshot(snapshot)

    async def close(self) -> None: ...

    def read(self, after: int = 0, until: int | None = None) -> AsyncIterator[list[Event]]:
        return self._disk.read(after, until)


class FaultyNode:
    """A node as one engine sees it."""

    def __init__(self, node: SimulatedNode, life: Life, started: Callable[[StartContainer], None]) -> None:
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
            self._started(command)
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
