"""The families of addresses that a cluster has. A text names its ranges, one of a family, with a comma between; the first is
the primary one: `10.244.0.0/16,fd00:10:244::/56`. Pure.

Tests: tests/store/test_families.py
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

Family = Literal["IPv4", "IPv6"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
FAMILIES: tuple[Family, ...] = ("IPv4", "IPv6")


def family_of(address: str) -> Family:
    """Of an address or a range."""
    return "IPv6" if ":" in address else "IPv4"


@lru_cache(maxsize=65536)
def canonical(address: str) -> str:
    """An address as everybody else writes it, "" for what is none. Zeros at the front count for nothing, as Kubernetes has it
    in what it always took (`010.0.0.1` is 10.0.0.1): Python refuses them, and others read such a number as octal."""
    if family_of(address) == "IPv4":
        address = ".".join(part.lstrip("0") or part[-1:] for part in address.split("."))
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""


@lru_cache(maxsize=64)
def ranges_in(text: str) -> tuple[str, ...]:
    """Its ranges, the primary one first; () of ""."""
    return tuple(text.split(",")) if text else ()


@lru_cache(maxsize=64)
def networks_in(text: str) -> tuple[Network, ...]:
    """The same, to be looked into. Errors: ValueError."""
    return tuple(ipaddress.ip_network(one, strict=False) for one in ranges_in(text))


@lru_cache(maxsize=64)
def families_in(text: str) -> tuple[Family, ...]:
    """The primary one first."""
    return tuple(dict.fromkeys(family_of(one) for one in ranges_in(text)))


def first_in(text: str) -> str:
    """The first address that the primary range gives. Errors: ValueError, IndexError."""
    return str(networks_in(text)[0][1])


def holds(text: str, address: str) -> bool:
    """Whether one of the ranges has the address. Errors: ValueError for what is none."""
    value = ipaddress.ip_address(address)
    return any(value in network for network in networks_in(text))


def of_family(addresses: Iterable[str], family: Family) -> tuple[str, ...]:
    """Those of one family."""
    return tuple(address for address in addresses if address and family_of(address) == family)


def one_each(addresses: Iterable[str]) -> tuple[str, ...]:
    """The first of each family, in their order."""
    found: dict[Family, str] = {}
    for address in addresses:
        if address:
            found.setdefault(family_of(address), address)
    return tuple(found.values())
