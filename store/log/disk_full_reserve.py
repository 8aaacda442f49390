"""Room that is kept for a full disk: a file beside the log, given up when the disk has no more, so that deletes still fit.

While it is held, ordinary writes may use what the disk has. Without it, only what makes room is written.

Tests: tests/store/log/test_sqlite.py, tests/store/log/test_disk_full.py
"""

import os
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 4 << 20  # some hundred pods can be deleted with it
LEAST_BYTES = 512 << 10  # what does where the file has much room inside: then only the write-ahead log needs the disk's
AGAIN_BYTES = 4 << 20  # so much more must be free before it is held again: else the next write would give it up


class Reserve:
    """The reserve of the log at `path`. It stays between two openings: a disk may be full already at the next one."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + "-reserve")

    @property
    def held(self) -> bool:
        try:
            return self.path.stat().st_size >= RESERVE_BYTES
        except OSError:
            return False

    def hold(self, more_bytes: int = 0, size_bytes: int = RESERVE_BYTES) -> bool:
        """Take the room, if the disk has it and `more_bytes` besides. -> whether it is held."""
        return self.held or self._allocate(size_bytes + more_bytes, size_bytes, 0)

    def fits(self, more_bytes: int) -> bool:
        """Whether the disk has so much besides what is held. It is tried: what a quota allows nobody can be asked."""
        try:
            now_bytes = self.path.stat().st_size
        except OSError:
            now_bytes = 0
        return self._allocate(now_bytes + more_bytes, now_bytes, now_bytes)

    def _allocate(self, size_bytes: int, keep_bytes: int, else_bytes: int) -> bool:
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(fd, 0, size_bytes)
            os.ftruncate(fd, keep_bytes)
            return True
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, else_bytes)
            return False
        finally:
            os.close(fd)

    def release(self) -> None:
        """Give the room to whoever writes next: for the log, that is what it writes now."""
        with suppress(OSError):
            os.truncate(self.path, 0)
