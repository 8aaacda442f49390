"""What waits for the writer, and what a command came to.

Tests: tests/engine/commit/test_committer.py
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import msgspec

from shipslog.runtime.commands import AnyRuntimeCommand
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Origin
from shipslog.store.facts import AnyFact, DecisionTaken
from shipslog.store.refusals import Refusal, Unavailable
from shipslog.store.state import Entry

from .outside import Advised, Seen
from .preparation import Prepared
from .transitions import Effect


class Committed(msgspec.Struct, frozen=True):
    """What a command came to. `entry` is the object as it now is (or last was)."""

    entry: Entry
    effect: Effect
    warnings: tuple[str, ...] = ()


class Request(msgspec.Struct):
    """One unit of work for the writer: commands, or facts, with who wants them and why."""

    actor: str
    future: "asyncio.Future[list[Any]]"
    groups: tuple[str, ...] = ()
    cause: int | None = None
    origin: Origin | None = None
    dry_run: bool = False
    commands: Sequence[AnyObjectCommand] = ()
    facts: Sequence[AnyFact] = ()
    decision: DecisionTaken | None = None
    runtime: Sequence[AnyRuntimeCommand] = ()  # of the decision: what nodes are to do once it is durable
    seen: Seen | None = None  # the precondition of what was worked out before
    prepared: Sequence[Prepared | None] = ()  # what each of its commands comes to, where that still holds
    advised: Sequence[Advised | Refusal | None] = ()  # what came of asking others about each of them; None: nobody was asked

    @property
    def events(self) -> int:
        """It comes to at most so many."""
        return len(self.commands) + len(self.facts) + (self.decision is not None)


def who_of(how: dict[str, Any]) -> dict[str, Any]:
    return {key: how[key] for key in ("actor", "groups", "dry_run")}


def closed() -> Unavailable:
    return Unavailable("the cluster is closed; nothing was written")


async def refusal_or(committing: Awaitable[Committed]) -> Committed | Refusal:
    """What a command came to; a refusal is an answer too."""
    try:
        return await committing
    except Refusal as refusal:
        return refusal
