"""Jobs, cron jobs, daemon sets and stateful sets while engines die, commands get lost, pods are deleted and people change their
minds: nothing is counted twice, nothing runs twice, and all comes to rest.

From a shell: `shipslog simulate tests.reconcilers.workloads.test_through_faults:SCENARIO --seeds 100`.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

import msgspec
import pytest

from shipslog.engine.cluster import Cluster
from shipslog.reconcilers.rule.pods import controller_of, is_active
from shipslog.store.commands import Delete, Evict, Patch
from shipslog.store.objects.patch import MERGE_PATCH, STRATEGIC_PATCH
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import apps_v1, batch_v1, core_v1
from shipslog.store.refusals import Refusal
from shipslog.testing import Scenario, simulate

COMPLETIONS, JOBS = 4, 6
WAYS: tuple[Literal["Background", "Foreground", "Orphan"], ...] = ("Background", "Background", "Foreground", "Orphan")
RESOURCES: dict[type[Any], str] = {
    batch_v1.Job: "jobs.batch",
    batch_v1.CronJob: "cronjobs.batch",
    apps_v1.DaemonSet: "daemonsets.apps",
    apps_v1.StatefulSet: "statefulsets.apps",
}
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: NAME}
spec:
  completions: 4
  parallelism: 2
  completionMode: MODE
  backoffLimit: LIMIT
  podReplacementPolicy: REPLACED
  template:
    metadata: {labels: {sim.shipslog/runs-for-s: "3", sim.shipslog/exit-code: "CODE"}}
    spec: {restartPolicy: Never, containers: [{name: c, image: img}]}
"""
SETS = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: everywhere}
spec:
  selector: {matchLabels: {app: everywhere}}
  updateStrategy: {rollingUpdate: ROLLING}
  template:
    metadata: {labels: {app: everywhere}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: in-order}
spec:
  replicas: 3
  serviceName: in-order
  selector: {matchLabels: {app: in-order}}
  template:
    metadata: {labels: {app: in-order}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: at-once}
spec:
  replicas: 3
  serviceName: at-once
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: at-once}}
  template:
    metadata: {labels: {app: at-once}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: minutely}
