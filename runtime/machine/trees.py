"""Directory trees that somebody else filled: removed and walked however deep they are, without leaving them.

Everything goes by open directories, so that no link that is put in the way while we work leads out, a path may be longer than
the kernel takes, and no depth costs a level of our own stack. Mounts are not crossed: what is mounted there is not the tree's.
"""

import array
import contextlib
import errno
import fcntl
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from . import linux

_INSIDE = linux.RESOLVE_BENEATH | linux.RESOLVE_NO_SYMLINKS | linux.RESOLVE_NO_XDEV
_BATCH = 1000  # names held at a time while removing
_GETFLAGS, _SETFLAGS = 0x80086601, 0x40086602  # ioctl_iflags(2)
_KEPT = 0x10 | 0x20  # FS_IMMUTABLE_FL, FS_APPEND_FL
Leave = Callable[[int, str], None]


def remove(path: Path) -> None:
    """Delete what is there, however deep; nothing if there is nothing. Errors: OSError, also where something is mounted below;
    what is mounted is not touched then."""
    try:
        parent = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        remove_at(parent, path.name)
    finally:
        os.close(parent)


def remove_at(parent: int, name: str) -> None:
    """The same, for a name in an open directory.

    A directory that is not empty is moved up to the top before it is emptied, so that nothing is ever deeper than two."""
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            _unlink(parent, name)
            return
        top = _open(parent, name)
    except FileNotFoundError:
        return
    try:
        fresh = (f".removing-{number}" for number in itertools.count())
        while names := _names(top):
            for each in names:
                if not _deleted(top, each):
                    _lift_children(top, each, fresh)
    finally:
        os.close(top)
    _unlocked(parent, name, os.rmdir)


def _lift_children(top: int, name: str, fresh: Iterator[str]) -> None:
    """Delete the directory `name` of `top`: its files go, directories in it that are not empty move up beside it."""
    at = _open(top, name)
    try:
        while names := _names(at):
            for each in names:
                if not _deleted(at, each):
                    _lift(at, each, top, fresh)
    finally:
        os.close(at)
    _unlocked(top, name, os.rmdir)


def _lift(at: int, name: str, top: int, fresh: Iterator[str]) -> None:
    while True:
        aside = next(fresh)
        with contextlib.suppress(FileNotFoundError):
            os.stat(aside, dir_fd=top, follow_symlinks=False)
            continue  # somebody has called one of theirs the same
        try:
            os.rename(name, aside, src_dir_fd=at, dst_dir_fd=top)
        except PermissionError:
            # to move a directory is to change it: it must be ours to write, and not be kept by a flag
            for parent, child in ((at, name), (top, "."), (at, ".")):
                _make_ours(parent, child)
            os.rename(name, aside, src_dir_fd=at, dst_dir_fd=top)
        return


def _deleted(at: int, name: str) -> bool:
    """Whether it is gone: a file, or an empty directory. Errors: OSError."""
    try:
        _unlink(at, name)
    except IsADirectoryError:
        try:
            _unlocked(at, name, os.rmdir)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
    except FileNotFoundError:
        pass
    return True


def _unlink(at: int, name: str) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    _unlocked(at, name, os.unlink)


def _unlocked(at: int, name: str, how: Callable[..., None]) -> None:
    """Do `how` to a name, after taking off what keeps it if it is kept (chattr +i, +a, a directory nobody may write)."""
    try:
        how(name, dir_fd=at)
    except FileNotFoundError:
        return
    except PermissionError:
        for child in (".", name):
            _make_ours(at, child)
        how(name, dir_fd=at)


def _make_ours(at: int, name: str) -> None:
    with contextlib.suppress(OSError):
        mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
        if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            return
        descriptor = linux.open_inside(at, name, os.O_PATH, _INSIDE)
        try:
            again = os.fstat(descriptor)
            if stat.S_ISDIR(again.st_mode) and again.st_mode & 0o700 != 0o700 and os.geteuid() in (0, again.st_uid):
                os.chmod(f"/proc/self/fd/{descriptor}", again.st_mode & 0o7777 | 0o700)
        finally:
            os.close(descriptor)
        descriptor = linux.open_inside(at, name, os.O_RDONLY | os.O_NONBLOCK, _INSIDE)
        try:
            flags = array.array("L", [0])
            fcntl.ioctl(descriptor, _GETFLAGS, flags)
            if flags[0] & _KEPT:
                flags[0] &= ~_KEPT
                fcntl.ioctl(descriptor, _SETFLAGS, flags)
        finally:
            os.close(descriptor)


def _open(at: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY
    try:
        return linux.open_inside(at, name, flags, _INSIDE)
    except PermissionError:
        _make_ours(at, name)
        return linux.open_inside(at, name, flags, _INSIDE)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise OSError(errno.EBUSY, "something is mounted there", name) from error
        raise


def _names(descriptor: int) -> list[str]:
    """Some of the names in a directory; [] if there are none."""
    with os.scandir(descriptor) as entries:
        return [entry.name for entry in itertools.islice(entries, _BATCH)]


def walk(top: Path, *, leave: Leave | None = None) -> Iterator[tuple[int, str]]:
    """Everything below `top`: (an open directory, a name in it), the names of one directory together, before what is below
    them. `leave(directory, name)` is called for each directory when all below it has been seen.

    What vanishes meanwhile is passed over; what is mounted below is named and not entered. Errors: OSError, also when a
    directory is moved away while we are in it."""
    at = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    above: list[tuple[list[str], str, tuple[int, int]]] = []  # what is left to enter there, where we are from there, who it is
    try:
        left = list(_directories(at))
        yield from _seen(at)
        while True:
            while left:
                name = left.pop()
                try:
                    below = linux.open_inside(at, name, os.O_RDONLY | os.O_DIRECTORY, _INSIDE)
                except OSError as error:
                    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV):
                        continue
                    raise
                above.append((left, name, _identity(at)))
                os.close(at)
                at = below
                yield from _seen(at)
                left = list(_directories(at))
            if not above:
                return
            left, name, who = above.pop()
            up = os.open("..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = up
            if _identity(at) != who:
                raise OSError(errno.ESTALE, "a directory was moved away while it was being walked", name)
            if leave is not None:
                leave(at, name)
    finally:
        os.close(at)


def _seen(descriptor: int) -> Iterator[tuple[int, str]]:
    with os.scandir(descriptor) as entries:  # one after the other: there may be millions
        for entry in entries:
            yield descriptor, entry.name


def _directories(descriptor: int) -> Iterator[str]:
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield entry.name


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
