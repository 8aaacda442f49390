"""A cluster that a test has in its hands: its time, its nodes, its disk, its requests.

async with testing.cluster(nodes=3) as cluster:
    await cluster.apply(MANIFEST)
    cluster.node("node-1").lose()
    await cluster.advance(minutes=10)
    assert not [pod for pod in cluster.list(core_v1.Pod) if pod.spec.node_name == "node-1"]
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec

from shipslog.engine.cluster import all_reconcilers, open_log
from shipslog.engine.library import Background, Cluster, in_background
from shipslog.engine.time.clock import Entropy, SystemClock
from shipslog.reconcilers.rule.decision import Decision, Instant
from shipslog.reconcilers.rule.dormant import Dormant, Rule
from shipslog.store.facts import ClusterConfig, NodeObserved
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.times import SECOND_NS, parse_time
from shipslog.store.view import View

from . import arguments
from .clock import TestClock
from .log import ScriptedLog
from .nodes import Answer, Pull, ScriptedNode
from .requests import RequestFaults

QUIET_TURNS = 12  # of the loop in which nothing happens, before a cluster counts as settled
SETTLE_S = 30.0  # of the machine's time
PROBES = ("startup", "liveness", "readiness")
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
NODE_RULES = ("node", "node-lease")  # register a node and renew its lease: not while the node is lost


class TestCluster(Cluster):
    """A cluster with handles on what a test wants to go wrong. Make one with `testing.cluster`."""

    __test__ = False  # for pytest, which would take it for a test
    clock: TestClock
    log: ScriptedLog  # .fill(), .free()
    api: RequestFaults  # .fail(), .slow()
    nodes: dict[str, ScriptedNode]

    # --- time ---

    @property
    def now(self) -> datetime:
        """What the cluster's clock says."""
        return datetime.fromtimestamp(self.clock.now_ns() / SECOND_NS, UTC)

    async def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let so much time pass at once: all that is due on the way happens, in order and each at its time, to its end.
        Errors: TypeError and ValueError for what is no span of time; RuntimeError when time is being advanced already
        or the cluster is closed;        TimeoutError when something on the way does not come to an end."""
        self.check_loop()
        if self.committer.closed:
            raise self.stopped()
        given = {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
        spans = {unit: arguments.seconds(unit, value) for unit, value in given.items()}
        await self.clock.advance(sum(SECONDS[unit] * span for unit, span in spans.items()), self.settled)

    async def settled(self) -> None:
        """Returns when nothing is left to do before time passes. Errors: TimeoutError, saying what is still going on."""
        self.check_loop()
        try:
            async with asyncio.timeout(SETTLE_S):
                quiet = 0
                while quiet < QUIET_TURNS:
                    await asyncio.sleep(0)
                    quiet = 0 if self._busy() else quiet + 1
        except TimeoutError as error:
            raise TimeoutError(f"the cluster does not come to rest in {SETTLE_S:g} s: {', '.join(self._busy())}") from error

    def _busy(self) -> list[str]:
        busy = [
            lane.reconciler.name
            for lane in self.host.lanes
            if lane.waiting
            or lane.aside
            or lane.committing
            or lane.woken_again
            or lane.resting  # those rest by the machine's time
        ]
        if self.committer.head.revision != self.view.revision:
            busy.append("a commit")
        return busy

    # --- faults ---

    def node(self, name: str = "node") -> "NodeHandle":
        """A node, to be lost, found or rebooted. Errors: ValueError when there is no such node."""
        self.check_loop()
        arguments.one_of("node", name, self.nodes)
        return NodeHandle(self, self.nodes[name])

    def container(self, pod: str, namespace: str = "default", *, container: str = "") -> "ContainerHandle":
        """A container of a pod (its first, if none is named), to exit, and to answer exec and logs.
        Errors: ValueError when the pod is there and has no such container."""
        self.check_loop()
        entry = self.view.get(core_v1.Pod, pod, namespace)
        if entry is not None and container:
            _spec_of(entry, container)
        return ContainerHandle(self, namespace, pod, container)

    def probe(self, pod: str, probe: str, namespace: str = "default", *, container: str = "") -> "ProbeHandle":
        """A probe of a pod's container: startup, liveness or readiness, to fail or to succeed. Errors: ValueError."""
        self.check_loop()
        arguments.one_of("probe", probe, PROBES)
        return ProbeHandle(self, namespace, pod, container, probe)

    def pull(self, image: str) -> "PullHandle":
        """The pull of an image, on every node: to be slow or to fail. Errors: ValueError for no image."""
        self.check_loop()
        if not image:
            raise ValueError("no image is named; give it as pods name it: cluster.pull('example/web')")
        return PullHandle(self, image)

    def pod_on(self, namespace: str, name: str, container: str) -> tuple[core_v1.Pod, ScriptedNode, str]:
        """A pod with its node, and the name of the container that is meant. Errors: NotFound, ValueError."""
        pod = self.get(core_v1.Pod, name, namespace)
        node = self.nodes.get(pod.spec.node_name)
        if node is None:
            raise ValueError(f"pod {namespace}/{name} is on no node yet: wait for it to run")
        return pod, node, _spec_of(pod, container).name


