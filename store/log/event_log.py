"""The protocol of an event log: append, read, subscribe, snapshot. Implementations: sqlite, memory."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Protocol

import msgspec

from shipslog.store.events import Event
from shipslog.store.facts import ClockStepped


class Snapshot(msgspec.Struct, frozen=True):
    """The state after the event `revision`, as the engine encoded it; opaque to the log."""

    revision: int
    time_ns: int
    payload: bytes


ObjectName = tuple[str, str, str]  # resource, namespace ("" for none), name


class LogError(Exception):
    """Base of what a log can refuse or fail with. The message says what was left untouched and what to do."""


class RevisionConflict(LogError):
    """The log is not where the writer believed; nothing was written."""

    def __init__(self, expected: int, found: int) -> None:
        self.expected, self.found = expected, found
        super().__init__(
            f"append refused: the log is at revision {found}, the caller read revision {expected}. "
            "Nothing was written. Read the view again and decide again."
        )


class LogCorrupt(LogError):
    """The log breaks at `revision`; the file was not touched."""

    def __init__(self, path: str, revision: int, what: str) -> None:
        self.path, self.revision, self.what = path, revision, what
        super().__init__(f"{path}: the log breaks at revision {revision}: {what}. The file was not touched.")


class LogForeign(LogError):
    """The file is not a log of ours; it was not touched."""


class LogNewer(LogError):
    """A newer version wrote the log, or a part of it. Nothing is wrong with it, and it was not touched."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            f"{where}: {what}. It was written by a newer version of Shipslog and was not touched; "
            "open it with that version or a later one."
        )


class LogBusy(LogError):
    """Another process holds the log for writing."""


class LogUnwritable(LogError):
    """The medium refused (disk full, read-only); the batch is not on the log and nobody may be told that it is."""


class LogFull(LogUnwritable):
    """The disk is full; the batch is not on the log. An urgent one may still fit."""


def check_batch(events: Sequence[Event], revision: int, time_ns: int) -> None:
    """Events must follow `revision` without gaps and not be earlier than `time_ns`, but where a ClockStepped says so:
    `revision_at` halves what is between two of them."""
    for event in events:
        revision += 1
        if event.revision != revision:
            raise ValueError(f"event {event.revision} stands where revision {revision} belongs; nothing was written")
        if event.time_ns < time_ns and not isinstance(event.fact, ClockStepped):
            raise ValueError(f"event {revision} is at {event.time_ns} ns, before {time_ns} ns; nothing was written")
        time_ns = event.time_ns


class EventLog(Protocol):
    """An append-only sequence of events, durable before `append` returns, with gap-free revisions from 1."""

    @property
    def revision(self) -> int:
        """The last durable revision; 0 when empty."""

    @property
    def dropped(self) -> str:
        """A sentence about what opening the log had to leave behind (a torn last batch), for people; "" when nothing."""

    @property
    def trouble(self) -> str:
        """Why the log takes no (ordinary) writes at the moment, for people; "" when it does."""

    async def append(self, events: Sequence[Event], *, expected_revision: int, urgent: bool = False) -> None:
        """Write the batch atomically and durably. Errors: RevisionConflict, LogUnwritable; then nothing was written.

        `urgent`: it makes room; on a full disk it may use what is kept for that, where others are refused with LogFull.

        A batch whose revisions leave a gap or whose times go back is a bug: ValueError, see `check_batch`."""

    def read(self, after: int = 0, until: int | None = None) -> AsyncIterator[list[Event]]:
        """Events with after < revision <= until, in order, in chunks. From a read-only connection of its own."""

    def read_object(self, resource: str, namespace: str, name: str) -> AsyncIterator[list[Event]]:
        """The object facts of one object, in order, without a scan of the log."""

    async def latest(self, resource: str, namespace: str, name: str, *, before: int | None = None) -> Event | None:
        """The newest fact about one object, of those before a revision if one is named; None when there is none."""

    def objects(self, resource: str = "") -> AsyncIterator[list[ObjectName]]:
        """Every object that the log tells of, those that are gone too, ordered by resource; of one resource if named."""

    async def revision_at(self, time_ns: int) -> int:
        """The last revision whose event is not later than `time_ns`; 0 before the first. Where the clock was put back, the
        later of two moments of that time counts."""

    def subscribe(self, after: int) -> AsyncIterator[list[Event]]:
        """`read` that does not end: batches follow as they become durable, also where another process writes them."""

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep it beside the log; older ones may go."""

    async def load_snapshot(self, until: int | None = None) -> Snapshot | None:
        """The newest one with revision <= until."""

    async def verify(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Check every checksum from the first revision. `progress` hears now and then which is reached, and the last one.
        Errors: LogCorrupt."""

    async def forget(self, until_ns: int, *, blind: Collection[str] = ()) -> int:
        """Let go of heartbeats that are older than a time, see `retention`. `blind`: the names of the rules that do not read
        them; what any other rule may have decided by stays. -> how many went. Errors: LogError."""

    async def close(self) -> None:
        """Let go of files and threads. What was appended stays."""
