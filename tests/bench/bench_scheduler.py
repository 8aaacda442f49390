"""Pods bound a second, `python -m tests.bench.bench_scheduler`: nodes that are objects alone, as Kubernetes' scheduler_perf
has them, so that what is measured is the scheduler and the log; and the registration of simulated nodes."""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.view import View

from . import Row, daemon

GOALS = {100: 3000.0, 1000: 2000.0, 5000: 1000.0}
ZONES = 10
AT_ONCE = 500  # requests that are under way together while the world is made


def measure() -> list[Row]:
    return [row for nodes in GOALS for row in measured(nodes, 1000)]


def measured(nodes: int, pods: int) -> list[Row]:
    kinds = (("plain", plain_pod, 1.0), ("anti-affinity and spread", wary_pod, 0.5))
    rows = []
    for name, make, share in kinds:
        figure, note = daemon.loop_run(bound_a_second(nodes, pods, make))
        goal = GOALS.get(nodes, 0.0) * share or None
        rows.append(Row(f"{pods:,} pods ({name}) bound to {nodes:,} nodes", figure, "/s", goal, None, note=note))
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


async def bound_a_second(nodes: int, pods: int, make: Any) -> tuple[float, str]:
    """A log with nodes and pods; then a cluster whose only rule is the scheduler opens it."""
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    path = directory / "cluster.db"
    try:
        async with Cluster.open(path, runtime="none", reconcilers=()) as cluster:
            await all_at_once([cluster.create(node(i)) for i in range(nodes)])
            known = cluster.view.list(core_v1.Node)  # each with the taint of one that has just come
            await all_at_once([cluster.update(replace(n, spec=core_v1.NodeSpec())) for n in known])
            await all_at_once([cluster.create(make(i)) for i in range(pods)])
        rule = Stopwatch()
        async with Cluster.open(path, runtime="none", reconcilers=[rule.reconciler]) as cluster:
            while any(not pod.spec.node_name for pod in cluster.view.list(core_v1.Pod)):
                await asyncio.sleep(0.01)
            return rule.rate(pods)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class Stopwatch:
    """The scheduler, and the time since it was first asked: on the wall, of the processor, and the longest decision."""

    def __init__(self) -> None:
        self.begun: tuple[float, float] | None = None
        self.longest_s = 0.0
        self.reconciler = replace(scheduler.RECONCILER, decide=self._decide)

    def _decide(self, view: View, key: str, *, now: int) -> Decision:
        begun = time.perf_counter()
        self.begun = self.begun or (begun, time.process_time())
        decision = scheduler.decide(view, key, now=now)
        self.longest_s = max(self.longest_s, time.perf_counter() - begun)
        return decision

    def rate(self, pods: int) -> tuple[float, str]:
        """(pods a second, what else there is to say)"""
        assert self.begun is not None
        wall_s, cpu_s = time.perf_counter() - self.begun[0], time.process_time() - self.begun[1]
        return pods / wall_s, f"{pods / cpu_s:,.0f} a second of the processor, longest decision {self.longest_s * 1000:.0f} ms"


async def all_at_once(calls: Sequence[Coroutine[Any, Any, Any]]) -> None:
    for begin in range(0, len(calls), AT_ONCE):
        await asyncio.gather(*calls[begin : begin + AT_ONCE])


async def registered_s(nodes: int) -> float:
    """How long it takes until simulated nodes have all registered and are ready."""
    begun = time.perf_counter()
    async with Cluster.open(nodes=nodes) as cluster:
        while sum(is_ready(node) for node in cluster.view.list(core_v1.Node)) < nodes:
            await asyncio.sleep(0.05)
        return time.perf_counter() - begun


def is_ready(node: core_v1.Node) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_scheduler", description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="*", default=list(GOALS))
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--register", type=int, default=0, help="only this: how long so many simulated nodes take to register")
    options = parser.parse_args()
    if options.register:
        print(f"{options.register} simulated nodes ready after {daemon.loop_run(registered_s(options.register)):.2f} s")
        return
    for nodes in options.nodes:
        for row in measured(nodes, options.pods):
            print(f"{row.name}: {row.figure:,.0f} {row.unit} (goal {row.target or 0:,.0f}); {row.note}", flush=True)


if __name__ == "__main__":
    main()
