"""The kernel's switch that lets packets from 127.0.0.1 be sent on to pods: node ports answer there too.

Tests: tests/runtime/netfilter/test_packets.py
"""

import contextlib
from pathlib import Path

_ROUTE_LOCALNET = Path("/proc/sys/net/ipv4/conf/all/route_localnet")


class Loopback:
    """The switch in the network namespace of the calling thread."""

    def __init__(self) -> None:
        self._before: str | None = None

    def open(self) -> None:
        with contextlib.suppress(OSError):  # read-only in some containers: then 127.0.0.1 alone does not work
            before = _ROUTE_LOCALNET.read_text().strip()
            if before != "1":
                _ROUTE_LOCALNET.write_text("1")
                self._before = before

    def restore(self) -> None:
        """As it was found. Idempotent."""
        if self._before is not None:
            with contextlib.suppress(OSError):
                _ROUTE_LOCALNET.write_text(self._before)
            self._before = None
