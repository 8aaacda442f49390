"""What a node's status says of its volumes."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.storage import attachments, node_volumes
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.testing import TestCluster
from tests.reconcilers.views import NOW, add, node, pod, view_of, woken, woken_by_end

from .test_attachments import BOUND, disk, user

NAME = "kubernetes.io/csi/csi.example.com^h"


def said(view: MemoryView) -> tuple[list[str], list[str]] | None:
    """(attached, in use), as the status is to say; None where it says so."""
    decision = node_volumes.decide(view, "n", now=NOW)
    if not decision.commands:
        return None
    (update,) = decision.commands
    assert isinstance(update, Update) and update.subresource == "status"
    status: Any = update.object.status
    assert all(one.device_path == "" for one in status.volumes_attached) and status.conditions
    add(view, update.object)
    return [one.name for one in status.volumes_attached], list(status.volumes_in_use)


def attachment(view: MemoryView) -> storage_v1.VolumeAttachment:
    (create,) = attachments.decide(view, "v", now=NOW).commands
    made: storage_v1.VolumeAttachment = create.object  # type: ignore[union-attr]
    return made


def test_it_is_in_use_while_a_pod_has_it_and_attached_while_it_is() -> None:
    view = view_of(node("n"), disk(), BOUND)
    assert said(view) is None
    assert woken(node_volumes.WAKES, view, user("a", "n")) == ["n"]
    assert said(view) == ([], [NAME])
    made = attachment(view)
    add(view, made)
    assert said(view) is None, "it is asked for, and not attached yet"
    assert woken(node_volumes.WAKES, view, replace(made, status=replace(made.status, attached=True))) == ["n"]
    assert said(view) == ([NAME], [NAME]) and said(view) is None
    assert woken(node_volumes.WAKES, view, user("a", "n", phase="Succeeded")) == ["n"]
    assert said(view) == ([NAME], [])
    assert woken_by_end(node_volumes.WAKES, view, made) == ["n"]
    assert said(view) == ([], [])


def test_what_nobody_attaches_is_not_told() -> None:
    spec = storage_v1.CSIDriverSpec(attach_required=False)
    driver = storage_v1.CSIDriver(metadata=ObjectMeta(name="csi.example.com"), spec=spec)
    view = view_of(node("n"), disk(), BOUND, driver, user("a", "n"))
    assert said(view) is None
    assert woken(node_volumes.WAKES, view, pod("p", node="n")) == [], "it has no claims"
    assert node_volumes.decide(view, "gone", now=NOW).reason == "there is no such node"


MANIFEST = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: v}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  claimRef: {namespace: default, name: c}
  csi: {driver: csi.example.com, volumeHandle: h}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: c}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: v, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers: [{name: c, image: i}]
  volumes: [{name: d, persistentVolumeClaim: {claimName: c}}]
"""


async def test_on_a_cluster_that_runs(cluster: TestCluster) -> None:
    await cluster.apply(MANIFEST)
    await cluster.wait(core_v1.Node, "node", until=lambda one: one.status.volumes_in_use == (NAME,))
    (made,) = cluster.list(storage_v1.VolumeAttachment)
    await cluster.update(replace(made, status=replace(made.status, attached=True)), subresource="status")
    told = await cluster.wait(core_v1.Node, "node", until=lambda one: bool(one.status.volumes_attached))
    assert [one.name for one in told.status.volumes_attached] == [NAME]
