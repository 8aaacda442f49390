"""Hears when links go, through rtnetlink: a bridge that somebody deletes, a port that is taken from it.

Only that something went is told: what is there is looked up by whoever hears. Layouts: rtnetlink(7), linux/if_link.h.

Tests: tests/runtime/network/test_link_monitor.py
"""

import contextlib
import socket
import struct

from .netlink import IFF_UP, RTM_DELLINK, RTM_NEWLINK

RTMGRP_LINK = 1
_SO_RCVBUFFORCE, _BUFFER = 33, 1 << 20
_HEAD, _LINK = struct.Struct("=IHHII"), struct.Struct("=BxHiII")


class LinkMonitor:
    """Of the network namespace of the thread that makes it."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        with contextlib.suppress(OSError):  # without CAP_NET_ADMIN of the machine: the usual size
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.bind((0, RTMGRP_LINK))

    def fileno(self) -> int:
        """Readable when a link has changed."""
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def lost(self) -> bool:
        """Whether any link went, or went down, since this was asked last; also if that cannot be told."""
        found = False
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return found
            except OSError:  # there was more than the socket holds
                return True
            found = found or _tells_of_loss(data)


def _tells_of_loss(data: bytes) -> bool:
    at = 0
    while at + _HEAD.size + _LINK.size <= len(data):
        length, kind, *_ = _HEAD.unpack_from(data, at)
        flags = _LINK.unpack_from(data, at + _HEAD.size)[3]
        if kind == RTM_DELLINK or (kind == RTM_NEWLINK and not flags & IFF_UP):
            return True
        at += max((length + 3) & ~3, _HEAD.size)
    return False
