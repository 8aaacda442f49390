"""The way back to the machine's own network, for a process whose other threads are in its node's."""

import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from shipslog.runtime.machine.threads import in_fresh_thread

T = TypeVar("T")


class Outside:
    """One thread that was begun before its process moved. A thread begins where the one that begins it is: so further ones that
    this one begins, and their subprocesses, are outside too."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shipslog-outside")
        self._thread.submit(int).result()  # an executor begins its threads when there is work

    def call(self, work: Callable[[], T]) -> T:
        """Short work, now."""
        return self._thread.submit(work).result()

    def begin(self, work: Callable[[], T]) -> "Future[T]":
        """Work that takes its time, in a thread of its own."""
        return self.call(lambda: in_fresh_thread(work))

    def bound(self, address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        """A socket that is bound in the machine's network. Errors: OSError."""
        return self.call(lambda: bound(address, port, kind))


def bound(address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A bound socket in the calling thread's network, not blocking. Errors: OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address == "::":  # both families
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind((address, port))
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made
