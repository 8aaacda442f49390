"""Writes the Kubernetes Events that rules word, and counts what is said again. It words nothing itself.

Writing them is never in the way: they are collected and committed a little later, and after an hour they go; the log remembers
them all the same.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from shipslog.engine.commit.committer import Committed, Committer
from shipslog.engine.time.clock import api_time
from shipslog.reconcilers.rule.decision import Decision, Reconciler, Say, is_runtime
from shipslog.runtime.commands import AnyRuntimeCommand
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import NodeFact, ObjectDeleted, ObjectFact
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.refusals import Refusal
from shipslog.store.state import Entry

DELAY_S = 0.1  # collected for so long before they are written
TTL_S = 3600.0
CHUNK = 64  # written at a time
REMEMBERED = 4096  # distinct messages whose counts are known

log = structlog.get_logger()


class Recorded(msgspec.Struct, frozen=True):
    """An Event that is to be written: what is said, by which component, when (ns UTC)."""

    about: core_v1.ObjectReference
    type: str
    reason: str
    message: str
    component: str
    host: str
    at_ns: int


class EventRecorder:
    """Listens to the committer and the host. `flush` writes what was collected; it is called by itself."""

    def __init__(self, committer: Committer, reconcilers: Sequence[Reconciler]) -> None:
        self.committer = committer
        self.view = committer.view
        self._tellers = [r for r in reconcilers if r.tells is not None]
        self._known: OrderedDict[tuple[str, ...], tuple[str, str, int]] = OrderedDict()  # -> name, namespace, count
        self._queue: dict[tuple[str, ...], tuple[Recorded, int]] = {}
        self._written_ns: dict[str, int] = {}  # by uid of the Event that is there: when it was last written
        self._stamp = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        committer.listeners.append(self.on_event)

    # --- listening ---

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """A fact became durable: what the rules tell of it is recorded."""
        if isinstance(event.fact, ObjectFact) and event.fact.resource == "events":
            self._note_written(event)
        if not isinstance(event.fact, NodeFact):
            return
        for reconciler in self._tellers:
            assert reconciler.tells is not None
            try:
                says = tuple(reconciler.tells(self.view, event.fact))
            except Exception:  # a bug in one rule's words: nothing else may suffer for it
                log.exception("tells_failed", reconciler=reconciler.name, revision=event.revision)
                continue
            for say in says:
                self.record(reconciler, say, say.message, event.time_ns)

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
        for command, result in (*zip(objects, results, strict=True), *((command, None) for command in sent)):
            for say in after.get(id(command), ()):
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
        about, component = say.about, reconciler.speaks_as
        key = (about.uid, about.field_path, say.type, say.reason, message, component, say.host)
        recorded = Recorded(about, say.type, say.reason, message, component, say.host, at_ns)
        self._queue[key] = (recorded, self._queue[key][1] + 1 if key in self._queue else 1)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self.flush())

    async def flush(self) -> None:
        """Write what was collected, a few at a time."""
        while self._queue and not self._closed:
            keys = list(self._queue)[:CHUNK]
            writes = [self._write(key, *self._queue.pop(key)) for key in keys]
            refused = [told for told in await asyncio.gather(*writes, return_exceptions=True) if isinstance(told, Exception)]
            if refused and not self._closed:  # at the end nobody is left to be told, and nothing is wrong
                log.debug("events_not_written", count=len(refused), why=str(refused[0]))
        self._expire()

    async def _write(self, key: tuple[str, ...], recorded: Recorded, times: int) -> None:
        known = self._known.get(key)
        actor = f"system:node:{recorded.host}" if recorded.component == "kubelet" else f"system:{recorded.component}"
        if known is not None:
            name, namespace, count = known
            current = self.view.get(core_v1.Event, name, namespace)
            if current is not None:
                event = msgspec.structs.replace(current, count=count + times, last_timestamp=api_time(recorded.at_ns))
                self._known[key] = (name, namespace, count + times)
                await self.committer.submit(Update(object=event), actor=actor, groups=("system:masters",))
                return
        self._stamp = max(self._stamp + 1, recorded.at_ns)  # names are in the order of what happened, as Kubernetes' are
        event = event_object(recorded, times, f"{self._stamp:x}")
        self._known[key] = (event.metadata.name, event.metadata.namespace, times)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        await self.committer.submit(Create(object=event), actor=actor, groups=("system:masters",))

    # --- forgetting ---

    def _note_written(self, event: Event) -> None:
        assert isinstance(event.fact, ObjectFact)
        if isinstance(event.fact, ObjectDeleted):
            self._written_ns.pop(event.fact.uid, None)
        else:
            self._written_ns[event.fact.uid] = event.time_ns

    def _age_ns(self, event: core_v1.Event) -> int:
        """Since the object was last written. The times that it carries are its author's, and may be of any year: only of an
        Event that is older than this process do they tell something, namely until when it was repeated."""
        now_ns, uid = self.view.time_ns, event.metadata.uid
        if uid not in self._written_ns:
            made_ns, repeated_ns = _ns(event.metadata.creation_timestamp), _ns(event.last_timestamp)
            self._written_ns[uid] = min(max(made_ns, repeated_ns), now_ns)
        return now_ns - self._written_ns[uid]

    def _expire(self) -> None:
        """Delete the Events that nobody wrote for an hour."""
        for event in self.view.list(core_v1.Event):
            if self._age_ns(event) > TTL_S * 1e9:
                meta = event.metadata
                delete = Delete(resource="events", namespace=meta.namespace, name=meta.name, uid=meta.uid)
                task = asyncio.get_running_loop().create_task(self.committer.submit(delete, actor="system:engine"))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def close(self) -> None:
        """Say nothing more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()


def _message(say: Say, result: Any) -> str:
    """The message about a command, with what came of it put in."""
    if isinstance(result, Refusal):
        return say.message.replace("{why}", result.message)
    return say.message.replace("{name}", result.entry.object.metadata.name) if isinstance(result, Committed) else say.message


def _ns(text: str | None) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000 if text else 0


def event_object(recorded: Recorded, times: int, suffix: str) -> core_v1.Event:
    """The Event object that says it."""
    about, at = recorded.about, api_time(recorded.at_ns)
    return core_v1.Event(
        metadata=meta_v1.ObjectMeta(name=f"{about.name}.{suffix}", namespace=about.namespace or "default"),
        involved_object=about, type=recorded.type, reason=recorded.reason, message=recorded.message[:1024],
        source=core_v1.EventSource(component=recorded.component, host=recorded.host), reporting_component=recorded.component,
        reporting_instance=recorded.host, first_timestamp=at, last_timestamp=at, count=times,
    )  # fmt: skip
