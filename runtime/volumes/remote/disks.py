"""Disks over the network: iscsi, rbd, fc. They are attached to the node once, whatever number of its pods uses them.

Source: Kubernetes' plugins of these names.
"""

import contextlib
import glob
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.objects.types import core_v1

from . import filesystem, tools
from .plugin import Plugin, Work
from .tools import ToolFailed, plain

APPEARS_S = 10.0
BY_PATH, BY_ID = Path("/dev/disk/by-path"), Path("/dev/disk/by-id")
PORT = 3260
NO_SUCH_RECORD, ALREADY_THERE = 21, 15  # of iscsiadm


class Disk(Plugin):
    """What is common: a device becomes a file system, or is shown to the pod as it is."""

    devices = True

    def gives_to_group(self, work: Work) -> bool:
        return True

    def mount(self, work: Work, device: str) -> None:
        if work.block:
            filesystem.show_device(device, work.target)
            return
        kind = str(work.remote.source.get("fsType") or "")
        filesystem.format_and_mount(device, work.target, kind, work.options())

    def unmount(self, work: Work) -> None:
        filesystem.unmount(work.target)


class Iscsi(Disk):
    """`iscsiadm` discovers the target at each portal and logs in; udev names the disk."""

    def key(self, work: Work) -> str:
        source = work.source(core_v1.ISCSIVolumeSource)
        return f"iscsi {_portal(source.target_portal)} {plain('iqn', source.iqn)} {source.lun}"

    def attach(self, work: Work) -> str:
        source = work.source(core_v1.ISCSIVolumeSource)
        portals = dict.fromkeys(_portal(portal) for portal in (source.target_portal, *source.portals))
        iqn, interface = plain("iqn", source.iqn), plain("iscsiInterface", source.iscsi_interface or "default")
        if source.initiator_name:
            raise VolumeFailed(
                "initiatorName needs an interface of its own: set it up with iscsiadm and name it by iscsiInterface"
            )
        failures: list[str] = []
        devices: list[str] = []
        for portal in portals:
            device = BY_PATH / f"ip-{portal}-iscsi-{iqn}-lun-{source.lun}"
            try:
                if not device.exists():
                    _log_in(work, source, portal, iqn, interface)
                devices.append(_appeared((str(device),)))
            except ToolFailed as error:
                failures.append(f"portal {portal}: {error}")
        if not devices:  # one path is enough
            raise VolumeFailed(f"failed to get any path for iscsi disk, last err seen:\n{'; '.join(failures)}")
        return _multipath(devices[0]) or devices[0]

    def detach(self, work: Work) -> None:
        source = work.source(core_v1.ISCSIVolumeSource)
        for portal in dict.fromkeys(_portal(portal) for portal in (source.target_portal, *source.portals)):
            session = f"{glob.escape(str(BY_PATH))}/ip-{glob.escape(portal)}-iscsi-{glob.escape(source.iqn)}-lun-*"
            units = glob.glob(session)
            if any(_in_use(path) for path in units):
                continue  # another unit of the same session
            of = ("-m", "node", "-p", portal, "-T", source.iqn)
            with contextlib.suppress(*() if units else (ToolFailed,)):  # a portal that never answered
                tools.run("iscsiadm", *of, "--logout", ok=(0, NO_SUCH_RECORD))
                tools.run("iscsiadm", *of, "-o", "delete", ok=(0, NO_SUCH_RECORD))


def _portal(portal: str) -> str:
    """With its port."""
    plain("portal", portal)
    return portal if portal.rpartition(":")[2].isdigit() and not portal.endswith("]") else f"{portal}:{PORT}"


def _log_in(work: Work, source: core_v1.ISCSIVolumeSource, portal: str, iqn: str, interface: str) -> None:
    at = ("-p", portal, "-I", interface)
    if source.chap_auth_discovery:
        tools.run("iscsiadm", "-m", "discoverydb", "-t", "sendtargets", *at, "-o", "new")
        _authenticate(work, ("-m", "discoverydb", "-t", "sendtargets", *at), "discovery.sendtargets.auth")
    tools.run("iscsiadm", "-m", "discoverydb", "-t", "sendtargets", *at, "--discover")
    node = ("-m", "node", "-p", portal, "-T", iqn, "-I", interface)
    if source.chap_auth_session:
        _authenticate(work, node, "node.session.auth")
    tools.run("iscsiadm", *node, "--login", ok=(0, ALREADY_THERE))
    tools.run("iscsiadm", "-m", "node", "-p", portal, "-T", iqn, "-o", "update", "-n", "node.startup", "-v", "manual")


