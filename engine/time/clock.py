"""Time and randomness as inputs: the one clock with its timers, the one source of ids. Tests and replays bring their own."""

import asyncio
import os
import random
import time
from collections.abc import Callable
from typing import Protocol

from shipslog.runtime.node import Timer

SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # as Kubernetes' generated names: no vowels, no look-alikes


HELD_NS = 5_000_000_000
FETCHED_BYTES = 1024  # of the kernel's randomness at once


class Clock(Protocol):
    """What time it is, and what happens later. A clock that subclasses it without more than `now_ns` waits on the loop."""

    def now_ns(self) -> int:
        """Nanoseconds UTC. It may go back when the machine's clock is put right: order comes from revisions, and what waits
        does so on the loop's monotonic clock."""
        raise AssertionError("a clock says what time it is")

    def call_later(self, after_s: float, callback: Callable[[], object]) -> Timer:
        """Call it on the running loop when so much time has passed."""
        return asyncio.get_running_loop().call_later(after_s, callback)

    async def sleep(self, for_s: float) -> None:
        """Wait so long."""
        await asyncio.sleep(for_s)


class SystemClock(Clock):
    """The machine's clock. It stands still where the machine's goes back by no more than HELD_NS, and follows where by more."""

    def __init__(self, source: Callable[[], int] = time.time_ns) -> None:
        self._source = source
        self._last = 0

    def now_ns(self) -> int:
        self._last = held(self._last, self._source())
        return self._last


def held(last_ns: int, now_ns: int) -> int:
    """The time after `last_ns` when a clock says `now_ns`: a small step back is waited out, a large one is followed."""
    return last_ns if now_ns < last_ns <= now_ns + HELD_NS else now_ns


class _Kernel(random.SystemRandom):
    """The kernel's randomness, some at a time: at each system call another thread may take the interpreter."""

    def __init__(self) -> None:
        self._at_hand = b""
        super().__init__()

    def getrandbits(self, k: int, /) -> int:
        size = (k + 7) // 8
        if len(self._at_hand) < size:
            self._at_hand = os.urandom(max(size, FETCHED_BYTES))
        taken, self._at_hand = self._at_hand[:size], self._at_hand[size:]
        return int.from_bytes(taken, "big") >> (size * 8 - k)


class Entropy:
    """Ids and random choices; the same seed gives the same ones."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed) if seed is not None else _Kernel()

    def uid(self) -> str:
        """A version 4 UUID."""
        digits = f"{self._random.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def suffix(self, length: int = 5) -> str:
        """Random characters for a generated name."""
        return "".join(self._random.choices(SUFFIX_ALPHABET, k=length))

    def child(self) -> "Entropy":
        """Another source, for work whose draws come at times of their own; from the same seed as this one."""
        seeded = type(self._random) is random.Random
        return Entropy(self._random.getrandbits(64)) if seeded else Entropy()

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        return self._random.randrange(limit)
