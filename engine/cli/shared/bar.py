"""A bar that shows how far a command is, on a terminal and when it takes long; nothing elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shipslog.engine.progress import Progress, to_nobody

PATIENCE_S = 0.5  # what takes less shows no bar


@contextmanager
def bar() -> Iterator[Progress]:
    """What is told to it stands on stderr, if that is a terminal, until the block ends."""
    if not sys.stderr.isatty():
        yield to_nobody
        return
    shown = _Bar()
    try:
        yield shown.tell
    finally:
        shown.stop()


class _Bar:
    """One line, for the step that is being done."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._rich: Any = None
        self._what, self._task = "", None

    def tell(self, what: str, done: int, total: int) -> None:
        """Called from the thread that works, too."""
        if self._rich is None:
            if time.monotonic() - self._began_s < PATIENCE_S:
                return
            self._start()
        if what != self._what:
            if self._task is not None:
                self._rich.remove_task(self._task)
            self._what, self._task = what, self._rich.add_task(what, total=None)
        self._rich.update(self._task, completed=done, total=total or None)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._rich = Progress(*columns, transient=True, console=Console(stderr=True))
        self._rich.start()

    def stop(self) -> None:
        if self._rich is not None:
            self._rich.stop()
