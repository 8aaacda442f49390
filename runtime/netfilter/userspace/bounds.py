"""What one client may have of the proxy process, and all of them together. Pure, but for the pipes themselves.

Tests: tests/runtime/netfilter/test_userspace.py
"""

import contextlib
import fcntl
import os
from collections import Counter

PER_CONNECTION = 6  # descriptors: two sockets, and two pipes while something is in them
SHARE = 2  # of the connections one client may have one part in so many
POOL = 64
SIZES = ((64, 1 << 20), (4096, 1 << 16))  # so many pipes that hold something may be so large (bytes), the first first...
SMALLEST = 1 << 12  # ...and the rest so: what clients do not read waits in them, in memory that no pod answers for


class Clients:
    """Who has how many connections. `descriptors`: how many the process may have open."""

    def __init__(self, descriptors: int) -> None:
        self._most = max(2, descriptors // PER_CONNECTION)
        self._held: Counter[str] = Counter()
        self._count = 0

    def come(self, client: str) -> bool:
        """Whether it may have one more; then it has."""
        if self._count >= self._most or self._held[client] >= self._most // SHARE:
            return False
        self._held[client] += 1
        self._count += 1
        return True

    def go(self, client: str) -> None:
        """One of its connections has ended."""
        self._count -= 1
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]


class Pipes:
    """Pipes, those that nobody uses at the moment kept for who comes next."""

    def __init__(self) -> None:
        self._free: list[tuple[int, int]] = []
        self._small: set[tuple[int, int]] = set()
        self._used = 0

    @property
    def size_bytes(self) -> int:
        """Of the next one that is made."""
        return next((size for most, size in SIZES if self._used < most), SMALLEST)

    def take(self) -> tuple[int, int]:
        """An empty one. Errors: OSError without descriptors."""
        if self._free:
            self._used += 1
            return self._free.pop()
        pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # without the right to it: the usual size
            fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, self.size_bytes)
        if self.size_bytes < SIZES[0][1]:
            self._small.add(pipe)
        self._used += 1
        return pipe

    def give(self, pipe: tuple[int, int], *, empty: bool) -> None:
        """Back; what it holds is lost."""
        self._used -= 1
        if empty and len(self._free) < POOL and pipe not in self._small:
            self._free.append(pipe)
            return
        self._small.discard(pipe)
        for descriptor in pipe:
            os.close(descriptor)
