"""Tasks that somebody listens to: none ends unheard, what should go on begins again, and closing waits for all of them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from shipslog.store.logger import logger

T = TypeVar("T")
RETRY_FIRST_S, RETRY_MAX_S = 0.2, 30.0
STEADY_S = 60.0  # what ran for so long failed anew: it begins again as soon as it did the first time

log = logger(__name__)


class Tasks:
    """The tasks of one part of the house; `owner` names it in the log."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run it once. A failure is logged, whether or not anybody awaits the task."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
        """Run it until it returns or is cancelled. What a failure ends begins again, later each time."""
        return self.start(name, self._again_and_again(name, work))

    async def _again_and_again(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop, pause_s = asyncio.get_running_loop(), RETRY_FIRST_S
        while True:
            begun = loop.time()
            try:
                return await work()
            except Exception:
                if loop.time() - begun > STEADY_S:
                    pause_s = RETRY_FIRST_S
                log.exception("task_begins_again", owner=self._owner, task=name, after_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("task_failed", owner=self._owner, task=task.get_name(), error=repr(error), exc_info=error)

    async def finished(self) -> None:
        """Returns when all that run now have ended."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def close(self) -> None:
        """Cancel what runs; it has ended afterwards."""
        for task in tuple(self._running):
            task.cancel()
        await self.finished()
