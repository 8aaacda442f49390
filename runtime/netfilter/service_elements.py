"""What a service becomes: elements of maps and sets, and the shared chains that they point at. Pure.

A chain is shared by all services with as many endpoints: it draws an index, and the map `endpoints` says which endpoint
stands there. So the number of rules does not grow with the number of services, and a packet meets the same few lookups.

Tests: tests/runtime/netfilter/test_adapter.py, tests/runtime/netfilter/test_nftables.py
"""

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from shipslog.runtime.commands import ServiceRules

Element = tuple[str, str]  # set or map, key
Endpoint = tuple[str, int]

MARK_BASE = 0x5E000000  # indexes travel in the packet mark: far from the small marks that people use for routing
LOCAL_BASE = 0x5E800000  # of the endpoints on this node, for clients from outside


class SharedChain(NamedTuple):
    """A chain that picks one of `size` endpoints.

    `by` says what finds the service: "address" (of the packet, and port) or "port" (a node port).
    `masquerade` says whose address is hidden behind the node's: "foreign" (all but pods), "all", "none".
    """

    by: str
    masquerade: str
    size: int
    affinity_s: int = 0

    @property
    def name(self) -> str:
        sticky = f"_{self.affinity_s}s" if self.affinity_s else ""
        return f"{self.by}_{self.masquerade}_{self.size}{sticky}"

    @property
    def mark_base(self) -> int:
        return LOCAL_BASE if self.masquerade == "none" else MARK_BASE


class Parts(NamedTuple):
    """All that one service adds to the table."""

    elements: dict[Element, str]  # value "" in a set
    chains: frozenset[SharedChain]
    hosts: frozenset[str]  # addresses of endpoints: many services may share one


def parts_of(rules: Iterable[ServiceRules]) -> Parts:
    """The elements of one service. The order of its endpoints is the order of their indexes."""
    elements: dict[Element, str] = {}
    chains: set[SharedChain] = set()
    hosts: set[str] = set()
    for rule in rules:
        for address in rule.addresses:
            _front(rule, "address", f"{address} . {rule.protocol} . {rule.port}", "foreign", elements, chains)
        for address in rule.external_addresses:
            _external(rule, "address", f"{address} . {rule.protocol} . {rule.port}", elements, chains)
        for address in rule.balancer_addresses:
            _balancer(rule, f"{address} . {rule.protocol} . {rule.port}", elements, chains)
        if rule.node_port:
            _external(rule, "port", f"{rule.protocol} . {rule.node_port}", elements, chains)
        hosts.update(address for address, _ in rule.endpoints + (rule.local_endpoints or ()))
    return Parts(elements, frozenset(chains), frozenset(hosts))


def checked(rules: Iterable[ServiceRules]) -> None:
    """Errors: ValueError for what is no address of the rule's family: nft would ask the resolver for it."""
    for rule in rules:
        ends = (address for address, _ in rule.endpoints + (rule.local_endpoints or ()))
        for address in (*rule.addresses, *rule.external_addresses, *rule.balancer_addresses, *ends):
            try:
                socket.inet_pton(socket.AF_INET6 if rule.family == "IPv6" else socket.AF_INET, address)
            except OSError:
                raise ValueError(f"{rule.service}: {address!r} is no {rule.family} address") from None
        for source in rule.allowed_sources or ():
            ipaddress.ip_network(source)


def _front(
    rule: ServiceRules,
    by: str,
    key: str,
    masquerade: str,
    elements: dict[Element, str],
    chains: set[SharedChain],
    into: str = "services",
) -> None:
    """One address and port, or one node port, whose clients all get the same endpoints."""
    if not rule.endpoints:
        elements[f"refused_by_{by}", key] = ""
        return
    chain = SharedChain(by, masquerade, len(rule.endpoints), rule.affinity_s)
    chains.add(chain)
    elements[f"{into}_by_{by}", key] = f"goto {chain.name}"
    _indexed(by, key, MARK_BASE, rule.endpoints, elements)


def _external(rule: ServiceRules, by: str, key: str, elements: dict[Element, str], chains: set[SharedChain]) -> None:
    """A front that the outside knows: with a local policy the client's place decides which endpoints it gets."""
    if rule.local_endpoints is None or not rule.endpoints:
        _front(rule, by, key, "all", elements, chains)
        return
    elements[f"services_by_{by}", key] = f"goto local_by_{by}"
    _front(rule, by, key, "foreign", elements, chains, into="inside")
    if not rule.local_endpoints:
        elements[f"outside_by_{by}", key] = "drop"
        return
    chain = SharedChain(by, "none", len(rule.local_endpoints), rule.affinity_s)
    chains.add(chain)
    elements[f"outside_by_{by}", key] = f"goto {chain.name}"
    _indexed(by, key, LOCAL_BASE, rule.local_endpoints, elements)


