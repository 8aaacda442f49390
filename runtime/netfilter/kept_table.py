"""A table of packet rules that stays as it was made: what somebody else changes in it is put right again within a second."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from shipslog.runtime.descriptors import readable
from shipslog.runtime.threads import heard
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .libnftables import Session, enter_namespace
from .monitor import Monitor

T = TypeVar("T")
SETTLE_S = 0.1  # what comes together is looked at once
REST_S = 0.4  # after a repair: against somebody who keeps on meddling

log = logger(__name__)


class KeptTable:
    """All of nft for one table: one thread, one context, one ear. `netns`: its network namespace, a name or a path; None for
    the process's own. `restore` makes the whole table again; it runs in the thread, as everything given to `run` does."""

    def __init__(
        self, name: str, restore: Callable[[], None], *, netns: str | None = None, unminded: frozenset[str] = frozenset()
    ) -> None:
        self.name = name
        self._restore, self._netns, self._unminded = restore, netns, unminded
        self._thread: ThreadPoolExecutor | None = None
        self._session: Session | None = None
        self._monitor: Monitor | None = None
        self._tasks = Tasks(f"table {name}")
        self._watching: asyncio.Task[None] | None = None

    async def run(self, call: Callable[..., T], *arguments: Any) -> T:
        """What `call` returns, from the thread. Errors: those of `call`; RuntimeUnavailable where nftables is missing."""
        await self._in_thread(self._open)
        if self._watching is None:
            self._watching = self._tasks.keep("watch", self._watch)
        return await self._in_thread(call, *arguments)

    async def close(self, last: Callable[[], None] | None = None) -> None:
        """Let go of the table; `last` runs in the thread before. Twice does no harm, and `run` opens it again."""
        await self._tasks.close()
        self._watching = None
        if self._thread is None and last is None:
            return
        try:
            if last is not None:
                await self._in_thread(self._open)
                await self._in_thread(last)
        finally:
            await self._in_thread(self._let_go)
            if self._thread is not None:
                self._thread.shutdown(wait=False)
                self._thread = None

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"nft-{self.name}")
        job = self._thread.submit(call, *arguments)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            job.add_done_callback(partial(heard, f"table {self.name}"))
            raise

    async def _watch(self) -> None:
        assert self._monitor is not None
        while True:
            if await self._in_thread(self._look):
                log.warning("packet_rules_restored", table=self.name, why="somebody else changed the table")
                await asyncio.sleep(REST_S)
            await readable(self._monitor.fileno())
            await asyncio.sleep(SETTLE_S)

    # --- below runs in the thread ---

    @property
    def session(self) -> Session:
        """For questions."""
        assert self._session is not None, "not open"
        return self._session

    def change(self, commands: str) -> None:
        """All of them in one transaction. Errors: NetfilterFailed; then nothing was changed."""
        assert self._monitor is not None
        with self._monitor.own_change():
            self.session.run(commands)

    def _open(self) -> None:
        if self._session is None:
            if self._netns is not None:
                enter_namespace(self._netns)
            self._session = Session()
            self._monitor = Monitor(self.name, self._unminded)

    def _look(self) -> bool:
        """Put right what is wrong; -> whether something was. Errors: NetfilterFailed; it is tried again."""
        assert self._monitor is not None
        if not self._monitor.meddled():
            return False
        try:
            self._restore()
        except BaseException:
            self._monitor.suspect()
            raise
        return True

    def _let_go(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
