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
from shipslog.store.objects.types import core_v1, storage_v1
from tests.runtime.containers.test_contract import IMAGE, real_node
from tests.runtime.volumes.remote.conftest import Tools
from tests.runtime.volumes.remote.csi_driver import NAME, Driver
from tests.runtime.volumes.remote.test_flex import MOUNTS

from .csi_sidecars import DEFINITION, Sidecars

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


POD = CSI.rpartition("---")[2]
CLASS = f"""
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: fast}}
provisioner: {NAME}
allowVolumeExpansion: true
"""
GROWING = f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: c}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: fast, resources: {{requests: {{storage: 1Gi}}}}}}
---
{POD}
"""
SNAPSHOT = """
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: before}
spec: {source: {persistentVolumeClaimName: c}}
"""
COPY = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: copy}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  resources: {requests: {storage: 1Gi}}
  dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: before}
"""
INLINE = f"""
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {{name: {NAME}}}
spec: {{podInfoOnMount: true, volumeLifecycleModes: [Persistent, Ephemeral]}}
---
{POD.replace("name: p}", "name: inline}").replace("persistentVolumeClaim: {claimName: c}", f"csi: {{driver: {NAME}}}")}
"""


async def test_a_claims_life_with_a_driver_and_its_sidecars(short: Path) -> None:
    """Provisioned, attached, staged and published; grown while it is used; taken a snapshot of, and begun from one; deleted."""
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    node = real_node(short)()
    layout = node._life.layout
    driver = Driver(short, layout.data / "plugins_registry", inside=layout.pinned / "mnt")
    try:
        async with Cluster.open(runtime=[node], end_pods=lambda: True) as cluster:
            sidecars = Sidecars(cluster, NAME)
            async with sidecars.running():
                await cluster.apply(CLASS)
                await cluster.apply(GROWING)
                await cluster.wait(core_v1.Pod, "p", until=lambda pod: pod.status.phase == "Running", timeout_s=60)
                (stage,) = [request for name, request in driver.calls if name == "NodeStageVolume"]
                assert stage.volume_id in sidecars.disks and dict(stage.publish_context) == {"disk": "/dev/x"}
                await cluster.apply(GROWING.replace("storage: 1Gi", "storage: 3Gi").partition("---")[0])
                grown = await cluster.wait(
                    core_v1.PersistentVolumeClaim, "c", until=lambda c: c.status.capacity.get("storage") == "3Gi", timeout_s=60
                )
                assert not grown.status.conditions and not grown.status.allocated_resource_statuses
                (asked,) = [request for name, request in driver.calls if name == "NodeExpandVolume"]
                assert asked.capacity_range.required_bytes == 3 << 30 and asked.staging_target_path == stage.staging_target_path
                await cluster.apply(DEFINITION)
                definition = "volumesnapshots.snapshot.storage.k8s.io"
                established = lambda d: any(c.type == "Established" and c.status == "True" for c in d.status.conditions)  # noqa: E731
                await cluster.wait("CustomResourceDefinition", definition, until=established, timeout_s=60)
                await cluster.apply(SNAPSHOT)
                await cluster.apply(COPY)
                copy = await cluster.wait(
                    core_v1.PersistentVolumeClaim, "copy", until=lambda c: c.status.phase == "Bound", timeout_s=60
                )
                assert sidecars.disks[f"handle-{copy.spec.volume_name}"] == (1 << 30, "before")
                await cluster.apply(INLINE)
                await cluster.wait(core_v1.Pod, "inline", until=lambda pod: pod.status.phase == "Running", timeout_s=60)
                context = dict(driver.calls[-1][1].volume_context)
                assert context["csi.storage.k8s.io/ephemeral"] == "true"
                assert context["csi.storage.k8s.io/pod.name"] == "inline"
                for name in ("p", "inline"):
                    await cluster.delete(core_v1.Pod, name)
                    await cluster.gone(core_v1.Pod, name, timeout_s=60)
                for name in ("c", "copy"):
                    volume = cluster.get(core_v1.PersistentVolumeClaim, name).spec.volume_name
                    await cluster.delete(core_v1.PersistentVolumeClaim, name)
                    await cluster.gone(core_v1.PersistentVolume, volume, timeout_s=60)
                assert not sidecars.disks
    finally:
        driver.stop()
    assert driver.names().count("NodeUnstageVolume") == 1
    assert len({request.target_path for name, request in driver.calls if name == "NodeUnpublishVolume"}) == 2


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
