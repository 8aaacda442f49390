"""Disks over the network: what their tools are called with, and a real file system on what they bring."""

import subprocess
from pathlib import Path

import pytest

from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.runtime.volumes.remote import disks

from .conftest import Pods, Tools

pytestmark = pytest.mark.root
IQN = "iqn.2026-01.org.example:one"
CHAP = {"node.session.auth.username": b"me", "node.session.auth.password": b"word"}


def iscsiadm(tools: Tools, device: Path, disk: str) -> None:
    """A target whose disk comes with the login and goes with the logout."""
    tools.add("iscsiadm", f'case "$*" in *--login) ln -sf {disk} {device};; *--logout) rm -f {device};; esac')


def test_iscsi_is_attached_once_and_goes_with_its_last_pod(pods: Pods, tools: Tools, by_path: Path, disk: str) -> None:
    iscsiadm(tools, by_path / f"ip-10.0.0.9:3260-iscsi-{IQN}-lun-2", disk)
    source = {"targetPortal": "10.0.0.9", "iqn": IQN, "lun": 2, "fsType": "ext4", "chapAuthSession": True}
    first = pods.mount("iscsi", "one", source=source, secret=CHAP, group=4711)
    node = f"-m node -p 10.0.0.9:3260 -T {IQN}"
    assert [call.removeprefix("iscsiadm ") for call in tools.calls] == [
        "-m discoverydb -t sendtargets -p 10.0.0.9:3260 -I default --discover",
        f"{node} -I default -o update -n node.session.auth.authmethod -v CHAP",
        f"{node} -I default -o update -n node.session.auth.password -v word",
        f"{node} -I default -o update -n node.session.auth.username -v me",
        f"{node} -I default --login",
        f"{node} -o update -n node.startup -v manual",
    ]
    assert first.stat().st_gid == 4711
    (first / "kept").write_text("here")
    tools.forget()
    second = pods.mount("iscsi", "two", source=source, secret=CHAP)
    assert (second / "kept").read_text() == "here" and not tools.calls
    pods.remove("one")
    assert not tools.calls and (second / "kept").exists()
    pods.remove("two")
    assert tools.calls == [f"iscsiadm {node} --logout", f"iscsiadm {node} -o delete"]
    assert not linux.mounts_below(pods.place)
    again = pods.mount("iscsi", "three", source=source, secret=CHAP)
    assert (again / "kept").read_text() == "here"  # it was formatted the first time only


def test_a_portal_that_answers_is_enough(pods: Pods, tools: Tools, by_path: Path, disk: str) -> None:
    device = by_path / f"ip-10.0.0.8:3261-iscsi-{IQN}-lun-0"
    tools.add("iscsiadm", f'case "$*" in *10.0.0.9*) exit 8;; *--login) ln -sf {disk} {device};; esac')
    pods.mount("iscsi", source={"targetPortal": "10.0.0.9", "portals": ["10.0.0.8:3261"], "iqn": IQN, "lun": 0})
    pods.remove()
    device.unlink()
    tools.add("iscsiadm", "echo no route; exit 8")
    with pytest.raises(VolumeFailed, match=r"failed to get any path for iscsi disk, last err seen:\nportal 10\.0\.0\.9"):
        pods.mount("iscsi", "other", source={"targetPortal": "10.0.0.9", "iqn": IQN, "lun": 0})


def test_a_missing_tool_is_named_and_the_pod_can_go(pods: Pods, by_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks.tools, "PLACES", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VolumeFailed, match="iscsiadm is not installed on this node; Debian's package open-iscsi has it"):
        pods.mount("iscsi", source={"targetPortal": "10.0.0.9", "iqn": IQN, "lun": 0})
    pods.remove()
    assert not pods.volumes("p").exists()


def test_rbd(pods: Pods, tools: Tools, tmp_path: Path, disk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "rbd-device"
    monkeypatch.setattr(disks, "_rbd_device", lambda source: str(device))
    tools.add("rbd", f'case "$1" in map) ln -sf {disk} {device};; unmap) rm {device};; esac')
    source = {"monitors": ["10.0.0.1:6789"], "image": "i", "pool": "k", "user": "u", "fsType": "ext4"}
    target = pods.mount("rbd", source=source, secret={"key": b"AQ=="})
    key = target.parent / "..remote" / "v" / "key"
    pods.remove()
    assert tools.calls == [f"rbd map i --pool k --id u -m 10.0.0.1:6789 --keyfile {key}", f"rbd unmap {device}"]


def test_fibre_channel_and_attached_cloud_disks_are_found(pods: Pods, by_path: Path, disk: str) -> None:
    (by_path / "pci-0000:00:01.0-fc-0x500a0982991b8dc5-lun-2").symlink_to(disk)
    target = pods.mount("fc", source={"targetWWNs": ["500a0982991b8dc5"], "lun": 2})
    (target / "x").touch()
    pods.remove()
    (by_path / "google-data").symlink_to(disk)
    target = pods.mount("gcePersistentDisk", source={"pdName": "data", "fsType": "ext4"})
    assert (target / "x").exists()


@pytest.mark.parametrize(
    ("plugin", "source", "driver"),
    [
        ("gcePersistentDisk", {"pdName": "d"}, "pd.csi.storage.gke.io"),
        ("awsElasticBlockStore", {"volumeID": "aws://z/vol-1"}, "ebs.csi.aws.com"),
        ("azureDisk", {"diskName": "d", "diskURI": "u"}, "disk.csi.azure.com"),
        ("cinder", {"volumeID": "0f"}, "cinder.csi.openstack.org"),
        ("vsphereVolume", {"volumePath": "p"}, "csi.vsphere.vmware.com"),
    ],
)
def test_without_a_cloud_it_is_said_what_is_needed(
    plugin: str, source: dict[str, str], driver: str, pods: Pods, by_path: Path
) -> None:
    with pytest.raises(VolumeFailed, match=f"{plugin}: the disk is not attached to this machine.*{driver}"):
        pods.mount(plugin, source=source)
    pods.remove()


def test_what_holds_something_else_is_not_formatted(pods: Pods, by_path: Path, disk: str) -> None:
    subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
    (by_path / "google-data").symlink_to(disk)
    with pytest.raises(VolumeFailed, match='failed to mount the volume as "xfs", it already contains ext4'):
        pods.mount("gcePersistentDisk", source={"pdName": "data", "fsType": "xfs"})
    pods.remove()
    subprocess.run(["wipefs", "-q", "-a", disk], check=True)
    with pytest.raises(VolumeFailed, match="is not formatted, and is to be mounted read only"):
        pods.mount("gcePersistentDisk", source={"pdName": "data", "readOnly": True})
    pods.remove()
    partition = bytes((0x80, 0, 1, 0, 0x83, 0, 1, 0)) + (64).to_bytes(4, "little") + (2048).to_bytes(4, "little")
    Path(disk).write_bytes(bytes(446) + partition + bytes(48) + b"\x55\xaa")
    with pytest.raises(VolumeFailed, match="unknown data, probably partitions"):
        pods.mount("gcePersistentDisk", source={"pdName": "data"})
