"""Room that is kept for a full disk: a file beside the log, given up when the disk has no more, so that deletes still fit.

While it is held, ordinary writes may use what the disk has. Without it, only what makes room is written.
"""

import os
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 4 << 20  # some hundred pods can be deleted with it
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

    def hold(self, more_bytes: int = 0) -> bool:
        """Take the room, if the disk has it and `more_bytes` besides. -> whether it is held."""
        if self.held:
            return True
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(fd, 0, RESERVE_BYTES + more_bytes)
            os.ftruncate(fd, RESERVE_BYTES)
            return True
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, 0)
            return False
        finally:
            os.close(fd)

    def release(self) -> None:
        """Give the room to whoever writes next: for the log, that is what it writes now."""
        with suppress(OSError):
            os.truncate(self.path, 0)
