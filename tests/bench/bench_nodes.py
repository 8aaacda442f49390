"""Thousands of simulated nodes: how long they take to register, and what their heartbeats cost."""

import asyncio
import time

from shipslog.engine.cluster import Cluster
from shipslog.store.objects.types import coordination_v1, core_v1

from . import Row, Stopwatch, daemon

NODES = 5000
BEATS_S = 30.0  # three heartbeats of each node


def measure() -> list[Row]:
    rows: list[Row] = daemon.loop_run(measured(NODES))
    return rows


async def measured(nodes: int) -> list[Row]:
    watch = Stopwatch()
    async with Cluster.open(nodes=nodes) as cluster:
        await registered(cluster, nodes)
        events = cluster.view.revision
        rows = [watch.seconds(f"{nodes:,} simulated nodes registered and ready", 5.0, f"{events / nodes:.1f} events each")]
        while cluster.view.count(cluster.view.scheme.of(coordination_v1.Lease).resource) < nodes or not cluster.host.idle():
            await asyncio.sleep(0.05)
        began, cpu = time.perf_counter(), time.process_time()
        events = cluster.view.revision
        await asyncio.sleep(BEATS_S)
        share = (time.process_time() - cpu) / (time.perf_counter() - began) * 100
        note = f"{(cluster.view.revision - events) / BEATS_S:,.0f} events a second"
        return [*rows, Row(f"heartbeats of {nodes:,} simulated nodes, of a core", share, "%", 5.0, None, True, note)]


async def registered(cluster: Cluster, nodes: int) -> None:
    """Waits until so many nodes are ready and take pods."""
    while sum(map(takes_pods, cluster.view.list(core_v1.Node))) < nodes:
        await asyncio.sleep(0.1)


def takes_pods(node: core_v1.Node) -> bool:
    return not node.spec.taints and any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)
