"""Why: the chain of causes from an event back to a person's request, across objects, decisions and what nodes report.

Chains that meet are one tree: its root is what was wished or reported first, its leaves are what was asked about.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from msgspec import Struct

from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted, ObjectFact, PodFact
from shipslog.store.refusals import NotFound

from .history import last_life
from .lines import Line, line_of
from .reader import Reader
from .subjects import Subject, subject_of

NEWEST, OLDEST = 24, 8  # steps of a long chain that are shown, at its ends


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event of a tree of causes. Steps come parents first, the branches one after the other."""

    line: Line
    depth: int = 0  # how often the tree has forked before it
    asked: str = ""  # what was asked about it: "it was created"; "" for a cause
    implied: str = ""  # why its parent is one though it names no cause
    left_out: int = 0  # steps between its parent and it that are not shown
    parent: int | None = None  # revision of what caused it


class _Link(Struct):
    event: Event
    parent: int | None
    implied: str = ""
    left_out: int = 0
    asked: str = ""


async def why_revision(reader: Reader, revision: int, *, whole: bool = False) -> list[Step]:
    """What led to an event. `whole`: all steps of a long chain. Errors: NotFound."""
    event = await reader.event(revision)
    if event is None:
        raise NotFound(f"the log shows no event at revision {revision}; it is at {reader.log.revision}")
    asked = [(event, "asked about")]
    made = await _made(reader, event)
    if made is not None and made.revision != event.revision:
        asked.insert(0, (made, "what it is about was created"))
    if isinstance(event.fact, ObjectDeleted):
        marked = await _mark_before(reader, event)
        marks = [(marked, "it was marked for deletion")] if marked is not None else []
        asked = [*asked[:-1], *marks, (event, "it was deleted")]
    return await _tree(reader, asked, whole)


async def why_object(reader: Reader, subject: Subject, *, whole: bool = False) -> list[Step]:
    """What led to an object being there, to its going, and to its last change."""
    made, marked, last = await last_life(reader, subject)
    if made is None or last is None:
        raise NotFound(f"the log shows no {subject}")
    asked = [(made, "it was created")]
    if marked is not None and marked.revision != last.revision:
        asked.append((marked, "it was marked for deletion"))
    if last.revision != made.revision:
        asked.append((last, "it was deleted" if isinstance(last.fact, ObjectDeleted) else "it was changed last"))
    return await _tree(reader, asked, whole)


async def _mark_before(reader: Reader, event: Event) -> Event | None:
    fact = event.fact
    assert isinstance(fact, ObjectFact)
    marked = None
    async for earlier in reader.of_object(Subject(fact.resource, fact.namespace, fact.name)):
        if earlier.revision >= event.revision:
            break
        if isinstance(earlier.fact, ObjectDeleted):
            marked = None
        elif marked is None and b'"deletionTimestamp"' in bytes(earlier.fact.object):  # type: ignore[union-attr]
            marked = earlier
    return marked


async def _tree(reader: Reader, asked: Sequence[tuple[Event, str]], whole: bool) -> list[Step]:
    links: dict[int, _Link] = {}
    for event, question in asked:
        for link in await _chain(reader, event, whole):
            known = links.setdefault(link.event.revision, link)
            if known.left_out and not link.left_out:
                links[link.event.revision] = link
        links[event.revision].asked = question
    children: dict[int | None, list[_Link]] = {}
    for revision in sorted(links):
        link = links[revision]
        children.setdefault(link.parent if link.parent in links else None, []).append(link)
    return [
        Step(
            line=await line_of(reader, link.event),
            depth=depth,
            asked=link.asked,
            implied=link.implied,
            left_out=link.left_out,
            parent=link.parent,
        )
        for link, depth in _ordered(children)
    ]


def _ordered(children: dict[int | None, list[_Link]]) -> Iterator[tuple[_Link, int]]:
    """Parents first; a step goes one deeper where another one of the same parent follows it."""
    waiting = [(link, 0) for link in reversed(children.get(None, []))]
    while waiting:
        link, depth = waiting.pop()
        yield link, depth
        next_ = children.get(link.event.revision, [])
        waiting += [(child, depth + (i < len(next_) - 1)) for i, child in reversed(list(enumerate(next_)))]


async def _chain(reader: Reader, event: Event, whole: bool) -> list[_Link]:
    """From an event to its first cause; of a long chain the ends."""
    newest: list[_Link] = []
    oldest: deque[_Link] = deque(maxlen=None if whole else OLDEST)
    left_out = 0
    current: Event | None = event
    while current is not None:
        parent, implied = await _parent(reader, current)
        link = _Link(event=current, parent=parent.revision if parent is not None else None, implied=implied)
        if len(newest) < NEWEST:
            newest.append(link)
        else:
            left_out += len(oldest) == oldest.maxlen
            oldest.append(link)
        current = parent
    if left_out:
        newest[-1].left_out, newest[-1].parent = left_out, oldest[0].event.revision
    return [*newest, *oldest]


async def _parent(reader: Reader, event: Event) -> tuple[Event | None, str]:
    """(what caused an event, why that is a cause where the event names none)."""
    if event.cause is not None and 0 < event.cause < event.revision:
        return await reader.event(event.cause), ""
    if isinstance(event.fact, PodFact):  # a node saw it happen by itself
        made = await _made(reader, event)
        return made, "it happened by itself, to what is there because of this" if made is not None else ""
    return None, ""


async def _made(reader: Reader, event: Event) -> Event | None:
    """What made the object that an event is about; None where that is not known."""
    fact = event.fact
    if not isinstance(fact, ObjectFact | PodFact):
        return None
    uid = fact.uid if isinstance(fact, ObjectFact) else fact.pod_uid
    async for earlier in reader.of_object(await subject_of(event, reader.pods)):
        if isinstance(earlier.fact, ObjectFact) and earlier.revision <= event.revision and earlier.fact.uid == uid:
            return earlier
    return None
