"""Long commands are evaluated before they are proposed, in a thread; the writer only looks whether that still holds.

The thread changes nothing and touches no state: its view puts each question to the loop, which answers it from the committed
view between two turns, and both note question and answer. The writer asks its head the same questions again: the same answers
make the same change, since evaluation is a function of them. Where one differs, the command is prepared again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from shipslog.engine.admission import Admission
from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Entropy
from shipslog.engine.time.long_work import LongWork
from shipslog.store.commands import AnyObjectCommand

from .converted_versions import ConvertedVersions
from .encoding import encoded_ahead
from .transitions import Evaluation, Transition, Wanted

QUESTIONS = frozenset({"entry", "entries", "entries_labelled", "get", "list", "select", "owned", "by_uid", "find"})  # fmt: skip


class Reading(Struct, frozen=True):
    """A question that was put to a view, and its answer."""

    question: str
    arguments: tuple[Any, ...]
    answer: Any

    def holds(self, view: MemoryView) -> bool:
        answer = getattr(view, self.question)(*self.arguments)
        return answer is self.answer or bool(answer == self.answer)


class Readings:
    """A view for another thread than the loop's: what evaluation asks of one, each question answered on the loop and noted."""

    def __init__(self, view: MemoryView) -> None:
        self._view, self._loop = view, asyncio.get_running_loop()
        self.scheme, self.config = view.scheme, view.config  # values: a change makes new ones
        defining = [kind.resource for kind in view.scheme.kinds() if kind.defines is not None]
        self.noted = [Reading("entries", (resource,), view.entries(resource)) for resource in defining]
        self._waiting: Future[Any] | None = None
        self._ended = False

    def __getattr__(self, question: str) -> Callable[..., Any]:
        if question not in QUESTIONS:
            raise AttributeError(f"{question} is no question that evaluation may put to a view; QUESTIONS names those")
        return lambda *arguments: self._ask(question, arguments)

    def _ask(self, question: str, arguments: tuple[Any, ...]) -> Any:
        waiting: Future[Any] = Future()
        self._waiting = waiting  # before the look at `_ended`; `end` goes the other way round, so one sees the other
        if self._ended:
            raise CancelledError
        self._loop.call_soon_threadsafe(self._answer, waiting, question, arguments)
        return waiting.result()

    def _answer(self, waiting: "Future[Any]", question: str, arguments: tuple[Any, ...]) -> None:
        if waiting.cancelled():
            return
        try:
            answer = getattr(self._view, question)(*arguments)
        except Exception as error:
            waiting.set_exception(error)
            return
        self.noted.append(Reading(question, arguments, answer))
        waiting.set_result(answer)

    def end(self) -> None:
        """Answer no more: a thread that still asks is not kept waiting for a loop that may be gone."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.cancel()


class Prepared(Struct, frozen=True):
    """What a command comes to where `readings` hold."""

    change: Evaluation
    warnings: tuple[str, ...]
    readings: Readings

    def holds(self, head: MemoryView) -> bool:
        return head.config == self.readings.config and all(reading.holds(head) for reading in self.readings.noted)


async def wanted_aside(
    command: AnyObjectCommand, view: MemoryView, work: LongWork, ctx: Admission, size_bytes: int, converted: ConvertedVersions
) -> Wanted:
    """What a long command asks for. Errors: Refusal, of what is on the log at the moment."""
    readings = Readings(view)
    strategy_of(resource_of(command, view))
    seen_as = cast(MemoryView, readings)
    try:
        transition = Transition(seen_as, ctx.entropy.child(), converted)
        return await work.run(size_bytes, transition.wanted, command, replace(ctx, view=seen_as))
    finally:
        readings.end()


async def prepare(
    command: AnyObjectCommand | Wanted,
    view: MemoryView,
    work: LongWork,
    *,
    now_ns: int,
    entropy: Entropy,
    actor: str,
    groups: tuple[str, ...],
    dry_run: bool,
    size_bytes: int,
) -> Prepared:
    """Evaluate a command, or what it asks for, against the committed view. Errors: Refusal, of what is on the log at the
    moment."""
    readings = Readings(view)
    strategy_of(
        command.kind.resource if isinstance(command, Wanted) else resource_of(command, view)
    )  # what is imported for it is imported here
    seen_as = cast(MemoryView, readings)
    own = entropy.child()  # drawn from now: when the thread draws from it changes nothing for others
    warnings: list[str] = []
    ctx = Admission(
        view=seen_as, now_ns=now_ns, entropy=own, actor=actor, groups=groups, dry_run=dry_run, config=readings.config,
        warnings=warnings,
    )  # fmt: skip
    try:
        change = await work.run(size_bytes, _evaluated, Transition(seen_as, own), command, ctx)
    finally:
        readings.end()
    return Prepared(change, tuple(warnings), readings)


def _evaluated(transition: Transition, command: AnyObjectCommand | Wanted, ctx: Admission) -> Evaluation:
    change = transition.finished(command, ctx) if isinstance(command, Wanted) else transition.evaluate(command, ctx)
    return change if change.effect == "Unchanged" else encoded_ahead(change)


def resource_of(command: AnyObjectCommand, view: MemoryView) -> str:
    """The key of the kind that a command is about."""
    if (obj := getattr(command, "object", None)) is not None:
        return view.scheme.of(obj).resource
    return getattr(command, "resource", "pods")
