"""The system calls that Python 3.11 does not offer, each a thin function that raises OSError with the path it was about.

Tests: tests/runtime/machine/test_trees.py, tests/runtime/volumes/test_hostile_volumes.py
"""

import ctypes
import os
import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20

MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10
SYS_OPENAT2 = 437  # the same number on every architecture, as the three below

OPEN_TREE_CLONE = 1
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
MOUNT_ATTR_IDMAP = 0x00100000
MOVE_MOUNT_F_EMPTY_PATH = 4
SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 428, 429, 442

IN_CLOSE_WRITE = 0x08
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_DELETE = 0x200
IN_NONBLOCK = os.O_NONBLOCK
IN_CLOEXEC = os.O_CLOEXEC

_ESCAPED = re.compile(rb"\\([0-7]{3})")  # in mountinfo: space, tab, newline, backslash
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, about: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), about)
    return result


def mount(source: str, target: str, fstype: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2). `fstype` and `data` "" for none."""
    _check(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            fstype.encode() or None,
            ctypes.c_ulong(flags),
            os.fsencode(data) if data else None,
        ),
        target,
    )


def bind_with_ids(source: str, target: str, user_namespace_fd: int) -> None:
    """Bind `source`, with what is mounted below it, to `target`; of itself ids on the disk are those in the user namespace.
    open_tree(2), mount_setattr(2), move_mount(2). Errors: OSError (EINVAL where the file system cannot)."""
    tree = _check(
        _libc.syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(source), OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC), source
    )
    try:
        wanted = struct.pack("QQQQ", MOUNT_ATTR_IDMAP, 0, 0, user_namespace_fd)
        _check(_libc.syscall(SYS_MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, wanted, len(wanted)), source)
        _check(_libc.syscall(SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH), target)
    finally:
        os.close(tree)


def unmount(target: str, flags: int = MNT_DETACH | UMOUNT_NOFOLLOW) -> None:
    """umount2(2); lazily unless told otherwise, and never what a link points at."""
    _check(_libc.umount2(os.fsencode(target), flags), target)


def unshare(flags: int) -> None:
    """unshare(2) for the calling thread."""
    _check(_libc.unshare(flags), f"unshare {flags:#x}")


def setns(fd: int, kind: int) -> None:
    """setns(2) for the calling thread."""
    _check(_libc.setns(fd, kind), f"setns {kind:#x}")


def sethostname(name: str) -> None:
    """sethostname(2) in the calling thread's UTS namespace."""
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), name)


def open_inside(directory_fd: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
    """openat2(2): open `path` without ever leaving the directory. Errors: OSError (EXDEV where it would have)."""
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, mode, resolve)
    return _check(_libc.syscall(SYS_OPENAT2, directory_fd, os.fsencode(path), how, len(how)), path)


def inotify_open(directory: str, mask: int) -> int:
    """A non-blocking inotify descriptor that watches one directory."""
    fd = _check(_libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC), directory)
    try:
        _check(_libc.inotify_add_watch(fd, directory.encode(), mask), directory)
    except OSError:
        os.close(fd)
        raise
    return fd


def inotify_names(fd: int) -> Iterator[str]:
    """The names in the events that are waiting."""
    try:
        data = os.read(fd, 65536)
    except BlockingIOError:
        return
    at = 0
    while at < len(data):
        length = struct.unpack_from("iIII", data, at)[3]
        yield data[at + 16 : at + 16 + length].rstrip(b"\0").decode(errors="replace")
        at += 16 + length


def mounts_below(directory: Path, table: str = "/proc/thread-self/mountinfo") -> list[str]:
    """The mount points at or below a directory, in the calling thread's mount namespace, innermost first."""
    top = str(directory)
    found = []
    for line in Path(table).read_bytes().split(b"\n")[:-1]:
        point = os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), line.split(b" ", 5)[4]))
        if point == top or point.startswith(top + "/"):
            found.append(point)
    return found[::-1]


def process_start(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 if there is no such process or it is a zombie. With the pid it
    names a process for ever."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])


@cache
def boot_id() -> str:
    """Of the kernel that runs: it is the same for as long as we do."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
