"""What one NetworkPolicy says, apart from which pods there are: whom it is about, and in each direction its rules.

Tests: tests/reconcilers/services/test_network_policy.py
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from shipslog.runtime.commands import PolicyRule
from shipslog.store.families import Network
from shipslog.store.objects.selector import NOTHING, Selector, SelectorError, of_label_selector
from shipslog.store.objects.types.meta_v1 import LabelSelector
from shipslog.store.objects.types.networking_v1 import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort

Range = tuple[int, int]  # first and last
LAST_PORT = 65535


class Peers(Struct, frozen=True):
    """A choice of pods: of one namespace, or of those that `namespaces` chooses (then `namespace` is "")."""

    namespace: str
    namespaces: Selector | None
    pods: Selector

    def includes(self, namespace: str, labels: Mapping[str, str] | None) -> bool:
        """Whether it chooses from a namespace with these labels; None: there is no such namespace."""
        if self.namespaces is None:
            return namespace == self.namespace
        return labels is not None and self.namespaces.matches(labels)

    @property
    def name(self) -> str:
        """The same for the same choice. 128 bits: nobody makes two that share one."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=16).hexdigest()


class PolicyParts(Struct, frozen=True, kw_only=True):
    subject: Peers
    directions: Mapping[str, tuple[PolicyRule, ...]]  # by ingress and egress, as far as the policy is about them
    peers: Mapping[str, Peers]  # by name: all that the rules speak of
    named: frozenset[str]  # ports by name, "tcp/http"


def parts_of(policy: NetworkPolicy) -> PolicyParts:
    """Its parts."""
    namespace, spec = policy.metadata.namespace, policy.spec
    types = spec.policy_types or (("Ingress", "Egress") if spec.egress else ("Ingress",))
    peers: dict[str, Peers] = {}
    directions: dict[str, tuple[PolicyRule, ...]] = {}
    if "Ingress" in types:
        directions["ingress"] = tuple(_rule(namespace, r.ports, r.from_, peers) for r in spec.ingress)
    if "Egress" in types:
        directions["egress"] = tuple(_rule(namespace, r.ports, r.to, peers) for r in spec.egress)
    return PolicyParts(
        subject=Peers(namespace, None, _selector(spec.pod_selector)),
        directions=directions,
        peers=peers,
        named=frozenset(name for rules in directions.values() for rule in rules for name in rule.named),
    )


def _rule(
    namespace: str, ports: Sequence[NetworkPolicyPort], sides: Sequence[NetworkPolicyPeer], peers: dict[str, Peers]
) -> PolicyRule:
    groups: dict[str, None] = {}
    for side in sides:
        if side.ip_block is None:
            chosen = _peers(namespace, side)
            peers[chosen.name] = chosen
            groups[chosen.name] = None
    numbers: dict[str, list[Range]] = {}
    named: set[str] = set()
    for port in ports:
        protocol = (port.protocol or "TCP").lower()
        if isinstance(port.port, str):
            named.add(f"{protocol}/{port.port}")
        elif port.port is None:
            numbers.setdefault(protocol, []).append((0, LAST_PORT))
        else:
            numbers.setdefault(protocol, []).append((port.port, port.end_port or port.port))
    return PolicyRule(
        anyone=not sides,
        groups=tuple(groups),
        ranges=_ranges(side.ip_block for side in sides if side.ip_block is not None),
        any_port=not ports,
        ports=tuple((protocol, *one) for protocol in sorted(numbers) for one in joined(numbers[protocol])),
        named=tuple(sorted(named)),
    )


def _peers(namespace: str, side: NetworkPolicyPeer) -> Peers:
    pods = _selector(side.pod_selector if side.pod_selector is not None else LabelSelector())
    if side.namespace_selector is None:
        return Peers(namespace, None, pods)
    return Peers("", _selector(side.namespace_selector), pods)


def _selector(chosen: LabelSelector) -> Selector:
    try:
        return of_label_selector(chosen)
    except SelectorError:  # it was let in by an older version: it chooses nothing
        return NOTHING


def _ranges(blocks: Iterable[IPBlock]) -> tuple[tuple[str, str], ...]:
    """All addresses of the blocks, as ranges: what one block leaves out another may have."""
    found: dict[int, list[Range]] = {4: [], 6: []}
    for block in blocks:
        if (whole := _network(block.cidr)) is not None:
            holes = [n for text in block.except_ if (n := _network(text)) is not None and n.version == whole.version]
            found[whole.version] += without(_range(whole), joined(map(_range, holes)))
    return tuple(
        (str(make(first)), str(make(last)))
        for version, make in ((4, ipaddress.IPv4Address), (6, ipaddress.IPv6Address))
        for first, last in joined(found[version])
    )


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _range(network: Network) -> Range:
    return int(network.network_address), int(network.broadcast_address)


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The same numbers, in ranges that are sorted and apart from each other."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def without(whole: Range, holes: Sequence[Range]) -> list[Range]:
    """What is left of a range; the holes are sorted and apart."""
    found: list[Range] = []
    first, last = whole
    for begin, end in holes:
        if end < first or begin > last:
            continue
        if begin > first:
            found.append((first, begin - 1))
        first = end + 1
    return [*found, (first, last)] if first <= last else found
