"""Ends UDP flows that connection tracking would send to an endpoint that is gone.

UDP has no end that the kernel could see: as long as a client keeps sending, its flow stays translated as it was when it
began. So after a change the flows of the changed fronts are looked through, over netlink (see the kernel's header
linux/netfilter/nfnetlink_conntrack.h), in the calling thread's network namespace.

Tests: tests/runtime/netfilter/test_nftables.py
"""

import socket
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_NETLINK_NETFILTER = 12
_GET, _DELETE = (1 << 8) | 1, (1 << 8) | 2  # NFNL_SUBSYS_CTNETLINK
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_TUPLE_ORIG, _TUPLE_REPLY, _STATUS = 1, 2, 3
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_IP_SRC, _IP_DST, _IP6_SRC, _IP6_DST = 1, 2, 3, 4
_PROTO_NUM, _PROTO_SRC_PORT, _PROTO_DST_PORT = 1, 2, 3
_UDP = 17
_IPS_DST_NAT = 1 << 5


class Flow(NamedTuple):
    """One UDP flow: what the client sent to, and who answers."""

    address: str
    port: int
    endpoint: tuple[str, int]
    translated: bool
    original: bytes  # the kernel's own words for the flow, to name it in a deletion


Fronts = Mapping[tuple[str, str], frozenset[tuple[str, int]]]


def end_stale_flows(fronts: Fronts, family: int = socket.AF_INET) -> int:
    """Forget the flows of these fronts (as `elements.fronts` names them) that go to none of their endpoints, where the
    address "*" is any. -> how many.

    Errors: OSError where the kernel has no such interface."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER) as netlink:
        netlink.settimeout(5.0)
        netlink.bind((0, 0))
        stale = [flow for flow in _flows(netlink, family) if _is_stale(flow, fronts)]
        for flow in stale:
            _delete(netlink, flow, family)
    return len(stale)


def _is_stale(flow: Flow, fronts: Fronts) -> bool:
    endpoints = fronts.get(("address", f"{flow.address} . udp . {flow.port}"))
    if endpoints is None and flow.translated:  # a node port is only ours when it was translated
        endpoints = fronts.get(("port", f"udp . {flow.port}"))
    return endpoints is not None and flow.endpoint not in endpoints and ("*", flow.endpoint[1]) not in endpoints


def _message(kind: int, flags: int, body: bytes, family: int) -> bytes:
    payload = struct.pack("=BBH", family, 0, 0) + body
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload


def _flows(netlink: socket.socket, family: int) -> Iterator[Flow]:
    netlink.send(_message(_GET, _REQUEST | _DUMP, b"", family))
    while True:
        for kind, payload in _messages(netlink.recv(1 << 18)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                (code,) = struct.unpack_from("=i", payload)
                raise OSError(-code, "connection tracking could not be listed")
            flow = _flow(dict(_attributes(payload[4:])))
            if flow is not None:
                yield flow


def _delete(netlink: socket.socket, flow: Flow, family: int) -> None:
    """One that has ended by itself meanwhile is no error: the answer is only awaited."""
    attribute = struct.pack("=HH", 4 + len(flow.original), _TUPLE_ORIG | 0x8000) + flow.original
    netlink.send(_message(_DELETE, _REQUEST | _ACK, attribute, family))
    netlink.recv(1 << 16)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, offset)
        yield kind, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        yield kind & 0x3FFF, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _flow(attributes: Mapping[int, bytes]) -> Flow | None:
    original = attributes.get(_TUPLE_ORIG, b"")
    sent, answer = _ends(original), _ends(attributes.get(_TUPLE_REPLY, b""))
    if sent is None or answer is None:
        return None
    (status,) = struct.unpack(">I", attributes.get(_STATUS, bytes(4)))
    return Flow(*sent[1], answer[0], bool(status & _IPS_DST_NAT), original)


def _ends(data: bytes) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """(source, destination) of a tuple; None for what is not UDP."""
    parts = dict(_attributes(data))
    ip, protocol = dict(_attributes(parts.get(_TUPLE_IP, b""))), dict(_attributes(parts.get(_TUPLE_PROTO, b"")))
    source, target = ip.get(_IP_SRC) or ip.get(_IP6_SRC), ip.get(_IP_DST) or ip.get(_IP6_DST)
    if protocol.get(_PROTO_NUM) != bytes([_UDP]) or source is None or target is None:
        return None
    family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
    ports = [struct.unpack(">H", protocol[kind])[0] for kind in (_PROTO_SRC_PORT, _PROTO_DST_PORT)]
    return (socket.inet_ntop(family, source), ports[0]), (socket.inet_ntop(family, target), ports[1])
