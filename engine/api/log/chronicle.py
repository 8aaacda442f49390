"""GET /log/...: the log itself, under the caller's rights; an answer is JSON, one value a line.

Who may read an object may read what happened to it: each event is looked at by itself, as things are now. Values of Secrets are
hidden, also from those who may read them, unless they ask (`show_secrets=true`).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from shipslog.engine.api.request.requests import Call, method_not_allowed
from shipslog.engine.api.request.routes import unknown_path
from shipslog.engine.api.response.outlets import Outlet, outlet_of
from shipslog.engine.auth.attributes import Attributes
from shipslog.engine.auth.authorization import authorize
from shipslog.store.log.event_log import LogError
from shipslog.store.logger import logger
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.refusals import BadRequest, Refusal, TooManyRequests
from shipslog.store.tasks import Tasks

if TYPE_CHECKING:
    from shipslog.engine.chronicle.questions import Question
    from shipslog.engine.chronicle.subjects import Subject

PREFIX = "/log/"
MEDIA = "application/jsonl"
AT_ONCE = 8  # are read for; others are asked to come back
FOLLOWERS = 64
AT_ONCE_EACH, FOLLOWERS_EACH = 4, 16  # of these for one user
UNREAD_S = 60.0  # a client that takes nothing for so long holds no place
TOGETHER_BYTES = 32 * 1024  # are sent at a time
PATIENCE_S = 0.2  # for more, before what there is is sent
SILENCE_S = 15.0  # then an empty line says that the stream lives

log = logger(__name__)
_encode = msgspec.json.Encoder().encode


class Readers:
    """Who reads the log at the moment."""

    def __init__(self) -> None:
        self._answers: set[Values] = set()
        self._reading, self._following = Counter[str](), Counter[str]()  # by user

    def stop(self) -> None:
        """End all streams: the server stops."""
        for values in self._answers:
            values.end()

    async def answer(self, call: Call) -> web.StreamResponse:
        """Errors: BadRequest, NotFound, TooManyRequests."""
        if call.request.method != "GET":
            raise method_not_allowed(call)
        question = question_of(call)
        if call.past:
            question = _then(question, call.route.at)
        follows = bool(getattr(question, "follow", False))
        if follows:
            readers, together, each = self._following, FOLLOWERS, FOLLOWERS_EACH
        else:
            readers, together, each = self._reading, AT_ONCE, AT_ONCE_EACH
        user = call.user.name
        if readers.total() >= together or readers[user] >= each:
            raise TooManyRequests("too many read the log at once; please try again", retry_after_s=1)
        from shipslog.engine.chronicle.reader import Reader

        reader = Reader(call.cluster.log, may=rights_of(call), secrets=question.show_secrets, past=call.cluster.at)
        values = Values(question.answer(reader, call.now_ns))
        self._answers.add(values)
        readers[user] += 1
        try:
            return await _stream(call, values, follows=follows)
        finally:
            readers[user] -= 1
            if not readers[user]:
                del readers[user]
            self._answers.discard(values)


def question_of(call: Call) -> "Question":
    """Errors: BadRequest, naming the parameter; NotFound."""
    from shipslog.engine.chronicle.questions import QUESTIONS

    kind = QUESTIONS.get(call.route.path.removeprefix(PREFIX).rstrip("/"))
    if kind is None:
        raise unknown_path()
    params = {name: values[0] for name, values in call.params.items()}
    if unknown := sorted(params.keys() - set(kind.__struct_fields__)):
        raise BadRequest(f"{unknown[0]!r} is no parameter of {call.route.path}: these are {', '.join(kind.__struct_fields__)}")
    try:
        return msgspec.convert(params, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{call.route.path}: {error}") from error


def _then(question: "Question", moment: str) -> "Question":
    """The question as of the moment of the path. Errors: BadRequest for one about the whole log."""
    if not hasattr(question, "at"):
        raise BadRequest(f"/at/{moment}: this looks at the whole log: ask it without /at/")
    return question if question.at else msgspec.structs.replace(question, at=moment)


def rights_of(call: Call) -> "Callable[[Subject], bool]":
    """What the caller may see: objects that may be got; what is about none, whoever may get /log/."""
    user, view = call.user, call.cluster.view

    def may(subject: "Subject") -> bool:
        if "system:masters" in user.groups:
            return True
        if not subject.resource:
            return authorize(user, Attributes("get", PREFIX), view).allowed
        plural, _, group = subject.resource.partition(".")
        version = BUILTIN.by_resource(subject.resource).version if BUILTIN.knows(subject.resource) else ""
        wanted = Attributes("get", "", group, version, plural, "", subject.namespace, subject.name)
        return authorize(user, wanted, view).allowed

    return may


async def _stream(call: Call, values: "Values", *, follows: bool) -> web.StreamResponse:
    """The first value is waited for before anything is said, unless it is long in coming: so a refusal is a refusal. A later
    one is the last line, as a Status. A client that takes nothing for UNREAD_S is hung up on."""
    out = outlet_of(call.request, MEDIA, text=True)
    try:
        await values.more(PATIENCE_S if follows else SILENCE_S)
        await out.open()
        while not values.ended:
            await values.more(PATIENCE_S if values.waiting else SILENCE_S)
            if values.waiting_bytes >= TOGETHER_BYTES or not values.heard:
                await _send(call, out, values.taken() or [b"\n"])
        await _send(call, out, values.taken())
        await out.close()
    except ConnectionError:
        raise
    except Exception as error:
        if not out.response.prepared:
            raise
        await _broken_off(call, out, error)
    finally:
        await values.close()
    return out.response


async def _send(call: Call, out: Outlet, lines: list[bytes]) -> None:
    """Errors: ConnectionError, also when the client takes nothing for UNREAD_S."""
    try:
        async with asyncio.timeout(UNREAD_S):
            await out.write(lines)
    except TimeoutError as error:
        if call.request.transport is not None:
            call.request.transport.abort()
        raise ConnectionError("the client takes nothing") from error


async def _broken_off(call: Call, out: Outlet, error: Exception) -> None:
    if isinstance(error, Refusal):
        await out.write([_encode(error.status()) + b"\n"])
        await out.close()
        return
    log.exception("log_reading_failed", path=call.route.path)
    if call.request.transport is not None:
        call.request.transport.abort()  # better no stream than one that has left something out


class Values:
    """The values of an answer, as lines, gathered until they are sent."""

    def __init__(self, answer: AsyncIterator[Any]) -> None:
        self._answer = answer
        self._tasks = Tasks("answer")
        self._next: asyncio.Task[Any] | None = None
        self.waiting: list[bytes] = []
        self.waiting_bytes = 0
        self.heard = self.ended = False

    async def more(self, within_s: float | None) -> None:
        """Wait for the next value; `heard` says whether it came in time. Errors: the answer's own."""
        if self._next is None:
            self._next = self._tasks.start("reading the log", self._one(), ordinary=(Refusal, LogError))
        await asyncio.wait([self._next], timeout=within_s)
        self.heard = self._next.done()
        if not self.heard:
            return
        if self._next.cancelled():
            self.ended = True
            return
        value, self._next = self._next.result(), None
        if value is None:
            self.ended = True
            return
        line = _encode(value) + b"\n"
        self.waiting.append(line)
        self.waiting_bytes += len(line)

    async def _one(self) -> Any:
        return await anext(self._answer, None)

    def end(self) -> None:
        """No more of it is wanted."""
        self.ended = True
        if self._next is not None:
            self._next.cancel()

    def taken(self) -> list[bytes]:
        """What was gathered."""
        lines, self.waiting, self.waiting_bytes = self.waiting, [], 0
        return lines

    async def close(self) -> None:
        await self._tasks.close()
        close = getattr(self._answer, "aclose", None)
        if close is not None:
            await close()
