"""Being rid of a cluster: what `down --purge` removes, and what it leaves."""

import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from shipslog.store.log.writer_lock import WriterLock, lock_path

LOG = "cluster.db"
OURS = re.compile(
    r"cluster\.db(-wal|-shm|-reserve|-new)?|cluster\.json(\.new)?|daemon\.json|kubeconfig(\.new)?|token|left-behind"
    r"|shipslog\.log.*|pki|node|cri|processes|\.restoring|before-restore-[0-9TZ]+"
)


class NotPurged(Exception):
    """Nothing, or not all, was removed; the message says what is left and why."""


def is_cluster(data: Path) -> bool:
    """Whether a cluster was ever begun in a directory."""
    return (data / LOG).exists() or (data / "cluster.json").exists()


def purge(data: Path) -> Sequence[str]:
    """Remove a cluster that does not run. -> the names of what is not ours, and was left with its directory.

    Errors: NotPurged, LogBusy when a daemon runs there."""
    if mounted := mounts_below(data):
        raise NotPurged(
            f"something is mounted there still: {', '.join(mounted)}. Unmount it and try again; nothing was removed"
        )
    lock = WriterLock(data / LOG)  # no daemon begins meanwhile
    try:
        _as_root_of_its_files(data)
        lock_path(data / LOG).unlink(missing_ok=True)
        others = sorted(path.name for path in data.iterdir())
        if not others:
            with contextlib.suppress(PermissionError):  # it may stand where he could not have made it
                data.rmdir()
        return others
    except OSError as error:
        raise NotPurged(f"{error.filename}: {error.strerror}; what is left is in {data}") from error
    finally:
        lock.release()


def mounts_below(data: Path) -> Sequence[str]:
    """Where something is mounted in a directory: what is removed there would go on another disk."""
    root = f"{data.resolve()}/"
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = (line.split()[4].replace("\\040", " ") for line in lines)
    return sorted({point for point in points if point.startswith(root)})


def _as_root_of_its_files(data: Path) -> None:
    """Images and pods of an ordinary user have files of others, which only the root of his own user namespace may remove."""
    if os.geteuid() == 0:
        _remove(data)
        return
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        failure = ""
        try:
            _enter_user_namespace()
            _remove(data)
        except OSError as error:
            failure = f"{error.errno}\n{error.strerror}\n{error.filename}"
        except BaseException as error:
            failure = f"0\n{error}\n{data}"
        os.write(writer, failure.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        failure = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    if failure:
        number, why, filename = failure.split("\n", 2)
        raise OSError(int(number), why, filename)


def _enter_user_namespace() -> None:
    from shipslog.runtime.rootless.namespace import Unavailable, take_user_namespace

    with contextlib.suppress(Unavailable):  # then there were no real containers either, and all files are his own
        take_user_namespace()


def _remove(data: Path) -> None:
    """The log last: what is cut off can be told from a cluster, and be tried again."""
    for path in sorted(data.iterdir(), key=lambda path: path.name == LOG):
        if OURS.fullmatch(path.name):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
