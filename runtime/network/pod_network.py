"""The bridge of a node and the link of a pod to it.

A pod has its address as a /32 (a /128 of IPv6) and one route, through the bridge: so packets between two pods of a node pass
the node's connection tracking too, and what was translated on the way there is translated back, without br_netfilter.

Tests: tests/runtime/containers/test_contract.py, tests/runtime/containers/oci/recovery/test_leftovers.py
"""

import contextlib
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from shipslog.store.families import family_of

from .netlink import IFF_UP, Netlink, hardware_address

IPV4, IPV6 = Path("/proc/sys/net/ipv4"), Path("/proc/sys/net/ipv6")
PORTS_OF_IPV6 = (("accept_ra", "0"), ("accept_redirects", "0"), ("accept_dad", "0"), ("disable_ipv6", "0"))


def ensure_bridge(name: str, interfaces: Sequence[str]) -> None:
    """The bridge with the first address of each range (`10.244.0.1/24`), up. Errors: OSError."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        with Netlink() as netlink:
            netlink.add_bridge(name, hardware_address(interfaces[0].partition("/")[0]))
        index = socket.if_nametoindex(name)
    if any(":" in address for address in interfaces):
        _write(IPV6 / "conf" / name, PORTS_OF_IPV6)
    with Netlink() as netlink:
        for address in interfaces:
            netlink.add_address(index, address)
        netlink.up(index)
    _write(IPV4 / "conf" / name, (("send_redirects", "0"), ("route_localnet", "1"), ("rp_filter", "0")))


def _write(directory: Path, knobs: Iterable[tuple[str, str]]) -> None:
    for knob, value in knobs:
        (directory / knob).write_text(value)


def remove_bridge(name: str) -> None:
    with Netlink() as netlink:
        netlink.delete_link(name)


def enable_forwarding() -> bool:
    """Whether it had to be switched on."""
    switch = IPV4 / "ip_forward"
    if switch.read_text().strip() == "1":
        return False
    switch.write_text("1")
    return True


def disable_forwarding() -> None:
    (IPV4 / "ip_forward").write_text("0")


def enable_forwarding_6() -> list[str] | None:
    """None where it was on; else it is now, and these interfaces still take their routes from routers, as they did: one that
    forwards would not any more. Errors: OSError, also where the kernel has no IPv6."""
    switch = IPV6 / "conf/all/forwarding"
    if switch.read_text().strip() == "1":
        return None
    kept = []
    for knob in sorted((IPV6 / "conf").glob("*/accept_ra")):
        if knob.parent.name not in ("all", "lo") and knob.read_text().strip() == "1":
            knob.write_text("2")  # strictly before: what was learned of routers is forgotten otherwise
            kept.append(knob.parent.name)
    switch.write_text("1")
    return kept


def disable_forwarding_6(kept: Iterable[str]) -> None:
    """`kept`: what was said when it was switched on."""
    (IPV6 / "conf/all/forwarding").write_text("0")
    for name in kept:
        with contextlib.suppress(OSError):  # an interface that is gone
            (IPV6 / "conf" / name / "accept_ra").write_text("1")


def connect_pod(host: Netlink, *, link: str, bridge: int, ips: Sequence[str], gateways: Sequence[str], netns_fd: int) -> None:
    """Join the pod's namespace, which the calling thread is in, to the bridge (its index outside); `host` was opened
    outside. Each of the pod's addresses goes with the gateway of its family."""
    routes = {family_of(gateway): gateway for gateway in gateways}
    with contextlib.suppress(OSError):
        Path("/proc/sys/net/ipv4/conf/all/accept_redirects").write_text("0")
        Path("/proc/sys/net/ipv4/conf/default/accept_redirects").write_text("0")
    if any(":" in ip for ip in ips):  # before the link is there, which takes them over: an address must not wait to be tried
        _write(IPV6 / "conf/default", PORTS_OF_IPV6)
    host.add_veth(link, master=bridge, peer="eth0", peer_ns_fd=netns_fd, peer_address=hardware_address(ips[0]))
    host.allow_hairpin(link)
    with Netlink() as inside:
        inside.up(1)
        index = socket.if_nametoindex("eth0")
        for ip in ips:
            inside.add_address(index, f"{ip}/{128 if ':' in ip else 32}")
        inside.up(index)
        for ip in ips:
            inside.default_route(index, routes[family_of(ip)])


def links_of(bridge: str) -> list[str]:
    """The names of the bridge's ports."""
    try:
        return sorted(os.listdir(f"/sys/class/net/{bridge}/brif"))
    except FileNotFoundError:
        return []


def is_up(name: str) -> bool:
    """Whether there is such a link, and it is not switched off."""
    try:
        return bool(int(Path(f"/sys/class/net/{name}/flags").read_text(), 16) & IFF_UP)
    except OSError:
        return False


def ports_up(bridge: str) -> list[str]:
    """Those of the bridge's ports that are not switched off."""
    return [link for link in links_of(bridge) if is_up(link)]


def rejoin(host: Netlink, *, link: str, bridge: int) -> None:
    """Have a link that is there be a port of the bridge (its index) again. Errors: OSError."""
    host.join(link, bridge)
    host.allow_hairpin(link)


def disconnect_pod(link: str) -> None:
    """Without the link in any namespace; waits until the kernel has let go of it."""
    with Netlink() as netlink:
        netlink.delete_link(link)
