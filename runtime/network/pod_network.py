"""The bridge of a node and the link of a pod to it.

A pod has its address as a /32 and one route, through the bridge: so packets between two pods of a node pass the node's
connection tracking too, and what was translated on the way there is translated back, without br_netfilter.

Tests: tests/runtime/containers/test_contract.py, tests/runtime/containers/oci/test_leftovers.py
"""

import contextlib
import os
import socket
from pathlib import Path

from .netlink import IFF_UP, Netlink, hardware_address


def ensure_bridge(name: str, gateway: str, prefix_length: int) -> None:
    """The bridge with the range's first address, up; forwarding on."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        with Netlink() as netlink:
            netlink.add_bridge(name)
        index = socket.if_nametoindex(name)
    with Netlink() as netlink:
        netlink.add_address(index, f"{gateway}/{prefix_length}")
        netlink.up(index)
    conf = Path("/proc/sys/net/ipv4/conf") / name
    for knob, value in (("send_redirects", "0"), ("route_localnet", "1"), ("rp_filter", "0")):
        (conf / knob).write_text(value)


def remove_bridge(name: str) -> None:
    with Netlink() as netlink:
        netlink.delete_link(name)


def enable_forwarding() -> bool:
    """Whether it had to be switched on."""
    switch = Path("/proc/sys/net/ipv4/ip_forward")
    if switch.read_text().strip() == "1":
        return False
    switch.write_text("1")
    return True


def disable_forwarding() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")


def connect_pod(host: Netlink, *, link: str, bridge: int, ip: str, gateway: str, netns_fd: int) -> None:
    """Join the pod's namespace, which the calling thread is in, to the bridge (its index outside); `host` was opened
    outside."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/net/ipv4/conf/all/accept_redirects").write_text("0")
        Path("/proc/sys/net/ipv4/conf/default/accept_redirects").write_text("0")
    host.add_veth(link, master=bridge, peer="eth0", peer_ns_fd=netns_fd, peer_address=hardware_address(ip))
    host.allow_hairpin(link)
    with Netlink() as inside:
        inside.up(1)
        index = socket.if_nametoindex("eth0")
        inside.add_address(index, f"{ip}/32")
        inside.up(index)
        inside.default_route(index, gateway)


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