def _balancer(rule: ServiceRules, key: str, elements: dict[Element, str], chains: set[SharedChain]) -> None:
    """A load balancer's address: as other external ones for those who may use it; for others it drops what they send."""
    _external(rule, "address", key, elements, chains)
    verdict = elements.get(("services_by_address", key))
    if rule.allowed_sources is None or verdict is None:
        return
    elements["guarded_by_address", key] = verdict
    elements["services_by_address", key] = "goto guarded"
    for source in rule.allowed_sources:
        elements["allowed", f"{key} . {source}"] = ""


def _indexed(by: str, key: str, base: int, endpoints: tuple[Endpoint, ...], elements: dict[Element, str]) -> None:
    for index, (address, port) in enumerate(endpoints, base):
        elements[f"endpoints_by_{by}", f"{key} . {index:#010x}"] = f"{address} . {port}"


def placed(before: tuple[Endpoint, ...], wanted: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """The wanted endpoints in an order in which as few as possible change their index, starting from `before`."""
    if before == wanted or not before:
        return wanted
    keep, known = set(wanted), set(before)
    slots: list[Endpoint | None] = [endpoint if endpoint in keep else None for endpoint in before]
    fresh = [endpoint for endpoint in wanted if endpoint not in known]
    for index, held in enumerate(slots):
        if held is None and fresh:
            slots[index] = fresh.pop(0)
    filled: list[Endpoint] = []
    while slots:  # what is still free is taken by the last ones
        held = slots.pop(0)
        while held is None and slots:
            held = slots.pop()
        if held is not None:
            filled.append(held)
    return tuple(filled) + tuple(fresh)


def placed_rules(before: tuple[ServiceRules, ...], wanted: tuple[ServiceRules, ...]) -> tuple[ServiceRules, ...]:
    """The wanted rules of a service, endpoints in the order that moves least; the very object where nothing differs."""
    by_front = {_identity(rule): rule for rule in before}
    result = []
    for rule in wanted:
        old = by_front.get(_identity(rule))
        if old is None:
            result.append(rule)
            continue
        endpoints = placed(old.endpoints, rule.endpoints)
        local = rule.local_endpoints
        if local is not None and old.local_endpoints:
            local = placed(old.local_endpoints, local)
        result.append(msgspec.structs.replace(rule, endpoints=endpoints, local_endpoints=local))
    return tuple(result)


def moved(before: tuple[ServiceRules, ...], after: tuple[ServiceRules, ...]) -> dict[tuple[str, str], dict[int, int | None]]:
    """Where affinity has to follow: by (front kind, key), the new mark of every mark that means something else now, None
    where its endpoint is gone. Fronts without affinity, or gone, are left out."""
    by_front = {_identity(rule): rule for rule in after if rule.affinity_s}
    result: dict[tuple[str, str], dict[int, int | None]] = {}
    for old in before:
        new = by_front.get(_identity(old))
        if not old.affinity_s:
            continue
        marks = _moves(MARK_BASE, old.endpoints, new.endpoints if new else ())
        marks |= _moves(LOCAL_BASE, old.local_endpoints or (), (new.local_endpoints or ()) if new else ())
        if marks:
            for front in fronts(old):
                result[front] = marks
    return result


def _moves(base: int, before: tuple[Endpoint, ...], after: tuple[Endpoint, ...]) -> dict[int, int | None]:
    now: Mapping[Endpoint, int] = {endpoint: index for index, endpoint in enumerate(after, base)}
    places = {index: now.get(endpoint) for index, endpoint in enumerate(before, base)}
    return {index: new for index, new in places.items() if new != index}


def front_addresses(rule: ServiceRules) -> tuple[str, ...]:
    return rule.addresses + rule.external_addresses + rule.balancer_addresses


def fronts(rule: ServiceRules) -> list[tuple[str, str]]:
    """("address", "10.96.0.10 . udp . 53") and ("port", "udp . 30053"): what clients may send to."""
    found = [("address", f"{a} . {rule.protocol} . {rule.port}") for a in front_addresses(rule)]
    return [*found, ("port", f"{rule.protocol} . {rule.node_port}")] if rule.node_port else found


def _identity(rule: ServiceRules) -> tuple[str, str, int, bool]:
    return rule.service, rule.protocol, rule.port, bool(rule.addresses)
