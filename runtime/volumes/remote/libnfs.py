"""libnfs, the NFS client library: what a file system needs of it, with errors as OSError.

Source: nfsc/libnfs.h of versions 4 and 5. A context is used by one thread at a time.

Tests: tests/runtime/volumes/remote/test_nfs.py
"""

import ctypes
import errno
import os
from collections.abc import Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_uint64, c_void_p
from typing import Any

from msgspec import Struct

NAMES = ("libnfs.so.13", "libnfs.so.14")  # of Debian's packages libnfs13 and libnfs14
PATH_BYTES = 4096
MOST = 1 << 17  # bytes of a read, and of a write where a server does not say how many it takes
ENCODED = 3584  # of those that libnfs 4.0 puts into one request of version 4


def _numbers(names: str) -> list[tuple[str, Any]]:
    return [(name, c_uint64) for name in names.split()]


class Stat(ctypes.Structure):
    """struct nfs_stat_64."""

    _fields_ = _numbers(
        "dev ino mode nlink uid gid rdev size blksize blocks atime mtime ctime atime_nsec mtime_nsec ctime_nsec used"
    )


class Space(ctypes.Structure):
    """struct nfs_statvfs_64."""

    _fields_ = _numbers("bsize frsize blocks bfree bavail files ffree favail fsid flag namemax")


class _Entry(ctypes.Structure):
    """The beginning of struct nfsdirent."""


_Entry._fields_ = [("next", POINTER(_Entry)), ("name", c_char_p)]


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("microseconds", ctypes.c_long)]


_P, _S, _I, _U, _N = c_void_p, c_char_p, c_int, c_uint, c_uint64
# By function: its arguments after the context. All answer with 0 or more, or an error below 0.
CALLS: dict[str, tuple[Any, ...]] = {
    "mount": (_S, _S),
    "lstat64": (_S, POINTER(Stat)),
    "fstat64": (_P, POINTER(Stat)),
    "statvfs64": (_S, POINTER(Space)),
    "open": (_S, _I, POINTER(_P)),
    "create": (_S, _I, _I, POINTER(_P)),
    "close": (_P,),
    "pread": (_P, _N, _N, _P),
    "pwrite": (_P, _N, _N, _P),
    "fsync": (_P,),
    "truncate": (_S, _N),
    "ftruncate": (_P, _N),
    "mkdir2": (_S, _I),
    "rmdir": (_S,),
    "unlink": (_S,),
    "rename": (_S, _S),
    "symlink": (_S, _S),
    "link": (_S, _S),
    "readlink": (_S, _P, _I),
    "chmod": (_S, _I),
    "lchown": (_S, _I, _I),
    "lutimes": (_S, POINTER(_Time * 2)),
    "mknod": (_S, _I, _I),
    "opendir": (_S, POINTER(_P)),
}


class Address(Struct, frozen=True, kw_only=True):
    """What is mounted, and how."""

    server: str
    path: str
    version: int = 4
    port: int = 0  # 0: 2049 for version 4, else what the server's portmapper says
    retries: int = -1  # of a connection that is lost; -1 for ever


