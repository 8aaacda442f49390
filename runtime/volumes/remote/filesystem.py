"""A device becomes a file system of a pod: formatted if it holds nothing, checked if it may be written, mounted.

Source: Kubernetes' SafeFormatAndMount. A device that holds anything that is not known is never formatted.

Tests: tests/runtime/volumes/remote/test_disks.py
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.failed import VolumeFailed

from . import tools
from .tools import ToolFailed

DEFAULT = "ext4"
NOTHING_FOUND = 2  # of blkid
CORRECTED, UNCORRECTED = 1, 4  # of fsck


def format_and_mount(device: str, target: Path, kind: str, options: Sequence[str]) -> None:
    """Errors: VolumeFailed."""
    kind = tools.plain("file system", kind or DEFAULT)
    read_only = "ro" in options
    held = on(device)
    if not held:
        if read_only:
            raise VolumeFailed(f"{device} is not formatted, and is to be mounted read only")
        _format(device, kind)
        held = kind
    elif not read_only:
        _check(device)
    if held != kind:
        raise VolumeFailed(f'failed to mount the volume as "{kind}", it already contains {held}. Nothing was changed')
    tools.mount(device, target, kind, ("defaults", *options))


def on(device: str) -> str:
    """The kind of file system that a device holds, "" for nothing at all. Errors: VolumeFailed."""
    arguments = ("-p", "-s", "TYPE", "-s", "PTTYPE", "-o", "export", device)
    code, output = tools.run("blkid", *arguments, ok=(0, NOTHING_FOUND))
    if code == NOTHING_FOUND:
        return ""
    found = dict(line.partition("=")[::2] for line in output.splitlines())
    if "PTTYPE" in found and "TYPE" not in found:
        return "unknown data, probably partitions"
    return found.get("TYPE", "")


def _format(device: str, kind: str) -> None:
    options = {"ext3": ("-F", "-m0"), "ext4": ("-F", "-m0"), "xfs": ("-f",)}.get(kind, ())
    tools.run(f"mkfs.{kind}", *options, device, timeout_s=1800.0)


def _check(device: str) -> None:
    try:
        tools.run("fsck", "-a", device, ok=(0, CORRECTED), timeout_s=1800.0)
    except ToolFailed as error:
        if error.code & UNCORRECTED and error.code > 0:
            raise VolumeFailed(f"'fsck' found errors on device {device} but could not correct them: {error.output}") from error
        # others: no checker of that kind is installed, or it is mounted already


def show_device(device: str, target: Path) -> None:
    """Have the device at `target`, which becomes a file. Errors: VolumeFailed where it is none, OSError."""
    if not stat.S_ISBLK(os.stat(device).st_mode):
        raise VolumeFailed(f"{device} is no block device")
    target.touch()
    linux.mount(os.path.realpath(device), str(target), flags=linux.MS_BIND)


def unmount(target: Path) -> None:
    """Wholly, so that its device is free afterwards. Errors: OSError while somebody is in it."""
    for point in linux.mounts_below(target):
        linux.unmount(point, linux.UMOUNT_NOFOLLOW)
