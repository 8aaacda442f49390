"""Disks of clouds. Attaching them is the cloud's business, which this daemon does not do; one that somebody attached to this
machine is mounted, and of any other the pod's event says what it needs.

Source: Kubernetes' plugins before they became drivers, and the names that udev gives such disks.

Tests: tests/runtime/volumes/remote/test_disks.py
"""

import glob
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipslog.runtime.volumes.failed import VolumeFailed

from .disks import BY_ID, Disk, present
from .plugin import Plugin, Work


class CloudDisk(Disk):
    def __init__(self, driver: str, names: Callable[[Mapping[str, Any]], Sequence[str]]) -> None:
        self._driver, self._names = driver, names

    def key(self, work: Work) -> str:
        return f"{work.remote.plugin} {' '.join(self._names(work.remote.source))}"

    def attach(self, work: Work) -> str:
        device = present([f"{BY_ID}/{glob.escape(name)}" for name in self._names(work.remote.source)])
        if device:
            return device
        needs = f"use a volume of the CSI driver {self._driver}" if self._driver else "its cloud is gone from Kubernetes too"
        why = "the disk is not attached to this machine, and there is no cloud provider that could attach it"
        raise VolumeFailed(f"{work.remote.plugin}: {why}; {needs}")


def _partition(source: Mapping[str, Any], *names: str) -> list[str]:
    number = source.get("partition") or 0
    return [f"{name}-part{number}" if number else name for name in names]


def _gce(source: Mapping[str, Any]) -> Sequence[str]:
    return _partition(source, f"google-{source.get('pdName')}", f"scsi-0Google_PersistentDisk_{source.get('pdName')}")


def _aws(source: Mapping[str, Any]) -> Sequence[str]:
    name = str(source.get("volumeID")).rpartition("/")[2]
    return _partition(source, f"nvme-Amazon_Elastic_Block_Store_{name.replace('-', '')}")


def _cinder(source: Mapping[str, Any]) -> Sequence[str]:
    name = str(source.get("volumeID"))
    return (f"virtio-{name[:20]}", f"scsi-0QEMU_QEMU_HARDDISK_{name[:20]}", f"wwn-0x{name.replace('-', '')}")


def _nowhere(source: Mapping[str, Any]) -> Sequence[str]:
    return ()


CLOUD: Mapping[str, Plugin] = {
    "gcePersistentDisk": CloudDisk("pd.csi.storage.gke.io", _gce),
    "awsElasticBlockStore": CloudDisk("ebs.csi.aws.com", _aws),
    "cinder": CloudDisk("cinder.csi.openstack.org", _cinder),
    "azureDisk": CloudDisk("disk.csi.azure.com", _nowhere),
    "vsphereVolume": CloudDisk("csi.vsphere.vmware.com", _nowhere),
    "portworxVolume": CloudDisk("pxd.portworx.com", _nowhere),
    **{name: CloudDisk("", _nowhere) for name in ("flocker", "photonPersistentDisk", "quobyte", "scaleIO", "storageos")},
}
