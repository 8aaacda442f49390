"""An NFS client for machines whose kernel has none: a program that mounts an export with FUSE.

    python -m shipslog.runtime.volumes.remote.nfs_client SERVER:PATH TARGET [-o OPTIONS]

It ends when the export is mounted, or with 32 and why not, as mount(8); what serves the mount goes on in the background and
ends with it. Each request goes out under the user who asks; what is cached is what the kernel caches between two opens.
Needs libnfs, libfuse and the package mfusepy.

Tests: tests/runtime/volumes/remote/test_nfs.py
"""

import argparse
import errno
import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from .libnfs import Address, Nfs, Space, Stat

FAILED = 32  # of mount(8)
IDLE = 8  # connections that are kept for the next who opens a file
SPACE = ("bsize", "frsize", "blocks", "bfree", "bavail", "files", "ffree", "favail", "flag", "namemax")
PAUSE_S = 1.0  # between two tries to reach a server
T = TypeVar("T")
# What mount.nfs knows besides; here they change nothing: there is one transport, and none of the kernel's caches.
WITHOUT_MEANING = frozenset(
    (
        "hard intr nointr lock nolock local_lock proto tcp rsize wsize timeo ac noac actimeo acregmin acregmax acdirmin "
        "acdirmax bg fg cto nocto resvport noresvport lookupcache noatime nodiratime relatime nosuid nodev noexec rw "
        "defaults _netdev nconnect addr clientaddr mountproto mountvers minorversion async acl noacl rdirplus "
        "nordirplus fsc nofsc sharecache nosharecache retry"
    ).split()
)


class Refused(Exception):
    """What is asked for is not to be had."""


def parsed(source: str, options: Sequence[str]) -> tuple[Address, bool]:
    """What is to be mounted, and whether read only. Errors: Refused."""
    server, colon, path = source.partition("]:") if source.startswith("[") else source.partition(":")
    server += "]" if colon == "]:" else ""
    if not server or not path.startswith("/") or any(character in server for character in "/?&@"):
        raise Refused(f"{source[:200]!r} is not SERVER:/PATH")
    version, port, retries, read_only = 4, 0, -1, False
    for option in options:
        name, _, value = option.partition("=")
        match name:
            case "vers" | "nfsvers":
                if value.partition(".")[0] not in ("3", "4"):
                    raise Refused(f"{option}: this client speaks the versions 3 and 4.0")
                version = int(value[0])
            case "port":
                if not value.isdecimal() or not 0 < int(value) < 65536:
                    raise Refused(f"{option} is no port")
                port = int(value)
            case "sec" if value != "sys":
                raise Refused(f"{option}: this client knows sec=sys only")
            case "soft" | "softerr":
                retries = 3 if retries < 0 else retries
            case "retrans":
                retries = int(value) if value.isdecimal() and "soft" in options else retries
            case "ro":
                read_only = True
            case _ if name not in WITHOUT_MEANING and name != "sec":
                raise Refused(f"{option}: an incorrect mount option was specified")
    return Address(
        server=server, path=path, version=version, port=port or (2049 if version == 4 else 0), retries=retries
    ), read_only


def _is_lost(error: OSError) -> bool:
    """Whether the server does not know us any more (libnfs has no number for version 4's errors of states and clients), or the
    connection has ended."""
    return error.errno == errno.ERANGE or "nfs_service failed" in str(error)


class Held(Struct, kw_only=True):
    """An open file. Its connection serves nobody else until it is closed: of one user's two opens of one file a server makes
    one state, and libnfs knows the older one only."""

    nfs: Nfs
    handle: int
    path: str
    flags: int


