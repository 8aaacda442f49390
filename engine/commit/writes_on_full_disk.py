"""What may still be written on a full disk: what makes room, and what follows from it until the object is gone.

Tests: tests/engine/commit/test_trouble.py
"""

from collections.abc import Sequence

from shipslog.runtime.commands import AnyRuntimeCommand, RemovePodSandbox, SetProbes, StopContainer
from shipslog.store.commands import AnyObjectCommand, Delete, Evict, Patch, Update
from shipslog.store.facts import AnyFact, EngineStarted, PodFact
from shipslog.store.view import View

ENDS = (StopContainer, RemovePodSandbox, SetProbes)  # runtime commands of a pod that goes


def is_urgent(
    view: View, commands: Sequence[AnyObjectCommand], facts: Sequence[AnyFact], runtime: Sequence[AnyRuntimeCommand] = ()
) -> bool:
    """Whether all of a request is about objects that go; the start of an engine counts, without it nothing goes.

    `runtime`: what a decision wants done besides its object commands."""
    ends = all(isinstance(command, ENDS) for command in runtime)
    return ends and all(_goes(view, command) for command in commands) and all(_tells_of_an_end(view, fact) for fact in facts)


def _goes(view: View, command: AnyObjectCommand) -> bool:
    match command:
        case Delete() | Evict():
            return True
        case Update():
            meta = command.object.metadata
            return _is_going(view, view.scheme.of(command.object).resource, meta.name, meta.namespace)
        case Patch():
            return _is_going(view, command.resource, command.name, command.namespace)
    return False


def _is_going(view: View, resource: str, name: str, namespace: str) -> bool:
    entry = view.entry(resource, name, namespace)
    return entry is not None and bool(entry.object.metadata.deletion_timestamp)


def _tells_of_an_end(view: View, fact: AnyFact) -> bool:
    if isinstance(fact, EngineStarted):
        return True
    if not isinstance(fact, PodFact):
        return False
    entry = view.by_uid(fact.pod_uid)
    return entry is None or bool(entry.object.metadata.deletion_timestamp)