class Nfs:
    """A mounted export. Errors of everything: OSError."""

    def __init__(self, address: Address) -> None:
        self._library = _loaded()
        self._context = self._library.nfs_init_context()
        if not self._context:
            raise OSError(errno.ENOMEM, "libnfs makes no context")
        self._user = (-1, -1)
        url = f"nfs://{address.server}/?version={address.version}"
        if address.port:
            url += f"&nfsport={address.port}" + (f"&mountport={address.port}" if address.version == 3 else "")
        parsed = self._library.nfs_parse_url_incomplete(self._context, url.encode())
        if not parsed:
            raise OSError(errno.EINVAL, self._error())
        self._library.nfs_destroy_url(parsed)
        self.call("mount", address.server.strip("[]").encode(), address.path.encode())
        self._write_bytes = int(self._library.nfs_get_writemax(self._context)) or MOST
        self._library.nfs_set_autoreconnect(self._context, address.retries)  # strictly after: the first time is not for ever

    def _error(self) -> str:
        return (self._library.nfs_get_error(self._context) or b"it says nothing").decode(errors="replace")

    def call(self, name: str, *arguments: Any) -> int:
        """One of CALLS; -> its answer."""
        answer = int(getattr(self._library, f"nfs_{name}")(self._context, *arguments))
        if answer < 0:
            raise OSError(-answer, f"{os.strerror(-answer)}: {self._error()}")
        return answer

    def be(self, uid: int, gid: int) -> None:
        """Who asks, from now on."""
        if (uid, gid) != self._user:
            self._library.nfs_set_uid(self._context, uid)
            self._library.nfs_set_gid(self._context, gid)
            self._user = (uid, gid)

    def opened(self, path: str, flags: int, mode: int | None = None) -> int:
        """A handle for `pread` and its like; made with the mode, if there is one."""
        handle = c_void_p()
        if mode is None:
            self.call("open", os.fsencode(path), flags, byref(handle))
        else:
            self.call("create", os.fsencode(path), flags, mode, byref(handle))
        return int(handle.value or 0)

    def names(self, path: str) -> Iterator[str]:
        """What is in a directory."""
        handle = c_void_p()
        self.call("opendir", os.fsencode(path), byref(handle))
        try:
            while entry := self._library.nfs_readdir(self._context, handle):
                yield os.fsdecode(entry.contents.name)
        finally:
            self._library.nfs_closedir(self._context, handle)

    def target(self, path: str) -> str:
        """Of a symbolic link."""
        buffer = ctypes.create_string_buffer(PATH_BYTES)
        self.call("readlink", os.fsencode(path), buffer, PATH_BYTES)
        return os.fsdecode(buffer.value)

    def read(self, handle: int, size: int, offset: int) -> bytes:
        """Less than `size` only at the file's end."""
        buffer = ctypes.create_string_buffer(size)
        at = ctypes.addressof(buffer)
        done = 0
        while done < size and (count := self.call("pread", handle, offset + done, min(size - done, MOST), at + done)):
            done += count
        return buffer.raw[:done]

    def write(self, handle: int, data: bytes, offset: int) -> int:
        """All of it."""
        done = 0
        while done < len(data):
            part = data[done : done + self._write_bytes]
            try:
                done += self.call("pwrite", handle, offset + done, len(part), part)
            except OSError as error:
                if "encode" not in str(error) or self._write_bytes <= ENCODED:
                    raise
                self._write_bytes = ENCODED
        return done

    def times(self, path: str, times_ns: tuple[int, int]) -> int:
        """Of the last access and change, to microseconds."""
        both = (_Time * 2)(*(_Time(ns // 10**9, ns % 10**9 // 1000) for ns in times_ns))
        return self.call("lutimes", os.fsencode(path), byref(both))


def _loaded() -> Any:
    """Errors: OSError."""
    library = None
    for name in NAMES:
        try:
            library = ctypes.CDLL(name)
            break
        except OSError:
            continue
    if library is None:
        raise OSError(errno.ENOENT, "libnfs is not installed; Debian's package libnfs-utils brings it")
    for name, arguments in CALLS.items():
        function = getattr(library, f"nfs_{name}")
        function.argtypes, function.restype = (c_void_p, *arguments), c_int
    library.nfs_init_context.restype = c_void_p
    library.nfs_parse_url_incomplete.argtypes, library.nfs_parse_url_incomplete.restype = (c_void_p, c_char_p), c_void_p
    library.nfs_destroy_url.argtypes = (c_void_p,)
    library.nfs_get_error.argtypes, library.nfs_get_error.restype = (c_void_p,), c_char_p
    library.nfs_set_autoreconnect.argtypes = (c_void_p, c_int)
    library.nfs_get_writemax.argtypes, library.nfs_get_writemax.restype = (c_void_p,), c_uint64
    for name in ("nfs_set_uid", "nfs_set_gid"):
        getattr(library, name).argtypes = (c_void_p, c_int)
    library.nfs_readdir.argtypes, library.nfs_readdir.restype = (c_void_p, c_void_p), POINTER(_Entry)
    library.nfs_closedir.argtypes, library.nfs_closedir.restype = (c_void_p, c_void_p), None
    return library
