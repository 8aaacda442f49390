"""The proposer: commands in, events durable, the follower told, the caller answered. In that order, and in one order for all.

All that waits at one moment is evaluated against the head and appended in one transaction: one fsync acknowledges many. The
committed view, the watches, the reconcilers and the caller see an event only when it is on the disk (`follower`). Where
somebody else has appended meanwhile, the log refuses, the follower catches up, and all is evaluated again.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from shipslog.engine.admission import Admission
from shipslog.engine.measures import COUNTS, Histogram
from shipslog.engine.time.clock import Clock, Entropy, held
from shipslog.engine.time.long_work import SHORT_BYTES, LongWork, TakesLong
from shipslog.engine.time.turns import FairTurn
from shipslog.runtime.commands import AnyRuntimeCommand
from shipslog.store.commands import AnyObjectCommand, Apply, Patch, Update
from shipslog.store.events import Event, Origin
from shipslog.store.facts import (
    AnyFact,
    ClockStepped,
    DecisionTaken,
    ObjectCreated,
    ObjectDeleted,
    ObjectFact,
    ObjectModified,
    PodFact,
)
from shipslog.store.log.event_log import LogError, LogFull, RevisionConflict
from shipslog.store.logger import logger
from shipslog.store.refusals import Forbidden, Refusal, Unavailable
from shipslog.store.state import Entry
from shipslog.store.tasks import Tasks

from .consulting import ASKING_S, CONTROLLERS, NO_REQUEST_INFO, Counsel, failed
from .encoding import check_size, finish
from .follower import Follower, Staged
from .outside import TRIES, Advised, Consultant, Overtaken, RequestInfo, seen_by
from .preparation import Prepared, prepare
from .proposals import Committed, Request, closed, refusal_or, who_of
from .transitions import Evaluation, Transition
from .writes_on_full_disk import is_urgent

# What shares a transaction, so that the loop stays responsive. One request is never divided: a decision may be longer alone.
# The time counts what comes to no event as well: refusals, dry runs, updates that change nothing.
BATCH_EVENTS, BATCH_BYTES, BATCH_S = 256, 4 << 20, 0.05
ASKED_AT_ONCE = 16  # commands of one decision about which others are asked

log = logger(__name__)


class Committer:
    """Owns the head. One task runs `run`; everything else calls `submit...`."""

    def __init__(self, follower: Follower, clock: Clock, entropy: Entropy) -> None:
        self.follower, self.log, self.clock, self.entropy = follower, follower.log, clock, entropy
        self.view = follower.view
        self.head = self.view.copy()
        self.listeners = follower.listeners
        self.after_batch: list[Callable[[], None]] = []
        self._transition = Transition(self.head, entropy)
        self._queue: deque[Request] = deque()
        self._long_work, self._tasks = LongWork("shipslog-evaluate"), Tasks("committer")
        self.counsel = Counsel(self.view, clock, entropy, self._long_work)
        self.consultants = self.counsel.consultants
        self._long_turn = FairTurn()  # so that long commands about one object do not overtake each other for ever
        self._wake = asyncio.Event()
        self._closed = False
        self._under_way: list[Request] = []
        self.batches, self.appends, self.refused_batches = (
            Histogram(COUNTS),
            Histogram(),
            0,
        )  # events in each, seconds, how many

    # --- asking ---

    async def submit(
        self,
        command: AnyObjectCommand,
        *,
        actor: str,
        groups: tuple[str, ...] = (),
        cause: int | None = None,
        origin: Origin | None = None,
        dry_run: bool = False,
        size_bytes: int = 0,
        request_info: RequestInfo = NO_REQUEST_INFO,
    ) -> Committed:
        """Commit one command. Returns when it is durable. `origin`: the request that it came with, kept with its event.
        `size_bytes`: of what a client sent for it. `request_info`: what it says to who is asked about it.
        Errors: Refusal; then nothing was written."""
        how: dict[str, Any] = {"actor": actor, "groups": groups, "cause": cause, "origin": origin, "dry_run": dry_run}
        if asked := self.counsel.concerned(command, actor):
            result = await self._asked(command, asked, how, size_bytes, request_info)
        elif self._size(command, size_bytes) > SHORT_BYTES:
            result = await self._in_advance(command, how, size_bytes)
        else:
            result = (await self._request(commands=(command,), **how).future)[0]
            if isinstance(result, TakesLong):
                result = await self._in_advance(command, how, size_bytes, long=True)
        if isinstance(result, Refusal):
            raise result
        assert isinstance(result, Committed)
        return result

    async def _asked(
        self, command: AnyObjectCommand, asked: Sequence[Consultant], how: dict[str, Any], size_bytes: int, info: RequestInfo
    ) -> Any:
        """Ask others, then propose; again when it does not come to what they have seen, and then one after the other of those
        that are about one object. -> Committed or Refusal"""
        until_s, least = self._loop_s() + ASKING_S, 0
        turn: contextlib.AbstractAsyncContextManager[object] = contextlib.nullcontext()
        for _ in range(TRIES):
            async with turn:
                if self._closed:
                    raise closed()
                size = max(self._size(command, size_bytes), least)
                result = await self.counsel.advice(command, asked, info, size, until_s, **who_of(how))
                if isinstance(result, Advised):
                    result = (await self._request(commands=(command,), advised=(result,), **how).future)[0]
            if isinstance(result, TakesLong):
                least = SHORT_BYTES + 1
            elif isinstance(result, Overtaken):
                turn = self.counsel.turn(result.about)
            else:
                break
        return result

    async def _in_advance(self, command: AnyObjectCommand, how: dict[str, Any], size_bytes: int, *, long: bool = False) -> Any:
        """Do what takes long, then propose; again when what was seen has changed. `long`: it is known to, however short the
        command. -> Committed or Refusal"""
        least = SHORT_BYTES + 1 if long else 0
        for _ in range(TRIES):
            if (size := max(self._size(command, size_bytes), least)) > SHORT_BYTES:
                result = await self._long(command, how, size)
            else:
                result = (await self._request(commands=(command,), **how).future)[0]
            if not isinstance(result, Overtaken):
                break
        return result

    async def _long(self, command: AnyObjectCommand, how: dict[str, Any], size: int) -> Any:
        """Evaluate, then propose what that came to. -> Committed or Refusal"""
        async with self._long_turn:
            if self._closed:
                raise closed()
            seen = seen_by(self.view, command)
            now_ns = held(self.view.time_ns, self.clock.now_ns())
            try:
                prepared = await prepare(
                    command, self.view, self._long_work, now_ns=now_ns, entropy=self.entropy, size_bytes=size, **who_of(how)
                )
            except Refusal as refusal:
                return refusal
            except Exception:
                return failed(command, how["actor"])
            return (await self._request(commands=(command,), seen=seen, prepared=(prepared,), **how).future)[0]

    def submit_decision(
        self,
        decision: DecisionTaken,
        commands: Sequence[AnyObjectCommand],
        *,
        actor: str,
        cause: int | None,
        runtime: Sequence[AnyRuntimeCommand] = (),
        long: bool = False,
    ) -> "asyncio.Future[list[Committed | Refusal | int]]":
        """Record a decision and commit its object commands behind it. The first result is the decision's revision, then
        one a command, in order. `runtime`: its other commands, which nodes are given once it is durable. `long`: the commands
        are about long objects, and are evaluated before their turn; what does not hold then is evaluated again."""
        how: dict[str, Any] = {"cause": cause, "commands": commands, "decision": decision, "runtime": runtime}
        asked = [self.counsel.concerned(command, actor) for command in commands]
        if any(asked):
            answered = self._decided(asked, actor, how)
            return self._tasks.start(f"asking about decision {decision.key}", answered, ordinary=Refusal)
        if not long or not commands:
            return self._request(actor, **how).future

        async def prepared() -> list[Any]:
            ahead = [await self._ahead(command, actor) for command in commands]
            return await self._request(actor, prepared=ahead, **how).future

        return self._tasks.start(f"decision {decision.key}", prepared(), ordinary=Refusal)

    async def _decided(self, asked: Sequence[Sequence[Consultant]], actor: str, how: dict[str, Any]) -> list[Any]:
        """Ask about the commands of a decision, some at a time and nobody else waiting; then record it with what came of that.
        It is the rule that comes again, when something has changed meanwhile."""
        as_one: dict[str, Any] = {"actor": actor, "groups": CONTROLLERS, "dry_run": False}
        turn = asyncio.Semaphore(ASKED_AT_ONCE)

        async def answer(command: AnyObjectCommand, consultants: Sequence[Consultant]) -> Advised | Refusal | None:
            if not consultants:
                return None
            async with turn:
                size, until_s = self._size(command, 0), self._loop_s() + ASKING_S
                return await self.counsel.advice(command, consultants, NO_REQUEST_INFO, size, until_s, **as_one)

        answers = await asyncio.gather(*map(answer, how["commands"], asked))
        return await self._request(actor, advised=answers, **how).future

    async def _ahead(self, command: AnyObjectCommand, actor: str) -> Prepared | None:
        """What a rule's command comes to now; None where that is nothing: at its turn it is said why."""
        now_ns = held(self.view.time_ns, self.clock.now_ns())
        who: dict[str, Any] = {"actor": actor, "groups": (), "dry_run": False}
        try:
            if self._closed:
                return None
            return await prepare(
                command, self.view, self._long_work, now_ns=now_ns, entropy=self.entropy, size_bytes=SHORT_BYTES + 1, **who
            )
        except Exception:
            return None

    def submit_together(
        self, commands: Sequence[AnyObjectCommand], *, actor: str, groups: tuple[str, ...] = ()
    ) -> "asyncio.Future[list[Committed | Refusal]]":
        """Commit short commands of one actor as one unit of work. The results, in order; those about which others are asked
        wait for nobody else."""
        if any(self.counsel.concerned(command, actor) for command in commands):
            alone = [self.submit(command, actor=actor, groups=groups) for command in commands]
            return asyncio.gather(*map(refusal_or, alone))
        return self._request(actor, groups=groups, commands=commands).future

    def submit_facts(self, facts: Sequence[AnyFact], *, actor: str, cause: int | None = None) -> "asyncio.Future[list[int]]":
        """Append facts; the results are their revisions."""
        return self._request(actor, cause=cause, facts=facts).future

    def _request(self, actor: str, **more: Any) -> Request:
        request = Request(actor, asyncio.get_running_loop().create_future(), **more)
        if self._closed:
            request.future.set_exception(closed())
            return request
        self._queue.append(request)
        self._wake.set()
        return request

    # --- writing ---

    async def run(self) -> None:
        """Commit until closed. However it ends, nobody waits for an answer for ever."""
        try:
            while self._queue or not self._closed:
                if self._queue:
                    await self._commit_batch()
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            self._closed = True
            await self._tasks.close()
            self._long_work.close()
            for request in (*self._under_way, *self._queue):
                if not request.future.done():
                    request.future.set_exception(Unavailable("the cluster stopped before it could say what came of this"))

    @property
    def waiting(self) -> int:
        """How many requests wait for the writer."""
        return len(self._queue)

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Take nothing more; what is queued is still committed."""
        self._closed = True
        self._wake.set()

    async def _commit_batch(self) -> None:
        staged: list[Staged] = []
        done: list[tuple[Request, list[Any]]] = []
        now_ns = held(self.head.time_ns, self.clock.now_ns())
        urgent = bool(self.log.trouble) and self._is_urgent(self._queue[0])
        loop_s = asyncio.get_running_loop().time
        size_bytes, until_s = 0, loop_s() + BATCH_S
        while self._queue and self._fits(self._queue[0], len(staged), size_bytes, urgent):
            if done and loop_s() > until_s:
                break
            request = self._queue.popleft()
            if request.future.cancelled():
                continue
            self._under_way.append(request)
            before = len(staged)
            if now_ns < self.head.time_ns:
                self._stage(ClockStepped(from_ns=self.head.time_ns), "system:engine", None, now_ns, staged, None)
            done.append((request, await self._evaluate(request, now_ns, staged)))
            size_bytes += sum(len(s.entry.encoded) for s in staged[before:] if s.entry is not None)
        if staged:
            try:
                began_s = time.perf_counter()
                await self.log.append([s.event for s in staged], expected_revision=self.view.revision, urgent=urgent)
                self.appends.observe(time.perf_counter() - began_s)
                self.batches.observe(len(staged))
            except RevisionConflict:
                self._undo(staged)
                self._queue.extendleft(request for request, _ in reversed(done))
                self._under_way.clear()
                await self._catch_up()
                return
            except LogError as error:
                self._undo(staged)
                self._under_way.clear()
                self._abandon(done, error, urgent)
                return
            await self.follower.publish(staged)
        self._under_way.clear()
        for request, results in done:
            if not request.future.done():
                request.future.set_result(results)
        if staged:
            for callback in self.after_batch:
                callback()
        else:
            await asyncio.sleep(0)  # it has waited for no disk

    def _fits(self, request: Request, events: int, size_bytes: int, urgent: bool) -> bool:
        """Whether the request joins a batch that has so much. While the log is in trouble, what is urgent is alone."""
        if events and (events + request.events > BATCH_EVENTS or size_bytes >= BATCH_BYTES):
            return False
        return not self.log.trouble or self._is_urgent(request) == urgent

    @staticmethod
    def _loop_s() -> float:
        return asyncio.get_running_loop().time()

    def _is_urgent(self, request: Request) -> bool:
        return is_urgent(self.head, request.commands, request.facts, request.runtime)

    def _size(self, command: AnyObjectCommand, size_bytes: int) -> int:
        """Bytes of what a client's command is about, as sent and as it is: its evaluation takes in proportion to them. What
        changes metadata alone (deletes, bindings, evictions) takes no longer for a long object."""
        if not isinstance(command, Update | Patch | Apply):
            return size_bytes
        about = seen_by(self.view, command)
        entry = self.view.entry(about.resource, about.name, about.namespace)
        sent = len(command.body) if isinstance(command, Patch | Apply) else size_bytes
        return sent + (len(entry.encoded) if entry is not None else 0)

    async def _evaluate(self, request: Request, now_ns: int, staged: list[Staged]) -> list[Any]:
        """Evaluate one request against the head; its events are staged behind those before it. Long ones let others, who see
        nothing of the head, have their turn."""
        results: list[Any] = []
        cause = request.cause
        for fact in request.facts:
            results.append(self._stage(fact, request.actor, cause, now_ns, staged, None))
        if request.decision is not None:
            cause = self._stage(request.decision, request.actor, cause, now_ns, staged, None)
            results.append(cause)
        loop_s = asyncio.get_running_loop().time
        until_s = loop_s() + BATCH_S if len(request.commands) > 1 else 0.0
        forbidden: Forbidden | None = None
        for index, command in enumerate(request.commands):
            if forbidden is not None and command is request.commands[index - 1]:  # one of many that are alike fares no better
                results.append(forbidden)
                continue
            if index and loop_s() > until_s:
                await asyncio.sleep(0)
                until_s = loop_s() + BATCH_S
            forbidden = None
            ctx = Admission(
                view=self.head, now_ns=now_ns, entropy=self.entropy, actor=request.actor, groups=request.groups,
                dry_run=request.dry_run, config=self.head.config, warnings=[],
            )  # fmt: skip
            try:
                change, origin = self._change(request, index, ctx)
                results.append(self._carry_out(command, change, ctx, cause, origin, staged))
            except Refusal as refusal:
                results.append(refusal)
                forbidden = refusal if isinstance(refusal, Forbidden) else None
            except Exception:  # a bug in one kind's rules: nothing is staged yet, so only this command fails
                results.append(failed(command, request.actor))
        return results

    def _change(self, request: Request, index: int, ctx: Admission) -> tuple[Evaluation, Origin | None]:
        """What a command comes to now, and where it came from. Errors: Refusal; Overtaken where it is not any more as somebody
        saw it."""
        if (advice := request.advised[index] if request.advised else None) is not None:
            if isinstance(advice, Refusal):
                raise advice
            change = advice.holds(self.head, ctx)
            if change is None:
                raise Overtaken(advice.seen)
            ctx.warnings.extend(advice.warnings)
            return change, advice.recorded(request.origin)
        seen, prepared = request.seen, request.prepared[index] if request.prepared else None
        holds = prepared is None or prepared.holds(self.head)
        if seen is not None and not (holds and seen.holds(self.head)):
            raise Overtaken(seen)
        if prepared is None or not holds:
            return self._transition.evaluate(request.commands[index], ctx), request.origin
        ctx.warnings.extend(prepared.warnings)
        return prepared.change, request.origin

    def _carry_out(
        self,
        command: AnyObjectCommand,
        change: Evaluation,
        ctx: Admission,
        cause: int | None,
        origin: Origin | None,
        staged: list[Staged],
    ) -> Committed:
        meta, resource, warnings = change.object.metadata, change.kind.resource, tuple(ctx.warnings)
        before = self.head.entry(resource, meta.name, meta.namespace)
        if change.effect == "Unchanged":
            assert before is not None
            return Committed(before, "Unchanged", warnings)
        revision = self.head.revision + 1
        if ctx.dry_run:
            revision = before.revision if before is not None else 0
        entry = finish(change, revision)
        check_size(command, len(entry.encoded), len(before.encoded) if before is not None else 0)
        if ctx.dry_run:
            return Committed(entry, change.effect, warnings)
        raw = msgspec.Raw(entry.encoded)
        fact: ObjectFact
        if change.effect == "Created":
            fact = ObjectCreated(resource=resource, namespace=meta.namespace, name=meta.name, uid=meta.uid, object=raw)
        elif change.effect == "Deleted":
            fact = ObjectDeleted(resource=resource, namespace=meta.namespace, name=meta.name, uid=meta.uid, object=raw)
        else:
            fact = ObjectModified(
                resource=resource, namespace=meta.namespace, name=meta.name, uid=meta.uid, object=raw,
                subresource=change.subresource,
            )  # fmt: skip
        self._stage(fact, ctx.actor, cause, ctx.now_ns, staged, entry, origin)
        return Committed(entry, change.effect, warnings)

    def _stage(
        self,
        fact: AnyFact,
        actor: str,
        cause: int | None,
        now_ns: int,
        staged: list[Staged],
        entry: Entry | None,
        origin: Origin | None = None,
    ) -> int:
        event = Event(revision=self.head.revision + 1, time_ns=now_ns, actor=actor, cause=cause, origin=origin, fact=fact)
        made, previous = self.head.evolve(event, entry)
        runs = self.head.pod_runtime(fact.pod_uid) if isinstance(fact, PodFact) else None
        staged.append(Staged(event, made, previous, runs))
        return event.revision

    def _undo(self, staged: list[Staged]) -> None:
        """What was staged is not on the log: the head is as the committed view again."""
        self.head.revert([(s.event.fact, s.previous) for s in staged], self.view)

    async def _catch_up(self) -> None:
        """Somebody else has appended: take that in before anything is evaluated again."""
        log.warning("foreign_append", revision=self.view.revision, found=self.log.revision)
        for event in await self.follower.catch_up():
            self.head.evolve(event)

    def _abandon(self, done: list[tuple[Request, list[Any]]], error: LogError, urgent: bool) -> None:
        """The disk refused the batch: tell everyone in it. What is urgent was in the wrong company; it is tried again alone."""
        self.refused_batches += 1
        log.error("append_failed", error=str(error), requests=len(done))
        for request, results in reversed(done):
            if request.future.done():
                continue
            if isinstance(error, LogFull) and not urgent and self._is_urgent(request):
                self._queue.appendleft(request)
            elif all(isinstance(r, Refusal) for r in results) and results:
                request.future.set_result(results)
            else:
                request.future.set_exception(
                    Unavailable(f"the log could not be written: {error} Nothing was written; try again.")
                )


__all__ = ["Committed", "Committer"]
