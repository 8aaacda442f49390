"""Links, addresses and routes through a raw rtnetlink socket: what a pod needs in six messages, under a millisecond.

A socket belongs to the network namespace of the thread that opened it. Layouts: rtnetlink(7), linux/if_link.h.

Tests: tests/runtime/containers/test_contract.py
"""

import os
import socket
import struct
from ipaddress import ip_address, ip_interface
from types import TracebackType

NLM_F_REQUEST, NLM_F_ACK = 0x1, 0x4
NLM_F_EXCL, NLM_F_CREATE = 0x200, 0x400
NLM_F_REPLACE = 0x100
NLMSG_ERROR = 2
RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_DELROUTE = 16, 17, 20, 24, 25
RTM_NEWNEIGH, RTM_DELNEIGH, NDA_DST, NTF_PROXY, NUD_PERMANENT = 28, 29, 1, 8, 0x80
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = 1, 3, 4, 10, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA, IFLA_BRPORT_MODE = 4, 5, 4
IFA_ADDRESS, IFA_LOCAL, IFA_F_NODAD = 1, 2, 2
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC = 1, 4, 5, 7
IFF_UP, RTNH_F_ONLINK = 1, 4
NLA_F_NESTED = 0x8000
RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RTN_UNICAST = 254, 4, 0, 253, 1


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _name(value: str) -> bytes:
    return _attribute(IFLA_IFNAME, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("I", value))


def _link_header(index: int = 0, flags: int = 0) -> bytes:
    return struct.pack("BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def _number_of(version: int) -> int:
    return socket.AF_INET if version == 4 else socket.AF_INET6


def hardware_address(ip: str) -> bytes:
    """Made from the address, so that a neighbour entry stays true when the address is given to another pod."""
    return b"\x0a\x58" + ip_address(ip).packed[-4:]


class Netlink:
    """A connection to the kernel in the network namespace of the thread that makes it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> "Netlink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def _ask(self, kind: int, flags: int, body: bytes, about: str) -> None:
        self._sequence += 1
        head = struct.pack("IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK | flags, self._sequence, 0)
        self._socket.send(head + body)
        while True:
            data = self._socket.recv(65536)
            _, reply, _, sequence, _ = struct.unpack_from("IHHII", data)
            if reply == NLMSG_ERROR and sequence == self._sequence:
                code = -struct.unpack_from("i", data, 16)[0]
                if code:
                    raise OSError(code, os.strerror(code), about)
                return

    def add_bridge(self, name: str, hardware: bytes = b"") -> None:
        """Up; with a hardware address that stays, else it is that of one of its ports, and goes with it."""
        info = _attribute(IFLA_LINKINFO | NLA_F_NESTED, _attribute(IFLA_INFO_KIND, b"bridge"))
        address = _attribute(IFLA_ADDRESS, hardware) if hardware else b""
        self._ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, _link_header(0, IFF_UP) + _name(name) + address + info, name)

    def add_veth(self, name: str, *, master: int, peer: str, peer_ns_fd: int, peer_address: bytes) -> None:
        """A pair: `name` on the bridge with the index `master` here, up; `peer`, with its hardware address, over there."""
        other = _link_header() + _name(peer) + _number(IFLA_NET_NS_FD, peer_ns_fd) + _attribute(IFLA_ADDRESS, peer_address)
        data = _attribute(IFLA_INFO_DATA | NLA_F_NESTED, _attribute(VETH_INFO_PEER | NLA_F_NESTED, other))
        info = _attribute(IFLA_LINKINFO | NLA_F_NESTED, _attribute(IFLA_INFO_KIND, b"veth") + data)
        body = _link_header(0, IFF_UP) + _name(name) + _number(IFLA_MASTER, master) + info
        self._ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, name)

    def join(self, name: str, master: int) -> None:
        """A link becomes a port of the bridge with the index `master`, up."""
        self._ask(RTM_NEWLINK, 0, _link_header(0, IFF_UP) + _name(name) + _number(IFLA_MASTER, master), name)

    def allow_hairpin(self, name: str) -> None:
        """A port of a bridge sends back what came from it: with br_netfilter that is a pod's way to its own service."""
        port = _attribute(IFLA_BRPORT_MODE, b"\x01")
        info = _attribute(IFLA_INFO_SLAVE_KIND, b"bridge") + _attribute(IFLA_INFO_SLAVE_DATA | NLA_F_NESTED, port)
        self._ask(RTM_NEWLINK, 0, _link_header() + _name(name) + _attribute(IFLA_LINKINFO | NLA_F_NESTED, info), name)

    def up(self, index: int) -> None:
        self._ask(RTM_NEWLINK, 0, _link_header(index, IFF_UP), f"link {index}")

    def delete_link(self, name: str) -> bool:
        """False if there was none."""
        try:
            self._ask(RTM_DELLINK, 0, _link_header() + _name(name), name)
        except OSError as error:
            if error.errno == 19:  # ENODEV
                return False
            raise
        return True

    def add_address(self, index: int, address: str) -> None:
        """`address` with its prefix: 10.244.0.1/24, fd00::1/64. It is there at once: nobody is asked whether he has it."""
        interface = ip_interface(address)
        head = struct.pack("BBBBI", _number_of(interface.version), interface.network.prefixlen, IFA_F_NODAD, 0, index)
        packed = interface.ip.packed
        body = head + _attribute(IFA_LOCAL, packed) + _attribute(IFA_ADDRESS, packed)
        self._ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body, address)

    def default_route(self, index: int, gateway: str) -> None:
        """Through a gateway on the link, also when no address of ours covers it."""
        address = ip_address(gateway)
        family, table = _number_of(address.version), RT_TABLE_MAIN
        head = struct.pack(
            "BBBBBBBBI", family, 0, 0, 0, table, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST, RTNH_F_ONLINK
        )  # fmt: skip
        body = head + _number(RTA_OIF, index) + _attribute(RTA_GATEWAY, address.packed)
        self._ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body, f"default via {gateway}")

    def host_route(self, index: int, address: str, *, there: bool = True) -> None:
        """One address is on this link. Errors: OSError, also for one that is not there and shall go."""
        packed = ip_address(address).packed
        family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
        scope = RT_SCOPE_LINK if len(packed) == 4 else RT_SCOPE_UNIVERSE
        head = struct.pack(
            "BBBBBBBBI", family, 8 * len(packed), 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST, 0
        )  # fmt: skip
        body = head + _attribute(RTA_DST, packed) + _number(RTA_OIF, index)
        if there:
            self._ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body, f"route {address}")
        else:
            self._ask(RTM_DELROUTE, 0, body, f"route {address}")

    def proxy_neighbour(self, index: int, address: str, *, there: bool = True) -> None:
        """Answer for an address on this link, as if it were the node's own. Errors: as above."""
        packed = ip_address(address).packed
        family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
        body = struct.pack("BxxxiHBB", family, index, NUD_PERMANENT, NTF_PROXY, 0) + _attribute(NDA_DST, packed)
        if there:
            self._ask(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, f"neighbour {address}")
        else:
            self._ask(RTM_DELNEIGH, 0, body, f"neighbour {address}")
