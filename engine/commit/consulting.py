"""Asks consultants about one command, within a bound of time; what came of that is an answer, not a failure of who asked.

Tests: tests/engine/commit/test_outside.py
"""

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

from shipslog.engine.admission import Admission
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Clock, Entropy, held
from shipslog.engine.time.long_work import LongWork
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.logger import logger, new_failure_id
from shipslog.store.refusals import Internal, Refusal, TimedOut, internal_error

from .outside import SEED_BITS, Advised, Asking, Consultant, Convert, RequestInfo, advised

ASKING_S = 60.0  # for all who are asked about one command, as Kubernetes gives a request
NO_REQUEST_INFO = RequestInfo()
CONTROLLERS = ("system:authenticated",)  # the groups of a rule, as others are told

log = logger(__name__)


class Counsel:
    """`consultants`: asked, in order, about the commands that concern them."""

    def __init__(self, view: MemoryView, clock: Clock, entropy: Entropy, work: LongWork) -> None:
        self.consultants: list[Consultant] = []
        self.convert: Convert | None = None  # has an object made that only another server can make
        self._turns: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()
        self._view, self._clock, self._entropy, self._work = view, clock, entropy, work

    def turn(self, about: tuple[str, str, str]) -> asyncio.Lock:
        """For those who have been overtaken: they do not overtake each other for ever. It is there while somebody has it."""
        return self._turns.setdefault(about, asyncio.Lock())

    def concerned(self, command: AnyObjectCommand, actor: str) -> list[Consultant]:
        return [one for one in self.consultants if one.concerns(command, self._view, actor)] if self.consultants else []

    def asking(self, actor: str, groups: tuple[str, ...], dry_run: bool, request_info: RequestInfo) -> Asking:
        """What those who are asked are told of who asks."""
        now_ns = held(self._view.time_ns, self._clock.now_ns())
        context = Admission(
            view=self._view, now_ns=now_ns, entropy=self._entropy, config=self._view.config, warnings=[], actor=actor,
            groups=groups, dry_run=dry_run,
        )  # fmt: skip
        return Asking(view=self._view, request_info=request_info, context=context, actor=actor, groups=groups, dry_run=dry_run)

    async def advice(
        self,
        command: AnyObjectCommand,
        asked: Sequence[Consultant],
        request_info: RequestInfo,
        size_bytes: int,
        until_s: float,
        *,
        actor: str,
        groups: tuple[str, ...],
        dry_run: bool,
    ) -> Advised | Refusal:
        """What they say of a command, until a time of the loop."""
        asking, seed = self.asking(actor, groups, dry_run, request_info), self._entropy.below(1 << SEED_BITS)
        try:
            async with asyncio.timeout_at(until_s):
                return await advised(command, asked, asking, self._work, seed=seed, size_bytes=size_bytes, convert=self.convert)
        except Refusal as refusal:
            return refusal
        except TimeoutError:
            return TimedOut("Timeout: request did not complete within requested timeout - context deadline exceeded")
        except Exception:
            return failed(command, actor)


def failed(command: AnyObjectCommand, actor: str) -> Internal:
    """The answer to a command that the exception at hand kept from being carried out."""
    failure_id = new_failure_id()
    log.exception("command_failed", command=type(command).__name__, actor=actor, failure_id=failure_id)
    return internal_error(failure_id, "; nothing was written")
