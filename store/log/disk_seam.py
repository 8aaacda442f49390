"""What the SQLite log stands on: connections to its file, and the room that is kept beside it.

A seam, so that a simulator can put a disk below the log that fails, fills and is cut off when it wants; everything above is
then the log that runs.

Tests: tests/store/log/test_sqlite.py, tests/store/log/test_disk_full.py
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, Self, TypeVar

from .disk_full_reserve import Reserve
from .sqlite_connection import ThreadConnection, connect_to_read, connect_to_write

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseConnection(Protocol):
    """A connection that runs whole functions, one after the other."""

    async def connected(self) -> Self:
        """Open the file. Errors: sqlite3.Error."""

    async def transact(self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function` with the connection."""

    async def close(self) -> None:
        """Let go of the file."""


class Disk:
    """The disk of the machine: every connection has a thread of its own, since SQLite waits for it."""

    def writer(self, path: Path) -> DatabaseConnection:
        """The one connection that writes."""
        return ThreadConnection(lambda: connect_to_write(path))

    def reader(self, path: Path, *, still: bool) -> DatabaseConnection:
        """A connection that cannot write. `still`: nobody else has the file open."""
        return ThreadConnection(lambda: connect_to_read(path, still=still))

    def reserve(self, path: Path) -> Reserve:
        """The room that is kept for a full disk."""
        return Reserve(path)


MACHINE = Disk()
