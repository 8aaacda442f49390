"""What clients were told, and what they asked for without ever hearing what came of it.

Tests: tests/engine/testing/simulation/test_simulation.py
"""

from typing import Any

from msgspec import Struct, field

from shipslog.engine.cluster import Cluster
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.refusals import Refusal

Key = tuple[str, str, str]  # resource, namespace, name


class Held(Struct):
    """One object: its value as last acknowledged, and values that calls which were cut off may have given it."""

    value: Any = None
    revision: int = 0
    uncertain: list[tuple[Any, int]] = field(default_factory=list)  # value, tick at which the call was cut off

    @property
    def possible(self) -> list[Any]:
        return [self.value, *(value for value, _ in self.uncertain)]


class Count(Struct):
    """Increments of one counter."""

    acknowledged: int = 0
    uncertain: int = 0


class Ledger:
    """Everything that checkers compare with. A value of None stands for not existing."""

    def __init__(self) -> None:
        self.objects: dict[Key, Held] = {}
        self.counters: dict[str, Count] = {}
        self.acknowledged = self.refused = 0
        self._tick = 0

    async def attempt(self, cluster: Cluster, key: Key, value: Any, command: AnyObjectCommand) -> None:
        """Submit it, and remember what the object may be from then on."""
        held = self.objects.setdefault(key, Held())
        began = self._now()
        try:
            committed = await cluster.submit(command)
        except Refusal as refusal:
            self.refused += 1
            if refusal.code >= 500:  # below it is certainly not done
                held.uncertain.append((value, self._now()))
            return
        except BaseException:
            held.uncertain.append((value, self._now()))
            raise
        self.acknowledged += 1
        if committed.entry.revision >= held.revision:
            going = bool(committed.entry.object.metadata.deletion_timestamp)
            held.value, held.revision = None if going else value, committed.entry.revision
        held.uncertain = [(v, cut) for v, cut in held.uncertain if cut > began]  # what ended before has been overwritten

    async def count(self, cluster: Cluster, name: str, command: AnyObjectCommand) -> None:
        """Submit an increment of a counter that must not overwrite another's."""
        count = self.counters.setdefault(name, Count())
        try:
            await cluster.submit(command)
        except Refusal as refusal:
            self.refused += 1
            count.uncertain += refusal.code >= 500
            return
        except BaseException:
            count.uncertain += 1
            raise
        self.acknowledged += 1
        count.acknowledged += 1

    def _now(self) -> int:
        self._tick += 1
        return self._tick
