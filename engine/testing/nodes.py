"""A simulated node that does as it is told: is lost, pulls slowly, answers exec and logs, fails probes.

Tests: tests/engine/testing/test_cluster.py
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from shipslog.engine.time.clock import Clock
from shipslog.runtime.commands import AnyRuntimeCommand, PullImage, RunPodSandbox, SetProbes, StartContainer
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.runtime.node import LogOptions, ProcessStreams, Report
from shipslog.store.facts import ImagePullFailed, RuntimeFact
from shipslog.store.state import PodRuntime

Where = tuple[str, str, str]  # namespace, pod, container; "" for any


class Answer(Struct, frozen=True):
    """What a command in a container comes to."""

    argv: tuple[str, ...]  # what the command begins with; () for any
    stdout: bytes
    stderr: bytes
    exit_code: int


class Pull(Struct, frozen=True):
    """How an image is pulled."""

    after_s: float = 0.0
    failure: str = ""


class ScriptedNode(SimulatedNode):
    """One node. What it is told holds until it is told otherwise, also for containers that start later."""

    def __init__(self, node: str, clock: Clock, number: int) -> None:
        super().__init__(node, now_ns=clock.now_ns, number=number, call_later=clock.call_later)
        self._clock = clock
        self._found = asyncio.Event()
        self._found.set()
        self._names: dict[str, tuple[str, str]] = {}  # by uid: namespace, name
        self._unheard: list[RuntimeFact] = []
        self.pulls: dict[str, Pull] = {}  # by image
        self.answers: dict[Where, list[Answer]] = {}
        self.lines: dict[Where, list[bytes]] = {}
        self.uses: dict[Where, tuple[int | None, int | None]] = {}  # thousandths of a core, bytes
        self.failing: dict[tuple[str, str, str, str], str] = {}  # namespace, pod, container, probe: why

    # --- being lost ---

    @property
    def lost(self) -> bool:
        return not self._found.is_set()

    def lose(self) -> None:
        """Nobody hears of it, and it hears nobody. What runs goes on."""
        self._found.clear()

    def find(self) -> None:
        """It is back, does what it was told meanwhile, and tells what it saw."""
        self._found.set()
        unheard, self._unheard = self._unheard, []
        for fact in unheard:
            self._report(fact)

    async def start(self, report: Report, known: Sequence[PodRuntime]) -> None:
        def heard(fact: RuntimeFact) -> None:
            if self.lost:
                self._unheard.append(fact)
            else:
                report(fact)

        await super().start(heard, known)

    async def execute(self, command: AnyRuntimeCommand) -> tuple[RuntimeFact, ...]:
        await self._found.wait()
        if isinstance(command, RunPodSandbox):
            self._names[command.pod_uid] = (command.namespace, command.name)
        if isinstance(command, PullImage) and (pull := self.pulls.get(command.image)) is not None:
            await self._clock.sleep(pull.after_s)
            if pull.failure:
                return (
                    ImagePullFailed(
                        node=self.node,
                        image=command.image,
                        reason="ErrImagePull",
                        message=pull.failure,
                        at_ns=self._clock.now_ns(),
                    ),
                )
        facts = await super().execute(command)
        if isinstance(command, StartContainer) and command.pod_uid in self.pods:
            for name in ("", command.container):
                given = self.uses.get((command.namespace, command.name, name))
                if given is not None and command.container in self.pods[command.pod_uid].containers:
                    self.use(command.pod_uid, command.container, cpu_milli=given[0], memory_bytes=given[1])
        return facts

    def exit(self, uid: str, container: str, code: int) -> None:
        """A container ends by itself. Errors: ValueError when it does not run."""
        held = self.pods[uid].containers.get(container) if uid in self.pods else None
        if held is None or held.exit is not None:
            raise ValueError(f"container {container} does not run now: wait until it does, or advance the time by its back-off")
        self._cancel(uid, container)
        self._report(self._exit(uid, container, code, 0))

    # --- probes ---

    def _set_probes(self, command: SetProbes) -> None:
        super()._set_probes(command)
        for uid, container, attempt, probe in self.probed:
            if why := self.failing.get((*self._names.get(uid, ("", "")), container, probe)):
                self.flip(uid, container, attempt, probe, healthy=False, why=why)

    def set_probe(self, uid: str, container: str, probe: str, why: str) -> None:
        """A probe fails from now on and says why; "" for succeeds."""
        key = (*self._names.get(uid, ("", "")), container, probe)
        if why:
            self.failing[key] = why
        else:
            self.failing.pop(key, None)
        for target in self.probed:
            if (target[0], target[1], target[3]) == (uid, container, probe):
                self.flip(*target, healthy=not why, why=why)

    # --- what is made up ---

    def set_use(self, where: Where, cpu_milli: int | None, memory_bytes: int | None) -> None:
        """What a container uses from now on, and those of its name to come; None leaves it as it is."""
        before = self.uses.get(where, (None, None))
        cpu, memory = before
        self.uses[where] = (cpu if cpu_milli is None else cpu_milli, memory if memory_bytes is None else memory_bytes)
        for uid, pod in self.pods.items():
            for name in pod.containers:
                if where in ((pod.namespace, pod.name, ""), (pod.namespace, pod.name, name)):
                    self.use(uid, name, cpu_milli=cpu_milli, memory_bytes=memory_bytes)

    async def exec(self, pod_uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool) -> ProcessStreams:
        namespace, name = self._names.get(pod_uid, ("", ""))
        given = self.answers.get((namespace, name, ""), []) + self.answers.get((namespace, name, container), [])
        for answer in reversed(given):  # the last word counts
            if tuple(argv[: len(answer.argv)]) == answer.argv:
                return MadeUp(answer)
        return await super().exec(pod_uid, container, argv, stdin=stdin, tty=tty)

    async def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        namespace, name = self._names.get(pod_uid, ("", ""))
        lines = self.lines.get((namespace, name, container), self.lines.get((namespace, name, "")))
        if lines is None:
            async for chunk in super().logs(pod_uid, container, attempt, options):
                yield chunk
            return
        for line in lines if options.tail_lines is None else lines[max(len(lines) - options.tail_lines, 0) :]:
            yield line


class MadeUp:
    """A process that has ended before it began."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        for stream, data in ((1, self._answer.stdout), (2, self._answer.stderr)):
            if data:
                yield stream, data

    async def write(self, data: bytes) -> None: ...
    async def close_stdin(self) -> None: ...
    async def resize(self, columns: int, rows: int) -> None: ...

    async def wait(self) -> int:
        return self._answer.exit_code

    async def close(self) -> None: ...
