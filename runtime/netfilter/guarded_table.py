"""A table of packet rules that stays as it was made: what somebody else changes in it is put right again within a second."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from shipslog.runtime.machine.descriptors import readable
from shipslog.runtime.machine.threads import heard
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .libnftables import Session, enter_namespace
from .monitor import BUFFER, Monitor, Notification

T = TypeVar("T")
SETTLE_S = 0.1  # what comes together is looked at once
REST_S = 0.4  # after a repair: against somebody who keeps on meddling

log = logger(__name__)


class GuardedTable:
    """All of nft for one table: one thread, one context, one ear. `netns`: its network namespace, a name or a path; None for
    the process's own. `restore` makes the whole table again; it runs in the thread, as everything given to `run` does.
    `concerns`: which changes are looked at, if somebody else makes them; those of the table, but for its `unminded` sets."""

    def __init__(
        self,
        name: str,
        restore: Callable[[], None],
        *,
        netns: str | None = None,
        unminded: frozenset[str] = frozenset(),
        concerns: Callable[[Notification], bool] | None = None,
        buffer: int = BUFFER,
    ) -> None:
        self.name = name
        self.missed = False  # something was told and lost while a program worked for us; who looks after it resets it
        self._buffer = buffer
        self._restore, self._netns, self._unminded = restore, netns, unminded
        self._concerns = concerns or self._is_of_table
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
        """For questions. Errors: RuntimeUnavailable where nftables is missing."""
        if self._session is None:
            self._session = Session()
        return self._session

    def change(self, commands: str) -> None:
        """All of them in one transaction. Errors: NetfilterFailed; then nothing was changed."""
        assert self._monitor is not None
        with self._monitor.own_change():
            self.session.run(commands)

    @contextlib.contextmanager
    def others_program(self) -> Iterator[Callable[[int], None]]:
        """Around a program that changes the rules for us; call what this yields with its process id. A netlink socket's port
        is the id of the process that made it."""
        assert self._monitor is not None
        self._monitor.take_in()
        started: list[int] = []
        try:
            yield started.append
        finally:
            for port in started:
                self.missed |= self._monitor.made_by(port)

    def meddled(self) -> bool:
        """Whether somebody else has changed what is ours; who asks puts it right."""
        assert self._monitor is not None
        return self._monitor.meddled()

    def suspect(self) -> None:
        """What is ours is to be looked at."""
        assert self._monitor is not None
        self._monitor.suspect()

    def _is_of_table(self, one: Notification) -> bool:
        return one.table == self.name and one.set not in self._unminded

    def _open(self) -> None:
        if self._monitor is None:
            if self._netns is not None:
                enter_namespace(self._netns)
            self._monitor = Monitor(self._concerns, buffer=self._buffer)

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
