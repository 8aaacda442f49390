"""What a kind of volume does to come to this node and to go from it.

Tests: tests/runtime/volumes/remote/test_mounter.py
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from shipslog.runtime.commands import RemoteVolume, VolumeSource
from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.failed import VolumeFailed

S = TypeVar("S")


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One volume of one pod, and the places that it may use: `target`, where the pod finds it; `beside`, an empty directory
    that goes with the pod, for files that tools read; `shared`, a directory for what all pods of this node use; `group`: the
    pod's fsGroup, if it is to be mounted and has one."""

    volume: VolumeSource
    target: Path
    beside: Path
    shared: Path
    group: int | None = None

    @property
    def remote(self) -> RemoteVolume:
        assert isinstance(self.volume.remote, RemoteVolume)
        return self.volume.remote

    @property
    def block(self) -> bool:
        """Whether the pod wants the device, and no file system on it."""
        return self.volume.block is True

    @property
    def read_only(self) -> bool:
        return self.volume.read_only or bool(self.remote.source.get("readOnly"))

    def source(self, kind: type[S]) -> S:
        """The volume's source as the API has it."""
        return msgspec.convert(dict(self.remote.source), kind)

    def options(self, *more: str) -> tuple[str, ...]:
        """Those of the mount: the plugin's, the volume's own, and ro."""
        return (*more, *(self.remote.mount_options or ()), *(("ro",) if self.read_only else ()))

    def secret(self, key: str) -> str:
        """Errors: VolumeFailed where the volume's secret does not hold it."""
        held: Mapping[str, bytes] = self.remote.secret or {}
        if key not in held:
            raise VolumeFailed(f"the secret of the volume holds no {key!r}, but {', '.join(sorted(held)) or 'nothing'}")
        return held[key].decode(errors="replace").strip()

    def secret_file(self, name: str, content: str) -> Path:
        """Where a tool may read it and nobody else."""
        path = self.beside / name
        path.touch(mode=0o600)
        path.write_text(content)
        return path


class Plugin(ABC):
    """Of one kind; as it stands, of one that needs no device. Every method blocks, may be called again after a crash between
    any two lines, and raises VolumeFailed or OSError. `devices`: whether it can bring a block device as it is, which is then at
    `work.target` as a file."""

    devices = False

    def gives_to_group(self, work: Work) -> bool:
        """Whether what is in it is given to the pod's fsGroup."""
        return False

    def key(self, work: Work) -> str:
        """What pods of this node may share, and what is detached with the last of them; "" for nothing.
        Errors: VolumeFailed for a source whose names are none; the other methods are then not called."""
        return ""

    def attach(self, work: Work) -> str:
        """Bring it to the node; -> its device, "" for none."""
        return ""

    @abstractmethod
    def mount(self, work: Work, device: str) -> None:
        """Have it at `work.target`, on which nothing is mounted yet: a directory, or nothing where the pod wants a device."""

    def renew(self, work: Work) -> None:  # noqa: B027, only CSI drivers ask for it
        """Have what is mounted at `work.target` be as it is to be now."""

    def unmount(self, work: Work) -> None:
        """Take it from the pod; nothing if that was done. A share is let go of even where its server does not answer."""
        for point in linux.mounts_below(work.target):
            linux.unmount(point)

    def detach(self, work: Work) -> None:  # noqa: B027, most have nothing to do
        """Take it from the node; nobody here uses it any more."""
