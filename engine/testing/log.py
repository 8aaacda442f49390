"""An event log whose disk is full when a test says so.

Tests: tests/engine/testing/test_cluster.py
"""

from collections.abc import Sequence
from typing import Any

from shipslog.store.events import Event
from shipslog.store.log.event_log import EventLog, LogFull

FULL = "the disk is full (a test has filled it)"


class ScriptedLog:
    """Another log, with a disk of its own mind. What makes room goes on, as on a real one."""

    def __init__(self, inner: EventLog) -> None:
        self._inner = inner
        self._full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def fill(self) -> None:
        """Refuse ordinary writes from now on: clients are told 507-like trouble, `/readyz` says so, deletes go on."""
        self._full = True

    def free(self) -> None:
        """There is room again."""
        self._full = False

    @property
    def trouble(self) -> str:
        return FULL if self._full else self._inner.trouble

    async def append(self, events: Sequence[Event], *, expected_revision: int, urgent: bool = False) -> None:
        if self._full and not urgent:
            raise LogFull(f"{FULL}. Nothing was written.")
        await self._inner.append(events, expected_revision=expected_revision, urgent=urgent)
