"""Which events a reader wants to see: between which moments, by whom, of what.

Tests: tests/engine/chronicle/test_lines.py
"""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta

from shipslog.engine.past import moments
from shipslog.engine.past.views import extent, revision_at
from shipslog.store.events import Event
from shipslog.store.facts import DecisionTaken, ObjectFact, RuntimeFact
from shipslog.store.log.event_log import EventLog

from .question import Question
from .subjects import Subject, others

Sort = Literal["objects", "decisions", "runtime", "engine"]
CONTROLLER = "system:controller:"
Pattern = Annotated[str, Meta(max_length=512)]  # longer than every name; one of 60,000 characters takes 0.3 s to compile


class Wanted(Question, frozen=True, kw_only=True, omit_defaults=True):
    """Empty: everything. `actor` and `name` may hold `*` and `?`."""

    since: str = ""  # a moment, see `time.moments`
    until: str = ""
    actor: Pattern = ""  # with or without "system:controller:"
    kind: str = ""  # as people name it
    namespace: str = ""
    name: Pattern = ""
    decisions: bool = False  # these sorts of events only, where any is set
    runtime: bool = False
    objects: bool = False


class Filter:
    """`Wanted`, understood. `resource`: of the kind that is wanted."""

    def __init__(self, wanted: Wanted, resource: str = "") -> None:
        self.wanted, self._resource = wanted, resource
        self._sorts = {sort for sort in ("objects", "decisions", "runtime") if getattr(wanted, sort)}
        self._about = bool(self._resource or wanted.namespace or wanted.name)

    def wants(self, event: Event, subject: Subject) -> bool:
        """`subject`: what the event is about before all else."""
        actor = self.wanted.actor
        if actor and not (fnmatchcase(event.actor, actor) or fnmatchcase(event.actor.removeprefix(CONTROLLER), actor)):
            return False
        if self._sorts and sort_of(event) not in self._sorts:
            return False
        return not self._about or self._fits(subject) or any(map(self._fits, others(event)))

    def _fits(self, subject: Subject) -> bool:
        wanted = self.wanted
        if self._resource and subject.resource != self._resource:
            return False
        if wanted.namespace and subject.namespace != wanted.namespace:
            return False
        return not wanted.name or fnmatchcase(subject.name, wanted.name)


def sort_of(event: Event) -> Sort:
    """What sort of event it is. What was let go was about an object: only such events are."""
    match event.fact:
        case ObjectFact():
            return "objects"
        case DecisionTaken():
            return "decisions"
        case _:
            return "runtime" if isinstance(event.fact, RuntimeFact) else "engine"


async def bounds(event_log: EventLog, since: str, until: str, now_ns: int | None = None) -> tuple[int, int]:
    """(after, until) of two moments, "" for the log's ends. What is so long ago counts from `now_ns`, else from its end.

    Errors: BadRequest for what is no moment."""
    after, last = 0, event_log.revision
    if since:
        moment = moments.parse(since, await _now(event_log, now_ns), begins=True)
        after = moment.revision - 1 if moment.revision is not None else await event_log.revision_at((moment.time_ns or 0) - 1)
    if until:
        moment = moments.parse(until, await _now(event_log, now_ns))
        found = moment.revision if moment.revision is not None else await event_log.revision_at(moment.time_ns or 0)
        last = min(found, last)
    return max(after, 0), last


async def moment_of(event_log: EventLog, text: str, now_ns: int | None = None) -> int:
    """The revision of a moment. Errors: BadRequest, also before the log begins."""
    moment = moments.parse(text, await _now(event_log, now_ns))
    if moment.revision is not None:
        return moment.revision
    return await revision_at(event_log, moment.time_ns or 0)


async def _now(event_log: EventLog, now_ns: int | None) -> int:
    return now_ns if now_ns is not None else (await extent(event_log))[1]
