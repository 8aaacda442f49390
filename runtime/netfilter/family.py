"""The two families of addresses, as programs and the kernel call what differs between them; an adapter for each.

Tests: tests/runtime/netfilter/test_adapter.py, tests/runtime/netfilter/test_packets.py
"""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from msgspec.structs import replace

from shipslog.runtime.commands import Ruleset


class Family(NamedTuple):
    """IPv4 or IPv6."""

    kind: str  # as Kubernetes calls it
    name: str  # nft's: of tables, of headers
    number: int  # the kernel's
    type: str  # nft's, of an address
    bits: int
    icmp: str
    loopback: str
    restore: str
    save: str

    def is_address(self, text: str) -> bool:
        try:
            socket.inet_pton(self.number, text)
        except OSError:
            return False
        return True

    def port(self, address: str, port: int) -> str:
        """`address:port`, as a URL has it."""
        return f"[{address}]:{port}" if self.number == socket.AF_INET6 else f"{address}:{port}"


IPV4 = Family(
    "IPv4", "ip", socket.AF_INET, "ipv4_addr", 32, "icmp", "127.0.0.0/8", "iptables-nft-restore", "iptables-nft-save"
)  # fmt: skip
IPV6 = Family(
    "IPv6", "ip6", socket.AF_INET6, "ipv6_addr", 128, "icmpv6", "::1/128", "ip6tables-nft-restore", "ip6tables-nft-save"
)  # fmt: skip


FAMILIES = {"IPv4": IPV4, "IPv6": IPV6}


def ruleset_of(family: Family, ruleset: Ruleset) -> Ruleset:
    """A ruleset with the ranges and addresses of one family. Its services are as they were: rules say of
    which they are."""
    ranges = [cidr for cidr in ruleset.pod_cidr.split(",") if family_of(cidr) is family]
    if ranges == [ruleset.pod_cidr]:
        return ruleset
    addresses = tuple(a for a in ruleset.node_addresses if family_of(a) is family)
    return replace(ruleset, pod_cidr="".join(ranges[:1]), node_addresses=addresses)


class Adapter(Protocol):
    """What keeps the rules of one family."""

    async def apply(self, ruleset: Ruleset) -> None: ...
    async def close(self, *, remove: bool) -> None: ...


A = TypeVar("A", bound=Adapter)


class PerFamily(Generic[A]):
    """PacketRules of both families, each kept by an adapter of its own that `make` makes. One that was never used is only there
    for what an earlier daemon may have left."""

    def __init__(self, make: Callable[[Family], A]) -> None:
        self.of = {family: make(family) for family in FAMILIES.values()}

    async def apply(self, ruleset: Ruleset) -> None:
        """Errors: NetfilterFailed; RuntimeUnavailable where programs are missing."""
        for family in families_of(ruleset):
            await self.of[family].apply(ruleset_of(family, ruleset))

    async def close(self, *, remove: bool) -> None:
        for family, adapter in self.of.items():
            await adapter.close(remove=remove and machine_has(family))


def machine_has(family: Family) -> bool:
    """Whether the kernel knows the family at all."""
    return family is IPV4 or Path("/proc/net/if_inet6").exists()


def families_of(ruleset: Ruleset) -> tuple[Family, ...]:
    """Those that a ruleset has anything of, by its ranges of pods."""
    return tuple(dict.fromkeys(family_of(cidr) for cidr in ruleset.pod_cidr.split(",")))


def family_of(address: str) -> Family:
    """Of an address or a range."""
    return IPV6 if ":" in address else IPV4
