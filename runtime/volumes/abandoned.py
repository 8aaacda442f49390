"""Takes from a node what pods have left that nobody knows of: a crash, or a log that is another one, may leave directories of
theirs, with all that is mounted there, and what a CSI driver has staged for them.

Only what this node has made is touched: directories among those of pods that have a pod's uid for a name. What cannot be taken
away is tried again: later, and when a driver comes.

Tests: tests/runtime/volumes/test_abandoned.py
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .failed import VolumeFailed
from .remote import mounter

AGAIN_S = 60.0
UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = logger(__name__)


def pod_directories(pods: Path, known: Iterable[str]) -> list[str]:
    """The uids of pods that have a directory and are not known. Errors: OSError."""
    if not pods.is_dir():
        return []
    there = [entry for entry in pods.iterdir() if entry.is_dir() and not entry.is_symlink()]
    held = set(known)
    return sorted(e.name for e in there if e.name not in held and UID.fullmatch(e.name))


class Abandoned:
    """Of one node. `pods` has their directories; `inside` runs a function where they are mounted, `remove` takes a pod away."""

    def __init__(
        self, pods: Path, inside: Callable[..., Awaitable[Sequence[str]]], remove: Callable[[str], Awaitable[None]]
    ) -> None:
        self._pods, self._inside, self._remove = pods, inside, remove
        self._left: dict[str, str] = {}  # why it is still there, by uid
        self._staged: Sequence[str] = ()
        self._wake = asyncio.Event()
        self._tasks = Tasks("abandoned pods")

    def begin(self, uids: Iterable[str]) -> None:
        """Take away these, and what is staged for nobody."""
        self._left = dict.fromkeys(uids, "")
        self._tasks.keep("what pods have left", self._keep)

    def look(self) -> None:
        """Try again now."""
        self._wake.set()

    async def close(self) -> None:
        await self._tasks.close()

    def troubles(self) -> list[str]:
        count = sum(1 for why in self._left.values() if why) + len(self._staged)
        left = [f"{count} volumes that no pod knows of could not be taken back; the server's log says more"] if count else []
        return [*self._tasks.troubles(), *left]

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            if self._left:
                await asyncio.gather(*(self._take(uid) for uid in self._left))
                self._left = {uid: why for uid, why in self._left.items() if why}
            self._staged = await self._inside("", mounter.take_back_staged, self._pods)
            for why in self._staged:
                log.warning("staged_volume_left", why=why)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S if self._left or self._staged else None):
                    await self._wake.wait()

    async def _take(self, uid: str) -> None:
        try:
            await self._remove(uid)
        except (VolumeFailed, OSError) as error:
            self._left[uid] = str(error) or repr(error)
            log.warning("abandoned_pod_left", pod=uid, why=str(error))
        else:
            self._left[uid] = ""
            log.info("abandoned_pod_removed", pod=uid)
