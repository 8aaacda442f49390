"""A pool of addresses: ranges, as people write them. Pure.

Tests: tests/store/test_address_pool.py
"""

import ipaddress
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple


class Range(NamedTuple):
    """From the first to the last, both of the same family."""

    version: int
    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def meets(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
        """Whether they share an address."""
        own = self.version == network.version
        return own and self.first <= int(network[-1]) and int(network[0]) <= self.last


@lru_cache(maxsize=64)
def ranges_of(text: str) -> tuple[Range, ...]:
    """`192.168.1.240-192.168.1.250,fd00::/120`. Of a range in CIDR form of IPv4 the first and the last address are left out
    where it is larger than a /31: they mean the net itself and everybody in it. Errors: ValueError, with the part that is
    wrong."""
    return tuple(_range(part.strip()) for part in text.split(",") if part.strip())


def _range(part: str) -> Range:
    try:
        if "-" in part:
            first, last = (ipaddress.ip_address(end.strip()) for end in part.split("-", 1))
        else:
            network = ipaddress.ip_network(part, strict=False)
            spare = network.version == 4 and network.prefixlen < 31
            first, last = network[1 if spare else 0], network[-2 if spare else -1]
    except ValueError as error:
        raise ValueError(f"{part!r}: {error}") from error
    if first.version != last.version or int(first) > int(last):
        raise ValueError(f"{part!r}: give the lower address first, and both of one family")
    return Range(first.version, int(first), int(last))


def holds(pool: str, address: str) -> bool:
    value = ipaddress.ip_address(address)
    return any(r.version == value.version and r.first <= int(value) <= r.last for r in ranges_of(pool))


def from_place(pool: str, version: int, place: int) -> Iterator[str]:
    """All addresses of a family, beginning at the one in this place, and round."""
    ranges = [r for r in ranges_of(pool) if r.version == version]
    size = sum(r.size for r in ranges)
    make = ipaddress.IPv6Address if version == 6 else ipaddress.IPv4Address
    for step in range(size):
        at = (place + step) % size
        for one in ranges:
            if at < one.size:
                yield str(make(one.first + at))
                break
            at -= one.size
