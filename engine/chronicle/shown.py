"""One event whole, with what its object was before; and an object as it was at a moment.

Tests: tests/engine/chronicle/test_history.py
"""

from typing import Any

from msgspec import Struct

from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted, ObjectFact
from shipslog.store.refusals import NotFound

from .lines import Line, line_of
from .reader import Reader, state
from .subjects import Subject


class Shown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event, told and whole."""

    line: Line
    event: Event
    previous: int | None = None  # the revision that changed the object before


async def show(reader: Reader, revision: int) -> Shown:
    """Errors: NotFound."""
    event = await reader.event(revision)
    if event is None:
        raise NotFound(f"the log shows no event at revision {revision}; it is at {reader.log.revision}")
    previous = await reader.before(event) if isinstance(event.fact, ObjectFact) else None
    return Shown(
        line=await line_of(reader, event),
        event=reader.shown(event),
        previous=previous.revision if previous is not None else None,
    )


async def as_of(reader: Reader, subject: Subject, revision: int) -> Any:
    """The object as it was right after a revision, as a mapping. Errors: NotFound when it was not there."""
    event = await reader.log.latest(subject.resource, subject.namespace, subject.name, before=revision + 1)
    if event is None or isinstance(event.fact, ObjectDeleted) or not reader.may(subject):
        raise NotFound(f"{subject} was not there at revision {revision}" + (
            f": it was deleted at {event.revision}" if event is not None and reader.may(subject) else ""
        ))  # fmt: skip
    return state(reader.shown(event))