def _spec_of(pod: core_v1.Pod, container: str) -> core_v1.Container:
    """What is said of a pod's container, of its first if none is named. Errors: ValueError."""
    spec = pod.spec
    everyone = {c.name: c for c in (*spec.containers, *spec.init_containers)}
    where = f"container in pod {pod.metadata.namespace}/{pod.metadata.name}"
    return everyone[arguments.one_of(where, container, everyone)] if container else spec.containers[0]


class NodeHandle(msgspec.Struct, frozen=True):
    cluster: TestCluster
    node: ScriptedNode

    def lose(self) -> None:
        """It hears and says nothing more, its lease is not renewed; what runs there goes on."""
        self.node.lose()

    def find(self) -> None:
        """It is back, and does and tells what was left."""
        self.node.find()
        self.cluster.host.wake_all(None)

    def reboot(self) -> None:
        """It loses all that ran on it, and says so."""
        self.node.reboot(self.cluster.view.pods_running_on(self.node.node))


class ContainerHandle(msgspec.Struct, frozen=True):
    cluster: TestCluster
    namespace: str
    pod: str
    container: str

    def exit(self, code: int = 1) -> None:
        """End it with an exit code, 0 to 255. Errors: NotFound without the pod; ValueError when it does not run."""
        arguments.whole("code", code, 0, 255)
        pod, node, container = self.cluster.pod_on(self.namespace, self.pod, self.container)
        node.exit(pod.metadata.uid, container, code)

    def uses(self, *, cpu: str | None = None, memory: str | None = None) -> None:
        """What it uses of the machine from now on, as quantities ("250m", "64Mi"): metrics.k8s.io and autoscalers see it.
        It holds for all pods of this name to come. Errors: QuantityError, and nothing is changed."""
        wanted = (
            quantity.milli(cpu) if cpu is not None else None,
            quantity.value(memory) if memory is not None else None,
        )
        for node in self.cluster.nodes.values():
            node.set_use((self.namespace, self.pod, self.container), *wanted)

    def answer(self, *argv: str, stdout: str | bytes = b"", stderr: str | bytes = b"", exit_code: int = 0) -> None:
        """What exec of a command that begins with `argv` comes to, of any command without; the last word counts. It holds for
        all pods of this name to come."""
        command = arguments.texts("answer", argv, "answer('ls', '-l', stdout='...')")
        out, err = arguments.written("stdout", stdout), arguments.written("stderr", stderr)
        made = Answer(command, out, err, arguments.whole("exit_code", exit_code, 0, 255))
        for node in self.cluster.nodes.values():
            node.answers.setdefault((self.namespace, self.pod, self.container), []).append(made)

    def says(self, *lines: str) -> None:
        """What its log holds. It holds for all pods of this name to come."""
        arguments.texts("says", lines, "says('a line', 'another')")
        for node in self.cluster.nodes.values():
            node.lines[self.namespace, self.pod, self.container] = [f"{line}\n".encode() for line in lines]


class ProbeHandle(msgspec.Struct, frozen=True):
    cluster: TestCluster
    namespace: str
    pod: str
    container: str
    probe: str

    def fail(self, why: str = "it does not answer") -> None:
        """It fails, until it is told to succeed. Errors: NotFound without the pod; ValueError without such a probe."""
        self._set(why or "it fails")

    def succeed(self) -> None:
        """It succeeds again."""
        self._set("")

    def _set(self, why: str) -> None:
        pod, node, container = self.cluster.pod_on(self.namespace, self.pod, self.container)
        spec = _spec_of(pod, container)
        there = [probe for probe in PROBES if getattr(spec, f"{probe}_probe") is not None]
        arguments.one_of(f"probe of container {container}", self.probe, there)
        node.set_probe(pod.metadata.uid, container, self.probe, why)


