"""Hands runtime commands to the runtimes and puts what came of them on the log.

One command an identity is under way at a time. A declarative command (the whole ruleset, all probes) is sent when it
differs from the one that was sent last. Service account tokens are made here, at the last moment: they never reach the log.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar

import msgspec

from shipslog.engine.commit.committer import Committer
from shipslog.reconcilers.rule.decision import is_runtime
from shipslog.runtime.commands import (
    DECLARATIVE,
    AnyRuntimeCommand,
    ApplyNetworkPolicies,
    ApplyRuleset,
    RefreshVolumes,
    RemovePodSandbox,
    RunPodSandbox,
    StopContainer,
)
from shipslog.runtime.node import NodeRuntime
from shipslog.store.commands import AnyObjectCommand, Apply, Bind, Create, Delete, Evict, Patch, Update
from shipslog.store.facts import NetworkPoliciesFailed, RulesetFailed, RuntimeFact, SandboxFailed, SandboxRemoved
from shipslog.store.logger import logger
from shipslog.store.objects.scheme import Scheme
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Refusal, Unavailable
from shipslog.store.tasks import Tasks

RETRY_S = 0.2  # until a log that refused is tried again
SLOW_S = 30.0  # that a pod is being removed for: then people are told
BACKOFF_S, BACKOFF_MAX_S = 1.0, 60.0  # until a command that failed is tried again: each time twice as long

log = logger(__name__)
C = TypeVar("C", RunPodSandbox, RefreshVolumes)


class TokenMaker(Protocol):
    """Completes what a pod's volumes hold. Errors: Refusal."""

    def __call__(self, command: C) -> Awaitable[C]: ...


class Dispatcher:
    """Which commands are under way, by identity. `prepare` completes volumes with what may not stand on the log."""

    def __init__(self, committer: Committer, runtimes: Mapping[str, NodeRuntime]) -> None:
        self.committer, self.runtimes = committer, runtimes
        self.prepare: TokenMaker | None = None
        self._under_way: dict[str, AnyRuntimeCommand] = {}
        self._failures: dict[str, int] = {}
        self._reported: deque[RuntimeFact] = deque()
        self._reporting: asyncio.Task[None] | None = None
        self.tasks = Tasks("dispatcher")
        self._standing: dict[str, bytes] = {}  # by identity: what was sent last of what is declared, as its mark

    def wants(self, command: AnyRuntimeCommand) -> bool:
        """Whether sending it now would do anything."""
        identity = command.identity
        if command.node not in self.runtimes and not self._is_gone(command):
            return False
        busy = self._under_way.get(identity)
        if busy is not None:
            return hurries(command, busy)
        return not isinstance(command, DECLARATIVE) or self._standing.get(identity) != mark_of(command)

    def _is_gone(self, command: AnyRuntimeCommand) -> bool:
        """Whether nobody is left to carry it out, and nothing to carry out: with a node that was deleted its pods are gone.

        Should its machine come back, it reports what it finds, and is then told to remove it."""
        return isinstance(command, RemovePodSandbox) and self.committer.view.get(core_v1.Node, command.node) is None

    def reserve(self, commands: Sequence[AnyRuntimeCommand]) -> list[AnyRuntimeCommand]:
        """Those that are to be sent, marked as under way."""
        chosen = []
        for command in commands:
            if self.wants(command):
                self._under_way[command.identity] = command
                chosen.append(command)
        return chosen

    def release(self, commands: Sequence[AnyRuntimeCommand]) -> None:
        """They were not sent after all."""
        for command in commands:
            self._under_way.pop(command.identity, None)

    async def carry_out(self, command: AnyRuntimeCommand, cause: int) -> None:
        """Execute it and append the outcome; the identity is free when the outcome is durable."""
        identity = command.identity
        try:
            facts = await self._awaited(command, cause)
            if isinstance(command, RunPodSandbox):
                self._standing[f"volumes/{command.pod_uid}"] = mark_of(command.refresh())  # what it has just been given
            elif isinstance(command, RemovePodSandbox):
                self._standing.pop(f"volumes/{command.pod_uid}", None)
            if isinstance(command, DECLARATIVE):
                self._standing[identity] = mark_of(command)
                if any(isinstance(fact, RulesetFailed | NetworkPoliciesFailed) for fact in facts):
                    del self._standing[identity]  # the reconciler says when to try again
            if facts:
                await self.record(facts, node=command.node, cause=cause)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._standing.pop(identity, None)
            wait_s = self._failed(command, error)
            if isinstance(command, RemovePodSandbox) and not isinstance(error, Refusal):
                await self._not_done(command, "FailedKillPod", error, cause)
            elif isinstance(command, RefreshVolumes) and command.republishes:
                await self._not_done(command, "FailedMount", error, cause)
            await self.committer.clock.sleep(wait_s)
        else:
            self._failures.pop(identity, None)
        finally:
            if self._under_way.get(identity) is command:
                del self._under_way[identity]

    async def _awaited(self, command: AnyRuntimeCommand, cause: int) -> Sequence[RuntimeFact]:
        """What came of it; whoever waits for a pod to be gone hears that it takes its time."""
        if not isinstance(command, RemovePodSandbox):
            return await self._execute(command)
        async with Tasks("removals that take their time") as tasks:
            tasks.start(command.identity, self._tell_slow(command, cause))
            return await self._execute(command)

    async def _tell_slow(self, command: RemovePodSandbox, cause: int) -> None:
        await self.committer.clock.sleep(SLOW_S)
        why = "a process that does not end, or a tool that takes its volumes back, is waited for"
        error = TimeoutError(f"it has not come to an end within {SLOW_S:g} s: {why}")
        await self._not_done(command, "FailedKillPod", error, cause)

    async def _not_done(self, command: RemovePodSandbox | RefreshVolumes, reason: str, error: Exception, cause: int) -> None:
        """Whoever waits for the pod to be gone, or for what its volume is to show, is to see why not."""
        why, at_ns = str(error) or repr(error), self.committer.clock.now_ns()
        fact = SandboxFailed(node=command.node, pod_uid=command.pod_uid, reason=reason, message=why, at_ns=at_ns)
        with contextlib.suppress(Refusal):  # the log takes nothing now: the next attempt says it
            await self.record((fact,), node=command.node, cause=cause)

    def _failed(self, command: AnyRuntimeCommand, error: Exception) -> float:
        """Say it, whole the first time and in a line after that; -> seconds until it may be tried again."""
        identity = command.identity
        self._failures[identity] = times = self._failures.get(identity, 0) + 1
        wait_s = min(BACKOFF_S * 2.0 ** min(times - 1, 16), BACKOFF_MAX_S)
        operational = isinstance(error, OSError)  # the machine refused; anything else is a bug, or a machine that is lost
        log.warning(
            "runtime_command_failed", node=command.node, identity=identity, command=type(command).__name__, times=times,
            why=str(error) or repr(error), retry_s=wait_s, exc_info=times == 1 and not operational,
        )  # fmt: skip
        return wait_s

    async def _execute(self, command: AnyRuntimeCommand) -> Sequence[RuntimeFact]:
        if isinstance(command, RefreshVolumes) and self.prepare is not None:
            command = await self.prepare(command)
        if isinstance(command, RunPodSandbox) and self.prepare is not None:
            try:
                command = await self.prepare(command)
            except Refusal as refusal:
                at_ns = self.committer.clock.now_ns()
                return [
                    SandboxFailed(
                        node=command.node, pod_uid=command.pod_uid, reason="FailedMount", message=refusal.message, at_ns=at_ns
                    )
                ]
        if command.node not in self.runtimes:
            return [SandboxRemoved(node=command.node, pod_uid=command.pod_uid)] if isinstance(command, RemovePodSandbox) else []
        return await self.runtimes[command.node].execute(command)

    def report(self, fact: RuntimeFact) -> None:
        """What a runtime saw happen by itself: put on the log in its order, tried again for as long as the log refuses."""
        self._reported.append(fact)
        if self._reporting is None or self._reporting.done():
            self._reporting = self.tasks.keep("reports", self._record_reported)

    async def close(self) -> None:
        """When the committer is closed. What is not recorded by now the runtimes tell the next engine, as they find it."""
        await self.tasks.close()

    async def _record_reported(self) -> None:
        while self._reported:
            facts = first_of_one_node(self._reported)
            try:
                await self.record(facts, node=facts[0].node, cause=None)
            except Unavailable:
                if self.committer.closed:
                    return  # the runtime tells the next engine what it finds
                await self.committer.clock.sleep(RETRY_S)
                continue
            for _ in facts:
                self._reported.popleft()

    def record(self, facts: Sequence[RuntimeFact], *, node: str, cause: int | None) -> "asyncio.Future[list[int]]":
        """Append what a node reports, signed by the node if it is one that speaks."""
        actor = f"system:node:{node}" if node in self.runtimes else "system:engine"
        return self.committer.submit_facts(facts, actor=actor, cause=cause)


