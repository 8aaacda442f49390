"""What a reconciler is: a name, what wakes it, `decide`; and what it returns.

Tests: tests/reconcilers/rule/test_wakes.py, tests/engine/host/test_host.py
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, Protocol

import msgspec

from shipslog.runtime.commands import AnyRuntimeCommand, RuntimeCommand
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.facts import Fact
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import ObjectReference
from shipslog.store.projections import Projection
from shipslog.store.view import View

from .wakes import Wakes

Instant = int  # nanoseconds UTC


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """A Kubernetes Event, as the rule words it. The engine's recorder counts what is said again, and writes.

    Without `after` it says how things stand: it is said when it first holds, and not again for as long as every decision on
    the key repeats it. With `after`, one of the decision's own commands, it says what came of that command: once each time the
    command stands in the decision and was committed (sent to the node, for a command to a runtime). `refused`: it was refused;
    with `unless_exists` otherwise than because there is such an object already.
    In the message `{name}` is the name of the object that the command was about, `{why}` why it was refused."""

    about: ObjectReference
    type: Literal["Normal", "Warning"] = "Normal"
    reason: str  # one word: SuccessfulCreate
    message: str
    after: AnyObjectCommand | AnyRuntimeCommand | None = None
    refused: bool = False
    unless_exists: bool = False
    host: str = ""  # the node whose component says it


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about one key now, and always why. `requeue_after` is in seconds."""

    reason: str
    commands: tuple[AnyObjectCommand | AnyRuntimeCommand, ...] = ()
    requeue_after: float | None = None
    says: tuple[Say, ...] = ()


class Decide(Protocol):
    def __call__(self, view: View, key: str, *, now: Instant) -> Decision: ...


class Reconciler(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is kept true. `actor` signs its commands, `component` the Kubernetes Events that it words."""

    name: str  # replication-controller
    actor: str  # system:controller:replication-controller
    wakes: Wakes
    decide: Decide
    tells: Callable[[View, Fact], Iterable[Say]] | None = None  # of a fact that a node reported, as it became durable
    projections: tuple[Projection[Any], ...] = ()  # what `decide` reads besides the view's own indexes
    component: str = ""  # "": the actor's name without its prefix
    version: int = 1  # raised when it decides otherwise on the same state: older decisions are then not held against it

    @property
    def speaks_as(self) -> str:
        """The component that its Events name."""
        return self.component or self.actor.removeprefix("system:controller:").removeprefix("system:")


def blind_to(rules: Iterable[Reconciler], kinds: Iterable[Kind]) -> list[str]:
    """The names of the rules that do not declare that they read objects of these kinds."""
    named = tuple(kinds)
    return [rule.name for rule in rules if not any(rule.wakes.declares(kind) for kind in named)]


def is_runtime(command: object) -> bool:
    """True for what a node's runtime carries out, False for what the log commits."""
    return isinstance(command, RuntimeCommand)


def reference(obj: Any, path: str = "") -> ObjectReference:
    """An ObjectReference to a stored object; `path` names a part of it, `spec.containers{web}`."""
    meta = obj.metadata
    return ObjectReference(
        api_version=obj.api_version, kind=obj.kind, namespace=meta.namespace, name=meta.name, uid=meta.uid,
        resource_version=meta.resource_version, field_path=path,
    )  # fmt: skip
