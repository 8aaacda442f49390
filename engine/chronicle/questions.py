"""What one can ask of a log: each question as a value, and its answer as a stream of values.

The same question is answered from a file or by a server; its fields are the parameters of the request.

Tests: tests/engine/chronicle/test_lines.py, tests/engine/chronicle/test_history.py, tests/engine/chronicle/test_causes.py
"""

from shipslog.engine.past.views import extent
from shipslog.reconcilers.scheduler.explanation import Explained
from shipslog.store.refusals import BadRequest, NotFound

from . import causes
from .history import Chapter, Gone, gone, history
from .lines import Line, lines
from .placing import placing
from .question import Answer
from .question import Question as Question
from .reader import Reader
from .shown import Shown, as_of, show
from .subjects import Subject, resource_of
from .wanted import Filter, Wanted, bounds, moment_of


class Events(Wanted, frozen=True, kw_only=True, omit_defaults=True):
    """`shipslog log`: the events, a line each."""

    asked = "events"
    answer_type = Line
    follow: bool = False

    async def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        after, until = await bounds(reader.log, self.since, self.until, now_ns)
        wanted = Filter(self, await resource_of(reader.log, self.kind) if self.kind else "")
        async for line in lines(reader, wanted, after, until, follow=self.follow and not self.until):
            yield line


class History(Question, frozen=True, kw_only=True, omit_defaults=True):
    """`shipslog history KIND/NAME`: each change of an object."""

    asked = "history"
    answer_type = Chapter
    of: str
    namespace: str | None = None  # None: in whatever namespace
    since: str = ""
    spec: bool = False
    follow: bool = False

    async def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        subjects = await _objects(reader, self.of, self.namespace)
        if self.follow and len(subjects) > 1:
            raise _several(subjects)
        after, _ = await bounds(reader.log, self.since, "", now_ns)
        for subject in subjects:
            async for chapter in history(reader, subject, after=after, spec=self.spec, follow=self.follow):
                yield chapter


class Deleted(Question, frozen=True, kw_only=True, omit_defaults=True):
    """`shipslog history [KIND] --deleted`: the objects that are gone."""

    asked = "deleted"
    answer_type = Gone
    kind: str = ""
    namespace: str = ""
    since: str = ""

    async def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        after, _ = await bounds(reader.log, self.since, "", now_ns)
        resource = await resource_of(reader.log, self.kind) if self.kind else ""
        async for one in gone(reader, resource, self.namespace, after):
            yield one


class Why(Question, frozen=True, kw_only=True, omit_defaults=True):
    """`shipslog why REVISION|KIND/NAME`: the tree of causes."""

    asked = "why"
    answer_type = causes.Step
    of: str
    namespace: str | None = None
    whole: bool = False

    async def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        if (revision := as_revision(self.of)) is not None:
            steps = await causes.why_revision(reader, revision, whole=self.whole)
        else:
            steps = await causes.why_object(reader, await _object(reader, self.of, self.namespace), whole=self.whole)
        for step in steps:
            yield step


class Show(Question, frozen=True, kw_only=True, omit_defaults=True):
    """`shipslog show REVISION`: an event whole."""

    asked = "show"
    answer_type = Shown
    revision: int

    async def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        yield await show(reader, self.revision)


class AsOf(Question, frozen=True, kw_only=True, omit_defaults=True):
    """`shipslog show KIND/NAME --at MOMENT`: an object as it was."""

    asked = "as-of"
    answer_type = dict
    of: str
    namespace: str | None = None
    at: str = ""

    async def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        revision = await moment_of(reader.log, self.at, now_ns) if self.at else reader.log.revision
        subject = await _object(reader, self.of, self.namespace)
        yield await as_of(reader, subject, revision)


class Placing(Question, frozen=True, kw_only=True, omit_defaults=True):
    """`shipslog explain-pending POD`: what the scheduler makes of each node."""

    asked = "placing"
    answer_type = Explained
    of: str
    namespace: str | None = None
    at: str = ""

    async def answer(self, reader: Reader, now_ns: int | None = None) -> Answer:
        revision = await moment_of(reader.log, self.at, now_ns) if self.at else reader.log.revision
        _, end_ns = await extent(reader.log)
        yield await placing(reader, await _object(reader, self.of, self.namespace), revision, now_ns or end_ns)


QUESTIONS: dict[str, type[Question]] = {q.asked: q for q in (Events, History, Deleted, Why, Show, AsOf, Placing)}


def as_revision(text: str) -> int | None:
    """The revision that a text is; None for another text."""
    number = text.removeprefix("rev/")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= 18 else None


async def _objects(reader: Reader, text: str, namespace: str | None) -> list[Subject]:
    """Every object that is meant by KIND/NAME. Errors: BadRequest, NotFound."""
    kind, slash, name = text.partition("/")
    if not slash or not name or not kind:
        raise BadRequest(f"{text!r}: name the object as KIND/NAME, for example pod/web")
    resource = await resource_of(reader.log, kind)
    found = await reader.named(resource, namespace, name)
    if not found:
        where = "in any namespace" if namespace is None else f"in namespace {namespace!r}"
        raise NotFound(f"the log knows no {kind} {name!r} {where}")
    return found


async def _object(reader: Reader, text: str, namespace: str | None) -> Subject:
    found = await _objects(reader, text, namespace)
    if len(found) > 1:
        raise _several(found)
    return found[0]


def _several(found: list[Subject]) -> BadRequest:
    spaces = ", ".join(subject.namespace for subject in found)
    return BadRequest(f"there are several of that name: say with --namespace which is meant of {spaces}")