def mark_of(command: AnyRuntimeCommand) -> bytes:
    """A few bytes that two equal commands share: rules and files, a kilobyte for each pod, need not be kept to compare."""
    match command:
        case ApplyRuleset():
            return f"{command.node} {command.ruleset.digest}".encode()
        case ApplyNetworkPolicies():
            return f"{command.node} {command.policies.digest}".encode()
    return blake2b(msgspec.json.encode(command), digest_size=16).digest()


def hurries(command: AnyRuntimeCommand, busy: AnyRuntimeCommand) -> bool:
    """Whether a command is to overtake the one of its identity that is under way: an end with a shorter grace period."""
    if not isinstance(command, StopContainer) or not isinstance(busy, StopContainer):
        return False
    return command.attempt == busy.attempt and command.grace_period_s < busy.grace_period_s


def first_of_one_node(facts: Iterable[RuntimeFact]) -> list[RuntimeFact]:
    """The facts at the front that one node reported."""
    found: list[RuntimeFact] = []
    for fact in facts:
        if found and fact.node != found[0].node:
            break
        found.append(fact)
    return found


def summary(command: AnyObjectCommand | AnyRuntimeCommand, scheme: Scheme) -> str:
    """One line for people: `Create pods default/web-`, `StartContainer container/UID/app`."""
    verb = type(command).__name__
    match command:
        case Create() | Update():
            meta = command.object.metadata
            name = meta.name or meta.generate_name
            where = f"{meta.namespace}/{name}" if meta.namespace else name
            door = f"/{command.subresource}" if isinstance(command, Update) and command.subresource else ""
            return f"{verb} {scheme.of(command.object).resource}{door} {where}"
        case Apply() | Patch() | Delete():
            where = f"{command.namespace}/{command.name}" if command.namespace else command.name
            return f"{verb} {command.resource} {where}"
        case Bind():
            return f"Bind {command.namespace}/{command.name} to {command.node}"
        case Evict():
            return f"Evict {command.namespace}/{command.name}"
    assert is_runtime(command)
    return f"{verb} {command.identity}"
