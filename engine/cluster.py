"""The library's face: a cluster in this process, on a log file or in memory.

    async with Cluster.open("cluster.db") as cluster:
        await cluster.apply(manifest)
        await cluster.wait(core_v1.Pod, "web", until=lambda pod: pod.status.phase == "Running")

The daemon is this plus an HTTP server; the debugger is this plus a log that nobody writes.

Tests: tests/engine/test_library.py, tests/engine/commit/test_committer.py
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import shipslog
from shipslog.engine.admission.matching import Asked
from shipslog.engine.commit.consulting import NO_REQUEST_INFO
from shipslog.engine.host.lane import Trouble
from shipslog.engine.kinds.catalogue import FIRST_WHEN_SERVED, WITH_FIRST_OBJECTS, strategy_of
from shipslog.engine.measures import Family
from shipslog.engine.past.views import PastViews, load, revision_at
from shipslog.reconcilers.rule.decision import blind_to
from shipslog.reconcilers.rule.dormant import Rule
from shipslog.runtime.node import NodeRuntime
from shipslog.store.commands import AnyObjectCommand, Create, Update
from shipslog.store.events import Origin
from shipslog.store.facts import ClusterConfig, EngineStarted, NodeObserved, RuntimeFact, VolumeMade
from shipslog.store.log.event_log import EventLog, LogError, Snapshot
from shipslog.store.log.retention import EPHEMERAL, EXACT_NS
from shipslog.store.logger import logger
from shipslog.store.objects.scheme import Kind, Unconverted
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Unavailable
from shipslog.store.state import Entry, PodRuntime
from shipslog.store.tasks import Tasks

from . import tallies
from .auth.answers import as_authorizer
from .client import Client, EngineStopped
from .commit.committer import Committed, Committer
from .commit.follower import Follower
from .commit.outside import RequestInfo, admitted
from .commit.watch import WatchHub
from .host.host import Host
from .host.metrics_reader import MeasuredMetrics, MetricsReader
from .host.node_log import NodeLog
from .host.pressure_reader import PressureReader, PressureSettings
from .host.recorder import EventRecorder
from .policies.gate import Policies
from .state import snapshots
from .state.view import MemoryView
from .static_pods import StaticPods
from .time.clock import Clock, Entropy, SystemClock
from .webhooks.gate import Webhooks

T = TypeVar("T")
VERSION = shipslog.__version__
ADMIN = "system:admin"
MASTERS = ("system:masters", "system:authenticated")
RETAIN_EVERY_S = 600.0
BEGIN_AGAIN_S = 1.0  # until a log that takes no writes is tried again
SNAPSHOT_EVERY = 50_000  # events between two snapshots
SNAPSHOT_AT_CLOSE = 2_000  # a clean stop saves one if so many came since

log = logger(__name__)


class Cluster(Client):
    """A running cluster. Make one with `Cluster.open`; all of it lives in the calling event loop."""

    def __init__(
        self,
        event_log: EventLog,
        view: MemoryView,
        *,
        runtimes: Sequence[NodeRuntime],
        reconcilers: Sequence[Rule],
        clock: Clock,
        entropy: Entropy,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        super().__init__(self, ADMIN, MASTERS)
        self.log, self.view, self.clock, self.entropy = event_log, view, clock, entropy
        self._loop = asyncio.get_running_loop()
        self.runtimes: dict[str, NodeRuntime] = {r.node: r for r in runtimes}
        self.hub = WatchHub(view.revision)
        self.follower = Follower(event_log, view, self.hub)
        self.committer = Committer(self.follower, clock, entropy)
        self.webhooks = Webhooks(as_authorizer)
        self.policies = Policies(as_authorizer, self.webhooks.convert)
        for consultant in (self.policies, self.webhooks):
            self.committer.consultants.append(consultant)
            self.committer.listeners.append(consultant.on_event)
        self.committer.counsel.convert = self.webhooks.convert
        self.host = Host(self.committer, reconcilers, self.runtimes, clock)
        self.metrics_reader = MetricsReader(self.committer, MeasuredMetrics(self.runtimes, clock))
        self.pressure_reader = PressureReader(self.committer, self.runtimes)
        self.recorder = EventRecorder(self.committer, self.host.lanes)
        self.host.on_decision.append(self.recorder.on_decision)
        self.host.on_standing.append(self.recorder.on_standing)
        self._described: Callable[[NodeObserved], NodeObserved] = lambda observed: observed
        self._snapshot_every, self._snapshot_at = snapshot_every, view.revision
        self._pasts = PastViews(event_log)
        self._beginning: asyncio.Task[None] | None = None
        self._delayed = asyncio.Event()
        self._parts, self._saving = Tasks("parts"), Tasks("snapshots")
        self.background = Tasks("engine")  # what goes on beside; a cluster that stops ends it first
        self.concerns: list[Callable[[], Iterable[str]]] = [
            runtime.troubles for runtime in runtimes
        ]  # what else may be in trouble, for `failing`
        self.measures: list[Callable[[], Iterable[Family]]] = [self.webhooks.measured]  # of what is run beside, for /metrics
        self.ended = asyncio.Event()  # set when the engine stopped by itself; `failure` says why
        self.failure: BaseException | None = None
        self.committer.after_batch.append(self._maybe_snapshot)
        self.committer.listeners.append(NodeLog(view).on_event)

    @property
    def config(self) -> ClusterConfig:
        return self.view.config

    # --- opening ---

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: str | Path | None = None,
        *,
        runtime: Literal["simulated", "none"] | Sequence[NodeRuntime] = "simulated",
        nodes: int = 1,
        config: ClusterConfig | None = None,
        reconcilers: Sequence[Rule] | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        event_log: EventLog | None = None,
        ca_certificate: str = "",
        end_pods: Callable[[], bool] = lambda: False,
        described: Callable[[NodeObserved], NodeObserved] = lambda observed: observed,
        snapshot_every: int = SNAPSHOT_EVERY,
        pressure: PressureSettings | None = None,
    ) -> AsyncIterator[Self]:
        """Open (or make) the cluster whose log is at `path`; None keeps the log in memory.

        `runtime`: "simulated" for `nodes` nodes that only pretend, "none" for a control plane alone, or your own runtimes.
        `described`: what a node is said to be beside what its runtime finds.
        `snapshot_every`: events between two snapshots; the next opening reads the log from the newest.
        `pressure`: what nodes should have left, and what becomes of it where they have less.
        Ready when the body starts: the nodes are registered and the default namespaces exist soon after.
        Errors: LogError when the log cannot be used; RuntimeUnavailable when a runtime cannot work here."""
        clock, entropy = clock or SystemClock(), entropy or Entropy()
        event_log = event_log or await open_log(path)
        try:
            view = await load(event_log)
            runtimes = simulated(nodes, clock) if runtime == "simulated" else [] if runtime == "none" else list(runtime)
            wanted = all_reconcilers() if reconcilers is None else reconcilers
            cluster = cls(
                event_log, view, runtimes=runtimes, reconcilers=wanted, clock=clock, entropy=entropy,
                snapshot_every=snapshot_every,
            )  # fmt: skip
            cluster._described = described
            cluster.pressure_reader.settings = pressure or cluster.pressure_reader.settings
            try:
                cluster._run(cluster.committer.run())
                await cluster._start(config or view.config, ca_certificate)
                yield cluster
            finally:
                with _shielded():
                    await cluster._stop(end_pods())
            if cluster.failure is not None:
                raise cluster.stopped()
        finally:
            with _shielded():
                await event_log.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a part of the engine until the cluster closes. Plain tasks: a test's fixture may open in one task and close
        in another, which a task group does not allow."""

        def ended(task: asyncio.Task[None]) -> None:
            error = None if task.cancelled() else task.exception()
            if error is not None:
                log.error("engine_stopped", error=repr(error), exc_info=error)
                self.committer.close()
                self.failure = error
                self.ended.set()
                self.hub.close()

        self._parts.start("part", work, ordinary=BaseException).add_done_callback(ended)

    async def _start(self, config: ClusterConfig, ca_certificate: str) -> None:
        """Begin. When the log takes no writes, that goes on behind: until then the state is served as it was."""
        begin = self._begin(config, ca_certificate)
        self._beginning = self.background.start("beginning", begin, ordinary=BaseException)  # asked for its end below
        async with Tasks("beginning") as waiting:
            delayed = waiting.start("delay", self._delayed.wait())
            await asyncio.wait((self._beginning, delayed), return_when=asyncio.FIRST_COMPLETED)
        if self._beginning.done():
            self._beginning.result()
        else:
            self._run(_end_of(self._beginning))

    async def _begin(self, config: ClusterConfig, ca_certificate: str) -> None:
        started = EngineStarted(version=VERSION, config=config)
        await self._insist(lambda: self.committer.submit_facts((started,), actor="system:engine"))
        await self._insist(lambda: self._ensure_first(WITH_FIRST_OBJECTS))
        await self._insist(lambda: self.prepare_to_serve(ca_certificate))
        async with Tasks("nodes") as nodes:  # one that cannot begin ends the others' beginning
            await asyncio.gather(
                *(nodes.start(n, self._start_node(n, r), ordinary=Exception) for n, r in self.runtimes.items())
            )
        self._run(self.host.run())
        self.background.keep("retention", self._retain)
        self.background.keep("autoscalers", self.metrics_reader.run)
        self.background.keep("pressure", self.pressure_reader.run)

    async def _start_node(self, node: str, runtime: NodeRuntime) -> None:
        known = self.view.pods_running_on(node)
        held = {pod.pod_uid for pod in known}
        bound = [pod.metadata.uid for pod in self.view.pods_on(node) if pod.metadata.uid not in held]
        await runtime.start(self._report, [*known, *(PodRuntime(pod_uid=uid, node=node) for uid in bound)])
        log.info("node_started", node=node, pods_adopted=len(known))

    def _report(self, fact: RuntimeFact) -> None:
        if isinstance(fact, VolumeMade) and any(s.node == fact.node and s.path for s in self.view.volumes(fact.volume)):
            return  # a node says at its start which it has; the log knows this one
        self.host.report(self._described(fact) if isinstance(fact, NodeObserved) else fact)

    async def _insist(self, write: Callable[[], Awaitable[object]]) -> None:
        """Write, again and again while the log cannot. Errors: Unavailable when the cluster closes meanwhile."""
        while True:
            try:
                await write()
                return
            except Unavailable:
                if self.committer.closed:
                    raise
            self._delayed.set()
            await self.clock.sleep(BEGIN_AGAIN_S)

    async def _retain(self) -> None:
        """Now and then let the log go of heartbeats that no rule has read."""
        kinds = [self.view.scheme.by_resource(resource) for resource in EPHEMERAL]
        while True:
            await self.clock.sleep(RETAIN_EVERY_S)
            blind = [*blind_to((lane.reconciler for lane in self.host.lanes), kinds), *self.host.sleepers.names()]
            try:
                await self.log.forget(self.clock.now_ns() - EXACT_NS, blind=blind)
            except LogError as error:
                log.warning("retention_failed", why=str(error))

    async def _ensure_first(self, resources: Sequence[str]) -> None:
        """Make what is missing of the objects that there are of these kinds from the start."""
        first = [obj for resource in resources for obj in strategy_of(resource).first]
        await asyncio.gather(*(self._ensure(obj) for obj in first))

    async def _ensure(self, obj: Any) -> None:
        kind = self.view.scheme.of(obj)
        if self.view.entry(kind.resource, obj.metadata.name, obj.metadata.namespace) is None:
            await self.committer.submit(Create(object=obj), actor="system:engine", groups=MASTERS)

    async def prepare_to_serve(self, ca_certificate: str) -> None:
        """What an API server brings along: the certificate of its authority, the flows of requests and their levels; a rule
        adds the versions of groups that it answers for. A cluster that nobody serves (an empty certificate) has none."""
        await self._publish_ca(ca_certificate)
        if ca_certificate:
            await self._ensure_first(FIRST_WHEN_SERVED)

    async def _publish_ca(self, certificate: str) -> None:
        """kube-system/kube-root-ca.crt, from which every namespace gets its copy; empty where nothing listens."""
        current = self.view.get(core_v1.ConfigMap, "kube-root-ca.crt", "kube-system")
        wanted = core_v1.ConfigMap(metadata=_meta("kube-root-ca.crt", "kube-system"), data={"ca.crt": certificate})
        if current is None:
            await self._ensure(wanted)
        elif certificate and current.data != wanted.data:
            await self.committer.submit(Update(object=wanted), actor="system:engine", groups=MASTERS)

    async def _stop(self, end_pods: bool) -> None:
        await self.background.close()
        await self.host.close()
        closing = [runtime.close(end_pods=end_pods) for runtime in self.runtimes.values()]
        closed = await asyncio.gather(*closing, return_exceptions=True)
        await self.recorder.close()
        await self._pasts.close()
        self.committer.close()
        self.hub.close()
        await self._parts.finished()
        await self.host.dispatcher.close()
        await self.policies.close()
        await self.webhooks.close()
        await self._saving.finished()
        if self.view.revision - self._snapshot_at >= SNAPSHOT_AT_CLOSE:
            await self._save_snapshot(snapshots.take(self.view))
        for error in closed:
            if isinstance(error, BaseException):
                raise error  # strictly last: what a runtime could not let go of is no reason to lose what is on the log

    def troubles(self) -> Sequence[Trouble]:
        """What is wrong with which rule at the moment; [] when all is well. As text, one is what clients may see of it."""
        return self.host.troubles()

    def standstill(self) -> str:
        """Why nothing happens any more, for anybody to see; "" while it does."""
        return "it stopped by itself; the daemon's messages say why" if self.failure is not None else ""

    def begun(self) -> bool:
        """Whether the rules are at work: not before the first writes of a start went through."""
        return self._beginning is not None and self._beginning.done()

    def measured(self) -> Iterable[Family]:
        """What was counted since it was opened, for /metrics."""
        yield from tallies.of_engine(self.committer, self.host.lanes, self.hub, self.runtimes)
        for measured in self.measures:
            yield from measured()

    def failing(self) -> Sequence[str]:
        """What is to go on beside and failed lately, a line each, for anybody to see; [] when all is well."""
        own = (self.background, self.host.dispatcher.tasks, self.recorder.tasks)
        return (
            *(line for tasks in own for line in tasks.troubles()),
            *(line for concern in self.concerns for line in concern()),
        )

    def keep_static_pods(self, node: str, path: Path | None) -> None:
        """Have a node run what the files of a directory say; None: it runs nothing from files any more."""
        from shipslog.reconcilers.kubelet import PODS

        pods = StaticPods(self.committer, node, path, partial(self.recorder.on_standing, PODS))
        self.concerns.append(pods.troubles)
        self.background.keep("static pods", pods.run)

    def stopped(self) -> EngineStopped:
        """Why nothing happens any more."""
        if self.failure is None:
            return EngineStopped("the cluster is closed")
        stopped = EngineStopped(f"the engine stopped by itself: {self.failure!r}. What was acknowledged is on the log.")
        stopped.__cause__ = self.failure
        return stopped

    def check_loop(self) -> None:
        """Errors: RuntimeError in another event loop than the one that the cluster lives in: there it would wait for ever."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is not self._loop:
            raise RuntimeError(
                "this cluster lives in another event loop. Open it in the loop that uses it; a fixture of pytest-asyncio and "
                'its tests share one with loop_scope="session" on both. From another thread, `served.run(lambda cluster: ...)`.'
            )

    # --- writing ---

    async def submit(
        self,
        command: AnyObjectCommand,
        *,
        actor: str = ADMIN,
        groups: Sequence[str] = MASTERS,
        cause: int | None = None,
        origin: Origin | None = None,
        dry_run: bool = False,
        size_bytes: int = 0,
        request_info: RequestInfo = NO_REQUEST_INFO,
    ) -> Committed:
        """Commit a command; it is durable when this returns. `origin`: who asked and how, for `history`.
        `size_bytes`: of what a client sent for it; much of it is evaluated in a thread, before it is proposed.
        `request_info`: what it says of itself to webhooks that are asked about it.
        Errors: Refusal, with nothing written."""
        return await self.committer.submit(
            command, actor=actor, groups=tuple(groups), cause=cause, origin=origin, dry_run=dry_run, size_bytes=size_bytes,
            request_info=request_info,
        )  # fmt: skip

    async def admit(
        self, asked: Asked, kind: Kind, *, actor: str, groups: Sequence[str], dry_run: bool, request_info: RequestInfo
    ) -> tuple[Any, tuple[str, ...]]:
        """Ask those outside about what is no command: a connection, a token. -> (the object as they will have it, warnings).
        Errors: Refusal."""
        asking = self.committer.counsel.asking(actor, tuple(groups), dry_run, request_info)
        made = await admitted(asked, kind, self.committer.consultants, asking)
        return made, tuple(asking.context.warnings)

    # --- other versions ---

    async def in_version(self, kind: Kind, entries: Sequence[Entry]) -> list[Entry]:
        """Objects in a version that a definition's webhook makes of them. Errors: Unexpected, as Kubernetes words it."""
        return await self.webhooks.converter.entries(self.view, kind, entries)

    async def convert(self, missing: Unconverted) -> Any:
        """An object in a version that a definition's webhook makes of it. Errors: Unexpected."""
        return await self.webhooks.convert(self.view, missing)

    # --- the past ---

    async def at(self, revision: int | None = None, time_ns: int | None = None) -> MemoryView:
        """The state right after `revision`, or as it was at `time_ns` (UTC). Read-only; recent ones are kept in memory.

        Errors: BadRequest for what was before the log or has not happened yet; Expired for what the log does not keep any
        more; TooManyRequests when too many others are being made."""
        if revision is None:
            revision = await revision_at(self.log, time_ns if time_ns is not None else self.clock.now_ns())
        return await self._pasts.at(revision)  # not the view itself, which moves on

    def _maybe_snapshot(self) -> None:
        if self.view.revision - self._snapshot_at < self._snapshot_every:
            return
        self._snapshot_at = self.view.revision
        try:
            snapshot = snapshots.take(self.view)
        except Exception:  # who writes does not stop for it
            log.exception("snapshot_not_saved", revision=self.view.revision)
            return
        self._saving.start(f"revision {snapshot.revision}", self._save_snapshot(snapshot))

    async def _save_snapshot(self, snapshot: Snapshot) -> None:
        """Without it the next start only takes longer."""
        try:
            await self.log.save_snapshot(snapshot)
        except LogError as error:
            log.warning("snapshot_not_saved", revision=snapshot.revision, why=str(error))