class PullHandle(msgspec.Struct, frozen=True):
    cluster: TestCluster
    image: str

    def slow(self, seconds: float) -> None:
        """It takes so long, in the cluster's time."""
        self._set(Pull(after_s=arguments.seconds("seconds", seconds)))

    def fail(self, why: str = "not found") -> None:
        """It fails, until it is told to succeed."""
        self._set(Pull(failure=f"{self.image}: {why}"))

    def succeed(self) -> None:
        """It is there at once again."""
        for node in self.cluster.nodes.values():
            node.pulls.pop(self.image, None)

    def _set(self, pull: Pull) -> None:
        for node in self.cluster.nodes.values():
            node.pulls[self.image] = pull


@asynccontextmanager
async def cluster(
    path: str | Path | None = None,
    *,
    nodes: int = 1,
    start: str = "",
    flows: bool = True,
    seed: int | None = None,
    config: ClusterConfig | None = None,
    reconcilers: Sequence[Rule] | None = None,
) -> AsyncIterator[TestCluster]:
    """A cluster for a test, on simulated nodes; in memory, or on the log at `path`.

    `start`: what its clock says at first, "2026-02-28T23:59:00Z"; the present if left out. `flows`: its time keeps pace with
    the machine's when nobody advances it; else it stands still, and every stamp is exact. `seed`: makes names and uids the same
    each time. `reconcilers`: the rules that run, instead of all of Shipslog's. Errors: LogError; TypeError and ValueError for
    `nodes` and `start`."""
    arguments.whole("nodes", nodes, 0)
    clock = TestClock(_start(start), flows=flows)
    names = ["node"] if nodes == 1 else [f"node-{i}" for i in range(nodes)]
    made = {name: ScriptedNode(name, clock, number) for number, name in enumerate(names)}
    log = ScriptedLog(await open_log(path))
    rules = [_by_nodes_that_are_there(rule, made) for rule in (all_reconcilers() if reconcilers is None else reconcilers)]
    faults = RequestFaults()
    try:
        async with TestCluster.open(
            event_log=log,
            runtime=list(made.values()),
            clock=clock,
            entropy=Entropy(seed),
            config=config,
            reconcilers=rules,
        ) as opened:
            opened.nodes, opened.api = made, faults
            opened.before_request = faults.before
            yield opened
    finally:
        clock.close()


@contextmanager
def serving(
    path: str | Path | None = None,
    *,
    port: int = 0,
    nodes: int = 1,
    start: str = "",
    flows: bool = True,
    seed: int | None = None,
    config: ClusterConfig | None = None,
    reconcilers: Sequence[Rule] | None = None,
) -> Iterator[Background[TestCluster]]:
    """For tests without asyncio: such a cluster, served from a thread of its own while the block runs. What it is made with is
    as in `cluster`; `served.run(lambda cluster: cluster.advance(hours=1))` has it do something."""

    def made() -> AbstractAsyncContextManager[TestCluster]:
        return cluster(path, nodes=nodes, start=start, flows=flows, seed=seed, config=config, reconcilers=reconcilers)

    with in_background(made, port) as background:
        yield background


class _WithoutTheLost:
    """A view in which nodes that are lost have never reported."""

    def __init__(self, view: View, nodes: dict[str, ScriptedNode]) -> None:
        self._view, self._nodes = view, nodes

    def node_observed(self, name: str) -> NodeObserved | None:
        node = self._nodes.get(name)
        return self._view.node_observed(name) if node is None or not node.lost else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


def _by_nodes_that_are_there(rule: Rule, nodes: dict[str, ScriptedNode]) -> Rule:
    """The same rule; what a node does for itself it does not do while it is lost."""
    if rule.name not in NODE_RULES or isinstance(rule, Dormant):
        return rule

    def decide(view: View, key: str, *, now: Instant) -> Decision:
        return rule.decide(cast(View, _WithoutTheLost(view, nodes)), key, now=now)

    return msgspec.structs.replace(rule, decide=decide)


def _start(text: str) -> int:
    """Nanoseconds. Errors: ValueError."""
    if not text:
        return SystemClock().now_ns() // SECOND_NS * SECOND_NS
    try:
        return parse_time(text)
    except (ValueError, TypeError) as error:
        raise ValueError(f"start={text!r} is no time; give one as '2026-02-28T23:59:00Z'") from error
