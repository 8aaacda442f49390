"""Pods bound a second, `python -m tests.bench.bench_scheduler`: nodes that are objects alone, as Kubernetes' scheduler_perf
has them, so that what is measured is the scheduler and the log; and pods in whose place others give way."""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.view import View

from . import Row, Stopwatch, daemon
from .waiting import Counted, is_binding

GOALS = {100: 3000.0, 1000: 2000.0, 5000: 1000.0}
ZONES = 10
PREEMPTED = 500
AT_ONCE = 500  # requests that are under way together while the world is made


def measure() -> list[Row]:
    rows = [row for nodes in GOALS for row in measured(nodes, 1000)]
    return [*rows, daemon.loop_run(preempted_a_second(PREEMPTED, 2 * PREEMPTED))]


def measured(nodes: int, pods: int) -> list[Row]:
    kinds = (("plain", plain_pod, 1.0), ("anti-affinity and spread", wary_pod, 0.5))
    rows = []
    for name, make, share in kinds:
        goal = GOALS.get(nodes, 0.0) * share or None
        what = f"{pods:,} pods ({name}) bound to {nodes:,} nodes"
        rows.append(daemon.loop_run(bound_a_second(nodes, pods, make, what, goal)))
    return rows


def node(number: int) -> core_v1.Node:
    room = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": f"n{number}", "topology.kubernetes.io/zone": f"z{number % ZONES}"}
    ready = core_v1.NodeCondition(type="Ready", status="True")
    status = core_v1.NodeStatus(capacity=room, allocatable=room, conditions=(ready,))
    return core_v1.Node(metadata=meta_v1.ObjectMeta(name=f"n{number}", labels=labels), status=status)


def plain_pod(number: int) -> core_v1.Pod:
    return pod(number, {"app": f"app-{number % 5}"}, core_v1.PodSpec())


def wary_pod(number: int) -> core_v1.Pod:
    """One that keeps away from the others of its app, on other nodes and evenly over the zones."""
    labels = {"app": f"app-{number // 80}"}
    chosen = meta_v1.LabelSelector(match_labels=labels)
    apart = core_v1.PodAffinityTerm(label_selector=chosen, topology_key="kubernetes.io/hostname")
    affinity = core_v1.Affinity(
        pod_anti_affinity=core_v1.PodAntiAffinity(required_during_scheduling_ignored_during_execution=(apart,))
    )
    evenly = core_v1.TopologySpreadConstraint(
        max_skew=2, topology_key="topology.kubernetes.io/zone", when_unsatisfiable="DoNotSchedule", label_selector=chosen
    )
    return pod(number, labels, core_v1.PodSpec(affinity=affinity, topology_spread_constraints=(evenly,)))


def pod(number: int, labels: dict[str, str], spec: core_v1.PodSpec) -> core_v1.Pod:
    asks = core_v1.ResourceRequirements(requests={"cpu": "100m", "memory": "200Mi"})
    container = core_v1.Container(name="c", image="img", resources=asks)
    meta = meta_v1.ObjectMeta(name=f"p{number}", namespace="default", labels=labels)
    return core_v1.Pod(metadata=meta, spec=replace(spec, containers=(container,)))


def small_pod(number: int, of: int) -> core_v1.Pod:
    """One of a node's two: nobody else has room beside them."""
    made = filling_pod(f"small-{number}", priority=0)
    return replace(made, spec=replace(made.spec, node_name=f"n{number % of}"))


def filling_pod(name: str, priority: int) -> core_v1.Pod:
    asks = core_v1.ResourceRequirements(requests={"cpu": "3800m", "memory": "1Gi"})
    container = core_v1.Container(name="c", image="img", resources=asks)
    class_ = {"priority_class_name": "system-cluster-critical"} if priority else {}
    meta = meta_v1.ObjectMeta(name=name, namespace="kube-system")
    return core_v1.Pod(
        metadata=meta, spec=core_v1.PodSpec(containers=(container,), termination_grace_period_seconds=0, **class_)
    )


@asynccontextmanager
async def world(nodes: int, pods: Sequence[core_v1.Pod]) -> AsyncIterator[Path]:
    """A log with nodes and pods, closed."""
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    path = directory / "cluster.db"
    try:
        async with Cluster.open(path, runtime="none", reconcilers=()) as cluster:
            await all_at_once([cluster.create(node(i)) for i in range(nodes)])
            known = cluster.view.list(core_v1.Node)  # each with the taint of one that has just come
            await all_at_once([cluster.update(replace(n, spec=core_v1.NodeSpec())) for n in known])
            await all_at_once([cluster.create(pod) for pod in pods])
        yield path
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def bound_a_second(nodes: int, pods: int, make: Any, what: str, goal: float | None) -> Row:
    """A cluster whose only rule is the scheduler opens the log."""
    rule = Timed()
    async with (
        world(nodes, [make(i) for i in range(pods)]) as path,
        Cluster.open(path, runtime="none", reconcilers=[rule.reconciler]) as cluster,
    ):
        await Counted(cluster, pods, is_binding).all()
        assert rule.watch is not None
        return rule.watch.rate(pods, what, goal, f"longest decision {rule.longest_s * 1000:.0f} ms")


async def preempted_a_second(nodes: int, small: int) -> Row:
    """Each of the pods that come needs a node on which two less important ones fill the room: one of them gives way. From the
    first decision until the last is bound; what gives way has no grace and is gone at once."""
    rule = Timed()
    async with (
        world(nodes, [small_pod(i, nodes) for i in range(small)]) as path,
        Cluster.open(path, runtime="none", reconcilers=[rule.reconciler]) as cluster,
    ):
        rule.watch, bound = None, Counted(cluster, nodes, is_binding)
        await all_at_once([cluster.create(filling_pod(f"great-{i}", priority=1)) for i in range(nodes)])
        await bound.all()
        assert rule.watch is not None
        note = f"longest decision {rule.longest_s * 1000:.0f} ms"
        return rule.watch.rate(nodes, f"{nodes:,} pods preempt on {nodes:,} full nodes", 200.0, note)


class Timed:
    """The scheduler, the time since it was first asked, and its longest decision."""

    def __init__(self) -> None:
        self.watch: Stopwatch | None = None
        self.longest_s = 0.0
        self.reconciler = replace(scheduler.RECONCILER, decide=self._decide)

    def _decide(self, view: View, key: str, *, now: int) -> Decision:
        begun = time.perf_counter()
        self.watch = self.watch or Stopwatch()
        decision = scheduler.decide(view, key, now=now)
        self.longest_s = max(self.longest_s, time.perf_counter() - begun)
        return decision


async def all_at_once(calls: Sequence[Coroutine[Any, Any, Any]]) -> None:
    for begin in range(0, len(calls), AT_ONCE):
        await asyncio.gather(*calls[begin : begin + AT_ONCE])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_scheduler", description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="*", default=list(GOALS))
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--preempted", type=int, default=0, help="only this: so many pods in whose place others give way")
    options = parser.parse_args()
    if options.preempted:
        rows = [daemon.loop_run(preempted_a_second(options.preempted, 2 * options.preempted))]
    else:
        rows = [row for nodes in options.nodes for row in measured(nodes, options.pods)]
    for row in rows:
        figures = f"{row.figure:,.0f} {row.unit}, {row.cpu or 0:,.0f} a second of the processor"
        print(f"{row.name}: {figures} (goal {row.target or 0:,.0f}); {row.note}", flush=True)


if __name__ == "__main__":
    main()
