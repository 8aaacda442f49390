"""Stateful sets with claims while engines die, commands get lost, doubled and late, and people delete what is in use: no two
claims share a volume, no pod runs without its claims, and nothing is left on a disk that nobody has a claim for."""

import random

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.store.objects.types import apps_v1, core_v1
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.refusals import Refusal
from shipslog.testing import Scenario, simulate

MANIFEST = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: NAME}
spec:
  replicas: REPLICAS
  serviceName: NAME
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: KEPT}
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers: [{name: c, image: img}]
      volumes:
      - name: s
        ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
"""


async def client(cluster: Cluster, rng: random.Random) -> None:
    while True:
        await cluster.clock.sleep(rng.expovariate(0.4))
        name = rng.choice(("one", "two"))
        try:
            if rng.random() < 0.6:
                text = MANIFEST.replace("NAME", name).replace("REPLICAS", str(rng.randrange(4)))
                await cluster.apply(text.replace("KEPT", rng.choice(("Retain", "Delete"))))
            elif rng.random() < 0.2:
                await cluster.delete(apps_v1.StatefulSet, name)
            claims = cluster.list(core_v1.PersistentVolumeClaim)
            if claims and rng.random() < 0.3:
                gone = rng.choice(claims).metadata.name
                await cluster.delete(core_v1.PersistentVolumeClaim, gone)
                for pod in cluster.list(
                    core_v1.Pod
                ):  # one that was bound at the same moment would wait for ever, as in Kubernetes
                    if gone in claims_of(pod):
                        await cluster.delete(core_v1.Pod, pod.metadata.name)
            pods = cluster.list(core_v1.Pod)
            if pods and rng.random() < 0.3:
                await cluster.delete(core_v1.Pod, rng.choice(pods).metadata.name)
        except Refusal:
            pass


def always(cluster: Cluster) -> None:
    taken: dict[str, str] = {}
    for claim in cluster.list(core_v1.PersistentVolumeClaim):
        if claim.status.phase == "Bound" and claim.spec.volume_name:
            other = taken.setdefault(claim.spec.volume_name, claim.metadata.name)
            assert other == claim.metadata.name, f"{other} and {claim.metadata.name} have one volume"
    for pod in cluster.list(core_v1.Pod):
        runtime = cluster.view.pod_runtime(pod.metadata.uid)
        if runtime is None or not runtime.sandbox_id or pod.metadata.deletion_timestamp:
            continue
        for volume in pod.spec.volumes:
            if volume.persistent_volume_claim is None or not pod.metadata.name.startswith(("one-", "two-")):
                continue
            found = cluster.view.get(core_v1.PersistentVolumeClaim, volume.persistent_volume_claim.claim_name, "default")
            assert found is not None, f"{pod.metadata.name} runs without its claim"


def settled(cluster: Cluster) -> None:
    claims = {claim.metadata.uid: claim for claim in cluster.list(core_v1.PersistentVolumeClaim)}
    volumes = cluster.list(core_v1.PersistentVolume)
    for claim in claims.values():
        waits = claim.status.phase == "Pending" and not claim.spec.volume_name
        assert waits or claim.status.phase == "Bound", f"{claim.metadata.name} is {claim.status.phase}"
    for volume in volumes:
        ref = volume.spec.claim_ref
        assert volume.status.phase == "Bound" and ref is not None and ref.uid in claims, f"{volume.metadata.name} is left"
    kept = {(node, name) for node, runtime in cluster.runtimes.items() for name in runtime.volumes}  # type: ignore[attr-defined]
    known = {(s.node, s.volume) for v in volumes for s in cluster.view.volumes(v.metadata.name)}
    assert known <= kept and len(known) == len(volumes), f"on disks {kept}, on the log {known}"
    waiting = {f"pvc-{uid}" for uid in claims} | {volume.metadata.name for volume in volumes}
    strays = {name for _, name in kept} - waiting
    assert not strays, f"left on a disk: {strays}"
    for stateful in cluster.list(apps_v1.StatefulSet):
        assert stateful.status.ready_replicas == stateful.spec.replicas, stateful.status


@pytest.mark.parametrize("seed", range(1, 5))
def test_they_live_through_faults(seed: int) -> None:
    simulate(seed, scenario=Scenario(client=client, always=always, settled=settled))
