"""Which pod has which addresses: round robin through the node's ranges, so that one is not used again at once.

A place is the same in the range of each family, so that addresses of both always go together: 10.244.0.7 with fd00::7.

Tests: tests/runtime/network/test_addresses.py, tests/runtime/containers/test_contract.py
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from shipslog.store.families import ranges_in

MOST = 1 << 24  # of a range of IPv6: the last four bytes of an address are its own within that


class AddressesExhausted(Exception):
    """Every address of the range is in use."""


class Addresses:
    """The ranges of one node, one of a family. What is in use is told at the start (`hold`); the place in the round is kept in
    a file."""

    def __init__(self, pod_cidr: str, cursor: Path) -> None:
        self.networks: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(one) for one in ranges_in(pod_cidr))
        # the first two are the range and the bridge; the last of IPv4 is the broadcast address
        self._count = min(MOST, *(network.num_addresses - (3 if network.version == 4 else 2) for network in self.networks))
        self._cursor = cursor
        self._used: dict[str, str] = {}  # by the address of the primary family
        try:
            self._next = int(cursor.read_text()) % self._count
        except (FileNotFoundError, ValueError):
            self._next = 0

    @property
    def gateways(self) -> tuple[str, ...]:
        """Those of the bridge, one of each family."""
        return tuple(str(network.network_address + 1) for network in self.networks)

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The same with the length of their prefixes: 10.244.0.1/24."""
        return tuple(f"{network.network_address + 1}/{network.prefixlen}" for network in self.networks)

    def hold(self, ip: str, pod_uid: str) -> None:
        self._used[ip] = pod_uid

    def take(self, pod_uid: str) -> tuple[str, ...]:
        """The next free addresses, one of each family. Errors: AddressesExhausted."""
        for _ in range(self._count):
            place = 2 + self._next
            ip = str(self.networks[0].network_address + place)
            self._next = (self._next + 1) % self._count
            if ip not in self._used:
                self._used[ip] = pod_uid
                self._cursor.parent.mkdir(parents=True, exist_ok=True)
                self._cursor.write_text(str(self._next))
                return (ip, *(str(network.network_address + place) for network in self.networks[1:]))
        ranges = " and ".join(str(network) for network in self.networks)
        raise AddressesExhausted(f"all {self._count} addresses of {ranges} are in use; no sandbox was made")

    def release(self, ip: str, pod_uid: str) -> None:
        """Free them, if they are still that pod's."""
        if self._used.get(ip) == pod_uid:
            del self._used[ip]
