"""Turns a log over that has grown: `log` becomes `log.1`, `log.1` becomes `log.2`, and the last one goes.

Tests: tests/runtime/containers/logs/test_kept.py
"""

import contextlib
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from .limits import LogLimits
from .reading import NAMES

Reopen = Callable[[Path], bool]  # have who writes begin a new file; False if nobody does


def rotate(directory: Path, limits: LogLimits, reopen: Reopen) -> bool:
    """Whether it was due and done. A crash between any two steps leaves a log that is read as before."""
    try:
        if os.stat(f"{directory}/log").st_size < limits.max_bytes:
            return False
    except OSError:
        return False
    _make_room(directory, limits.max_files)
    return reopen(directory / "log")


def renamed(path: Path) -> Path:
    """The log under the name of the one before it. Errors: OSError."""
    return path.rename(path.with_name("log.1"))


def copied(path: Path) -> bool:
    """For who goes on writing into the file that he has open: the copy is the one before, and the file begins anew. What is
    written between these two is lost."""
    shutil.copyfile(path, path.with_name("log.1"))
    os.truncate(path, 0)
    return True


def _make_room(directory: Path, most: int) -> None:
    """Number the older ones up, the oldest first; those beyond `most` go."""
    found = sorted(
        (int(match[1]), name) for name in os.listdir(directory) if (match := NAMES.fullmatch(name)) and match[1] is not None
    )
    for number, name in reversed(found):
        path = directory / name
        if number + 1 >= most:
            path.unlink()
        else:
            path.rename(directory / f"log.{number + 1}{'.gz' if name.endswith('.gz') else ''}")


def packed(path: Path) -> None:
    """The file as `.gz`, with its times; after a crash one of both is there, or both."""
    draft, done = path.with_name(path.name + ".packing"), path.with_name(path.name + ".gz")
    times = path.stat()
    with path.open("rb") as source, draft.open("wb") as target, gzip.GzipFile("", "wb", 1, target, 0) as writer:
        shutil.copyfileobj(source, writer, 1 << 18)
    os.utime(draft, ns=(times.st_atime_ns, times.st_mtime_ns))
    draft.rename(done)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
