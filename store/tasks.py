"""Tasks that somebody listens to: none ends unheard, what should go on begins again, and closing waits for all of them.

Nobody else makes tasks (`tests/test_house.py`), so each has an owner who holds it, hears its end and ends it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from .logger import logger

T = TypeVar("T")
RETRY_FIRST_S, RETRY_MAX_S = 0.2, 30.0
STEADY_S = 60.0  # what ran for so long failed anew: it begins again as soon as it did the first time
END_S = 10.0  # for tasks to end when they are cancelled

Ordinary = type[BaseException] | tuple[type[BaseException], ...]

log = logger(__name__)


class Tasks:
    """The tasks of one part of the house; `owner` names it in the log. As a context manager it closes them at the end."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: dict[asyncio.Task[Any], Ordinary] = {}
        self._failing: dict[object, tuple[str, str, float]] = {}  # what was to go on: name, error, when it begins again

    def __len__(self) -> int:
        return len(self._running)

    def start(self, name: str, work: Coroutine[Any, Any, T], *, ordinary: Ordinary = ()) -> "asyncio.Task[T]":
        """Run it once. A failure is logged with its stack, whether or not anybody awaits the task; one that is `ordinary` is
        not: it is somebody's answer, or means nothing."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running[task] = ordinary
        task.add_done_callback(self._ended)
        return task

    def keep(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
        """Run it until it returns or is cancelled. What a failure ends begins again, later each time."""
        return self.start(name, self._again_and_again(name, work))

    def troubles(self) -> list[str]:
        """What was to go on and failed lately, a line each; nothing that a stranger may not read."""
        now_s = asyncio.get_running_loop().time()
        return [
            f"{self._owner}/{name}: {error}; it begins again, and the server's log says more"
            for name, error, again_s in self._failing.values()
            if now_s < again_s + STEADY_S
        ]

    async def _again_and_again(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop, pause_s, me = asyncio.get_running_loop(), RETRY_FIRST_S, object()
        try:
            while True:
                begun = loop.time()
                try:
                    return await work()
                except Exception as error:
                    if loop.time() - begun > STEADY_S:
                        pause_s = RETRY_FIRST_S
                    log.exception("task_begins_again", owner=self._owner, task=name, after_s=pause_s)
                    self._failing[me] = name, type(error).__name__, loop.time() + pause_s
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_MAX_S)
        finally:
            self._failing.pop(me, None)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        ordinary = self._running.pop(task, ())
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ordinary):
            log.error("task_failed", owner=self._owner, task=task.get_name(), error=repr(error), exc_info=error)

    async def finished(self, timeout_s: float | None = None) -> None:
        """Returns when all that run now have ended, or after `timeout_s`."""
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=timeout_s)

    async def close(self, end_s: float = END_S) -> None:
        """Cancel what runs, but for the task that calls, and wait for it. What does not end in `end_s` is told, and left."""
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        if not running:
            return
        _, left = await asyncio.wait(running, timeout=end_s)
        for task in left:
            log.error("task_does_not_end", owner=self._owner, task=task.get_name(), waited_s=end_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def hear(loop: asyncio.AbstractEventLoop) -> None:
    """From now on what fails on a loop with nobody to tell (a timer, a reader, a callback) is told in the house's log."""

    def handler(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = next((repr(context[key]) for key in ("handle", "task", "future", "transport") if key in context), "")
        log.error("callback_failed", what=what, said=context["message"], error=repr(error), exc_info=error)

    loop.set_exception_handler(handler)
