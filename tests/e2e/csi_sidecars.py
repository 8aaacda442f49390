"""What comes with a CSI driver on Kubernetes, for a test: they watch the API and ask the driver, as the provisioner, the
attacher and the resizer do. Each step is taken once, however often it is looked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from msgspec.structs import replace

from shipslog import Cluster
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types import core_v1, meta_v1, storage_v1
from shipslog.store.objects.values import quantity
from shipslog.store.refusals import Refusal

ASKED = "volume.kubernetes.io/storage-provisioner"
PROVISIONED = "pv.kubernetes.io/provisioned-by"
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: volumesnapshots.snapshot.storage.k8s.io
  annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-csi/external-snapshotter/pull/419"}
spec:
  group: snapshot.storage.k8s.io
  scope: Namespaced
  names: {kind: VolumeSnapshot, plural: volumesnapshots, singular: volumesnapshot}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


class Sidecars:
    """Of one driver. `disks`: what it has made, by handle: its size and what it began with."""

    def __init__(self, cluster: Cluster, driver: str) -> None:
        self._cluster, self._driver = cluster, driver
        self.disks: dict[str, tuple[int, str]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the body runs. Errors of theirs are its own."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            if not task.done():
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            for step in (self._provision, self._attach, self._resize, self._delete):
                with contextlib.suppress(Refusal):  # somebody else wrote it first: it is looked at again
                    await step()
            await asyncio.sleep(0.05)

    async def _provision(self) -> None:
        for claim in self._cluster.list(core_v1.PersistentVolumeClaim):
            name = f"pvc-{claim.metadata.uid}"
            asked = claim.metadata.annotations.get(ASKED) == self._driver and not claim.spec.volume_name
            if not asked or self._cluster.view.get(core_v1.PersistentVolume, name) is not None:
                continue
            source, size = claim.spec.data_source, claim.spec.resources.requests["storage"]
            self.disks[f"handle-{name}"] = (int(quantity.value(size)), source.name if source is not None else "")
            spec = core_v1.PersistentVolumeSpec(
                capacity={"storage": size},
                access_modes=claim.spec.access_modes,
                storage_class_name="fast",
                persistent_volume_reclaim_policy="Delete",
                volume_mode="Filesystem",
                csi=core_v1.CSIPersistentVolumeSource(driver=self._driver, volume_handle=f"handle-{name}", fs_type="ext4"),
                claim_ref=core_v1.ObjectReference(
                    kind="PersistentVolumeClaim",
                    api_version="v1",
                    namespace=claim.metadata.namespace,
                    name=claim.metadata.name,
                    uid=claim.metadata.uid,
                ),
            )
            meta = meta_v1.ObjectMeta(name=name, annotations={PROVISIONED: self._driver})
            await self._cluster.create(core_v1.PersistentVolume(metadata=meta, spec=spec))

    async def _attach(self) -> None:
        for one in self._cluster.list(storage_v1.VolumeAttachment):
            if one.spec.attacher == self._driver and not one.status.attached and not one.metadata.deletion_timestamp:
                status = storage_v1.VolumeAttachmentStatus(attached=True, attachment_metadata={"disk": "/dev/x"})
                await self._cluster.update(replace(one, status=status), subresource="status")

    async def _resize(self) -> None:
        for claim in self._cluster.list(core_v1.PersistentVolumeClaim):
            volume = self._cluster.view.get(core_v1.PersistentVolume, claim.spec.volume_name)
            wants = claim.spec.resources.requests["storage"]
            if volume is None or volume.spec.csi is None or claim.status.phase != "Bound":
                continue
            if quantity.value(volume.spec.capacity["storage"]) < quantity.value(wants):
                self.disks[volume.spec.csi.volume_handle] = (int(quantity.value(wants)), "")
                larger = replace(volume, spec=replace(volume.spec, capacity={"storage": wants}))
                await self._cluster.update(larger)
            elif claim.status.capacity.get("storage") != wants and not find_condition(
                claim.status.conditions, "FileSystemResizePending"
            ):
                waits = core_v1.PersistentVolumeClaimCondition(type="FileSystemResizePending", status="True")
                status = replace(
                    claim.status, conditions=(*claim.status.conditions, waits),
                    allocated_resource_statuses={"storage": "NodeResizePending"},
                )  # fmt: skip
                await self._cluster.update(replace(claim, status=status), subresource="status")

    async def _delete(self) -> None:
        for volume in self._cluster.list(core_v1.PersistentVolume):
            if volume.status.phase == "Released" and volume.metadata.annotations.get(PROVISIONED) == self._driver:
                assert volume.spec.csi is not None
                self.disks.pop(volume.spec.csi.volume_handle, None)
                await self._cluster.delete(core_v1.PersistentVolume, volume.metadata.name)
