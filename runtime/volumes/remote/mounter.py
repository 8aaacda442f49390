"""Mounts a pod's remote volumes and takes them back.

    VOLUMES/..remote/NAME.json     what is mounted at VOLUMES/NAME, written before it is
    VOLUMES/..remote/NAME/         files that its tools read
    PODS-shared/                   what several pods of this node use of one device

A volume's name is a label, so `..remote` is none.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from shipslog.runtime.commands import RemoteVolume, VolumeSource
from shipslog.runtime.containers.oci.recovery import records
from shipslog.runtime.machine import trees
from shipslog.runtime.volumes.failed import VolumeFailed

from . import csi, tools
from .cloud import CLOUD
from .csi import Csi
from .disks import DISKS
from .flex import FlexVolume
from .git import GitRepository
from .plugin import Plugin, Work
from .shares import SHARES

RECORDS = "..remote"
PLUGINS: Mapping[str, Plugin] = {
    **SHARES,
    **DISKS,
    **CLOUD,
    "csi": Csi(),
    "flexVolume": FlexVolume(),
    "gitRepo": GitRepository(),
}


class _Lock:
    """Of one device on this machine; made anew when nobody holds it."""

    def __init__(self) -> None:
        self.held = threading.Lock()


_locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()
_making = threading.Lock()


def mount(directory: Path, volume: VolumeSource, group: int | None = None) -> bool:
    """Have it at DIRECTORY/NAME; nothing if it is. -> whether what is in it is the pod's group's. Errors: VolumeFailed."""
    work = msgspec.structs.replace(_work(directory, volume), group=group)
    plugin = _plugin(work)
    if work.remote.published:
        _publish_again(work, plugin)
        return False
    try:
        if not tools.mounted(work.target):
            if work.block and not plugin.devices:
                raise VolumeFailed(f"volumes of kind {work.remote.plugin} have a file system: none of them is a block device")
            key = plugin.key(work)  # strictly first: of what is refused here nothing is written that could not be taken back
            work.beside.mkdir(parents=True, exist_ok=True, mode=0o700)
            records.write(_record(directory, volume.name), without_secrets(volume))
            if not work.block:
                work.target.mkdir(exist_ok=True)
            with _alone(key):
                plugin.mount(work, plugin.attach(work))
        return plugin.gives_to_group(work) and not (work.read_only or work.block)
    except (VolumeFailed, OSError) as error:
        raise VolumeFailed(f'MountVolume.SetUp failed for volume "{work.remote.volume or volume.name}" : {error}') from error


def _publish_again(work: Work, plugin: Plugin) -> None:
    """Errors: VolumeFailed; the pod keeps what it has."""
    try:
        if tools.mounted(work.target):
            with _alone(plugin.key(work)):
                plugin.renew(work)
    except (VolumeFailed, OSError) as error:
        raise VolumeFailed(
            f'MountVolume.SetUp failed for volume "{work.remote.volume or work.volume.name}" : {error}'
        ) from error


def unmount_all(directory: Path) -> None:
    """Of one pod. Errors: VolumeFailed, OSError."""
    for record in sorted((directory / RECORDS).glob("*.json")):
        volume = records.read(record, VolumeSource)
        if volume is not None:
            _unmount(directory, volume, record)
        record.unlink(missing_ok=True)  # a removal that was given up goes on beside the one that followed it


def _unmount(directory: Path, volume: VolumeSource, record: Path) -> None:
    work = _work(directory, volume)
    plugin = _plugin(work)
    try:
        plugin.unmount(work)
        if key := plugin.key(work):
            with _alone(key):
                if not _is_used(directory.parent.parent, key, but=directory):
                    with contextlib.suppress(tools.ToolMissing):  # then it never brought anything
                        plugin.detach(work)
                # still alone: of two that go at once the second must not find the first, or nobody would detach
                record.unlink(missing_ok=True)
    except (VolumeFailed, OSError) as error:
        raise VolumeFailed(
            f'UnmountVolume.TearDown failed for volume "{work.remote.volume or volume.name}" : {error}'
        ) from error
    trees.remove(work.beside)


def take_back_staged(pods: Path) -> list[str]:
    """What CSI drivers have staged for pods that are gone; -> what could not be taken back and why, a line each."""
    left = []
    for work in list(csi.abandoned(shared_beside(pods))):
        plugin = _plugin(work)
        key = plugin.key(work)
        with _alone(key):
            try:
                if not _is_used(pods, key):
                    plugin.detach(work)
            except (VolumeFailed, OSError) as error:
                left.append(f"{key}: {error}")
    return left


def _is_used(pods: Path, key: str, *, but: Path | None = None) -> bool:
    """Whether a pod of this node uses it, or is about to; not the one whose volumes are in `but`."""
    return any(work.target.parent != but and _plugin(work).key(work) == key for work in mounted_on(pods))


def mounted_on(pods: Path) -> Iterator[Work]:
    """What is written down of all pods whose directories are there. Errors: OSError."""
    for record in sorted(pods.glob(f"*/volumes/{RECORDS}/*.json")):
        volume = records.read(record, VolumeSource)
        if volume is not None:
            yield _work(record.parent.parent, volume)


def _work(directory: Path, volume: VolumeSource) -> Work:
    pods = directory.parent.parent
    return Work(
        volume=volume,
        target=directory / volume.name,
        beside=directory / RECORDS / volume.name,
        shared=shared_beside(pods),
    )


def shared_beside(pods: Path) -> Path:
    """What the pods of a node use together, for a runtime whose pods are there."""
    return pods.with_name(f"{pods.name}-shared")


def _plugin(work: Work) -> Plugin:
    found = PLUGINS.get(work.remote.plugin)
    if found is None:
        raise VolumeFailed(f"volumes of kind {work.remote.plugin} are not supported on this node")
    return found


def _record(directory: Path, name: str) -> Path:
    return directory / RECORDS / f"{name}.json"


def without_secrets(volume: VolumeSource) -> VolumeSource:
    """To be written down."""
    if not isinstance(volume.remote, RemoteVolume):
        return volume
    return msgspec.structs.replace(
        volume, remote=msgspec.structs.replace(volume.remote, secret={}, stage_secret={}, tokens=b"")
    )


@contextlib.contextmanager
def _alone(key: str) -> Iterator[None]:
    """Nobody else attaches or detaches what has this key; others are not waited for."""
    if not key:
        yield
        return
    with _making:
        lock = _locks.setdefault(key, _Lock())
    with lock.held:
        yield