def _shielded() -> AbstractContextManager[object]:
    """What ends a cluster comes to its end though the scope around it is cancelled."""
    import anyio

    return anyio.CancelScope(shield=True)


def all_reconcilers() -> Sequence[Rule]:
    """Every rule of Shipslog, imported when they are first wanted: reading a log does not need them. Some of them sleep."""
    from shipslog.reconcilers.roster import ROSTER

    return ROSTER


async def open_log(path: str | Path | None) -> EventLog:
    """The SQLite log at `path`, or one in memory. Errors: LogError."""
    if path is None:
        from shipslog.store.log.memory import MemoryLog

        return MemoryLog()
    from shipslog.store.log.sqlite import SqliteLog

    return await SqliteLog.open(Path(path))


async def _end_of(task: "asyncio.Task[None]") -> None:
    await asyncio.gather(task)


def simulated(nodes: int, clock: Clock) -> list[NodeRuntime]:
    """Nodes that pretend, named node-0, node-1...; a single one is named `node`."""
    from shipslog.runtime.containers.simulated import SimulatedNode

    names = ["node"] if nodes == 1 else [f"node-{i}" for i in range(nodes)]
    return [SimulatedNode(name, now_ns=clock.now_ns, number=i, call_later=clock.call_later) for i, name in enumerate(names)]


def _meta(name: str, namespace: str = "") -> Any:
    from shipslog.store.objects.types.meta_v1 import ObjectMeta

    return ObjectMeta(name=name, namespace=namespace)
