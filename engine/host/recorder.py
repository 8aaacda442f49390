"""Writes the Kubernetes Events that rules word, and counts what is said again. It words nothing itself.

Writing them is never in the way: they are collected and committed a little later. There are not too many: see `correlator` and
`event_expiry`; the log remembers those that went all the same.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from shipslog.engine.commit.committer import Committed, Committer
from shipslog.reconcilers.rule.decision import Decision, Reconciler, Say, is_runtime
from shipslog.runtime.commands import AnyRuntimeCommand
from shipslog.runtime.node import Timer
from shipslog.store.commands import AnyObjectCommand, Create, Update
from shipslog.store.events import Event
from shipslog.store.facts import NodeFact, ObjectFact
from shipslog.store.logger import logger
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import AlreadyExists, Refusal
from shipslog.store.state import Entry
from shipslog.store.tasks import END_S, Tasks

from .correlator import Correlator, Key, Recent, Recorded
from .event_expiry import EventExpiry
from .lane import Lane

DELAY_S = 0.1  # collected for so long before they are written
CHUNK = 64  # written at a time
MESSAGE = 1024  # characters
WRITERS = ("system:masters",)
QUEUED = 16_384  # distinct messages that wait to be written; what comes then is not

log = logger(__name__)


class EventRecorder:
    """Listens to the committer and the host. `flush` writes what was collected; it is called by itself."""

    def __init__(self, committer: Committer, lanes: Sequence[Lane]) -> None:
        self.committer = committer
        self.view = committer.view
        self._tellers = [lane for lane in lanes if lane.reconciler.tells is not None]
        self._correlator = Correlator()
        self._expiry = EventExpiry(self.view)
        self._known: Recent[tuple[str, str, int]] = Recent()  # -> name, namespace, count
        self._queue: dict[Key, tuple[Recorded, int]] = {}
        self._stamp = 0
        self._timer: Timer | None = None
        self.tasks = Tasks("events")
        self._closed = False
        committer.listeners.append(self.on_event)

    # --- listening ---

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """A fact became durable: what the rules tell of it is recorded."""
        if isinstance(event.fact, ObjectFact) and event.fact.resource == "events":
            self._expiry.follow(event)
            if self._expiry.too_many:
                self._soon()
        if not isinstance(event.fact, NodeFact):
            return
        for lane in self._tellers:
            lane.asked("tells", partial(self._tell, lane.reconciler, event.fact, event.time_ns))

    def _tell(self, reconciler: Reconciler, fact: NodeFact, at_ns: int) -> None:
        assert reconciler.tells is not None
        for say in reconciler.tells(self.view, fact):
            self.record(reconciler, say, say.message, at_ns)

    def on_decision(
        self, reconciler: Reconciler, decision: Decision, sent: Sequence[AnyRuntimeCommand], results: Sequence[Any]
    ) -> None:
        """A decision was committed: `sent` went to runtimes, `results` are those of its object commands, in their order."""
        after: dict[int, list[Say]] = {}  # by the identity of the command
        for say in decision.says:
            if say.after is not None:
                after.setdefault(id(say.after), []).append(say)
        if not after:
            return
        objects = [c for c in decision.commands if not is_runtime(c)]
        before: Any = None
        for command, result in (*zip(objects, results, strict=True), *((command, None) for command in sent)):
            if isinstance(result, Refusal) and result is before:  # it was not tried again
                continue
            before = result
            for say in after.get(id(command), ()):
                if say.unless_exists and isinstance(result, AlreadyExists):
                    continue
                if say.refused is isinstance(result, Refusal):
                    self.record(reconciler, say, _message(say, result), self.view.time_ns)

    def on_standing(self, reconciler: Reconciler, say: Say) -> None:
        """Something holds of a key that did not hold before."""
        self.record(reconciler, say, say.message, self.view.time_ns)

    # --- writing ---

    def record(self, reconciler: Reconciler, say: Say, message: str, at_ns: int) -> None:
        """Have it written soon."""
        if self._closed:
            return
        recorded = Recorded(say.about, say.type, say.reason, message, reconciler.speaks_as, say.host, at_ns)
        key, recorded = self._correlator.combined(recorded)
        if key in self._queue:
            self._queue[key] = (recorded, self._queue[key][1] + 1)
        elif self._correlator.allows(recorded) and len(self._queue) < QUEUED:
            self._queue[key] = (recorded, 1)
            self._soon()
        elif (known := self._known.get(key)) is not None:
            self._known.put(key, (*known[:2], known[2] + 1))  # it counts, and shows when it may be written again

    def _soon(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = self.committer.clock.call_later(DELAY_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if not len(self.tasks):
            self.tasks.keep("writing", self.flush)

    async def flush(self) -> None:
        """Write what was collected, a few at a time; then let go of what is to go."""
        while self._queue and not self._closed:
            by_actor: dict[str, list[AnyObjectCommand]] = {}
            for key in list(self._queue)[:CHUNK]:
                actor, command = self._written(key, *self._queue.pop(key))
                by_actor.setdefault(actor, []).append(command)
            await self._together(by_actor, WRITERS)
        due = list(self._expiry.due(self.view.time_ns))
        for start in range(0, 0 if self._closed else len(due), CHUNK):
            await self._together({"system:engine": due[start : start + CHUNK]})
        if self._queue:  # said meanwhile
            self._soon()

    async def _together(self, by_actor: Mapping[str, Sequence[AnyObjectCommand]], groups: tuple[str, ...] = ()) -> None:
        writes = [self.committer.submit_together(commands, actor=who, groups=groups) for who, commands in by_actor.items()]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        failed = [result for o in outcomes for result in ((o,) if isinstance(o, BaseException) else o)]
        refused = [outcome for outcome in failed if isinstance(outcome, Refusal)]
        if refused and not self._closed:  # at the end nobody is left to be told, and nothing is wrong
            log.debug("events_not_written", count=len(refused), why=str(refused[0]))
        if wrong := [o for o in failed if isinstance(o, Exception) and not isinstance(o, Refusal)]:
            log.error("events_not_written", count=len(wrong), why=repr(wrong[0]), exc_info=wrong[0])

    def _written(self, key: Key, recorded: Recorded, times: int) -> tuple[str, AnyObjectCommand]:
        """Who writes it, and how."""
        known = self._known.get(key)
        actor = f"system:node:{recorded.host}" if recorded.component == "kubelet" else f"system:{recorded.component}"
        if known is not None:
            name, namespace, count = known
            current = self.view.get(core_v1.Event, name, namespace)
            if current is not None:
                event = msgspec.structs.replace(
                    current, count=count + times, last_timestamp=api_time(recorded.at_ns), message=recorded.message[:MESSAGE]
                )
                self._known.put(key, (name, namespace, count + times))
                return actor, Update(object=event)
        self._stamp = max(self._stamp + 1, recorded.at_ns)  # names are in the order of what happened, as Kubernetes' are
        event = event_object(recorded, times, f"{self._stamp:x}")
        self._known.put(key, (event.metadata.name, event.metadata.namespace, times))
        return actor, Create(object=event)

    async def close(self) -> None:
        """Say nothing more; what is being written is written."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self.tasks.finished(END_S)
        await self.tasks.close()


def _message(say: Say, result: Any) -> str:
    """The message about a command, with what came of it put in."""
    if isinstance(result, Refusal):
        return say.message.replace("{why}", result.message)
    return say.message.replace("{name}", result.entry.object.metadata.name) if isinstance(result, Committed) else say.message


def event_object(recorded: Recorded, times: int, suffix: str) -> core_v1.Event:
    """The Event object that says it."""
    about, at = recorded.about, api_time(recorded.at_ns)
    return core_v1.Event(
        metadata=meta_v1.ObjectMeta(name=f"{about.name}.{suffix}", namespace=about.namespace or "default"),
        involved_object=about, type=recorded.type, reason=recorded.reason, message=recorded.message[:MESSAGE],
        source=core_v1.EventSource(component=recorded.component, host=recorded.host), reporting_component=recorded.component,
        reporting_instance=recorded.host, first_timestamp=at, last_timestamp=at, count=times,
    )  # fmt: skip
