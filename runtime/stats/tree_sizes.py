"""What directory trees take of their file systems, however many entries they have.

A look is at ENTRIES of a tree at most. One that is larger is gone on with by the next look, where this one stopped, and what
has been seen so far counts: so no number of small files hides a large one.

Tests: tests/runtime/stats/test_tree_sizes.py
"""

import os
import stat
from collections.abc import Iterator, Set
from itertools import islice
from pathlib import Path

from msgspec import Struct

from shipslog.runtime.machine import trees

from .machine import BLOCK, disk
from .usage import Disk

ENTRIES = 50_000  # of one tree that are looked at in one round


class _Walk(Struct):
    path: Path
    left: Iterator[tuple[int, str]]
    used_bytes: int = 0
    entries: int = 0

    def close(self) -> None:
        """Let go of its open directory."""
        self.left.close()  # type: ignore[attr-defined]


class TreeSizes:
    """Of one node. Everything blocks, and is to be called by one thread at a time."""

    def __init__(self) -> None:
        self._walks: dict[str, _Walk] = {}  # those that are not through
        self._known: dict[str, tuple[int, int]] = {}  # bytes and entries, when the tree was last seen whole

    @property
    def unfinished(self) -> dict[str, Path]:
        """What is to be gone on with, by key."""
        return {key: walk.path for key, walk in self._walks.items()}

    def keep(self, keys: Set[str]) -> None:
        """Forget all others."""
        for key in self._walks.keys() - keys:
            self._walks.pop(key).close()
        for key in self._known.keys() - keys:
            del self._known[key]

    def taken(self, key: str, path: Path, at_ns: int) -> Disk | None:
        """Of one tree; None where there is none. `partial`: there is more of it. Holes do not count."""
        whole, walk = disk(path, at_ns), self._walks.pop(key, None)
        if walk is not None and (whole is None or walk.path != path):
            walk.close()
            walk = None
        if whole is None:
            return None
        walk = walk or _Walk(path, trees.walk(path))
        try:
            if cut := _go_on(walk):
                self._walks[key] = walk
        except OSError:
            cut = path.exists()  # moved about while we looked: what was seen counts, and the next look begins anew
        used, entries = walk.used_bytes, walk.entries
        if cut:
            before = self._known.get(key, (0, 0))
            used, entries = max(used, before[0]), max(entries, before[1])
        else:
            self._known[key] = used, entries
        return Disk(at_ns, used, entries, whole.available_bytes, whole.capacity_bytes, whole.free_inodes, whole.inodes, cut)


def _go_on(walk: _Walk) -> bool:
    """-> whether there may be more. Errors: OSError."""
    until = walk.entries + ENTRIES
    for at, name in islice(walk.left, ENTRIES):
        walk.entries += 1
        walk.used_bytes += _blocks(at, name)
    return walk.entries == until


def _blocks(at: int, name: str) -> int:
    try:
        found = os.stat(name, dir_fd=at, follow_symlinks=False)
    except OSError:
        return 0
    return 0 if stat.S_ISCHR(found.st_mode) else found.st_blocks * BLOCK
