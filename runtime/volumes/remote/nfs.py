"""nfs: mounted by the kernel's client, or by one of our own where the kernel has none (nfs_client.py).

    BESIDE/client.json    the process that serves the mount, if it is ours: it ends with the mount

Source: Kubernetes' plugin of this name.
"""

import contextlib
import importlib.util
import os
import sys
from pathlib import Path

from shipslog.runtime.containers.oci.recovery import records
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.objects.types import core_v1

from . import tools
from .libnfs import NAMES
from .plugin import Plugin, Work

CLIENT = "shipslog.runtime.volumes.remote.nfs_client"
FILE_SYSTEMS, FUSE, RECORD = Path("/proc/filesystems"), Path("/dev/fuse"), "client.json"
HINT = (
    "the kernel of this node has no NFS client; Shipslog's own needs Debian's packages libnfs-utils and fuse3, /dev/fuse, and "
    "pip install 'shipslog[nfs]'"
)


class Nfs(Plugin):
    def mount(self, work: Work, device: str) -> None:
        source = work.source(core_v1.NFSVolumeSource)
        what = tools.plain("source", f"{tools.bracketed(source.server)}:{source.path}")
        try:
            tools.mount(what, work.target, "nfs", work.options())
        except VolumeFailed as error:
            if _kernel_has_it():  # asked afterwards: mounting loads its module
                raise
            if not _ours_can():
                raise VolumeFailed(f"{error}{HINT}") from error
        else:
            return
        options = ("-o", ",".join(work.options())) if work.options() else ()
        environment = {"PYTHONPATH": _import_path()}
        try:
            tools.run(sys.executable, "-m", CLIENT, what, str(work.target), *options, environment=environment)
        except tools.ToolFailed as error:
            raise VolumeFailed(f"mount failed: exit status {error.code}\nOutput: {error.output}") from error
        if not tools.mounted(work.target):
            raise VolumeFailed(f"mounting {what}: its client ended at once")
        for pid in serving(what, str(work.target)):
            records.write(work.beside / RECORD, records.process(pid))

    def unmount(self, work: Work) -> None:
        super().unmount(work)
        ours = records.read(work.beside / RECORD, records.Process)
        if ours is not None:  # it has ended with its mount, unless it waits for a server that is gone
            ours.kill(9)


def _kernel_has_it() -> bool:
    return any(line.split()[-1:] in (["nfs"], ["nfs4"]) for line in FILE_SYSTEMS.read_text().splitlines())


def _ours_can() -> bool:
    import ctypes

    def loads(name: str) -> bool:
        with contextlib.suppress(OSError):
            return bool(ctypes.CDLL(name))
        return False

    return FUSE.exists() and any(map(loads, NAMES)) and importlib.util.find_spec("mfusepy") is not None


def _import_path() -> str:
    """Where this process finds modules, so that another one does."""
    return os.pathsep.join(path for path in sys.path if path)


def serving(source: str, target: str) -> list[int]:
    """The processes of our client for a mount."""
    return [pid for pid, words in clients().items() if words[:2] == (source, target)]


def clients() -> dict[int, tuple[str, ...]]:
    """What our client's processes on this machine were called with, by number."""
    found = {}
    for entry in list(os.scandir("/proc")):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = Path(entry.path, "cmdline").read_bytes().decode(errors="replace").split("\0")
                if words[1:3] == ["-m", CLIENT]:
                    found[int(entry.name)] = tuple(words[3:])
    return found
