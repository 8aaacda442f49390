"""The daemon's messages: on standard error, or in a file that begins anew before it grows too large."""

import logging
import os
import sys
from pathlib import Path

from shipslog.store.logger import send_to

from .settings import Settings
from .settings.values import size_bytes

STANDARD = (1, 2)  # what libraries and the interpreter itself say goes there


class LogFile(logging.Handler):
    """Writes lines to `path`. One that has `max_bytes` is moved to PATH.1, which moves on to PATH.2 and so on; `files` are kept
    with the newest. What goes to the descriptors `also` goes there too."""

    def __init__(self, path: Path, max_bytes: int, files: int, *, also: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.path, self.max_bytes, self.files, self._also = path, max_bytes, files, also
        self._descriptor = self._opened()

    def emit(self, record: logging.LogRecord) -> None:
        """A line that cannot be written, on a full disk, is lost: the daemon goes on."""
        try:
            line = (self.format(record) + "\n").encode(errors="replace")
            if os.fstat(self._descriptor).st_size + len(line) > self.max_bytes:
                self._begin_anew()
            os.write(self._descriptor, line)
        except OSError:
            pass
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()

    def _opened(self) -> int:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)  # one of an older version may be there: names and addresses stand in it
        for standard in self._also:
            os.dup2(descriptor, standard)
        return descriptor

    def _begin_anew(self) -> None:
        if self.files == 1:
            os.ftruncate(self._descriptor, 0)
            return
        draft = self.path.with_name(f"{self.path.name}.new")  # first: without it none of the others may move on
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        for number in range(self.files - 1, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))
        draft.replace(self.path)
        old, self._descriptor = self._descriptor, self._opened()
        os.close(old)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path


def begin(settings: Settings, *, detached: bool) -> None:
    """Write messages where the settings say; `detached`: nobody reads what else is said. Errors: OSError."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if settings.log_file is not None:
        size = size_bytes(settings.log_max_size, "log_max_size")
        handler = LogFile(settings.log_file, size, settings.log_max_files, also=STANDARD if detached else ())
    send_to(handler, level=settings.log_level, form=settings.log_format)
