"""Many pods in one process: what each costs in memory and in time, from 1,000 to 150,000 on 5,000 nodes.

`python -m tests.bench scale`, or with other sizes `python -m tests.bench.bench_scale --nodes 500 --pods 1000 10000`. The log is
on the disk and synced. Pods are made as a ReplicationController of 500 makes them, bound, given what their nodes report and the
status that the kubelet's rule decides; the projections of all rules are kept, and nobody else decides. With `--lived` the same
number is lived through by all rules on simulated nodes, which takes five times as long."""

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
from shipslog.reconcilers import kubelet
from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.rule.decision import is_runtime
from shipslog.reconcilers.rule.pods import owner_reference, pod_from_template
from shipslog.store.commands import Bind
from shipslog.store.facts import ContainerStarted, NodeObserved, RuntimeFact, SandboxStarted
from shipslog.store.objects.types import core_v1, meta_v1

from . import Row, Stopwatch, daemon
from .bench_nodes import registered
from .bench_scheduler import all_at_once, node

NODES, CURVE, REPLICAS = 5000, (1_000, 10_000, 100_000, 150_000), 500
KB = 10.0


def measure() -> list[Row]:
    rows: list[Row] = daemon.loop_run(kept(NODES, CURVE))
    return rows


async def kept(nodes: int, curve: Sequence[int]) -> list[Row]:
    """Without rules. What a node says it says itself here."""
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    rows, running = list[Row](), 0
    try:
        async with Cluster.open(directory / "cluster.db", runtime="none", reconcilers=()) as cluster:
            await cluster.create(core_v1.ServiceAccount(metadata=meta_v1.ObjectMeta(name="default", namespace="default")))
            await all_at_once([cluster.create(node(i)) for i in range(nodes)])
            observed = [
                NodeObserved(node=f"n{i}", addresses=(("InternalIP", f"10.0.{i >> 8}.{i & 255}"),)) for i in range(nodes)
            ]
            await cluster.committer.submit_facts(observed, actor="system:engine")
            for rule in ALL:
                for projection in rule.projections:
                    cluster.view.projected(projection)
            gc.collect()
            empty = resident_bytes()
            for pods in curve:
                watch, before = Stopwatch(), cluster.view.revision
                for first in range(running, pods, REPLICAS):
                    await keep(cluster, nodes, first, min(REPLICAS, pods - first))
                rows += told(cluster, watch, before, pods - running, pods, nodes, empty)
                running = pods
        return rows
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def keep(cluster: Cluster, nodes: int, first: int, many: int) -> None:
    """Pods of one controller, each on a node of its own, running by what that reports."""
    rc = await cluster.create(objects.rc(f"rc-{first}", "default", many, probed=False))
    template = rc.spec.template
    assert template is not None
    pods = await asyncio.gather(*(cluster.create(pod_from_template(rc, template, owner_reference(rc))) for _ in range(many)))
    placed = [(pod.metadata, f"n{(first + i) % nodes}") for i, pod in enumerate(pods)]
    binds = [Bind(namespace=meta.namespace, name=meta.name, node=on, uid=meta.uid) for meta, on in placed]
    await asyncio.gather(*(cluster.submit(bind) for bind in binds))
    for i, (meta, on) in enumerate(placed):
        cluster.committer.submit_facts(runs(meta.uid, on, first + i), actor=f"system:node:{on}")
    await cluster.committer.submit_facts((), actor="system:engine")  # behind all of them
    now = time.time_ns()
    decided = [kubelet.PODS.decide(cluster.view, f"pod/{meta.uid}", now=now) for meta, _ in placed]
    commands = [command for decision in decided for command in decision.commands if not is_runtime(command)]
    await asyncio.gather(*(cluster.submit(command) for command in commands))  # type: ignore[arg-type]


def runs(uid: str, on: str, number: int) -> tuple[RuntimeFact, RuntimeFact]:
    at_ns, ip = time.time_ns(), f"10.{100 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    sandbox = SandboxStarted(node=on, pod_uid=uid, sandbox_id=f"sandbox-{on}-{number}", ip=ip, at_ns=at_ns)
    container_id = f"shipslog://sim-{on}-{number}"
    return sandbox, ContainerStarted(
        node=on, pod_uid=uid, container="c", attempt=0, container_id=container_id, image_id="", at_ns=at_ns
    )


def told(cluster: Cluster, watch: Stopwatch, before: int, made: int, pods: int, nodes: int, empty: int) -> list[Row]:
    """One step of a curve."""
    note = f"{(cluster.view.revision - before) / made:.1f} events each"
    time_row = watch.rate(made, f"up to {pods:,} pods, made to Running", None, note)
    gc.collect()
    used = (resident_bytes() - empty) / pods / 1000
    return [time_row, Row(f"resident memory a pod, {pods:,} on {nodes:,} nodes", used, "KB", KB, None, True)]


async def lived(nodes: int, curve: Sequence[int]) -> list[Row]:
    """With all rules."""
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    rows, running = list[Row](), 0
    try:
        async with Cluster.open(directory / "cluster.db", nodes=nodes) as cluster:
            await cluster.wait(core_v1.ServiceAccount, "default")
            await registered(cluster, nodes)
            gc.collect()
            empty = resident_bytes()
            for pods in curve:
                watch, before = Stopwatch(), cluster.view.revision
                for first in range(running, pods, REPLICAS):
                    many = min(REPLICAS, pods - first)
                    await cluster.create(objects.rc(f"rc-{first}", "default", many, probed=False))
                while await still_starting(cluster, pods):
                    pass
                rows += told(cluster, watch, before, pods - running, pods, nodes, empty)
                running = pods
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
    parser.add_argument("--lived", action="store_true", help="with all rules, on simulated nodes")
    options = parser.parse_args()
    for row in daemon.loop_run((lived if options.lived else kept)(options.nodes, options.pods)):
        print(f"{row.name}: {row.figure:,.2f} {row.unit}, {row.cpu or 0:,.1f} in CPU time; {row.note}", flush=True)


if __name__ == "__main__":
    main()
