"""Volumes that something else holds, in real containers: what their driver mounts is what the pod sees, and goes with it."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from shipslog import Cluster
from shipslog.runtime.volumes.remote import flex
from shipslog.store.objects import core_v1, storage_v1
from tests.runtime.containers.test_contract import IMAGE, real_node
from tests.runtime.volumes.remote.conftest import Tools
from tests.runtime.volumes.remote.csi_driver import NAME, Driver
from tests.runtime.volumes.remote.test_flex import MOUNTS

pytestmark = pytest.mark.root
SEES = "while read a b c; do [ $a$b != flex/data ] || echo yes > /data/seen; done < /proc/mounts; sleep 1000"
MANIFEST = f"""
apiVersion: v1
kind: Pod
metadata: {{name: p}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: {IMAGE}
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "{SEES}"]
    readinessProbe: {{exec: {{command: [sh, -c, "read x < /data/seen"]}}, periodSeconds: 1}}
    volumeMounts: [{{name: v, mountPath: /data}}]
  volumes:
  - name: v
    flexVolume: {{driver: example.com/lvm, options: {{size: 1Gi}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: waits}}
spec:
  containers: [{{name: c, image: {IMAGE}, imagePullPolicy: IfNotPresent, volumeMounts: [{{name: v, mountPath: /data}}]}}]
  volumes: [{{name: v, gcePersistentDisk: {{pdName: none}}}}]
"""
WHY = "use a volume of the CSI driver pd.csi.storage.gke.io"


async def test_a_driver_mounts_for_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    monkeypatch.setattr(flex, "DIRECTORY", tmp_path)
    driver = Tools(tmp_path / "example.com~lvm")
    driver.add("lvm", MOUNTS)
    async with Cluster.open(runtime=[real_node(tmp_path)()], end_pods=lambda: True) as cluster:
        await cluster.apply(MANIFEST)
        await cluster.wait(
            core_v1.Pod, "p", until=lambda pod: any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)
        )
        async with asyncio.timeout(20):
            while not any(event.reason == "FailedMount" and WHY in event.message for event in cluster.list(core_v1.Event)):
                await asyncio.sleep(0.05)
        for name in ("p", "waits"):
            await cluster.delete(core_v1.Pod, name)
            await cluster.gone(core_v1.Pod, name)
    assert [call.split()[1] for call in driver.calls if call != "lvm init"] == ["mount", "unmount"]


CSI = f"""
apiVersion: v1
kind: PersistentVolume
metadata: {{name: pv}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  csi: {{driver: {NAME}, volumeHandle: h, fsType: ext4}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: c}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: "", volumeName: pv, resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: p}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: {IMAGE}
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "echo here > /data/kept; sleep 1000"]
    volumeMounts: [{{name: v, mountPath: /data}}]
  volumes: [{{name: v, persistentVolumeClaim: {{claimName: c}}}}]
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose name leaves room for those of sockets."""
    made = Path(tempfile.mkdtemp(prefix="csi-"))
    yield made
    shutil.rmtree(made)


async def test_a_csi_driver_brings_a_claims_volume(short: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    node = real_node(short)()
    async with Cluster.open(runtime=[node], end_pods=lambda: True) as cluster:
        layout = node._life.layout
        driver = Driver(short, layout.data / "plugins_registry", inside=layout.pinned / "mnt")
        try:
            await cluster.apply(CSI)
            async with asyncio.timeout(20):
                while not (cluster.list(storage_v1.CSINode) and cluster.list(storage_v1.VolumeAttachment)):
                    await asyncio.sleep(0.05)
            (attachment,) = cluster.list(storage_v1.VolumeAttachment)
            assert attachment.spec.attacher == NAME and not driver.calls
            status = storage_v1.VolumeAttachmentStatus(attached=True)
            await cluster.update(msgspec.structs.replace(attachment, status=status), subresource="status")
            await cluster.wait(core_v1.Pod, "p", until=lambda pod: pod.status.phase == "Running")
            await cluster.delete(core_v1.Pod, "p")
            async with asyncio.timeout(20):
                while "NodeUnstageVolume" not in driver.names():
                    await asyncio.sleep(0.05)
        finally:
            driver.stop()
    assert driver.names() == ["NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"]
