"""Work that takes long though it waits for nothing: a thread for it, so that the loop goes on meanwhile.

Only for functions of their arguments, which nobody changes: state belongs to the loop. The interpreter runs one thread at a
time, and hands over every few milliseconds: others wait for those, not for the work.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from shipslog.runtime.threads import heard
from shipslog.store.refusals import Refusal

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
    """One thread, so that long work waits for long work and not everything for it."""

    def __init__(self, name: str) -> None:
        self._name, self._thread = name, ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, size_bytes: int, work: Callable[..., T], *arguments: object) -> T:
        """What `work` returns or raises: at once if it is short. Who stops waiting leaves it to end by itself; a bug
        that it meets then is logged."""
        if size_bytes <= SHORT_BYTES:
            return work(*arguments)
        job = self._thread.submit(work, *arguments)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            job.add_done_callback(partial(heard, self._name, ordinary=(Refusal, CancelledError)))
            raise

    def close(self) -> None:
        """Let go of the thread when it has ended what it does."""
        self._thread.shutdown(wait=False)
