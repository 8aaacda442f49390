"""What is scarce: cluster addresses and node ports. The view says what is held; a random choice says what comes next.

Nothing is kept here, so what a Service gave up is free as soon as the view has moved on. A choice costs a few lookups however
many Services there are, as long as the range is not nearly full.

Tests: tests/engine/kinds/core/service/test_strategy.py
"""

import ipaddress
from collections.abc import Hashable
from functools import lru_cache

from shipslog.engine.kinds.context import Admission
from shipslog.reconcilers.services.addresses import BY_ADDRESS, is_managed
from shipslog.reconcilers.services.addresses import RESOURCE as ADDRESSES
from shipslog.reconcilers.services.service_cidrs import DEFAULT, is_usable
from shipslog.store.families import canonical, family_of, ranges_in
from shipslog.store.objects.types import core_v1, networking_v1
from shipslog.store.projections import Index, index
from shipslog.store.refusals import Internal

PROTOCOLS = ("TCP", "UDP", "SCTP")


def node_ports_of(service: core_v1.Service) -> tuple[tuple[int, str], ...]:
    """(port, protocol) of every node port that a Service holds."""
    ports = tuple((p.node_port, p.protocol or "TCP") for p in service.spec.ports if p.node_port)
    check = service.spec.health_check_node_port
    return (*ports, (check, "TCP")) if check else ports


BY_NODE_PORT = index("services by node port", ("services",), node_ports_of)
TRIES = 64  # random choices before the whole range is looked through
MOST = 1 << 20  # of its addresses, as of a range of IPv6 that would take for ever; no cluster has as many Services
IN_USE, PORT_IN_USE = "provided IP is already allocated", "provided port is already allocated"


@lru_cache(maxsize=8)
def _range(cidr: str) -> tuple[int, int, int]:
    """The first and the last address that can be given, and how many at the start are left to those who ask by name."""
    network = ipaddress.ip_network(cidr, strict=False)
    first, last = int(network.network_address) + 1, int(network.broadcast_address) - (network.version == 4)
    size = last - first + 1
    kept = min(max(16, size // 16), 256) if size > 32 else 1
    return first, last, kept


def ranges(ctx: Admission, family: str) -> tuple[str, ...]:
    """The ranges of a family that addresses are given from: the one that the cluster began with, and behind it those that
    people added; () where the cluster has no Services of that family."""
    own = tuple(cidr for cidr in ranges_in(ctx.config.service_cidr) if family_of(cidr) == family)
    added = (
        cidr
        for each in ctx.view.list(networking_v1.ServiceCIDR)
        if each.metadata.name != DEFAULT and is_usable(each)
        for cidr in each.spec.cidrs
    )
    return (*own, *(cidr for cidr in added if family_of(cidr) == family)) if own else ()


def address_fault(address: str, key: str, ctx: Admission) -> str:
    """Why the Service `key` cannot have this address; "" when it can."""
    address = canonical(address)
    value, known = int(ipaddress.ip_address(address)), ranges(ctx, family_of(address))
    for cidr in known:
        first, last, _ = _range(cidr)
        if first <= value <= last:
            return IN_USE if _others(BY_ADDRESS, address, key, ctx) or _is_kept(address, ctx) else ""
    return f"provided IP is not in the valid range. The range of valid IPs is {', '.join(known)}"


def _is_kept(address: str, ctx: Admission) -> bool:
    """Whether somebody keeps an address for something else than a Service."""
    entry = ctx.view.entry(ADDRESSES, address)
    return entry is not None and not is_managed(entry.object)


def free_address(family: str, ctx: Admission) -> str:
    """An address of a family that nobody holds. Errors: Refusal when all ranges are full."""
    for cidr in ranges(ctx, family):
        if address := _free_in(cidr, ctx):
            return address
    raise Internal("failed to allocate a serviceIP: range is full")


def _free_in(cidr: str, ctx: Admission) -> str:
    """An address of a range that nobody holds, from behind the first ones as long as there are some; "" when it is full."""
    first, last, kept = _range(cidr)
    make = ipaddress.IPv6Address if family_of(cidr) == "IPv6" else ipaddress.IPv4Address
    span = last - first + 1 - kept
    for _ in range(TRIES if span > 0 else 0):
        address = str(make(first + kept + ctx.entropy.below(span)))
        if not ctx.view.find(BY_ADDRESS, address) and not _is_kept(address, ctx):
            return address
    reserved = first + (cidr == ranges_in(ctx.config.service_cidr)[0])  # the very first is the API server's
    for value in (*range(first + kept, min(last, first + kept + MOST) + 1), *range(reserved, first + kept)):
        address = str(make(value))
        if not ctx.view.find(BY_ADDRESS, address) and not _is_kept(address, ctx):
            return address
    return ""


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
