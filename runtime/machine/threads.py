"""Threads for what blocks: a fresh one each time, so that no job waits for another owner's, and none is left behind unheard.

Never the loop's default pool: a handful of jobs that hang would fill it, and everything else that needs a thread would wait.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from shipslog.store.logger import logger

T = TypeVar("T")
PER_OWNER = 4
END_S = 10.0  # for jobs to end when their part of the house closes

log = logger(__name__)


def in_fresh_thread(work: Callable[[], T]) -> "Future[T]":
    """Run `work` in a thread of its own, which may change its namespaces: they end with it."""
    future: Future[T] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="shipslog-fresh", daemon=True).start()
    return future


Begin = Callable[[Callable[[], Any]], "Future[Any]"]


class OwnerThreads:
    """Runs what blocks on behalf of an owner (a pod, a registry), at most `per_owner` jobs of one owner at a time. Owners never
    wait for each other. `enter` runs first in each thread: to join a namespace; `begin` makes the thread."""

    def __init__(
        self, per_owner: int = PER_OWNER, *, enter: Callable[[], None] | None = None, begin: Begin = in_fresh_thread
    ) -> None:
        self._per_owner, self._enter, self._begin = per_owner, enter, begin
        self._places: dict[str, _Places] = {}
        self._jobs: set[asyncio.Future[Any]] = set()

    async def run(self, owner: str, work: Callable[..., T], *arguments: Any) -> T:
        """What `work` returns or raises. A caller that stops waiting leaves the job its place until it has ended; what it
        raises then is logged."""
        places = self._places.setdefault(owner, _Places(self._per_owner))
        places.wanted += 1
        try:
            await places.free.acquire()
        except BaseException:
            self._let_go(owner, places)
            raise
        job: asyncio.Future[T] = asyncio.wrap_future(self._begin(partial(self._work, work, arguments)))
        self._jobs.add(job)

        def ended(_: Any) -> None:
            self._jobs.discard(job)
            places.free.release()
            self._let_go(owner, places)

        job.add_done_callback(ended)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            job.add_done_callback(partial(heard, owner))
            raise

    async def finished(self, timeout_s: float = END_S) -> None:
        """Returns when no job runs any more, or after a while."""
        if self._jobs:
            await asyncio.wait(tuple(self._jobs), timeout=timeout_s)

    def _work(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        if self._enter is not None:
            self._enter()
        return work(*arguments)

    def _let_go(self, owner: str, places: "_Places") -> None:
        places.wanted -= 1
        if not places.wanted and self._places.get(owner) is places:
            del self._places[owner]


class _Places:
    """One owner's: how many jobs may begin now, and how many run or wait."""

    def __init__(self, count: int) -> None:
        self.free = asyncio.Semaphore(count)
        self.wanted = 0


def heard(owner: str, job: "asyncio.Future[Any] | Future[Any]", ordinary: tuple[type[BaseException], ...] = ()) -> None:
    """For a job that nobody waits for any more, when it is done: what it raised is logged, unless it is ordinary."""
    error = None if job.cancelled() else job.exception()
    if error is not None and not isinstance(error, ordinary):
        log.warning("abandoned_job_failed", owner=owner, error=repr(error))


class Throttle:
    """At most `count` at a time: many starts at once would only slow each other down. Who takes longer than `patience_s` stops
    counting, so what hangs does not keep the others waiting."""

    def __init__(self, count: int, *, patience_s: float) -> None:
        self._free, self._patience_s = asyncio.Semaphore(count), patience_s

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        await self._free.acquire()
        timer = asyncio.get_running_loop().call_later(self._patience_s, self._free.release)
        try:
            yield
        finally:
            if not timer.cancelled() and timer.when() > asyncio.get_running_loop().time():
                timer.cancel()
                self._free.release()
