"""Jobs, daemon sets and stateful sets while engines die, commands get lost and pods are deleted: nothing is counted twice, and
all comes to rest."""

import random
from collections import defaultdict

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.store.objects import apps_v1, batch_v1, core_v1
from shipslog.store.refusals import Refusal
from shipslog.testing import Scenario, simulate

COMPLETIONS, JOBS = 4, 4
MANIFEST = """
apiVersion: batch/v1
kind: Job
metadata: {name: NAME}
spec:
  completions: 4
  parallelism: 2
  completionMode: MODE
  backoffLimit: 100
  podReplacementPolicy: REPLACED
  template:
    metadata: {labels: {sim.shipslog/runs-for-s: "3", sim.shipslog/exit-code: "0"}}
    spec: {restartPolicy: Never, containers: [{name: c, image: img}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: everywhere}
spec:
  selector: {matchLabels: {app: everywhere}}
  template:
    metadata: {labels: {app: everywhere}}
    spec: {containers: [{name: c, image: IMAGE}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: named}
spec:
  replicas: 3
  serviceName: named
  selector: {matchLabels: {app: named}}
  template:
    metadata: {labels: {app: named}}
    spec: {containers: [{name: c, image: IMAGE}]}
"""


async def client(cluster: Cluster, rng: random.Random) -> None:
    """Makes jobs, changes what the sets run, and deletes pods of any of them."""
    number = 0
    while True:
        await cluster.clock.sleep(rng.expovariate(0.3))
        try:
            if number < JOBS:
                text = MANIFEST.replace("NAME", f"job-{number}").replace("IMAGE", rng.choice("ab"))
                text = text.replace("MODE", rng.choice(("Indexed", "NonIndexed")))
                await cluster.apply(text.replace("REPLACED", rng.choice(("Failed", "TerminatingOrFailed"))))
                number += 1
            pods = cluster.list(core_v1.Pod)
            if pods and rng.random() < 0.5:
                await cluster.delete(core_v1.Pod, rng.choice(pods).metadata.name)
        except Refusal:
            pass


def scenario() -> Scenario:
    seen: dict[str, set[str]] = defaultdict(set)  # the pods that there ever were, by their job

    def always(cluster: Cluster) -> None:
        for pod in cluster.list(core_v1.Pod):
            for owner in pod.metadata.owner_references:
                seen[owner.uid].add(pod.metadata.uid)
        for job in cluster.list(batch_v1.Job):
            status, waiting = job.status, job.status.uncounted_terminated_pods or batch_v1.UncountedTerminatedPods()
            counted = status.succeeded + status.failed + len(waiting.succeeded) + len(waiting.failed)
            assert status.succeeded <= COMPLETIONS and counted <= len(seen[job.metadata.uid]), status

    def settled(cluster: Cluster) -> None:
        for job in cluster.list(batch_v1.Job):
            status, spec = job.status, job.spec
            assert status.succeeded == COMPLETIONS, status
            assert any(c.type == "Complete" and c.status == "True" for c in status.conditions), status
            if spec.completion_mode == "NonIndexed" and spec.pod_replacement_policy == "TerminatingOrFailed":
                assert status.succeeded + status.failed == len(seen[job.metadata.uid]), status
        assert not any(pod.metadata.finalizers for pod in cluster.list(core_v1.Pod))
        for daemons in cluster.list(apps_v1.DaemonSet):
            held = daemons.status
            assert held.desired_number_scheduled == held.number_available == held.updated_number_scheduled, held
        for stateful in cluster.list(apps_v1.StatefulSet):
            found = stateful.status
            assert (found.replicas, found.ready_replicas, found.updated_replicas) == (3, 3, 3), found

    return Scenario(client=client, always=always, settled=settled)


@pytest.mark.parametrize("seed", range(1, 5))
def test_they_live_through_faults(seed: int) -> None:
    simulate(seed, scenario=scenario())
