"""One writer a log: an advisory lock on a file beside it, which says who holds it and which revision was acknowledged last.

The note is written after each batch and not synced: after a kill it is exact, after a loss of power it may be behind, and it is
never ahead of what was durable. So a log that ends before it has lost something.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from .event_log import LogBusy, LogUnwritable

ATTEMPTS = 10  # readers take a shared lock for an instant to see whether a writer lives
PAUSE_S = 0.01
NOTE = b"%-20d\n%-20d\n"  # process, revision: of one length, so that it is overwritten in place


def lock_path(path: Path) -> Path:
    return path.with_name(path.name + "-lock")


class WriterLock:
    """Held from construction to `release`, or to the death of the process. Errors: LogBusy, LogUnwritable.

    `acknowledged`: the last revision that the writer before acknowledged, as far as is known; 0 when nothing is."""

    def __init__(self, path: Path) -> None:
        beside = lock_path(path)
        self._fd = _opened(path, beside)
        attempts = ATTEMPTS
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                attempts -= 1
                if not attempts:
                    holder = os.pread(self._fd, 20, 0).partition(b"\n")[0].decode(errors="replace").strip()
                    os.close(self._fd)
                    raise LogBusy(
                        f"{path}: process {holder or 'unknown'} has this log open for writing. Nothing was written; "
                        "stop that process or name another log."
                    ) from error
                time.sleep(PAUSE_S)
                continue
            if _is_at(self._fd, beside):
                break
            os.close(self._fd)  # who held it has removed it: what has its name now, somebody else may hold
            self._fd = _opened(path, beside)
        self.acknowledged = _noted(self._fd)
        self.note(self.acknowledged)

    def note(self, revision: int) -> None:
        """Everything up to `revision` was acknowledged."""
        with suppress(OSError):  # a full disk: the lock holds without a name on it
            os.pwrite(self._fd, NOTE % (os.getpid(), revision), 0)

    def release(self) -> None:
        """Let another process write. The file stays, with what it notes."""
        os.close(self._fd)


def _opened(path: Path, beside: Path) -> int:
    """Errors: LogUnwritable."""
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        return os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LogUnwritable(
            f"{path}: cannot be opened for writing: {beside.name}: {error.strerror}. Nothing was written; open it read-only."
        ) from error


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def acknowledged(path: Path) -> int:
    """The last revision that a writer of the log acknowledged, as far as is known; 0 when nothing is."""
    try:
        fd = os.open(lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return _noted(fd)
    finally:
        os.close(fd)


def holder(path: Path) -> int:
    """The process that has the log open for writing, or had it last; 0 when that is not known."""
    with suppress(OSError, ValueError):
        return int(lock_path(path).read_bytes()[:20])
    return 0


def _noted(fd: int) -> int:
    lines = os.pread(fd, 64, 0).split(b"\n")
    return int(lines[1]) if len(lines) > 2 and lines[1].strip().isdigit() else 0


def writer_lives(path: Path) -> bool:
    """Whether some process has the log open for writing at this moment. Takes nothing away from it."""
    try:
        fd = os.open(lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
