"""What is scarce: cluster addresses and node ports. The view says what is held; a random choice says what comes next.

Nothing is kept here, so what a Service gave up is free as soon as the view has moved on. A choice costs a few lookups however
many Services there are, as long as the range is not nearly full.

Tests: tests/engine/kinds/core/service/test_strategy.py
"""

import ipaddress
from collections.abc import Hashable
from functools import lru_cache

from shipslog.engine.kinds.context import Admission
from shipslog.store.objects import core_v1
from shipslog.store.projections import Index, index
from shipslog.store.refusals import Internal

PROTOCOLS = ("TCP", "UDP", "SCTP")


def addresses_of(service: core_v1.Service) -> tuple[str, ...]:
    """The cluster addresses that a Service holds; () for headless and external ones."""
    spec = service.spec
    held = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return () if spec.type == "ExternalName" else tuple(a for a in held if a != "None")


def node_ports_of(service: core_v1.Service) -> tuple[tuple[int, str], ...]:
    """(port, protocol) of every node port that a Service holds."""
    ports = tuple((p.node_port, p.protocol or "TCP") for p in service.spec.ports if p.node_port)
    check = service.spec.health_check_node_port
    return (*ports, (check, "TCP")) if check else ports


BY_ADDRESS = index("services by address", ("services",), addresses_of)
BY_NODE_PORT = index("services by node port", ("services",), node_ports_of)
TRIES = 64  # random choices before the whole range is looked through
IN_USE, PORT_IN_USE = "provided IP is already allocated", "provided port is already allocated"


@lru_cache(maxsize=8)
def _range(cidr: str) -> tuple[int, int, int]:
    """The first and the last address that can be given, and how many at the start are left to those who ask by name."""
    network = ipaddress.ip_network(cidr, strict=False)
    first, last = int(network.network_address) + 1, int(network.broadcast_address) - (network.version == 4)
    size = last - first + 1
    kept = min(max(16, size // 16), 256) if size > 32 else 1
    return first, last, kept


def family_of(cidr: str) -> str:
    """IPv4 or IPv6."""
    return "IPv6" if ":" in cidr else "IPv4"


def address_fault(address: str, key: str, ctx: Admission) -> str:
    """Why the Service `key` cannot have this address; "" when it can."""
    cidr = ctx.config.service_cidr
    first, last, _ = _range(cidr)
    value = int(ipaddress.ip_address(address))
    if family_of(address) != family_of(cidr) or not first <= value <= last:
        return f"provided IP is not in the valid range. The range of valid IPs is {cidr}"
    return IN_USE if _others(BY_ADDRESS, address, key, ctx) else ""


def free_address(ctx: Admission) -> str:
    """An address that no Service holds, from behind the first ones of the range as long as there are some.
    Errors: Refusal when the range is full."""
    cidr = ctx.config.service_cidr
    first, last, kept = _range(cidr)
    make = ipaddress.IPv6Address if family_of(cidr) == "IPv6" else ipaddress.IPv4Address
    span = last - first + 1 - kept
    for _ in range(TRIES if span > 0 else 0):
        address = str(make(first + kept + ctx.entropy.below(span)))
        if not ctx.view.find(BY_ADDRESS, address):
            return address
    for value in (*range(first + kept, last + 1), *range(first + 1, first + kept)):  # the very first is the API server's
        if not ctx.view.find(BY_ADDRESS, str(make(value))):
            return str(make(value))
    raise Internal("failed to allocate a serviceIP: range is full")


def _held(port: int, key: str, ctx: Admission) -> bool:
    return any(_others(BY_NODE_PORT, (port, protocol), key, ctx) for protocol in PROTOCOLS)


def _others(index: Index, value: Hashable, key: str, ctx: Admission) -> bool:
    """Whether a Service other than `key` (namespace/name) holds a value."""
    held = (entry.object.metadata for entry in ctx.view.find(index, value))
    return any(f"{meta.namespace}/{meta.name}" != key for meta in held)


def node_port_fault(port: int, key: str, ctx: Admission) -> str:
    """Why the Service `key` cannot have this node port; "" when it can."""
    first, last = ctx.config.node_port_first, ctx.config.node_port_last
    if not first <= port <= last:
        return f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
    return PORT_IN_USE if _held(port, key, ctx) else ""


def free_node_port(taken: set[int], ctx: Admission) -> int:
    """A port that no Service holds and that is not in `taken`. Errors: Refusal when the range is full."""
    first, last = ctx.config.node_port_first, ctx.config.node_port_last
    for _ in range(TRIES):
        port = first + ctx.entropy.below(last - first + 1)
        if port not in taken and not _held(port, "", ctx):
            return port
    for port in range(first, last + 1):
        if port not in taken and not _held(port, "", ctx):
            return port
    raise Internal("failed to allocate a nodePort: range is full")
