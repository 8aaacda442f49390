"""Tells systemd how the daemon is, where it was started by a unit of Type=notify. Source: sd_notify(3).

Tests: tests/docs/test_operations.py
"""

import contextlib
import os
import socket


class Notifier:
    """`tell` sends lines like READY=1; it does nothing where nobody listens. What the daemon starts is not to tell anything:
    the variable is gone from the environment afterwards."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")

    def tell(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
            sender.sendto("\n".join(lines).encode(), address)
