"""One engine's life: how often what goes wrong in it, and the moment in which it ends.

Tests: tests/engine/testing/simulation/test_simulation.py
"""

import asyncio
import random
from collections.abc import Callable

from msgspec import Struct


class Rates(Struct, frozen=True):
    """How often what happens, as probabilities of one step."""

    crash: float = 0.002  # before or after a transaction or a command
    torn: float = 0.002  # the power goes while a transaction is written
    refused: float = 0.01  # a transaction that the medium refuses
    fills: float = 0.003  # the disk is full from now on
    lost: float = 0.03  # a command that is never carried out
    outcome_lost: float = 0.03
    doubled: float = 0.05
    late: float = 0.1


CALM = Rates(0, 0, 0, 0, 0, 0, 0, 0)


def silent(what: str) -> None:
    """Say nothing."""


class Life:
    """One engine's life. When it is over nothing of that engine reaches the world any more."""

    def __init__(self, rng: random.Random, rates: Rates = CALM, say: Callable[[str], None] = silent) -> None:
        self.rng, self.rates, self.say = rng, rates, say
        self.over = asyncio.Event()

    async def step(self, where: str) -> None:
        """A moment in which the engine may die."""
        if not self.over.is_set() and self.chance(self.rates.crash):
            await self.end(f"crash {where}")
        await self.alive()

    async def end(self, how: str) -> None:
        """It dies here."""
        self.say(how)
        self.over.set()
        await self.alive()

    async def alive(self) -> None:
        """Go on, if it is: a dead engine's call never comes back."""
        if self.over.is_set():
            await asyncio.Event().wait()

    def chance(self, rate: float) -> bool:
        return rate > 0 and self.rng.random() < rate