class FileSystem:
    """The export's files, as FUSE asks for them, one request after the other. Errors: OSError.

    A server forgets its client after a while without a word, and when it is started again: what was asked is then asked once
    more, on a new connection."""

    use_ns = True

    def __init__(self, connect: Callable[[], Nfs], caller: Callable[[], tuple[int, int, int]], retries: int = -1) -> None:
        self._connect, self._caller, self._retries = connect, caller, retries
        self._free = [connect()]
        self._held: dict[int, Held] = {}

    def _ask(self, question: Callable[[Nfs], T]) -> T:
        nfs = self._as_caller(self._free.pop() if self._free else self._again())
        try:
            answer = question(nfs)
        except OSError as error:
            if not _is_lost(error):
                self._free.append(nfs)
                raise
            nfs = self._as_caller(self._again())
            answer = question(nfs)
        self._free.append(nfs)
        return answer

    def _as_caller(self, nfs: Nfs) -> Nfs:
        uid, gid, _ = self._caller()
        nfs.be(uid, gid)
        return nfs

    def _again(self) -> Nfs:
        """A new connection, in place of all that nobody uses. A server that is away is waited for, as mount's `hard` says."""
        self._free.clear()
        for tries in itertools.count():
            try:
                return self._connect()
            except OSError:
                if 0 <= self._retries <= tries:
                    raise
                time.sleep(PAUSE_S)
        raise AssertionError("it counts for ever")

    def _call(self, name: str, path: str, *arguments: Any) -> int:
        return self._ask(lambda nfs: nfs.call(name, os.fsencode(path), *arguments))

    def _change(self, path: str, question: Callable[[Nfs], int]) -> int:
        """Attributes; not those of directories, since libnfs opens for version 4 what it is to change."""
        try:
            return self._ask(question)
        except IsADirectoryError as error:
            raise OSError(errno.EOPNOTSUPP, f"{path} is a directory") from error

    def _opened(self, path: str, flags: int, mode: int | None = None) -> int:
        def asked(nfs: Nfs) -> Held:
            return Held(nfs=nfs, handle=nfs.opened(path, flags, mode), path=path, flags=flags & os.O_ACCMODE)

        held = self._ask(asked)
        self._free.remove(held.nfs)
        self._held[held.handle] = held
        return held.handle

    def _of(self, fh: int, question: Callable[[Nfs, int], T]) -> T:
        """Ask about an open file."""
        held = self._held[fh]
        try:
            return question(self._as_caller(held.nfs), held.handle)
        except OSError as error:
            if not _is_lost(error):
                raise
        nfs = self._as_caller(self._again())
        held.nfs, held.handle = nfs, nfs.opened(held.path, held.flags)
        return question(held.nfs, held.handle)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """The attributes, under the names of stat(2)."""
        found = Stat()
        self._call("lstat64", path, found)
        attributes = {
            f"st_{name}": getattr(found, name)
            for name in ("ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks")
        }
        return attributes | {
            f"st_{name}": getattr(found, name) * 10**9 + getattr(found, f"{name}_nsec") for name in ("atime", "mtime", "ctime")
        }

    def readdir(self, path: str, fh: int) -> list[str]:
        """Names, in the server's order."""
        return self._ask(lambda nfs: list(nfs.names(path)))

    def readlink(self, path: str) -> str:
        """What a symbolic link says."""
        return self._ask(lambda nfs: nfs.target(path))

    def statfs(self, path: str) -> dict[str, int]:
        """The space, under the names of statvfs(3)."""
        found = Space()
        self._call("statvfs64", path, found)
        return {f"f_{name}": getattr(found, name) for name in SPACE}

    def open(self, path: str, flags: int) -> int:
        """-> a handle."""
        return self._opened(path, flags & os.O_ACCMODE)

    def create(self, path: str, mode: int, flags: int) -> int:
        """-> a handle."""
        made = self._opened(path, flags & (os.O_ACCMODE | os.O_EXCL), mode & 0o7777)
        self.chmod(path, mode)  # libnfs 4 does not say which mode it is to have
        return made

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Less than asked for at the end only."""
        return self._of(fh, lambda nfs, handle: nfs.read(handle, size, offset))

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """All of it."""
        return self._of(fh, lambda nfs, handle: nfs.write(handle, data, offset))

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        """Also of a file that is not open."""
        opened = fh or self._opened(path, os.O_WRONLY)
        try:
            return self._of(opened, lambda nfs, handle: nfs.call("ftruncate", handle, length))
        finally:
            if not fh:
                self.release(path, opened)

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """What was written is on the server's disk."""
        return self._of(fh, lambda nfs, handle: nfs.call("fsync", handle))

    def release(self, path: str, fh: int) -> int:
        """The last use of a handle has ended."""
        held = self._held.pop(fh)
        try:
            held.nfs.call("close", held.handle)
        except OSError:
            return 0  # the server has forgotten it, and its connection is of no use any more
        if len(self._free) < IDLE:
            self._free.append(held.nfs)
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        """A directory."""
        return self._call("mkdir2", path, mode & 0o7777)

    def mknod(self, path: str, mode: int, dev: int) -> int:
        """What is no file; libnfs makes devices only."""
        return self._call("mknod", path, mode, dev)

    def rmdir(self, path: str) -> int:
        """An empty directory goes."""
        return self._call("rmdir", path)

    def unlink(self, path: str) -> int:
        """A name goes; a file that is open is renamed by libfuse, so that it stays until it is closed."""
        return self._call("unlink", path)

    def rename(self, old: str, new: str) -> int:
        """What is open below it goes along."""
        answer = self._call("rename", old, os.fsencode(new))
        for held in self._held.values():
            if held.path == old or held.path.startswith(f"{old}/"):
                held.path = new + held.path[len(old) :]
        return answer

    def symlink(self, target: str, source: str) -> int:
        """`target` is the link, and what it says `source`."""
        return self._call("symlink", source, os.fsencode(target))

    def link(self, target: str, source: str) -> int:
        """`target` is the new name."""
        return self._call("link", source, os.fsencode(target))

    def chmod(self, path: str, mode: int) -> int:
        """See `_change`."""
        return self._change(path, lambda nfs: nfs.call("chmod", os.fsencode(path), mode & 0o7777))

    def chown(self, path: str, uid: int, gid: int) -> int:
        """With -1 for what is not to change. See `_change`."""
        unsigned = (1 << 32) - 1
        ids = [-1 if i in (-1, unsigned) else i for i in (uid, gid)]
        return self._change(path, lambda nfs: nfs.call("lchown", os.fsencode(path), *ids))

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        """Access and change, in ns; now where none are given. See `_change`."""
        now = time.time_ns()
        return self._change(path, lambda nfs: nfs.times(path, times or (now, now)))


def main(arguments: Sequence[str]) -> int:
    """-> the exit status."""
    parser = argparse.ArgumentParser(prog="nfs_client")
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("-o", dest="options", default="")
    asked = parser.parse_args(arguments)
    try:
        import mfusepy

        address, read_only = parsed(asked.source, [option for option in asked.options.split(",") if option])
        mfusepy.FUSE(
            FileSystem(lambda: Nfs(address), mfusepy.fuse_get_context, address.retries), asked.target, nothreads=True,
            fsname=asked.source, subtype="shipslog-nfs",
            allow_other=True, default_permissions=True, attr_timeout=1.0, entry_timeout=1.0,
            ro=read_only,
        )  # fmt: skip
    except (Refused, OSError, ImportError, RuntimeError) as error:
        print(f"mounting {asked.source}: {error}", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
