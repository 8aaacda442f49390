"""What the API serves: a cluster that lives, or a recording of one. Both keep this protocol; handlers ask for nothing else.

Tests: tests/engine/test_library.py, tests/engine/past/test_replay.py
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from shipslog.engine.admission.matching import Asked
from shipslog.engine.commit.committer import Committed
from shipslog.engine.commit.consulting import NO_REQUEST_INFO
from shipslog.engine.commit.outside import RequestInfo
from shipslog.engine.commit.watch import Watch, WatchHub
from shipslog.engine.host.lane import Trouble
from shipslog.engine.measures import Family
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Clock
from shipslog.runtime.node import NodeRuntime
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Origin
from shipslog.store.facts import ClusterConfig
from shipslog.store.log.event_log import EventLog
from shipslog.store.objects.scheme import Kind, Unconverted
from shipslog.store.state import Entry


class Served(Protocol):
    """A state that can be read, at its newest and in the past, and perhaps changed."""

    log: EventLog
    view: MemoryView  # as committed last
    clock: Clock
    hub: WatchHub

    @property
    def config(self) -> ClusterConfig: ...

    @property
    def runtimes(self) -> Mapping[str, NodeRuntime]:
        """By node: who can be asked for logs and streams."""

    async def submit(
        self,
        command: AnyObjectCommand,
        *,
        actor: str,
        groups: Sequence[str] = (),
        cause: int | None = None,
        origin: Origin | None = None,
        dry_run: bool = False,
        size_bytes: int = 0,
        request_info: RequestInfo = NO_REQUEST_INFO,
    ) -> Committed:
        """Commit a command. Errors: Refusal; always, where the state is a recording."""

    async def admit(
        self, asked: Asked, kind: Kind, *, actor: str, groups: Sequence[str], dry_run: bool, request_info: RequestInfo
    ) -> tuple[Any, tuple[str, ...]]:
        """Ask those outside about what is no command. -> (the object as they will have it, warnings). Errors: Refusal."""

    async def in_version(self, kind: Kind, entries: Sequence[Entry]) -> list[Entry]:
        """Objects in a version that another server makes of them. Errors: Unexpected; Unavailable where nobody can be asked."""

    async def convert(self, missing: Unconverted) -> Any:
        """An object in a version that another server makes of it. Errors: Unexpected, Unavailable."""

    def watch(self, kind: type[Any] | str, *, namespace: str | None = None, after: int | None = None) -> Watch: ...

    def troubles(self) -> Sequence[Trouble]:
        """What is wrong with which rule at the moment."""

    def standstill(self) -> str:
        """Why nothing happens any more, for anybody to see; "" while it does."""

    def begun(self) -> bool:
        """Whether the rules are at work."""

    def measured(self) -> Iterable[Family]:
        """What was counted while it works."""

    def failing(self) -> Sequence[str]:
        """What is to go on beside and failed lately, a line each, for anybody to see."""

    async def at(self, revision: int | None = None, time_ns: int | None = None) -> MemoryView:
        """The state at another moment. Errors: NotFound, Expired, TooManyRequests."""
