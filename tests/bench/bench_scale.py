"""Many pods in one process: what each costs in memory and in time, from 1,000 to 150,000 on 5,000 simulated nodes.

`python -m tests.bench scale`, or smaller: `python -m tests.bench.bench_scale --nodes 500 --pods 1000 10000`. The log is on
the disk and synced. Pods are made by ReplicationControllers of 500, bound, started and reported by their nodes: a step of the
curve ends when all of them run and nothing is left to do. Memory is what the process has more than with the nodes alone."""

import argparse
import asyncio
import gc
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from shipslog.engine.cluster import Cluster
from shipslog.engine.testing.simulation import objects
from shipslog.store.objects import core_v1

from . import Row, Stopwatch, daemon
from .bench_nodes import registered

NODES, CURVE, REPLICAS = 5000, (1_000, 10_000, 100_000, 150_000), 500
KB = 10.0


def measure() -> list[Row]:
    rows: list[Row] = daemon.loop_run(measured(NODES, CURVE))
    return rows


async def measured(nodes: int, curve: Sequence[int]) -> list[Row]:
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    rows = []
    try:
        async with Cluster.open(directory / "cluster.db", nodes=nodes) as cluster:
            await cluster.wait(core_v1.ServiceAccount, "default")
            await registered(cluster, nodes)
            gc.collect()
            empty, running = resident_bytes(), 0
            for pods in curve:
                watch, before = Stopwatch(), cluster.view.revision
                for first in range(running, pods, REPLICAS):
                    many = min(REPLICAS, pods - first)
                    await cluster.create(objects.rc(f"rc-{first}", "default", many, probed=False))
                while await still_starting(cluster, pods):
                    pass
                made, running = pods - running, pods
                note = f"{(cluster.view.revision - before) / made:.1f} events each"
                rows.append(watch.rate(made, f"up to {pods:,} pods, made to Running", None, note))
                gc.collect()
                used = (resident_bytes() - empty) / pods / 1000
                rows.append(Row(f"resident memory a pod, {pods:,} on {nodes:,} nodes", used, "KB", KB, None, True))
        return rows
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def still_starting(cluster: Cluster, pods: int) -> bool:
    """Whether not all of them are ready yet; waits a little, longer for many, so that looking costs nothing to speak of."""
    began = time.process_time()
    ready = sum(rc.status.ready_replicas for rc in cluster.view.list(core_v1.ReplicationController))
    await asyncio.sleep(0.1 + 20 * (time.process_time() - began))
    return ready < pods


def resident_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_scale", description=__doc__)
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--pods", type=int, nargs="*", default=list(CURVE))
    options = parser.parse_args()
    for row in daemon.loop_run(measured(options.nodes, options.pods)):
        print(f"{row.name}: {row.figure:,.2f} {row.unit}, {row.cpu or 0:,.1f} in CPU time; {row.note}", flush=True)


if __name__ == "__main__":
    main()
