"""UDP through the proxy: each client has a socket of its own to its endpoint, until it was quiet for a while.

Tests: tests/runtime/netfilter/test_userspace.py, tests/runtime/netfilter/test_packets.py
"""

import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .balance import Balance
from .loop import READ, Loop
from .words import Endpoint

QUIET_S = 60.0  # after which a client is forgotten
FLOWS = 4096  # of one service; beyond that those go that were quiet for longest
DATAGRAMS = 64  # taken in at once before others have their turn
SIZE = 65535
IP_PKTINFO, IPV6_RECVPKTINFO, IPV6_PKTINFO = 8, 49, 50


class Flow:
    """One client and its endpoint. `where`: how to answer from the address that the client was redirected to."""

    __slots__ = ("client", "endpoint", "heard_at", "socket", "where")

    def __init__(self, client: Any, endpoint: Endpoint, sock: socket.socket) -> None:
        self.client, self.endpoint, self.socket = client, endpoint, sock
        self.where: list[tuple[int, int, bytes]] = []
        self.heard_at = 0.0


class DatagramListener:
    """Where the clients of one service port are redirected to."""

    def __init__(self, loop: Loop, balance: Balance, outside: Callable[[str], bool]) -> None:
        self.balance, self._loop, self._outside = balance, loop, outside
        self._flows: OrderedDict[Any, Flow] = OrderedDict()
        self._six = balance.spec.family == "IPv6"
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_INET6 if self._six else socket.AF_INET, kind)
        if self._six:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._socket.bind(("::" if self._six else "0.0.0.0", 0))
        self.port: int = self._socket.getsockname()[1]
        loop.watch(self._socket.fileno(), READ, self._asked)
        self._timer = loop.later(QUIET_S, self._tidy)

    def _asked(self, events: int) -> None:
        for _ in range(DATAGRAMS):
            try:
                data, ancillary, _, client = self._socket.recvmsg(SIZE, 128)
            except OSError:  # nothing more, or somebody's complaint about an answer
                return
            flow = self._flow_of(client)
            if flow is None:
                continue
            flow.where = [_answering(level, kind, value) for level, kind, value in ancillary]
            try:
                flow.socket.send(data)
            except OSError:
                self._end(flow)

    def _flow_of(self, client: Any) -> Flow | None:
        now = time.monotonic()
        flow = self._flows.get(client)
        if flow is None:
            outside = self.balance.spec.local is not None and self._outside(client[0])
            endpoint = self.balance.choose(client[0], now, outside=outside)
            if endpoint is None:
                return None
            kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            sock = None
            try:
                sock = socket.socket(self._socket.family, kind)
                sock.connect(endpoint)
            except OSError:
                if sock is not None:
                    sock.close()
                return None
            flow = self._flows[client] = Flow(client, endpoint, sock)
            self._loop.watch(sock.fileno(), READ, lambda _: self._answered(flow))
            if len(self._flows) > FLOWS:
                self._end(next(iter(self._flows.values())))
        flow.heard_at = now
        self._flows.move_to_end(client)
        return flow

    def _answered(self, flow: Flow) -> None:
        for _ in range(DATAGRAMS):
            try:
                data = flow.socket.recv(SIZE)
            except BlockingIOError:
                return
            except OSError:  # nobody listens there
                self._end(flow)
                return
            try:
                self._socket.sendmsg([data], flow.where, 0, flow.client)
            except OSError:
                return

    def _end(self, flow: Flow) -> None:
        if self._flows.pop(flow.client, None) is not None:
            self._loop.forget(flow.socket.fileno())
            flow.socket.close()

    def _tidy(self) -> None:
        oldest = time.monotonic() - QUIET_S
        while self._flows and next(iter(self._flows.values())).heard_at < oldest:
            self._end(next(iter(self._flows.values())))
        self._timer = self._loop.later(QUIET_S / 2, self._tidy)

    def renew(self, balance: Balance) -> None:
        """Flows to endpoints that are gone end; their clients get others with what they send next."""
        self.balance = balance
        known = {*balance.spec.endpoints, *(balance.spec.local or ())}
        for flow in [f for f in self._flows.values() if f.endpoint not in known]:
            self._end(flow)

    def close(self) -> None:
        self._timer.cancel()
        for flow in list(self._flows.values()):
            self._end(flow)
        self._loop.forget(self._socket.fileno())
        self._socket.close()


def _answering(level: int, kind: int, value: bytes) -> tuple[int, int, bytes]:
    """What the kernel told of an arrival, as it wants to be told of the answer to it: the source, and any interface."""
    if level == socket.IPPROTO_IP and kind == IP_PKTINFO:  # ipi_ifindex, ipi_spec_dst, ipi_addr
        return level, kind, struct.pack("=i4s4s", 0, value[4:8], bytes(4))
    if level == socket.IPPROTO_IPV6 and kind == IPV6_PKTINFO:  # ipi6_addr, ipi6_ifindex
        return level, kind, struct.pack("=16si", value[:16], 0)
    return level, kind, value
