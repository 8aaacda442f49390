"""What a reconciler is: a name, `keys_for`, `decide`; and what it returns."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from shipslog.runtime.commands import AnyRuntimeCommand, ApplyRuleset, RuntimeCommand
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Event
from shipslog.store.state import View

Instant = int  # nanoseconds UTC


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """What people should hear of the object that a key is about; told once for as long as it stays the same."""

    reason: str  # one word: FailedMount
    message: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about one key now, and always why. `requeue_after` is in seconds."""

    reason: str
    commands: tuple[AnyObjectCommand | AnyRuntimeCommand, ...] = ()
    requeue_after: float | None = None
    concerns: tuple[Concern, ...] = ()


class Decide(Protocol):
    def __call__(self, view: View, key: str, *, now: Instant) -> Decision: ...


class Reconciler(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is kept true. `actor` signs its commands."""

    name: str  # replicationcontroller
    actor: str  # system:controller:replication-controller
    keys_for: Callable[[View, Event], Iterable[str]]  # the view already holds the event
    all_keys: Callable[[View], Iterable[str]]  # what to look at after a start
    decide: Decide
    resources: frozenset[str] = frozenset()  # the kinds whose changes `keys_for` looks at; none named: all


def digest(commands: tuple[AnyObjectCommand | AnyRuntimeCommand, ...]) -> str:
    """Sixteen hexadecimal digits that two equal lists of commands share."""
    told = [(c.node, c.ruleset.digest) if isinstance(c, ApplyRuleset) else c for c in commands]  # a ruleset can be megabytes
    return hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()[:16]


def is_runtime(command: object) -> bool:
    """True for what a node's runtime carries out, False for what the log commits."""
    return isinstance(command, RuntimeCommand)
