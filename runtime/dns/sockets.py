"""The sockets of a name server; they hold what comes until somebody reads them.

Tests: tests/engine/dns/test_name_server.py, tests/engine/dns/test_zone.py
"""

import socket
from typing import NamedTuple

from shipslog.store.logger import logger

PORT = 53
IP_FREEBIND = 15
_BUFFER = 1 << 20

log = logger(__name__)


class Sockets(NamedTuple):
    """Of one address and port."""

    udp: socket.socket
    tcp: socket.socket

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.udp.getsockname()[:2]
        return host, port


def opened(host: str, port: int = PORT) -> Sockets:
    """(UDP, TCP) sockets on one port, `port` or another one if it is taken; the address need not be there yet.
    Errors: OSError."""
    try:
        return _pair(host, port)
    except OSError as error:
        if not port:
            raise
        log.info("dns_port_taken", host=host, port=port, why=error.strerror)
        return _pair(host, 0)


def opened_each(hosts: tuple[str, ...]) -> tuple[Sockets, ...]:
    """The same of several addresses, on the port that the first one got; one where that port is taken is left out.
    Errors: OSError, of the first."""
    made = [opened(hosts[0])]
    _, port = made[0].address
    for host in hosts[1:]:
        try:
            made.append(_pair(host, port))
        except OSError as error:
            log.warning("dns_not_at", host=host, port=port, why=error.strerror)
    return tuple(made)


def _pair(host: str, port: int) -> Sockets:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for attempt in range(20):
        udp, tcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_STREAM)
        try:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            for made in (udp, tcp):
                made.setblocking(False)
                made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
            udp.bind((host, port))
            tcp.bind((host, port or udp.getsockname()[1]))
            tcp.listen(64)
        except OSError:
            udp.close()
            tcp.close()
            if port or attempt == 19:
                raise
            continue
        return Sockets(udp, tcp)
    raise AssertionError("unreachable")