def _authenticate(work: Work, of: Sequence[str], prefix: str) -> None:
    tools.run("iscsiadm", *of, "-o", "update", "-n", f"{prefix}.authmethod", "-v", "CHAP")
    for key in sorted(key for key in work.remote.secret if key.startswith(f"{prefix}.")):
        tools.run("iscsiadm", *of, "-o", "update", "-n", key, "-v", work.secret(key))


def _multipath(device: str) -> str:
    """The device that multipathd made of several paths to one disk, "" for none."""
    name = Path(device).resolve().name
    for holder in glob.glob(f"/sys/block/dm-*/slaves/{glob.escape(name)}"):
        return f"/dev/{Path(holder).parent.parent.name}"
    return ""


def _in_use(device: str) -> bool:
    real = os.path.realpath(device)
    return any(line.split()[0] == real for line in Path("/proc/thread-self/mounts").read_text().splitlines())


class Rbd(Disk):
    """`rbd map` gives the device a name of its own."""

    def key(self, work: Work) -> str:
        return f"rbd {_rbd_device(work.source(core_v1.RBDVolumeSource))}"

    def attach(self, work: Work) -> str:
        source = work.source(core_v1.RBDVolumeSource)
        device = _rbd_device(source)
        if Path(device).exists():
            return device
        image, pool = plain("image", source.image), source.pool or "rbd"
        of = ("--pool", pool, "--id", source.user or "admin", "-m", ",".join(source.monitors or ()))
        if work.remote.secret:
            key = ("--keyfile", str(work.secret_file("key", work.secret("key"))))
        else:
            key = ("-k", source.keyring or "/etc/ceph/keyring")
        read_only = ("--read-only",) if work.read_only else ()
        tools.run("rbd", "map", image, *of, *key, *read_only)
        return _appeared((device,))

    def detach(self, work: Work) -> None:
        device = _rbd_device(work.source(core_v1.RBDVolumeSource))
        if Path(device).exists():
            tools.run("rbd", "unmap", device)


def _rbd_device(source: core_v1.RBDVolumeSource) -> str:
    parts = (source.pool or "rbd", source.image)
    if any("/" in part or part in ("", "..", ".") for part in parts):
        raise VolumeFailed(f"{'/'.join(parts)[:80]!r} is no image of a pool")
    return f"/dev/rbd/{'/'.join(parts)}"


class FibreChannel(Disk):
    """The fabric brings the disk by itself; a scan of the hosts finds it."""

    def key(self, work: Work) -> str:
        return f"fc {','.join(_fc_paths(work.source(core_v1.FCVolumeSource)))}"

    def attach(self, work: Work) -> str:
        patterns = _fc_paths(work.source(core_v1.FCVolumeSource))
        if not present(patterns):
            for host in glob.glob("/sys/class/scsi_host/host*/scan"):
                Path(host).write_text("- - -")
        device = _appeared(patterns)
        return _multipath(device) or device


def _fc_paths(source: core_v1.FCVolumeSource) -> tuple[str, ...]:
    wwids = [f"{BY_ID}/scsi-{glob.escape(wwid.replace(' ', '_'))}" for wwid in source.wwids]
    ports = [f"{BY_PATH}/*-fc-0x{glob.escape(name)}-lun-{source.lun or 0}" for name in source.target_ww_ns]
    return (*wwids, *ports)


def present(patterns: Sequence[str]) -> str:
    """The first device that is there, "" for none."""
    return next((path for pattern in patterns for path in sorted(glob.glob(pattern))), "")


def _appeared(patterns: Sequence[str]) -> str:
    """The device, once it is there. Errors: VolumeFailed when it does not come."""
    end_s = time.monotonic() + APPEARS_S
    while not (found := present(patterns)):
        if time.monotonic() > end_s:
            raise VolumeFailed(f"no device {' or '.join(patterns)} appeared within {APPEARS_S:g} s")
        time.sleep(0.1)
    return found


DISKS: Mapping[str, Plugin] = {"iscsi": Iscsi(), "rbd": Rbd(), "fc": FibreChannel()}
