"""Which pod has which address: round robin through the node's range, so that one is not used again at once.

Tests: tests/runtime/containers/test_contract.py
"""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path


class AddressesExhausted(Exception):
    """Every address of the range is in use."""


class Addresses:
    """The range of one node. What is in use is told at the start (`hold`); the place in the round is kept in a file."""

    def __init__(self, pod_cidr: str, cursor: Path) -> None:
        self.network = IPv4Network(pod_cidr)
        self._first = int(self.network.network_address) + 2  # .0 is the range, .1 the bridge
        self._count = self.network.num_addresses - 3  # without the broadcast address
        self._cursor = cursor
        self._used: dict[str, str] = {}
        try:
            self._next = int(cursor.read_text()) % self._count
        except (FileNotFoundError, ValueError):
            self._next = 0

    @property
    def gateway(self) -> str:
        return str(self.network.network_address + 1)

    def hold(self, ip: str, pod_uid: str) -> None:
        self._used[ip] = pod_uid

    def take(self, pod_uid: str) -> str:
        """The next free address. Errors: AddressesExhausted."""
        for _ in range(self._count):
            ip = str(IPv4Address(self._first + self._next))
            self._next = (self._next + 1) % self._count
            if ip not in self._used:
                self._used[ip] = pod_uid
                self._cursor.parent.mkdir(parents=True, exist_ok=True)
                self._cursor.write_text(str(self._next))
                return ip
        raise AddressesExhausted(f"all {self._count} addresses of {self.network} are in use; no sandbox was made")

    def release(self, ip: str, pod_uid: str) -> None:
        """Free it, if it is still that pod's."""
        if self._used.get(ip) == pod_uid:
            del self._used[ip]
