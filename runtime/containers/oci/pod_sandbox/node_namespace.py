"""The mount namespace that a node's containers are made in, and the threads that live in it.

It is pinned by a bind mount in the run directory, so it outlives the daemon: overlays, tmpfs and what conmon sees stay as they
are while the daemon is away. See docs/adr/0010-node-mount-namespace.md.

Tests: tests/runtime/containers/test_contract.py, tests/runtime/rootless/test_rootless.py
"""

import errno
import os
import threading
from pathlib import Path

from shipslog.runtime.machine import linux
from shipslog.runtime.machine.threads import in_fresh_thread

NSFS_MAGIC = "nsfs"
_UNIFIED = "/sys/fs/cgroup/unified"


class NodeNamespace:
    """Opens (or makes) the pinned namespace; threads `enter` it."""

    def __init__(self, directory: Path, *, hide_unified: bool) -> None:
        self._file = directory / "mnt"
        self._directory = directory
        self._hide = hide_unified
        self._fd = -1

    def open(self) -> None:
        """Errors: OSError."""
        if not _is_mounted(self._file, NSFS_MAGIC):
            self._make()
        self._fd = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def descriptor(self) -> int:
        """Of the namespace, for threads that enter it by themselves."""
        return self._fd

    def close(self) -> None:
        """Let go; the namespace stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def remove(self) -> None:
        """Unpin: with its last process the namespace goes, and all mounts in it."""
        self.close()
        for path in (self._file, self._directory):
            while _is_mounted(path):
                linux.unmount(str(path))
        self._file.unlink(missing_ok=True)

    def enter(self) -> None:
        """Move the calling thread into it, for ever."""
        linux.unshare(linux.CLONE_FS)  # strictly before: a thread that shares its root cannot change its mount namespace
        linux.setns(self._fd, linux.CLONE_NEWNS)

    def _make(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if not _is_mounted(self._directory):
            linux.mount(str(self._directory), str(self._directory), flags=linux.MS_BIND)
            # private: a pin that spread into the namespace that it pins is refused by the kernel
            linux.mount("none", str(self._directory), flags=linux.MS_PRIVATE)
        self._file.touch()
        # A namespace can be pinned only in one that was made before it. The kernel goes by numbers that each processor gives
        # out on its own (Linux 6.18): so if it must be, be where ours was made.
        for processor in (None, *sorted(os.sched_getaffinity(0))):
            try:
                self._make_and_pin(processor)
                return
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        raise OSError(errno.EINVAL, "the node's mount namespace cannot be pinned", str(self._file))

    def _make_and_pin(self, processor: int | None) -> None:
        ready, done = threading.Event(), threading.Event()
        where = [""]

        def hold() -> None:
            try:
                if processor is not None:
                    os.sched_setaffinity(0, {processor})
                linux.unshare(linux.CLONE_NEWNS)
                # slave: later mounts of the machine are seen, ours are not seen by the machine; shared towards containers
                linux.mount("none", "/", flags=linux.MS_REC | linux.MS_SLAVE)
                linux.mount("none", "/", flags=linux.MS_REC | linux.MS_SHARED)
                if self._hide:
                    _hide_unified()
                where[0] = f"/proc/self/task/{threading.get_native_id()}/ns/mnt"
            finally:
                ready.set()
            done.wait(30)

        held = in_fresh_thread(hold)
        ready.wait(30)
        try:
            if where[0]:
                linux.mount(where[0], str(self._file), flags=linux.MS_BIND)
        finally:
            done.set()
            held.result()


def _hide_unified() -> None:
    try:
        linux.unmount(_UNIFIED)
    except OSError:  # in a user namespace the machine's mounts are fixed, but they can be covered
        linux.mount("none", _UNIFIED, "tmpfs", linux.MS_RDONLY)
        return
    if not os.access(_UNIFIED, os.W_OK):  # systemd's: what is above the groups is read-only, and crun makes directories there
        linux.mount("none", _UNIFIED, "tmpfs")


def _is_mounted(path: Path, fstype: str = "") -> bool:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        head, _, tail = line.partition(" - ")
        if head.split(" ", 5)[4] == str(path) and (not fstype or tail.split(" ", 1)[0] == fstype):
            return True
    return False
