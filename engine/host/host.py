"""Runs the reconcilers: wakes keys, decides, records, commits, dispatches to the runtimes, and comes again.

Decisions are synchronous and pure; the host is what waits. A key is not decided again before the view holds what its last
decision wrote. A runtime command goes out only when the decision that issued it is durable, and is not repeated while one
of the same identity is under way. Everything is level-triggered: after a start every key is looked at once.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import thread_time

from shipslog.engine.commit.committer import Committed, Committer
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Clock
from shipslog.engine.time.long_work import LongWork
from shipslog.reconcilers.rule.decision import Decision, Reconciler, Say, is_runtime
from shipslog.reconcilers.rule.digest import DIGEST, digest
from shipslog.reconcilers.rule.dormant import Dormant, Rule, awake
from shipslog.reconcilers.rule.wakes import Change, objects_of
from shipslog.runtime.commands import AnyRuntimeCommand
from shipslog.runtime.node import NodeRuntime
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.events import Event
from shipslog.store.facts import (
    COMMANDS_TOLD,
    ClockStepped,
    DecisionTaken,
    EngineStarted,
    ObjectDeleted,
    RuntimeFact,
)
from shipslog.store.logger import logger
from shipslog.store.refusals import AlreadyExists, Conflict, NotFound, Refusal
from shipslog.store.state import Entry
from shipslog.store.tasks import Tasks

from .dispatch import Dispatcher, summary
from .lane import Lane, Trouble
from .sleepers import Sleepers
from .subscriptions import Subscriptions

LONG_BYTES = 64 * 1024  # of an object: what it wakes is decided in a thread
OF_ALL = EngineStarted | ClockStepped
YIELD_AFTER_S = 0.005  # decide for so long, then let the API and the writer have the loop

log = logger(__name__)
SayListener = Callable[[Reconciler, Say], None]
# reconciler, decision, those of its runtime commands that are sent, what came of its object commands in their order
DecisionListener = Callable[[Reconciler, Decision, Sequence[AnyRuntimeCommand], Sequence[object]], None]


Timers = Clock | asyncio.AbstractEventLoop
EVERY_KEY = ""  # sleeps where a rule could not say which keys a change concerns: then all are looked at


class Host:
    """One task runs `run`. A rule that is wrong harms only what it keeps: see `lane`."""

    def __init__(
        self, committer: Committer, reconcilers: Sequence[Rule], runtimes: Mapping[str, NodeRuntime], clock: Clock
    ) -> None:
        self.committer, self.clock = committer, clock
        self.view = committer.view
        self.sleepers = Sleepers(reconcilers)
        self.lanes = [Lane(r, place) for place, r in enumerate(reconcilers) if isinstance(r, Reconciler)]
        self._subscriptions: Subscriptions[Lane] = Subscriptions((lane, lane.reconciler.wakes) for lane in self.lanes)
        self.dispatcher = Dispatcher(committer, runtimes)
        self.on_decision: list[DecisionListener] = []
        self.on_standing: list[SayListener] = []
        self._standing: dict[tuple[str, str], tuple[Say, ...]] = {}  # what each key's last decision said of how things stand
        self._wake = asyncio.Event()
        self._closed = False
        self.tasks = Tasks("host")
        self._aside = LongWork("shipslog-decide")
        committer.listeners.append(self.on_event)

    # --- waking ---

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """An event became durable: wake whom it concerns."""
        if isinstance(event.fact, DecisionTaken):
            return
        if isinstance(event.fact, OF_ALL):  # what waits has counted from another time
            self.wake_all(event.revision)
            return
        about = objects_of(Change(event, previous, None if isinstance(event.fact, ObjectDeleted) else entry))
        long = entry is not None and len(entry.encoded) > LONG_BYTES
        long = long or (previous is not None and len(previous.encoded) > LONG_BYTES)
        if entry is not None and (stirred := self.sleepers.stirred(entry.resource, entry.object)):
            for lane in self._begin(stirred):
                self._wake_lane(lane, event.revision)
        for lane, sources in self._subscriptions.of(event.fact, self.view.scheme):
            keys = lane.keys_for(sources, self.view, *about)
            if keys is None:
                self._look_at_all_later(lane, event.revision)
                continue
            for key in keys:
                lane.wake(key, event.revision)
                if long:
                    lane.heavy.add(key)
                    lane.long.add(key)
        self._wake.set()

    def _begin(self, stirred: Sequence[tuple[int, Dormant]]) -> list[Lane]:
        """Rules that slept are at work from now on. -> their lanes, which are to look at everything."""
        new = [Lane(awake(rule), place) for place, rule in stirred]
        self.lanes = sorted((*self.lanes, *new), key=lambda lane: lane.place)  # another list: this one may be gone through
        self._subscriptions = Subscriptions((lane, lane.reconciler.wakes) for lane in self.lanes)
        return new

    def wake_all(self, cause: int | None) -> None:
        """Look at every key once: after a start, what was half done is found this way."""
        self._begin(self.sleepers.stirred_by(self.view))
        for lane in self.lanes:
            self._wake_lane(lane, cause)
        self._wake.set()

    def _wake_lane(self, lane: Lane, cause: int | None) -> None:
        keys = lane.all_keys(self.view)
        if keys is None:
            self._look_at_all_later(lane, cause)
            return
        lane.refusals.pop(EVERY_KEY, None)
        for key in keys:
            lane.wake(key, cause)

    def _look_at_all_later(self, lane: Lane, cause: int | None) -> None:
        """The rule could not say what a change concerns. It is level-triggered: a look at everything misses nothing."""
        if EVERY_KEY in lane.timers or self._closed:
            return

        def ring() -> None:
            lane.timers.pop(EVERY_KEY, None)
            self._wake_lane(lane, cause)
            self._wake.set()

        lane.timers[EVERY_KEY] = self.clock.call_later(lane.pause_s(EVERY_KEY), ring)

    def troubles(self) -> list[Trouble]:
        """What is wrong with which rule at the moment."""
        return [trouble for lane in self.lanes for trouble in tuple(lane.troubles.values())]

    def _come_again(self, lane: Lane, key: str, after_s: float, cause: int | None, timers: Timers | None = None) -> None:
        old = lane.timers.pop(key, None)
        if old is not None:
            old.cancel()

        def ring() -> None:
            lane.timers.pop(key, None)
            lane.wake(key, cause)
            self._wake.set()

        lane.timers[key] = (timers or self.clock).call_later(max(after_s, 0.001), ring)

    # --- deciding ---

    async def run(self) -> None:
        """Decide whatever is awake until closed."""
        while not self._closed:
            if not [lane for lane in self.lanes if lane.waiting]:  # a list costs one call, any() one for each rule
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._round()

    async def _round(self) -> None:
        """Every rule has its turn, and none a longer one than the others: what is left of its keys waits for the next round, so
        that what one has made wakes the next before it goes on with hundreds more, and a key that is woken meanwhile is decided
        once."""
        loop = asyncio.get_running_loop()
        yielded_s = loop.time()
        for lane in self.lanes:
            if not lane.waiting:
                continue
            began_s = loop.time()
            if began_s - yielded_s > YIELD_AFTER_S / 2:
                await asyncio.sleep(0)
                began_s = yielded_s = loop.time()
            keys = list(lane.waiting.items())
            lane.waiting.clear()
            for index, (key, cause) in enumerate(keys):
                await self._look_at(lane, key, cause)
                if loop.time() - began_s > YIELD_AFTER_S:
                    lane.put_back(keys[index + 1 :])
                    break
        await asyncio.sleep(0)

    async def _look_at(self, lane: Lane, key: str, cause: int | None) -> None:
        """Decide about the key, unless it is not its time; what is expected to take long in a thread, while the view stands
        still: reads go on meanwhile, and writes wait as they would for the loop."""
        loop = asyncio.get_running_loop()
        began_s, worked_s = loop.time(), thread_time()
        lane.begins(key)
        if key in lane.committing:  # woken while its last decision is being committed
            lane.woken_again[key] = cause
        elif (rest_s := lane.rest_s(key, began_s)) > 0:
            lane.resting.add(key)
            self._come_again(lane, key, rest_s, cause, loop)  # it is the loop that is to have its turn
        elif key in lane.heavy:
            lane.aside.add(key)
            try:
                await self._look_aside(lane, key, cause)
            finally:
                lane.aside.discard(key)
        else:
            now_ns = self.clock.now_ns()
            self._decided(lane, key, cause, (lane.decide(self.view, key, now_ns), ""), now_ns)
            ended_s = loop.time()  # others' use of the machine is not the rule's own
            lane.took(key, min(ended_s - began_s, thread_time() - worked_s), ended_s)

    async def _look_aside(self, lane: Lane, key: str, cause: int | None) -> None:
        now_s = asyncio.get_running_loop().time
        async with self.committer.follower.still:
            if not self._closed:
                began_s, now_ns = now_s(), self.clock.now_ns()
                made = await self._aside.run(LONG_BYTES, _decided, lane, self.view, key, now_ns)
                self._decided(lane, key, cause, made, now_ns, long=key in lane.long)
                lane.took(key, now_s() - began_s, now_s())

    def _decided(
        self, lane: Lane, key: str, cause: int | None, made: tuple[Decision | None, str], now_ns: int, long: bool = False
    ) -> None:
        decision, digested = made
        if decision is None or not lane.asked(
            f"decision {key!r}", lambda: self._follow(lane, key, cause, decision, now_ns, digested, long)
        ):
            self._refused(lane, key, cause)

    def _follow(
        self, lane: Lane, key: str, cause: int | None, decision: Decision, now_ns: int, digested: str, long: bool
    ) -> bool:
        """Do as was decided. True; raises what is wrong with the parts of the decision. `digested`: its digest, if known."""
        if decision.says or self._standing:
            self._say_standing(lane.reconciler, key, decision.says)
        if decision.requeue_after is not None:
            self._come_again(lane, key, decision.requeue_after, cause)
        wanted = [c for c in decision.commands if not is_runtime(c) or self.dispatcher.wants(c)]  # type: ignore[arg-type]
        if wanted:
            lane.decisions += 1
            self._carry_out(lane, key, cause, decision, now_ns, digested, long)
        else:
            lane.refusals.pop(key, None)  # what was refused before is not wanted any more
        return True

    def _say_standing(self, reconciler: Reconciler, key: str, says: tuple[Say, ...]) -> None:
        """How things stand is said when it changes, not each time the key is looked at."""
        before = self._standing.get((reconciler.name, key), ())
        standing = tuple(say for say in says if say.after is None)
        if standing:
            self._standing[(reconciler.name, key)] = standing
        elif before:
            del self._standing[(reconciler.name, key)]
        known = {_what(say) for say in before}
        for say in standing:
            if _what(say) not in known:
                for listener in self.on_standing:
                    listener(reconciler, say)

    def _carry_out(
        self, lane: Lane, key: str, cause: int | None, decision: Decision, now_ns: int, digested: str, long: bool
    ) -> None:
        objects: list[AnyObjectCommand] = [c for c in decision.commands if not is_runtime(c)]  # type: ignore[misc]
        runtime: list[AnyRuntimeCommand] = [c for c in decision.commands if is_runtime(c)]  # type: ignore[misc]
        record = DecisionTaken(
            reconciler=lane.reconciler.name, key=key, read_revision=self.view.revision, now_ns=now_ns, reason=decision.reason,
            commands=tuple(summary(c, self.view.scheme) for c in decision.commands[:COMMANDS_TOLD]),
            digest=digested or digest(decision.commands), rule_version=lane.reconciler.version, digest_version=DIGEST,
        )  # fmt: skip
        future = self.committer.submit_decision(
            record, objects, actor=lane.reconciler.actor, cause=cause, runtime=runtime, long=long
        )
        lane.committing.add(key)
        sent = self.dispatcher.reserve(runtime)

        def committed(done: "asyncio.Future[list[Committed | Refusal | int]]") -> None:
            results = self._committed(lane, key, cause, sent, done)
            for listener in self.on_decision if results else ():
                lane.asked("says", partial(listener, lane.reconciler, decision, sent, results[1:]))

        future.add_done_callback(committed)

    def _committed(
        self,
        lane: Lane,
        key: str,
        cause: int | None,
        runtime: list[AnyRuntimeCommand],
        done: "asyncio.Future[list[Committed | Refusal | int]]",
    ) -> Sequence[object]:
        """The decision is on the log, or could not be: dispatch what it wants done. -> its results, () if it failed."""
        lane.committing.discard(key)
        if key in lane.woken_again:
            lane.wake(key, lane.woken_again.pop(key))
            self._wake.set()
        if done.cancelled() or done.exception() is not None or self._closed:
            self.dispatcher.release(runtime)
            if not self._closed:
                self._refused(lane, key, cause)
            return ()
        results = done.result()
        revision = results[0]
        assert isinstance(revision, int)
        for command in runtime:
            self._dispatch(lane, key, command, revision)
        refusals = [r for r in results[1:] if isinstance(r, Refusal)]
        if not refusals:
            lane.refusals.pop(key, None)
            return results
        stale = all(isinstance(r, Conflict | NotFound | AlreadyExists) for r in refusals)
        emit = log.debug if stale else log.warning
        emit("command_refused", reconciler=lane.reconciler.name, key=key, revision=revision, why=refusals[0].message)
        self._refused(lane, key, cause)
        return results

    def _refused(self, lane: Lane, key: str, cause: int | None) -> None:
        """Try again, later each time, unless something wakes the key before."""
        self._come_again(lane, key, lane.pause_s(key), cause)

    # --- dispatching ---

    def _dispatch(self, lane: Lane, key: str, command: AnyRuntimeCommand, cause: int) -> None:
        async def carry_out() -> None:
            try:
                await self.dispatcher.carry_out(command, cause)
            except Exception:
                self._refused(lane, key, cause)
                raise
            if not self._closed:
                lane.wake(key, cause)  # its outcome may ask for more, and commands that were held back can go now
                self._wake.set()

        self.tasks.start(f"{type(command).__name__} {command.identity}", carry_out())

    def report(self, fact: RuntimeFact) -> None:
        """A runtime saw something happen by itself. Called on the loop."""
        if not self._closed:
            self.dispatcher.report(fact)

    def idle(self) -> bool:
        """Nothing awake, nothing being committed or carried out: only timers could bring news."""
        return not len(self.tasks) and not any(
            lane.waiting or lane.aside or lane.committing or lane.woken_again or lane.resting for lane in self.lanes
        )

    async def close(self) -> None:
        """Decide no more; wait for what the runtimes are doing, a little."""
        self._closed = True
        self._wake.set()
        self._aside.close()
        for lane in self.lanes:
            lane.stop()
        await self.tasks.close()


def _decided(lane: Lane, view: MemoryView, key: str, now_ns: int) -> tuple[Decision | None, str]:
    """What the lane decides, and the digest of that."""
    decision = lane.decide(view, key, now_ns)
    digested = lane.asked(f"decision {key!r}", lambda: digest(decision.commands)) if decision and decision.commands else ""
    return decision, digested or ""


def _what(say: Say) -> tuple[str, ...]:
    """What makes two sayings the same; the resource version of what they are about does not."""
    return say.about.uid, say.about.field_path, say.type, say.reason, say.message
