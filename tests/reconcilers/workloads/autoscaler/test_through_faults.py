"""Autoscalers while engines die and commands get lost: never outside their bounds, and where the load says in the end."""

import random
from collections.abc import Sequence
from math import ceil

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.store.facts import MetricReading
from shipslog.store.objects.types import apps_v1, autoscaling_v2, core_v1
from shipslog.store.refusals import Refusal
from shipslog.testing import Scenario, simulate

LEAST, MOST, TARGET = 2, 9, 100
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: scaled}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: scaled}}
  template:
    metadata: {labels: {app: scaled}}
    spec: {containers: [{name: c, image: img}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scaled}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: scaled}
  minReplicas: 2
  maxReplicas: 9
  metrics: [{type: Pods, pods: {metric: {name: load}, target: {type: AverageValue, averageValue: 100}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: WINDOW}}
"""


class Load:
    """A load that the pods share evenly."""

    total = 400

    async def read(
        self, autoscaler: autoscaling_v2.HorizontalPodAutoscaler, spec: autoscaling_v2.MetricSpec, pods: Sequence[core_v1.Pod]
    ) -> MetricReading:
        running = [pod.metadata.name for pod in pods if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp]
        if not running:
            return MetricReading(error="nobody answers")
        return MetricReading(values=dict.fromkeys(running, self.total * 1000 // len(running)), at_ns=1, window_ns=1)


def scenario() -> Scenario:
    load = Load()

    async def client(cluster: Cluster, rng: random.Random) -> None:
        cluster.metrics_reader.metrics = load
        while True:
            await cluster.clock.sleep(rng.expovariate(0.3))
            load.total = rng.choice((0, 100, 400, 650, 2000))
            try:
                text = MANIFEST.replace("WINDOW", str(rng.choice((0, 30, 300))))
                await cluster.apply(text.replace("REPLICAS", str(rng.randrange(1, 12))))
                pods = cluster.list(core_v1.Pod)
                if pods and rng.random() < 0.3:
                    await cluster.delete(core_v1.Pod, rng.choice(pods).metadata.name)
            except Refusal:
                pass

    def always(cluster: Cluster) -> None:
        cluster.metrics_reader.metrics = load
        for autoscaler in cluster.list(autoscaling_v2.HorizontalPodAutoscaler):
            assert autoscaler.status.desired_replicas <= MOST, autoscaler.status

    def settled(cluster: Cluster) -> None:
        for deployment in cluster.list(apps_v1.Deployment):
            if deployment.metadata.name != "scaled":
                continue
            count, each = deployment.spec.replicas or 0, ceil(load.total / TARGET)
            wanted = min(max(each, LEAST), MOST)
            assert LEAST <= count <= MOST
            within = not each or abs(load.total / (TARGET * count) - 1) <= 0.1
            assert count == wanted or within, f"{count} for a load of {load.total}"

    return Scenario(client=client, always=always, settled=settled)


@pytest.mark.parametrize("seed", range(1, 4))
def test_they_live_through_faults(seed: int) -> None:
    simulate(seed, scenario=scenario())
