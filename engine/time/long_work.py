"""Work that takes long though it waits for nothing: a thread for it, so that the loop goes on meanwhile.

Only for functions of their arguments, which nobody changes: state belongs to the loop. The interpreter runs one thread at a
time, and hands over every few milliseconds: others wait for those, not for the work.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from shipslog.runtime.machine.threads import heard
from shipslog.store.refusals import Refusal

from .turns import FLOW, Turns

T = TypeVar("T")
SHORT_BYTES = 32 * 1024  # of what is worked on: that takes a few milliseconds at most, and a thread would only cost more


class TakesLong(Refusal):
    """What was begun on the loop takes too long there, and shall be done in a thread."""

    code, reason = 500, "InternalError"

    def __init__(self) -> None:
        super().__init__("it takes too long to work out at its turn; send it again")


def on_loop() -> bool:
    """Whether this is run by the loop, so that everybody waits meanwhile."""
    return asyncio._get_running_loop() is not None


class LongWork:
    """One thread, so that long work waits for long work and not everything for it; and nobody's for all of another's
    (`Turns`)."""

    def __init__(self, name: str) -> None:
        self._name, self._thread = name, ThreadPoolExecutor(1, thread_name_prefix=name)
        self._turns: Turns[tuple[Future[Any], Callable[[], Any]]] = Turns()

    async def run(self, size_bytes: int, work: Callable[..., T], *arguments: object) -> T:
        """What `work` returns or raises: at once if it is short. Who stops waiting leaves it to end by itself; a bug
        that it meets then is logged."""
        if size_bytes <= SHORT_BYTES:
            return work(*arguments)
        job: Future[T] = Future()
        self._turns.add(FLOW.get(), (job, partial(work, *arguments)))
        self._thread.submit(self._next)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            job.add_done_callback(partial(heard, self._name, ordinary=(Refusal, CancelledError)))
            raise

    def _next(self) -> None:
        """In the thread, once for each that was added: do what is next."""
        taken = self._turns.take()
        if taken is None:
            return
        flow, (job, work) = taken
        if not job.set_running_or_notify_cancel():
            return
        begun_s = time.monotonic()
        try:
            job.set_result(work())
        except BaseException as error:
            job.set_exception(error)
        finally:
            self._turns.spent(flow, time.monotonic() - begun_s)
            del job, work, taken  # else an error keeps them, and they it

    def close(self) -> None:
        """Let go of the thread when it has ended what it does."""
        self._thread.shutdown(wait=False)
