"""File descriptors: waiting on the loop until one can be read or written; which ones a new program would get.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import contextlib
import os


def inherited() -> list[int]:
    """Those that a program started from here would have, but for the first three: what this process got from whoever started it
    does not close by itself."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # closed meanwhile
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return found


async def readable(descriptor: int) -> None:
    """Returns when there is something to read, or its end; of a pidfd, when the process has ended."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


async def writable(descriptor: int) -> None:
    """Returns when there is room."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(descriptor, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
