"""Volumes that something else holds, as the node is told to mount them."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.kubelet import lifecycle
from shipslog.runtime.commands import RemoteVolume, RunPodSandbox
from shipslog.store.facts import CsiDriver
from shipslog.store.objects.types import core_v1, storage_v1
from tests.reconcilers.views import NOW, meta, node, observed, pod, view_of, woken

ADDRESSES = tuple(core_v1.EndpointAddress(ip=ip) for ip in ("10.0.0.1", "10.0.0.2"))
HOSTS = core_v1.Endpoints(metadata=meta("g"), subsets=(core_v1.EndpointSubset(addresses=ADDRESSES),))
SECRET = core_v1.Secret(metadata=meta("s"), data={"key": "QVE="})
ELSEWHERE = core_v1.Secret(metadata=meta("s", namespace="storage", uid="other"), data={"key": "QkI="})
NFS = core_v1.NFSVolumeSource(server="10.0.0.9", path="/e", read_only=True)
RBD = core_v1.RBDVolumeSource(monitors=("m",), image="i", secret_ref=core_v1.LocalObjectReference(name="s"))


def decided(volume: core_v1.Volume, *things: Any) -> Any:
    made = pod("p", node="n", phase="Pending")
    made = replace(made, spec=replace(made.spec, volumes=(volume,)))
    return lifecycle.decide(view_of(node("n"), observed("n"), made, *things), "pod/uid-pods-p", now=NOW)


def remote(volume: core_v1.Volume, *things: Any) -> RemoteVolume:
    (sandbox,) = [c for c in decided(volume, *things).commands if isinstance(c, RunPodSandbox)]
    (source,) = sandbox.volumes
    assert source.kind == "remote" and isinstance(source.remote, RemoteVolume)
    assert source.read_only == bool(source.remote.source.get("readOnly"))
    return source.remote


def test_a_volume_of_the_pod() -> None:
    found = remote(core_v1.Volume(name="v", nfs=NFS))
    assert found == RemoteVolume(plugin="nfs", source={"server": "10.0.0.9", "path": "/e", "readOnly": True})


def test_its_secret_is_read_and_not_named() -> None:
    found = remote(core_v1.Volume(name="v", rbd=RBD), SECRET, ELSEWHERE)
    assert found.secret == {"key": b"AQ"} and "secretRef" not in found.source


def test_its_servers_are_the_endpoints() -> None:
    volume = core_v1.Volume(name="v", glusterfs=core_v1.GlusterfsVolumeSource(endpoints="g", path="vol"))
    assert remote(volume, HOSTS).hosts == ("10.0.0.1", "10.0.0.2")


def test_a_flex_volume_knows_its_pod() -> None:
    found = remote(core_v1.Volume(name="v", flex_volume=core_v1.FlexVolumeSource(driver="a/b")))
    assert found.pod["pod.name"] == "p" and found.pod["serviceAccount.name"] == "default"


def test_the_claim_says_options_and_where_its_secret_is() -> None:
    ref = core_v1.SecretReference(name="s", namespace="storage")
    source = core_v1.RBDPersistentVolumeSource(monitors=("m",), image="i", secret_ref=ref)
    about = core_v1.ObjectReference(namespace="default", name="c", uid="uid-persistentvolumeclaims-c")
    spec = core_v1.PersistentVolumeSpec(rbd=source, mount_options=("noatime",), claim_ref=about)
    disk = core_v1.PersistentVolume(metadata=meta("pv"), spec=spec)
    claim = core_v1.PersistentVolumeClaim(
        metadata=replace(meta("c"), uid="uid-persistentvolumeclaims-c"),
        spec=core_v1.PersistentVolumeClaimSpec(volume_name="pv"),
        status=core_v1.PersistentVolumeClaimStatus(phase="Bound"),
    )
    named = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c")
    found = remote(core_v1.Volume(name="v", persistent_volume_claim=named), claim, disk, SECRET, ELSEWHERE)
    assert (found.volume, found.mount_options, found.secret) == ("pv", ("noatime",), {"key": b"BB"})


@pytest.mark.parametrize(
    ("volume", "why"),
    [
        (core_v1.Volume(name="v", rbd=RBD), 'secret "s" not found'),
        (
            core_v1.Volume(name="v", glusterfs=core_v1.GlusterfsVolumeSource(endpoints="g", path="p")),
            'endpoints "g" not found',
        ),
    ],
    ids=["a secret", "endpoints"],
)
def test_what_is_missing_is_named(volume: core_v1.Volume, why: str) -> None:
    found = decided(volume)
    assert not [c for c in found.commands if isinstance(c, RunPodSandbox)]
    assert any(why in said.message for said in found.says), found.says


DRIVER = CsiDriver(name="d.example.com", node_id="id-1")


def csi(*things: Any, attached: bool | None = True, inline: bool = False, drivers: tuple[CsiDriver, ...] = (DRIVER,)) -> Any:
    """What is decided of a pod with a volume of a driver, and of its attachment if it has one."""
    source = core_v1.CSIPersistentVolumeSource(driver=DRIVER.name, volume_handle="h", fs_type="ext4", read_only=True)
    about = core_v1.ObjectReference(namespace="default", name="c", uid="uid-c")
    disk = core_v1.PersistentVolume(
        metadata=meta("pv"),
        spec=core_v1.PersistentVolumeSpec(csi=source, claim_ref=about, access_modes=("ReadWriteOnce",)),
    )
    claim = core_v1.PersistentVolumeClaim(
        metadata=meta("c", uid="uid-c"),
        spec=core_v1.PersistentVolumeClaimSpec(volume_name="pv"),
        status=core_v1.PersistentVolumeClaimStatus(phase="Bound"),
    )
    spec = storage_v1.VolumeAttachmentSpec(
        attacher=DRIVER.name, node_name="n", source=storage_v1.VolumeAttachmentSource(persistent_volume_name="pv")
    )
    status = storage_v1.VolumeAttachmentStatus(attached=bool(attached), attachment_metadata={"disk": "x"})
    attachment = storage_v1.VolumeAttachment(metadata=meta("csi-1"), spec=spec, status=status)
    named = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c")
    mine = core_v1.CSIVolumeSource(driver=DRIVER.name, volume_attributes={"a": "b"})
    volume = core_v1.Volume(name="v", csi=mine) if inline else core_v1.Volume(name="v", persistent_volume_claim=named)
    made = pod("p", node="n", phase="Pending")
    made = replace(made, spec=replace(made.spec, volumes=(volume,)))
    seen = replace(observed("n"), drivers=drivers)
    there = (claim, disk, *((attachment,) if attached is not None else ()), *things)
    view = view_of(node("n"), seen, made)
    wakes = [woken(lifecycle.WAKES, view, thing) for thing in there]
    return lifecycle.decide(view, "pod/uid-pods-p", now=NOW), wakes


def driver(**more: Any) -> storage_v1.CSIDriver:
    return storage_v1.CSIDriver(metadata=meta(DRIVER.name), spec=storage_v1.CSIDriverSpec(**more))


def sandbox(decided: Any) -> RemoteVolume:
    (found,) = [c for c in decided.commands if isinstance(c, RunPodSandbox)]
    assert isinstance(found.volumes[0].remote, RemoteVolume)
    return found.volumes[0].remote


def test_a_drivers_volume_waits_until_it_is_attached() -> None:
    decided, _ = csi(attached=None)
    assert any("pv is not attached to n yet" in said.message for said in decided.says)
    decided, _ = csi(attached=False)
    assert any("pv is not attached to n yet" in said.message for said in decided.says)
    decided, wakes = csi()
    found = sandbox(decided)
    assert (found.plugin, found.handle, found.volume, found.attached) == ("csi", "h", "pv", {"disk": "x"})
    assert found.access_mode == "ReadWriteOnce" and not found.pod
    assert "pod/uid-pods-p" in wakes[-1], "the attachment wakes the pod"


def test_a_driver_that_attaches_nothing_is_not_waited_for_and_told_of_pods_if_it_asks() -> None:
    decided, _ = csi(driver(attach_required=False, pod_info_on_mount=True), attached=None)
    assert sandbox(decided).pod["ephemeral"] == "false" and sandbox(decided).pod["pod.name"] == "p"


@pytest.mark.parametrize(("said", "found"), [("File", "File"), ("None", "None"), ("ReadWriteOnceWithFSType", ""), (None, "")])
def test_a_driver_says_whether_what_it_brings_is_the_groups(said: str | None, found: str) -> None:
    decided, _ = csi(driver(fs_group_policy=said))
    assert sandbox(decided).group_policy == found


def test_a_volume_of_a_driver_that_the_pod_names() -> None:
    decided, _ = csi(inline=True)
    assert any('volume mode "Ephemeral" not supported by driver d.example.com' in said.message for said in decided.says)
    decided, _ = csi(driver(volume_lifecycle_modes=("Ephemeral",), pod_info_on_mount=True), inline=True)
    found = sandbox(decided)
    assert found.handle.startswith("csi-") and not found.volume and found.pod["ephemeral"] == "true"


def test_a_driver_that_is_not_on_the_node_is_named() -> None:
    decided, _ = csi(drivers=())
    assert any("driver name d.example.com not found in the list of registered CSI drivers" in s.message for s in decided.says)
