"""What controllers do on simulated nodes: a rollout, a thousand jobs, and how soon the first pod is bound."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.engine.testing.simulation import objects
from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectModified
from shipslog.store.objects.types import batch_v1, core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import Deployment
from shipslog.store.state import Entry

from . import Row, Stopwatch, daemon
from .bench_nodes import registered
from .waiting import Counted

NODES, ROLLED, JOBS, REPLICAS = 20, 1000, 1000, 500


def measure() -> list[Row]:
    return [daemon.loop_run(rolled(ROLLED)), daemon.loop_run(jobs(JOBS)), daemon.loop_run(first_bound(REPLICAS))]


@asynccontextmanager
async def cluster_of(nodes: int) -> AsyncIterator[Cluster]:
    """On the disk, synced, with nodes that take pods."""
    directory = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    try:
        async with Cluster.open(directory / "cluster.db", nodes=nodes) as cluster:
            await cluster.wait(core_v1.ServiceAccount, "default")
            await registered(cluster, nodes)
            yield cluster
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def rolled(replicas: int) -> Row:
    def is_rolled_out(held: Deployment) -> bool:
        status = held.status
        counts = (status.replicas, status.updated_replicas, status.available_replicas)
        return counts == (replicas,) * 3 and status.observed_generation == held.metadata.generation

    async with cluster_of(NODES) as cluster:
        await cluster.create(objects.deployment("web", "default", replicas, "img", probed=False, strategy="RollingUpdate"))
        await cluster.wait(Deployment, "web", until=is_rolled_out, timeout_s=300)
        watch, before = Stopwatch(), cluster.view.revision
        template = {"spec": {"containers": [{"name": "c", "image": "img:2"}]}}
        await cluster.patch(Deployment, "web", {"spec": {"template": template}})
        await cluster.wait(Deployment, "web", until=is_rolled_out, timeout_s=300)
        note = f"{(cluster.view.revision - before) / replicas:.1f} events a pod"
        return watch.seconds(f"Deployment of {replicas:,} on {NODES} simulated nodes, rolled to another image", 3.0, note)


def job(number: int) -> batch_v1.Job:
    """One pod that ends well as soon as it runs."""
    pods = objects.template("work", "img", probed=False)
    labels = {"sim.shipslog/runs-for-s": "0"}
    spec = replace(pods.spec, restart_policy="Never")
    template = replace(pods, metadata=meta_v1.ObjectMeta(labels=labels), spec=spec)
    meta = meta_v1.ObjectMeta(name=f"j{number}", namespace="default")
    return batch_v1.Job(metadata=meta, spec=batch_v1.JobSpec(template=template))


def is_complete(held: batch_v1.Job) -> bool:
    return any(c.type == "Complete" and c.status == "True" for c in held.status.conditions)


def becomes_complete(event: Event, entry: Entry | None, previous: Entry | None) -> bool:
    if entry is None or previous is None or not isinstance(entry.object, batch_v1.Job):
        return False
    return is_complete(entry.object) and not is_complete(previous.object)


async def jobs(count: int) -> Row:
    async with cluster_of(NODES) as cluster:
        completed = Counted(cluster, count, becomes_complete)
        watch, before = Stopwatch(), cluster.view.revision
        await asyncio.gather(*(cluster.create(job(i)) for i in range(count)))
        await completed.all()
        note = f"{(cluster.view.revision - before) / count:.1f} events a job"
        return watch.seconds(f"{count:,} Jobs of one pod, created to Complete", 5.0, note)


async def first_bound(replicas: int) -> Row:
    """How many pods of a ReplicationController have been made when the first is bound: a number that no clock decides."""
    async with cluster_of(NODES) as cluster:
        begun = cluster.view.revision
        await cluster.create(objects.rc("many", "default", replicas, probed=False))
        await cluster.wait(
            core_v1.ReplicationController, "many", until=lambda rc: rc.status.replicas == replicas, timeout_s=300
        )
        made = 0
        async for events in cluster.log.read(begun):
            for event in events:
                if isinstance(event.fact, ObjectCreated) and event.fact.resource == "pods":
                    made += 1
                elif isinstance(event.fact, ObjectModified) and event.fact.subresource == "binding":
                    return Row(f"RC of {replicas}: pods made before the first is bound", made, "pods", 128, None, lower=True)
        raise RuntimeError("no pod was bound")
