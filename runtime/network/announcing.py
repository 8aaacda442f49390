"""The node answers its neighbours for addresses of load balancers, as for its own: proxy ARP, and proxy NDP for IPv6.

The addresses are on none of its interfaces, so what else listens on the node is not to be had there: the kernel is told to
answer for them (a proxy neighbour), and a route to the pods' bridge makes them the cluster's. Source: ip-neighbour(8), arp(7).

Tests: tests/runtime/netfilter/test_announcing.py
"""

import ipaddress
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from shipslog.store.logger import logger

from .netlink import Netlink

log = logger(__name__)
ROUTES, ROUTES_6 = Path("/proc/thread-self/net/route"), Path("/proc/thread-self/net/ipv6_route")


class Announced:
    """The addresses that this node answers for, in the network namespace of the calling thread. `note`: where they are written
    down, so that a later daemon takes back those of an earlier one."""

    def __init__(self, bridge: str, note: Path) -> None:
        self._bridge, self._note = bridge, note
        self._held: dict[str, str] | None = None  # address -> interface

    def renew(self, addresses: Iterable[str]) -> None:
        """These and no others. One that no interface leads to needs no answer: whoever routes it here finds the node."""
        held = self._noted() if self._held is None else self._held
        first, wanted = self._held is None, dict[str, str]()
        for address in sorted(set(addresses)):
            link = held.get(address) or link_of(address, but=self._bridge)
            if link:
                wanted[address] = link
        if not first and wanted == held:
            return
        self._write({**held, **wanted})
        for address, link in held.items():
            if address not in wanted:
                self._end(address, link)
        for address, link in wanted.items():
            if first or address not in held:
                self._begin(address, link)
        self._held = wanted
        self._write(wanted)

    def again(self) -> None:
        """The bridge was made anew: with the one before all routes to it went. Errors: OSError."""
        for address, link in (self._held or {}).items():
            self._begin(address, link)

    def _begin(self, address: str, link: str) -> None:
        with Netlink() as netlink:
            netlink.host_route(socket.if_nametoindex(self._bridge), address)
            netlink.proxy_neighbour(socket.if_nametoindex(link), address)
        if ":" in address:
            Path(f"/proc/sys/net/ipv6/conf/{link}/proxy_ndp").write_text("1")

    def _end(self, address: str, link: str) -> None:
        for what in (self._without_neighbour, self._without_route):
            try:
                what(address, link)
            except OSError as error:  # it is gone already, or its link is
                log.debug("not_announced_any_more", address=address, why=str(error))

    def _without_neighbour(self, address: str, link: str) -> None:
        with Netlink() as netlink:
            netlink.proxy_neighbour(socket.if_nametoindex(link), address, there=False)

    def _without_route(self, address: str, link: str) -> None:
        with Netlink() as netlink:
            netlink.host_route(socket.if_nametoindex(self._bridge), address, there=False)

    def _noted(self) -> dict[str, str]:
        try:
            return dict(line.split(" ", 1) for line in self._note.read_text().splitlines())
        except (OSError, ValueError):
            return {}

    def _write(self, held: dict[str, str]) -> None:
        if not held:
            self._note.unlink(missing_ok=True)
            return
        self._note.parent.mkdir(parents=True, exist_ok=True)
        draft = self._note.with_name(self._note.name + ".new")
        draft.write_text("".join(f"{address} {link}\n" for address, link in sorted(held.items())))
        os.replace(draft, self._note)


def link_of(address: str, *, but: str) -> str:
    """The interface on whose own network an address is; "" for none. `but`: one that does not count."""
    value = ipaddress.ip_address(address)
    read: Callable[[], Iterable[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network]]]
    read = _links if value.version == 4 else _links_6
    found = [(network.prefixlen, name) for name, network in read() if value in network and name not in (but, "lo")]
    return max(found)[1] if found else ""


def _links() -> Iterable[tuple[str, ipaddress.IPv4Network]]:
    """(interface, network) of routes without a gateway."""
    for line in ROUTES.read_text().splitlines()[1:]:
        name, target, gateway, _, _, _, _, mask, *_ = line.split()
        if int(gateway, 16) == 0 and int(mask, 16) not in (0, 0xFFFFFFFF):
            address = socket.inet_ntoa(bytes.fromhex(target)[::-1])
            yield name, ipaddress.IPv4Network(f"{address}/{bin(int(mask, 16)).count('1')}")


def _links_6() -> Iterable[tuple[str, ipaddress.IPv6Network]]:
    for line in ROUTES_6.read_text().splitlines() if ROUTES_6.exists() else ():
        target, length, _, _, gateway, *_, name = line.split()
        if int(gateway, 16) == 0 and 0 < int(length, 16) < 128:
            yield name, ipaddress.IPv6Network((int(target, 16), int(length, 16)))
