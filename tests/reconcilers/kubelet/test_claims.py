"""What a node mounts for a claim, and why it cannot yet."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.kubelet import lifecycle
from shipslog.reconcilers.kubelet.bound_pod import BoundPod
from shipslog.reconcilers.kubelet.fields import ConfigError
from shipslog.reconcilers.kubelet.volumes import devices, volumes
from shipslog.runtime.commands import Device, RemoteVolume, VolumeSource
from shipslog.store.facts import SandboxStarted
from shipslog.store.objects.types import core_v1
from shipslog.store.state import PodRuntime
from tests.reconcilers.storage.test_binder import claim, ref, volume
from tests.reconcilers.views import BORN, NOW, controlled_by, node, observed, pod, view_of, woken

HOST = core_v1.HostPathVolumeSource(path="/data")
CSI = core_v1.CSIPersistentVolumeSource(driver="d", volume_handle="h")
LOCAL = core_v1.LocalVolumeSource(path="/disk")


def user(*, read_only: bool = False, ephemeral: bool = False, **spec: Any) -> core_v1.Pod:
    source = core_v1.PersistentVolumeClaimVolumeSource(claim_name="c", read_only=read_only)
    one = core_v1.Volume(name="d", persistent_volume_claim=source)
    if ephemeral:
        one = core_v1.Volume(name="d", ephemeral=core_v1.EphemeralVolumeSource())
    return pod("p", node="n", spec=core_v1.PodSpec(volumes=(one,), **spec))


def bound(name: str = "c", **more: Any) -> Any:
    return claim(name, volume_name="v", phase="Bound", **more)


def disk(name: str = "c", uid: str = "", **spec: Any) -> core_v1.PersistentVolume:
    made = volume("v", phase="Bound", claim_ref=ref(name, uid or f"uid-persistentvolumeclaims-{name}"))
    return replace(made, spec=replace(made.spec, **spec))


def mounted(pod_: core_v1.Pod, *there: Any, began: bool = False) -> VolumeSource:
    view = view_of(node("n"), observed("n"), *there, pod_)
    uid = f"uid-pods-{pod_.metadata.name}"
    held = view.get(core_v1.Pod, pod_.metadata.name, "default")
    assert held is not None
    runtime = PodRuntime(pod_uid=uid, node="n") if began else None
    (source,) = volumes(BoundPod(view=view, node="n", pod=held, runtime=runtime, observed=observed("n"), now=NOW))
    return source


def test_host_paths_and_disks() -> None:
    assert mounted(user(), bound(), disk(host_path=HOST)) == VolumeSource(name="d", kind="hostPath", host_path="/data")
    assert mounted(user(read_only=True), bound(), disk(local=LOCAL)) == VolumeSource(
        name="d", kind="local", host_path="/disk", read_only=True
    )
    once = core_v1.PodSecurityContext(fs_group=7, fs_group_change_policy="OnRootMismatch")
    assert mounted(user(security_context=once), bound(), disk(local=LOCAL)).group_once is True


def test_an_ephemeral_volume_is_the_pods_own() -> None:
    mine = bound("p-d", owner_references=controlled_by(user()))
    assert mounted(user(ephemeral=True), mine, disk("p-d", local=LOCAL)).host_path == "/disk"
    with pytest.raises(ConfigError, match="pod is not owner"):
        mounted(user(ephemeral=True), bound("p-d"), disk("p-d", local=LOCAL))


def test_what_is_for_one_pod_is_not_for_two_of_a_node() -> None:
    alone = bound(modes=("ReadWriteOncePod",)), disk(host_path=HOST)
    first = pod("first", node="n", spec=user().spec)
    begun = SandboxStarted(node="n", pod_uid="uid-pods-first", sandbox_id="s", ip="10.0.0.1", at_ns=1)
    assert mounted(user(), *alone, first).host_path == "/data"
    with pytest.raises(ConfigError, match="ReadWriteOncePod access mode and is already in use by another pod"):
        mounted(user(), *alone, first, begun)
    over = pod("first", node="n", spec=user().spec, phase="Succeeded")
    view = view_of(node("n"), *alone, user(), first, begun)
    assert "pod/uid-pods-p" in woken(lifecycle.WAKES, view, over)  # who waits for it begins at once
    assert mounted(user(), *alone, over, begun).host_path == "/data"


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ((), 'persistentvolumeclaim "c" not found'),
        ((claim(),), "PVC is not bound"),
        ((bound(),), "PVC is not bound"),
        ((bound(), disk(uid="another", local=LOCAL)), "is bound to another claim"),
        ((bound(deletion_timestamp=BORN), disk(local=LOCAL)), "PVC is being deleted"),
        ((bound(), disk(csi=CSI)), "driver name d not found in the list of registered CSI drivers"),
        (
            (bound(), disk(host_path=HOST, volume_mode="Block")),
            "volume v is of volumeMode Block, which volumes of kind hostPath never are",
        ),
    ],
)
def test_why_not(there: tuple[Any, ...], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        mounted(user(), *there)
    assert str(refused.value).startswith('MountVolume.SetUp failed for volume "d" : ')


DEVICE = core_v1.VolumeDevice(name="d", device_path="/dev/xvda")
MOUNT = core_v1.VolumeMount(name="d", mount_path="/data")


def test_a_device_is_seen_as_it_is() -> None:
    one = core_v1.Container(name="c", image="i", volume_devices=(DEVICE,))
    asked = user(init_containers=(one,))
    assert mounted(asked, bound(), disk(local=LOCAL, volume_mode="Block")) == VolumeSource(
        name="d", kind="local", host_path="/disk", block=True
    )
    iscsi = core_v1.ISCSIPersistentVolumeSource(iqn="q", lun=0, target_portal="t")
    found = mounted(asked, bound(), disk(iscsi=iscsi, volume_mode="Block"))
    assert (found.kind, found.block) == ("remote", True)
    assert devices(asked, one) == (Device(volume="d", path="/dev/xvda"),)


@pytest.mark.parametrize(
    ("container", "mode", "why"),
    [
        ({"volume_devices": (DEVICE,)}, "Filesystem", "volume d has volumeMode Filesystem, but is specified in volumeDevices"),
        ({"volume_mounts": (MOUNT,)}, "Block", "volume d has volumeMode Block, but is specified in volumeMounts"),
    ],
)
def test_a_device_is_not_mounted_and_a_directory_is_no_device(container: dict[str, Any], mode: str, why: str) -> None:
    one = core_v1.Container(name="c", image="i", **container)
    with pytest.raises(ConfigError, match=why):
        mounted(user(init_containers=(one,)), bound(), disk(local=LOCAL, volume_mode=mode))


def test_a_disk_says_its_file_system() -> None:
    found = mounted(user(), bound(), disk(local=replace(LOCAL, fs_type="xfs"), mount_options=("noatime",)))
    assert found.remote == RemoteVolume(plugin="local", source={"fsType": "xfs"}, mount_options=("noatime",))


def test_a_pod_that_has_begun_keeps_its_claim_over_a_reboot() -> None:
    assert mounted(user(), bound(deletion_timestamp=BORN), disk(local=LOCAL), began=True).host_path == "/disk"


def test_a_volume_of_another_node() -> None:
    here = core_v1.NodeSelectorRequirement(key="kubernetes.io/hostname", operator="In", values=("other",))
    terms = core_v1.NodeSelector(node_selector_terms=(core_v1.NodeSelectorTerm(match_expressions=(here,)),))
    away = disk(local=LOCAL, node_affinity=core_v1.VolumeNodeAffinity(required=terms))
    with pytest.raises(ConfigError, match="NodeAffinity check failed for volume v"):
        mounted(user(), bound(), away)
