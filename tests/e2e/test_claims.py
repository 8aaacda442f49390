"""A stateful set with claims on real containers: what it wrote is there for its next pod, and gone with its claim."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shipslog import Cluster
from shipslog.store.objects.types import apps_v1, core_v1
from tests.runtime.containers.test_contract import IMAGE, real_node

pytestmark = pytest.mark.root
MANIFEST = f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  replicas: 1
  serviceName: db
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: {{runAsUser: 1000, fsGroup: 2000}}
      containers:
      - name: c
        image: {IMAGE}
        imagePullPolicy: IfNotPresent
        command: [sh, -c, "echo $HOSTNAME >> /data/starts; sleep 1000"]
        volumeMounts: [{{name: data, mountPath: /data}}]
  volumeClaimTemplates:
  - {{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}}}
"""


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.05)


async def test_what_a_pod_wrote_is_there_for_the_next(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    async with Cluster.open(runtime=[real_node(tmp_path)()], end_pods=lambda: True) as cluster:
        await cluster.apply(MANIFEST)
        await cluster.wait(apps_v1.StatefulSet, "db", until=lambda s: s.status.ready_replicas == 1)
        (volume,) = cluster.list(core_v1.PersistentVolume)
        assert volume.spec.local is not None
        file = Path(volume.spec.local.path) / "starts"
        await until(lambda: file.exists() and file.read_text() == "db-0\n")
        assert file.parent.stat().st_gid == 2000 and file.stat().st_uid == 1000
        await cluster.delete(core_v1.Pod, "db-0")
        await until(lambda: file.read_text() == "db-0\ndb-0\n")
        await cluster.delete(apps_v1.StatefulSet, "db")
        await cluster.delete(core_v1.PersistentVolumeClaim, "data-db-0")
        await cluster.gone(core_v1.PersistentVolume, volume.metadata.name)
        assert not file.parent.exists()
