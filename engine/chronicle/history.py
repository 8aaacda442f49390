"""The history of one object: each change, who made it, why, and what it changed; and which objects are gone."""

from collections.abc import AsyncIterator

from msgspec import Struct
from msgspec.structs import replace

from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted, ObjectFact

from .differences import Difference, differences
from .lines import asked_for, effect_of
from .reader import Reader, state
from .subjects import Subject
from .summary import ENDPOINTS, mapping, summary

TRANSIENT = "events"


class Chapter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one object: who made it, why, and what it changed."""

    event: Event
    effect: str  # created, modified, deleting, deleted
    reason: str = ""  # of the decision that caused it
    summary: str = ""  # of what changed, where that is more than the fields
    changes: tuple[Difference, ...] = ()  # (field path, before, after); the missing side is None
    marked: int | None = None  # of a deletion: the revision that marked the object for it
    marked_by: str = ""


class Gone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object that was deleted: when it was made, and who wanted it gone."""

    resource: str
    namespace: str = ""
    name: str
    created_ns: int
    deleted_ns: int
    revision: int  # of its deletion
    actor: str  # who marked it, or deleted it at once
    reason: str = ""


async def history(
    reader: Reader, subject: Subject, *, after: int = 0, until: int | None = None, spec: bool = False, follow: bool = False
) -> AsyncIterator[Chapter]:
    """Every change of one object with after < revision <= until, the oldest first. `spec`: those only that changed what was
    wished of it, not its status. `follow`: and what comes after them, for ever."""
    previous: Event | None = None
    marked: Event | None = None
    events = _all(reader, subject) if follow else reader.of_object(subject)
    async for event in events:
        if until is not None and event.revision > until:
            return
        chapter = await _chapter(reader, previous, event)
        if chapter.effect == "deleting":
            marked = event
        elif chapter.effect == "deleted" and marked is not None:
            chapter = replace(chapter, marked=marked.revision, marked_by=marked.actor)
        if event.revision > after and not (spec and only_status(chapter)):
            yield chapter
        previous, marked = (None, None) if isinstance(event.fact, ObjectDeleted) else (event, marked)


async def _all(reader: Reader, subject: Subject) -> AsyncIterator[Event]:
    end = reader.log.revision
    async for event in reader.of_object(subject):
        end = max(end, event.revision)
        yield event
    async for event in reader.follow(end):
        fact = event.fact
        if isinstance(fact, ObjectFact) and Subject(fact.resource, fact.namespace, fact.name) == subject:
            yield event


async def _chapter(reader: Reader, previous: Event | None, event: Event) -> Chapter:
    fact = event.fact
    assert isinstance(fact, ObjectFact)
    after, before = state(event), state(previous) if previous is not None else {}
    gone = isinstance(fact, ObjectDeleted)
    changes = differences(before, after) if previous is not None else []
    text = summary(fact.resource, before, {} if gone else after, []) if fact.resource in ENDPOINTS else ""
    return Chapter(
        event=reader.shown(event), effect=effect_of(event, changes), changes=tuple(reader.veil(event, changes)), summary=text,
        reason=await reader.reason(event),
    )  # fmt: skip


KEPT_BY_SERVER = ("status", "metadata.resourceVersion", "metadata.generation", "metadata.managedFields")


def only_status(chapter: Chapter) -> bool:
    """Whether nothing changed of what somebody wishes of the object."""
    return chapter.effect == "modified" and all(path.startswith(KEPT_BY_SERVER) for path, _, _ in chapter.changes)


async def gone(reader: Reader, resource: str = "", namespace: str = "", after: int = 0) -> AsyncIterator[Gone]:
    """The objects that the log tells of and that are not there any more, by resource and name; those whose deletion came
    after a revision. Events of the API go by themselves: only where they are asked for."""
    async for names in reader.log.objects(resource):
        for subject in (Subject(*name) for name in names):
            unasked = subject.resource == TRANSIENT and not resource
            if unasked or (namespace and subject.namespace != namespace) or not reader.may(subject):
                continue
            last = await reader.log.latest(subject.resource, subject.namespace, subject.name)
            if last is not None and isinstance(last.fact, ObjectDeleted) and last.revision > after:
                yield await _gone(reader, subject, last)


async def _gone(reader: Reader, subject: Subject, last: Event) -> Gone:
    first, marked, _ = await last_life(reader, subject)
    wanted = marked or last
    return Gone(
        resource=subject.resource, namespace=subject.namespace, name=subject.name, created_ns=first.time_ns if first else 0,
        deleted_ns=last.time_ns, revision=last.revision, actor=wanted.actor,
        reason=await reader.reason(wanted) or asked_for(wanted.origin),
    )  # fmt: skip


async def last_life(reader: Reader, subject: Subject) -> tuple[Event | None, Event | None, Event | None]:
    """(what made the object that had this name last, what marked it for deletion, the last that happened to it)."""
    made = marked = last = None
    async for event in reader.of_object(subject):
        fact = event.fact
        assert isinstance(fact, ObjectFact)
        if last is None or isinstance(last.fact, ObjectDeleted):
            made, marked = event, None
        if (
            marked is None
            and b'"deletionTimestamp"' in bytes(fact.object)
            and mapping(state(event).get("metadata")).get("deletionTimestamp")
        ):
            marked = event
        last = event
    return made, marked, last