spec:
  schedule: "* * * * *"
  concurrencyPolicy: POLICY
  jobTemplate:
    spec:
      backoffLimit: 100
      template:
        metadata: {labels: {sim.shipslog/runs-for-s: "20", sim.shipslog/exit-code: "0"}}
        spec: {restartPolicy: Never, containers: [{name: c, image: img}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: in-order}
spec: {minAvailable: 2, selector: {matchLabels: {app: in-order}}}
"""


class People:
    """Somebody who makes all these, and changes, scales, suspends and deletes them."""

    def __init__(self, cluster: Cluster, rng: random.Random) -> None:
        self.cluster, self.rng = cluster, rng
        self._works: tuple[tuple[int, Callable[[], Awaitable[Any]]], ...] = (
            (3, self.job),
            (2, self.sets),
            (4, self.image),
            (3, self.scale),
            (2, self.suspend),
            (1, self.delete),
            (4, self.pod),
            (2, self.node),
        )

    async def run(self) -> None:
        weights, works = [w for w, _ in self._works], [work for _, work in self._works]
        while True:
            await self.cluster.clock.sleep(self.rng.expovariate(0.6))
            with suppress(Refusal):
                await self.rng.choices(works, weights)[0]()

    async def job(self) -> None:
        """One that ends well, or one that cannot."""
        number, mode = self.rng.randrange(JOBS), self.rng.choice(("Indexed", "NonIndexed"))
        code, limit = ("0", "100") if number % 3 else ("1", "1")
        text = JOB.replace("NAME", f"job-{number}").replace("MODE", mode).replace("CODE", code).replace("LIMIT", limit)
        await self.cluster.apply(text.replace("REPLACED", self.rng.choice(("Failed", "TerminatingOrFailed"))))

    async def sets(self) -> None:
        rolling = self.rng.choice(("{maxUnavailable: 1}", "{maxUnavailable: 0, maxSurge: 1}", "{maxUnavailable: 60%}"))
        policy = self.rng.choice(("Allow", "Forbid", "Replace"))
        text = SETS.replace("IMAGE", self.rng.choice("ab")).replace("ROLLING", rolling).replace("POLICY", policy)
        await self.cluster.apply(text)

    async def image(self) -> None:
        name = self.rng.choice(("everywhere", "in-order", "at-once"))
        kind = apps_v1.DaemonSet if name == "everywhere" else apps_v1.StatefulSet
        template = {"spec": {"containers": [{"name": "c", "image": self.rng.choice("abc")}]}}
        await self._patch(RESOURCES[kind], name, {"spec": {"template": template}})

    async def scale(self) -> None:
        change = self.rng.choice(
            (
                {"replicas": self.rng.randrange(5)},
                {"ordinals": {"start": self.rng.randrange(3)}},
                {"updateStrategy": {"rollingUpdate": {"partition": self.rng.randrange(3)}}},
                {"updateStrategy": {"rollingUpdate": {"partition": 0}}},
            )
        )
        await self._patch(RESOURCES[apps_v1.StatefulSet], self.rng.choice(("in-order", "at-once")), {"spec": change})

    async def suspend(self) -> None:
        spec = {"spec": {"suspend": self.rng.random() < 0.5}}
        if self.rng.random() < 0.2:
            await self._patch(RESOURCES[batch_v1.CronJob], "minutely", spec)
        else:
            await self._patch(RESOURCES[batch_v1.Job], f"job-{self.rng.randrange(JOBS)}", spec)

    async def delete(self) -> None:
        kind = self.rng.choice(tuple(RESOURCES))
        there = self.cluster.list(kind)
        if there:
            name = self.rng.choice(there).metadata.name
            way = self.rng.choice(WAYS)
            await self.cluster.submit(Delete(resource=RESOURCES[kind], namespace="default", name=name, propagation=way))

    async def pod(self) -> None:
        if pods := self.cluster.list(core_v1.Pod):
            meta = self.rng.choice(pods).metadata
            if self.rng.random() < 0.3:
                await self.cluster.submit(Evict(namespace=meta.namespace, name=meta.name))
            else:
                await self.cluster.submit(Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid))

    async def node(self) -> None:
        """One takes new pods no more, or again."""
        name = f"n{self.rng.randrange(3)}"
        spec = {"spec": {"unschedulable": self.rng.random() < 0.3}}
        body = msgspec.json.encode(spec)
        await self.cluster.submit(Patch(resource="nodes", name=name, media_type=MERGE_PATCH, body=body))

    async def _patch(self, resource: str, name: str, change: dict[str, Any]) -> None:
        body = msgspec.json.encode(change)
        patch = Patch(resource=resource, namespace="default", name=name, media_type=STRATEGIC_PATCH, body=body)
        await self.cluster.submit(patch)


async def client(cluster: Cluster, rng: random.Random) -> None:
    for name in ("n0", "n1", "n2"):  # a world can only come to rest where there is room: each life begins with all nodes open
        body = msgspec.json.encode({"spec": {"unschedulable": False}})
        with suppress(Refusal):
            await cluster.submit(Patch(resource="nodes", name=name, media_type=MERGE_PATCH, body=body))
    await People(cluster, rng).run()


# --- at any time ---

SEEN: dict[str, set[str]] = defaultdict(set)  # the pods that there ever were, by whose they are


def always(cluster: Cluster) -> None:
    """Nothing counted twice, and no more at once than there may be."""
    held: dict[str, list[core_v1.Pod]] = defaultdict(list)
    for pod in cluster.list(core_v1.Pod):
        if (owner := controller_of(pod)) is not None:
            SEEN[owner.uid].add(pod.metadata.uid)
            held[owner.uid].append(pod)
    for job in cluster.list(batch_v1.Job):
        _job(job, held[job.metadata.uid])


def _job(job: batch_v1.Job, pods: list[core_v1.Pod]) -> None:
    status, waiting = job.status, job.status.uncounted_terminated_pods or batch_v1.UncountedTerminatedPods()
    counted = status.succeeded + status.failed + len(waiting.succeeded) + len(waiting.failed)
    assert status.succeeded <= (job.spec.completions or 1) and counted <= len(SEEN[job.metadata.uid]), status
    active = [pod for pod in pods if is_active(pod)]
    assert len(active) <= (job.spec.parallelism or 1), f"{job.metadata.name} has {len(active)} active pods"
    if job.spec.pod_replacement_policy == "Failed":
        there = [pod for pod in pods if pod.status.phase not in TERMINAL]
        assert len(there) <= (job.spec.parallelism or 1), f"{job.metadata.name} has {len(there)} pods that have not ended"
    if job.spec.completion_mode == "Indexed":
        indexes = Counter(pod.metadata.annotations["batch.kubernetes.io/job-completion-index"] for pod in active)
        assert max(indexes.values(), default=1) == 1, f"{job.metadata.name} has indexes twice: {indexes}"


# --- when all has come to rest ---


def settled(cluster: Cluster) -> None:
    held: dict[str, list[core_v1.Pod]] = defaultdict(list)
    for pod in cluster.list(core_v1.Pod):
        if (owner := controller_of(pod)) is not None:
            held[owner.uid].append(pod)
    made = {job.metadata.uid for job in cluster.list(batch_v1.Job) if job.metadata.name.startswith("minutely-")}
    for job in cluster.list(batch_v1.Job):
        if job.metadata.uid not in made and not job.metadata.deletion_timestamp:
            _ended(job, held[job.metadata.uid])
    finalizers = {f for pod in cluster.list(core_v1.Pod) if not _is_of(pod, made) for f in pod.metadata.finalizers}
    assert not finalizers, finalizers
    for daemons in cluster.list(apps_v1.DaemonSet):
        if not daemons.metadata.deletion_timestamp:
            found = daemons.status
            assert found.observed_generation == daemons.metadata.generation, found
            assert found.desired_number_scheduled == found.number_available == found.updated_number_scheduled, found
            nodes = Counter(pod.spec.node_name for pod in held[daemons.metadata.uid])
            assert set(nodes.values()) <= {1} and len(nodes) == len(cluster.list(core_v1.Node)), nodes
    for stateful in cluster.list(apps_v1.StatefulSet):
        if not stateful.metadata.deletion_timestamp:
            _stands(stateful, held[stateful.metadata.uid])
    for cron in cluster.list(batch_v1.CronJob):
        if not cron.metadata.deletion_timestamp:
            _fires(cluster, cron)


def _is_of(pod: core_v1.Pod, uids: set[str]) -> bool:
    owner = controller_of(pod)
    return owner is not None and owner.uid in uids


def _ended(job: batch_v1.Job, pods: list[core_v1.Pod]) -> None:
    status, spec = job.status, job.spec
    reached = {c.type for c in status.conditions if c.status == "True"}
    if reached & {"Complete", "Failed"}:
        assert not status.active and not any(map(is_active, pods)), status
        good = spec.template.metadata.labels["sim.shipslog/exit-code"] == "0"
        assert ("Complete" in reached) == good and (status.succeeded == COMPLETIONS) == good, status
        return
    assert spec.suspend and "Suspended" in reached, status
    assert not status.active and not any(map(is_active, pods)), status


def _stands(stateful: apps_v1.StatefulSet, pods: list[core_v1.Pod]) -> None:
    spec, status, meta = stateful.spec, stateful.status, stateful.metadata
    first, wanted = spec.ordinals.start if spec.ordinals is not None else 0, spec.replicas or 0
    names = {pod.metadata.name for pod in pods}
    assert names == {f"{meta.name}-{n}" for n in range(first, first + wanted)}, names
    assert (status.replicas, status.ready_replicas, status.observed_generation) == (wanted, wanted, meta.generation), status
    rolling = spec.update_strategy.rolling_update
    new = max(wanted - ((rolling.partition or 0) if rolling is not None else 0), 0)
    assert status.updated_replicas >= new, status
    if new == wanted:
        assert status.current_revision == status.update_revision, status


def _fires(cluster: Cluster, cron: batch_v1.CronJob) -> None:
    mine = [job for job in cluster.list(batch_v1.Job) if (o := controller_of(job)) and o.uid == cron.metadata.uid]
    finished = [job for job in mine if any(c.type == "Complete" for c in job.status.conditions)]
    kept = cron.spec.successful_jobs_history_limit or 0
    assert len(finished) <= kept, f"{len(finished)} jobs are kept of {kept}"
    there = {job.metadata.uid for job in mine if job not in finished}
    assert {ref.uid for ref in cron.status.active} == there, cron.status
    if not cron.spec.suspend:
        assert cron.status.last_schedule_time and len(mine) > 1, cron.status


SCENARIO = Scenario(client=client, always=always, settled=settled)


@pytest.mark.parametrize("seed", range(1, 5))
def test_they_live_through_faults(seed: int) -> None:
    simulate(seed, scenario=SCENARIO)
