"""A cluster's name server, from its sockets to its end.

Tests: tests/engine/dns/test_name_server.py
"""

import ipaddress
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from shipslog.engine.cluster import Cluster
from shipslog.engine.measures import Family, counter
from shipslog.reconcilers.services.cluster_dns import PORT, USUAL
from shipslog.runtime.dns.forwarder import Forwarder, Open
from shipslog.runtime.dns.server import DnsServer
from shipslog.runtime.dns.sockets import Sockets
from shipslog.store.families import networks_in

from .name_server import NameServer

LOCAL_FOR_S = 60  # so long it is remembered whether an address is the machine's own


@asynccontextmanager
async def serving(
    cluster: Cluster, *sockets: Sockets, resolv_conf: Path, open_socket: Open = socket.socket
) -> AsyncIterator[None]:
    """Answer pods, and who is on the machine, for as long as the body runs.

    `resolv_conf`: who is asked for what is not of the cluster; `open_socket`: makes sockets in the network where they are."""
    own = frozenset((*(one.address for one in sockets), *_pods_find_it_at(cluster)))
    forwarder = Forwarder(resolv_conf, but=own, open_socket=open_socket)
    names = NameServer(lambda: cluster.view, forwarder)
    serves = _clients(cluster.config.pod_cidr)
    servers = [DnsServer(names, one, serves) for one in sockets]

    def measured() -> Iterator[Family]:
        yield from names.measured()
        asked = {protocol: sum(server.asked[protocol] for server in servers) for protocol in ("udp", "tcp")}
        rows = [((protocol,), float(count)) for protocol, count in asked.items()]
        yield Family("shipslog_dns_questions", "Questions of DNS that came.", "counter", ("protocol",), rows)
        yield counter("shipslog_dns_dropped", "Questions that were too many of one client, or all in all.", dropped())

    def dropped() -> int:
        return sum(server.dropped for server in servers)

    for server in servers:
        await server.start()
    cluster.committer.listeners.append(names.on_event)
    cluster.measures.append(measured)
    try:
        yield
    finally:
        cluster.measures.remove(measured)
        cluster.committer.listeners.remove(names.on_event)
        for server in servers:
            await server.close()


def _pods_find_it_at(cluster: Cluster) -> Iterator[tuple[str, int]]:
    """To ask there would be to ask itself."""
    usual = [str(network[min(USUAL, network.num_addresses - 1)]) for network in networks_in(cluster.config.service_cidr)]
    yield from ((address, PORT) for address in (cluster.config.cluster_dns, *usual) if address)


def _clients(pod_cidr: str) -> Callable[[str], bool]:
    """Pods, and programs on the machine itself. Nobody else: a server that resolves names for the world is used for attacks."""
    pods = networks_in(pod_cidr)

    @lru_cache(4_096)
    def known(address: str, _: int) -> bool:
        value = ipaddress.ip_address(address.partition("%")[0])
        return any(value in network for network in pods) or value.is_loopback or _is_local(address)

    return lambda address: known(address, int(time.monotonic()) // LOCAL_FOR_S)


def _is_local(address: str) -> bool:
    """Whether the machine has the address: only then may a socket have it too."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
