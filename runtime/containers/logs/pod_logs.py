"""The logs of a node's containers, whichever runtime writes them.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from shipslog.runtime.node import LogOptions, StreamRefused, Written
from shipslog.store.tasks import Tasks

from .kept import KeptLogs
from .limits import LogLimits
from .reading import read
from .rotation import Reopen, rotate

LOOK_EVERY_S = 5.0
PRUNE_EVERY_S = 60.0


def beside(pods: Path) -> Path:
    """Where logs are kept for a runtime whose directory is that of its pods."""
    return pods.with_name(f"{pods.name}-logs")


class PodLogs:
    """`pods`: where what lives is; `kept`: where what is gone is put. `live`: the directories that are written to now."""

    def __init__(
        self, pods: Path, kept: Path, limits: LogLimits, *, live: Callable[[], Sequence[Path]], reopen: Reopen
    ) -> None:
        self.kept = KeptLogs(kept, pods, limits)
        self._limits, self._live, self._reopen = limits, live, reopen
        self._tasks = Tasks("pod logs")

    def start(self, tasks: Tasks | None = None) -> None:
        """Look after them from now on. In the loop; `kept` is open."""
        (tasks or self._tasks).keep("turning over", self._look)

    async def close(self) -> None:
        await self._tasks.close()

    def troubles(self) -> list[str]:
        return self._tasks.troubles()

    def read(
        self, pod_uid: str, container: str, attempt: int, options: LogOptions, running: Callable[[int], bool]
    ) -> AsyncIterator[bytes]:
        """What one start wrote, or with `previous` the one before it. `running(attempt)`: whether it writes still.
        Errors: StreamRefused when nothing of it is there, at once."""
        wanted = attempt - 1 if options.previous else attempt
        place = self.kept.place(pod_uid, container, wanted)
        if place is None:
            what = "previous terminated container" if options.previous else "container"
            raise StreamRefused(400, f'{what} "{container}" in pod "{pod_uid}" not found')
        return read(place, options, lambda: running(wanted))

    def written(self, namespace: str, name: str, pod_uid: str = "") -> Sequence[Written]:
        """See NodeRuntime."""
        return tuple(self.kept.written(namespace, name, pod_uid))

    async def _look(self) -> None:
        pruned_s = 0.0
        while True:
            await asyncio.to_thread(self._turn_over, list(self._live()))
            if time.monotonic() - pruned_s > PRUNE_EVERY_S:
                pruned_s = time.monotonic()
                await asyncio.to_thread(self._tidy)
            await asyncio.sleep(LOOK_EVERY_S)

    def _turn_over(self, directories: Sequence[Path]) -> None:
        for directory in directories:
            rotate(directory, self._limits, self._reopen)

    def _tidy(self) -> None:
        self.kept.prune(time.time_ns())
        self.kept.pack()
