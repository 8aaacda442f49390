"""The debugger's engine: a log that nobody writes, read at any moment, and every decision on it taken again.

`Recording` has the face that the API server needs of a cluster, so stock kubectl reads a log file. `verify` checks that the
same log and the same code give the same decisions.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import msgspec

from shipslog.engine.admission.matching import Asked
from shipslog.engine.commit.watch import Watch, WatchHub
from shipslog.engine.host.dispatch import summary
from shipslog.engine.host.lane import Trouble
from shipslog.engine.measures import Family
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Clock
from shipslog.reconcilers.rule.decision import Reconciler
from shipslog.reconcilers.rule.digest import NOT_TAKEN_AGAIN, WRITERS, digest
from shipslog.reconcilers.rule.dormant import Rule, awake
from shipslog.runtime.node import NodeRuntime
from shipslog.store.facts import ClusterConfig, DecisionTaken
from shipslog.store.log.event_log import EventLog
from shipslog.store.objects.scheme import Kind, Unconverted
from shipslog.store.refusals import MethodNotAllowed, Unavailable
from shipslog.store.state import Entry

from .views import PastViews, revision_at

Progress = Callable[[int, int], None]  # done, of how many


class Standing(Clock):
    """A clock that stands still."""

    def __init__(self, time_ns: int) -> None:
        self._time_ns = time_ns

    def now_ns(self) -> int:
        """Always the same."""
        return self._time_ns


class Recording:
    """A log at one moment, with the face of a cluster; every write is refused."""

    def __init__(self, event_log: EventLog, view: MemoryView, clock: Clock | None = None) -> None:
        self.log, self.view = event_log, view
        self.clock = clock or Standing(view.time_ns)  # a log that was sent is old: what is five minutes ago counts from its end
        self.hub = WatchHub(view.revision)
        self.runtimes: dict[str, NodeRuntime] = {}
        self._pasts = PastViews(event_log)

    @property
    def config(self) -> ClusterConfig:
        return self.view.config

    def troubles(self) -> Sequence[Trouble]:
        """None: no rule is at work here."""
        return ()

    def standstill(self) -> str:
        return ""

    def begun(self) -> bool:
        """A recording is what it is."""
        return True

    def measured(self) -> Iterable[Family]:
        """Nothing: nobody works here."""
        return ()

    def failing(self) -> Sequence[str]:
        """None: nothing goes on here."""
        return ()

    async def submit(self, command: Any, **_: Any) -> NoReturn:
        """Refuses: the past is read-only."""
        raise MethodNotAllowed("this is a recording: the past is read-only. Send changes to the cluster itself.")

    async def admit(self, asked: Asked, kind: Kind, **_: Any) -> tuple[Any, tuple[str, ...]]:
        """Nobody is asked about a recording."""
        return asked.object, ()

    async def in_version(self, kind: Kind, entries: Sequence[Entry]) -> list[Entry]:
        """Objects as they are stored; nobody is asked to make anything else of them. Errors: Unavailable."""
        if all(entry.object.api_version == kind.api_version for entry in entries):
            return list(entries)
        raise Unavailable(
            f"{kind.plural}.{kind.group} are converted by a webhook, and a recording asks nobody: ask for the version that is "
            "stored"
        )

    async def convert(self, missing: Unconverted) -> NoReturn:
        raise Unavailable(str(missing))

    def watch(self, kind: type[Any] | str, *, namespace: str | None = None, after: int | None = None) -> Watch:
        """A watch on which nothing happens any more."""
        scheme = self.view.scheme
        resource = scheme.named(kind).resource if isinstance(kind, str) else scheme.of(kind).resource
        return self.hub.watch(resource, namespace=namespace, after=self.view.revision)

    async def at(self, revision: int | None = None, time_ns: int | None = None) -> MemoryView:
        """The state at another moment of the same log. Errors: BadRequest, Expired, TooManyRequests."""
        if revision is None:
            revision = await revision_at(self.log, time_ns if time_ns is not None else self.view.time_ns)
        return await self._pasts.at(revision)

    async def close(self) -> None:
        """Before its log is closed."""
        await self._pasts.close()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that came out otherwise when it was taken again."""

    revision: int
    recorded: DecisionTaken
    reason: str
    commands: tuple[str, ...]

    def __str__(self) -> str:
        was, now = self.recorded, self
        lines = [
            f"revision {now.revision}: {was.reconciler} {was.key!r}, which read revision {was.read_revision}, decides otherwise"
        ]
        lines += [f"  recorded: {was.reason}", *(f"    {c}" for c in was.commands)]
        lines += [f"  now:      {now.reason}", *(f"    {c}" for c in now.commands)]
        return "\n".join(lines)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification looked at, and the first decision that differs, if one does. `decisions` were taken again and came
    out as recorded; nothing is known of those that were skipped."""

    events: int
    decisions: int
    other_versions: dict[str, int] = {}  # skipped, by rule: another version of it took them
    missing_rules: dict[str, int] = {}  # skipped, by rule: there is none of that name
    other_digests: int = 0  # skipped: recorded with a newer digest than this version knows
    redacted: int = 0  # skipped: what they were taken on was taken out of this copy
    difference: Difference | None = None

    def skipped(self) -> list[str]:
        """A line for each reason why decisions were not taken again, for people; [] when all were."""
        lines = [f"{n} of {rule}, whose rule is another version now" for rule, n in sorted(self.other_versions.items())]
        lines += [f"{n} of {rule}, which is no rule of this version" for rule, n in sorted(self.missing_rules.items())]
        newer = [f"{self.other_digests} with a digest that only a newer version knows"] if self.other_digests else []
        out = [f"{self.redacted} that were taken on what is not in this copy any more: it is redacted"] if self.redacted else []
        return lines + newer + out


async def verify(
    event_log: EventLog,
    reconcilers: Sequence[Rule],
    progress: Progress = lambda done, total: None,
    *,
    until: int | None = None,
) -> Verified:
    """Check every checksum, then take every recorded decision again on the state that it read; with `until` those that were
    recorded up to that revision.

    Errors: LogCorrupt, naming the revision at which the log breaks."""
    await event_log.verify()
    rules: dict[str, Rule] = {r.name: r for r in reconcilers}
    waiting: dict[int, list[tuple[int, DecisionTaken]]] = {}
    async for events in event_log.read(until=until):
        for event in events:
            if isinstance(event.fact, DecisionTaken):
                waiting.setdefault(event.fact.read_revision, []).append((event.revision, event.fact))
    view, taken = MemoryView(), 0
    others: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    digests = redacted = 0

    def so_far(difference: Difference | None = None) -> Verified:
        return Verified(
            events=view.revision, decisions=taken, other_versions=dict(others), missing_rules=dict(missing),
            other_digests=digests, redacted=redacted, difference=difference,
        )  # fmt: skip

    async for events in event_log.read(until=until):
        for event in events:
            view.evolve(event)
            for revision, recorded in waiting.pop(event.revision, ()):
                found = rules.get(recorded.reconciler)
                rule = awake(found) if found is not None else None
                if rule is None:
                    missing[recorded.reconciler] += 1
                elif rule.version != recorded.rule_version:
                    others[recorded.reconciler] += 1
                elif recorded.digest_version == NOT_TAKEN_AGAIN:
                    redacted += 1
                elif recorded.digest_version not in WRITERS:
                    digests += 1
                elif (difference := decide_again(view, revision, recorded, rule)) is not None:
                    return so_far(difference)
                else:
                    taken += 1
        progress(view.revision, event_log.revision if until is None else until)
    return so_far()


def decide_again(view: MemoryView, revision: int, recorded: DecisionTaken, rule: Reconciler) -> Difference | None:
    """None if the decision comes out as recorded on the state that it read."""
    decision = rule.decide(view, recorded.key, now=recorded.now_ns)
    if digest(decision.commands, recorded.digest_version) == recorded.digest:
        return None
    commands = tuple(summary(c, view.scheme) for c in decision.commands[:16]) or ("nothing",)
    return Difference(revision=revision, recorded=recorded, reason=decision.reason, commands=commands)
