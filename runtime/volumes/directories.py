"""Volumes that are directories on this node's disk: made, emptied and removed when they are asked for.

A name is the cluster's own, `pvc-UID`; anything else makes no path. What pods left in a directory is removed by open
directories (runtime/machine/trees.py), so that no link in it leads out and nothing that is mounted in it is touched.
"""

import os
import re
import time
from pathlib import Path

from shipslog.runtime.commands import ExpandVolume, MakeVolume, RemoveVolume, ScrubVolume, VolumeCommand
from shipslog.runtime.machine import trees
from shipslog.runtime.machine.threads import OwnerThreads
from shipslog.store.facts import (
    RuntimeFact,
    VolumeExpansionFailed,
    VolumeMade,
    VolumeOperationFailed,
    VolumeRemoved,
    VolumeScrubbed,
)

NAME = re.compile(r"pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MODE = 0o777  # whoever a pod runs as may write; the node's data directory keeps everybody else out


class Directories:
    """Those of one node, under `root`."""

    def __init__(self, node: str, root: Path) -> None:
        self._node, self._root = node, root
        self._threads = OwnerThreads(1)
        self._scrubbed: dict[str, str] = {}  # the last claim, by volume: a command that comes twice finds it done

    async def execute(self, command: VolumeCommand) -> RuntimeFact:
        """Carry it out; what the disk refuses comes back as a fact."""
        try:
            return await self._threads.run(command.volume, self._done, command)
        except OSError as error:
            return VolumeOperationFailed(node=self._node, volume=command.volume, message=str(error), at_ns=time.time_ns())

    async def empty(self) -> list[VolumeMade]:
        """Those that hold nothing. The engine may have died before it heard that one was made, and its claim gone since."""
        return await self._threads.run("", self._empty)

    async def close(self) -> None:
        await self._threads.finished()

    def _done(self, command: VolumeCommand) -> RuntimeFact:
        node, volume = self._node, command.volume
        match command:
            case MakeVolume():
                path = self._path(volume)
                self._root.mkdir(parents=True, exist_ok=True, mode=0o711)
                try:
                    path.mkdir()
                    path.chmod(MODE)  # whatever the umask is
                except FileExistsError:
                    pass
                return VolumeMade(node=node, volume=volume, path=str(path))
            case RemoveVolume():
                trees.remove(self._path(volume))
                return VolumeRemoved(node=node, volume=volume)
            case ScrubVolume():
                if self._scrubbed.get(volume) != command.claim_uid:
                    scrub(Path(command.path))
                    self._scrubbed[volume] = command.claim_uid
                return VolumeScrubbed(node=node, volume=volume, claim_uid=command.claim_uid)
            case ExpandVolume():
                why = f"this node mounts no volumes of CSI drivers, so {volume} is none of its"
                return VolumeExpansionFailed(node=node, volume=volume, message=why, at_ns=time.time_ns())
        raise AssertionError(f"{type(command).__name__} is not about directories")

    def _empty(self) -> list[VolumeMade]:
        try:
            with os.scandir(self._root) as entries:
                found = sorted(entry.name for entry in entries if NAME.fullmatch(entry.name) and _is_empty(entry))
        except OSError:
            return []  # there is none, or what there is cannot be read and is left alone
        return [VolumeMade(node=self._node, volume=name, path=str(self._root / name)) for name in found]

    def _path(self, volume: str) -> Path:
        if NAME.fullmatch(volume) is None:
            raise OSError(f"{volume[:80]!r} is no name of a volume that this node makes; nothing was done")
        return self._root / volume


def _is_empty(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir(follow_symlinks=False):
        return False
    with os.scandir(entry.path) as inside:
        return next(inside, None) is None


def scrub(path: Path) -> None:
    """Remove all that is in a directory. Errors: OSError, also where it is the root of the file system or a link."""
    if len(path.parts) < 2 or ".." in path.parts:
        raise OSError(f"{path} is not to be emptied; nothing was done")
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name in os.listdir(top):
            trees.remove_at(top, name)
    finally:
        os.close(top)
