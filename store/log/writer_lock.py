"""One writer a log: an advisory lock on a file beside it, which says who holds it."""

import fcntl
import os
import time
from pathlib import Path

from .event_log import LogBusy, LogUnwritable

ATTEMPTS = 10  # readers take a shared lock for an instant to see whether a writer lives
PAUSE_S = 0.01


def lock_path(path: Path) -> Path:
    return path.with_name(path.name + "-lock")


class WriterLock:
    """Held from construction to `release`, or to the death of the process. Errors: LogBusy, LogUnwritable."""

    def __init__(self, path: Path) -> None:
        beside = lock_path(path)
        try:
            beside.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LogUnwritable(
                f"{path}: cannot be opened for writing: {beside.name}: {error.strerror}. Nothing was written; "
                "open it read-only."
            ) from error
        for attempt in range(ATTEMPTS):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if attempt == ATTEMPTS - 1:
                    holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
                    os.close(self._fd)
                    raise LogBusy(
                        f"{path}: process {holder or 'unknown'} has this log open for writing. Nothing was written; "
                        "stop that process or name another log."
                    ) from error
                time.sleep(PAUSE_S)
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)
        except OSError:
            pass  # a full disk: the lock holds without a name on it

    def release(self) -> None:
        """Let another process write. The file stays: removing it would let two writers lock two files."""
        os.close(self._fd)


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
