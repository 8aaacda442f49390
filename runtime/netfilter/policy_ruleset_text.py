"""What a node's NetworkPolicyRules become in a table of nftables: sets, chains, two verdict maps; and the change from one to
the next. Pure. Grammar of nft(8) 1.0.6 and later.

A packet of a connection that is known passes at once; another costs a lookup of its addresses, and goes through the chains of
the policies of these pods alone. Chains are named after what stands in them: they come and go, and never change.

Tests: tests/runtime/netfilter/test_network_policies.py
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from shipslog.runtime.commands import NetworkPolicyRules, PolicyRule

from .family import FAMILIES, IPV4, Family, family_of

PROTOCOLS = ("sctp", "tcp", "udp")
LAST_PORT = 65535
SIDES = {"ingress": "saddr", "egress": "daddr"}
_TYPES = {"group": "{0}", "named": "{0} . inet_proto . inet_service", "itself": "{0} . {0}"}


class PolicyRuleset(NamedTuple):
    """All that is in it, by name. Chains that are jumped to come before those that jump."""

    sets: dict[str, frozenset[str]]
    verdicts: dict[str, dict[str, str]]  # of the maps `ingress` and `egress`: chain by address
    chains: dict[str, tuple[str, ...]]


def families_of(policies: NetworkPolicyRules) -> tuple[Family, ...]:
    """Those that pods which are judged have addresses of."""
    return tuple(f for f in FAMILIES.values() if any(family_of(address) is f for address in policies.pods))


def table_of(policies: NetworkPolicyRules, family: Family = IPV4) -> PolicyRuleset:
    """The table of one family. Errors: ValueError for an address that is none."""
    judged = {address: pod for address, pod in policies.pods.items() if family_of(address) is family}
    sets: dict[str, frozenset[str]] = {"itself": frozenset(f"{_ip(a)} . {a}" for a in judged)}
    for name, addresses in policies.groups.items():
        sets[_named("group", name)] = _members(addresses, family)
    for name, places in policies.named.items():
        protocol = name.partition("/")[0]
        sets[_named("named", name)] = frozenset(
            f"{_ip(address)} . {protocol} . {port}" for address, port in places if family_of(address) is family
        )
    rules: dict[str, tuple[str, ...]] = {}
    chain_of: dict[str, str] = {}
    for name, listed in policies.rules.items():
        side = SIDES[name.rpartition(":")[2]]
        body = tuple(dict.fromkeys(text for rule in listed for text in _texts(rule, side, family)))
        chain_of[name] = chain = _named("policy", "\n".join(body))
        rules[chain] = body
    pods: dict[str, tuple[str, ...]] = {}
    verdicts: dict[str, dict[str, str]] = {"ingress": {}, "egress": {}}
    for address, pod in judged.items():
        for way, names in (("ingress", pod.ingress), ("egress", pod.egress)):
            if names is not None:
                jumps = dict.fromkeys(f"jump {chain_of[name]}" for name in names if rules[chain_of[name]])
                body = (*sorted(jumps), "drop")
                chain = _named("pods", "\n".join(body))
                pods[chain] = body
                verdicts[way][address] = chain
    return PolicyRuleset(sets, verdicts, rules | pods)


def whole(name: str, table: PolicyRuleset, family: Family = IPV4) -> str:
    """The text that puts the table in the place of whatever has its name."""
    ip = family.name
    frame = "\n".join(_set(one, family) for one in table.sets)
    hooks = "\n".join(
        f"map {way} {{ type {family.type} : verdict; }}\n"
        f"chain forward_{way} {{ type filter hook forward priority filter{late}; policy accept;\n"
        "ct state established,related accept\n"
        f"{ip} saddr . {ip} daddr @itself accept\n"  # a pod always reaches itself, through its Service too
        f"{ip} {own} vmap @{way}\n}}"
        for way, own, late in (("egress", "saddr", ""), ("ingress", "daddr", " + 1"))
    )
    of = f"{ip} {name}"
    return f"{gone(name, family)}table {of} {{\n{frame}\n{_chains(table.chains)}\n{hooks}\n}}\n" + "".join(_filled(of, table))


def gone(name: str, family: Family) -> str:
    """The text after which there is no table of that name, whether there was one or not."""
    return f"add table {family.name} {name}\ndelete table {family.name} {name}\n"


def _filled(name: str, table: PolicyRuleset) -> Iterator[str]:
    for one, elements in sorted(table.sets.items()):
        yield _elements("add", name, one, sorted(elements))
    for way, verdicts in table.verdicts.items():
        yield _elements("add", name, way, _verdicts(verdicts.items()))


def change(name: str, old: PolicyRuleset, new: PolicyRuleset, family: Family = IPV4) -> str:
    """The text that makes one out of the other; "" if they are the same."""
    name = f"{family.name} {name}"
    fresh = "\n".join(_set(one, family) for one in new.sets if one not in old.sets)
    chains = _chains({chain: body for chain, body in new.chains.items() if chain not in old.chains})
    text = [f"table {name} {{\n{fresh}\n{chains}\n}}\n"] if fresh or chains else []
    for one, elements in sorted(new.sets.items()):
        before = old.sets.get(one, frozenset())
        if before is not elements:
            text.append(_elements("delete", name, one, sorted(before - elements)))
            text.append(_elements("add", name, one, sorted(elements - before)))
    for way, verdicts in new.verdicts.items():
        gone = [a for a, chain in old.verdicts[way].items() if verdicts.get(a) != chain]
        come = [(a, chain) for a, chain in verdicts.items() if old.verdicts[way].get(a) != chain]
        text += [_elements("delete", name, way, gone), _elements("add", name, way, _verdicts(come))]
    for chain in reversed([c for c in old.chains if c not in new.chains]):  # those that jump first
        text.append(f"flush chain {name} {chain}\ndelete chain {name} {chain}\n")
    text += [f"delete set {name} {one}\n" for one in sorted(old.sets) if one not in new.sets]
    return "".join(text)


def _texts(rule: PolicyRule, side: str, family: Family) -> Iterator[str]:
    """A rule of nft for each way in which its peers and its ports are told."""
    for peer in _peers(rule, side, family):
        for port in _ports(rule, family):
            yield " ".join(filter(None, (peer, port, "accept")))


def _peers(rule: PolicyRule, side: str, family: Family) -> Iterator[str]:
    if rule.anyone:
        yield ""
        return
    for group in rule.groups:
        yield f"{family.name} {side} @{_named('group', group)}"
    ranges = [(first, last) for first, last in rule.ranges if family_of(first) is family]
    if ranges:
        listed = ", ".join(_ip(first) if first == last else f"{_ip(first)}-{_ip(last)}" for first, last in ranges)
        yield f"{family.name} {side} {{ {listed} }}"


def _ports(rule: PolicyRule, family: Family) -> Iterator[str]:
    if rule.any_port:
        yield ""
        return
    for protocol in PROTOCOLS:
        ranges = [(first, last) for of, first, last in rule.ports if of == protocol]
        if (0, LAST_PORT) in ranges:
            yield f"meta l4proto {protocol}"
        elif ranges:
            listed = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)
            yield f"meta l4proto {protocol} th dport {{ {listed} }}"
    for name in rule.named:
        yield f"{family.name} daddr . meta l4proto . th dport @{_named('named', name)}"


def _named(kind: str, content: str) -> str:
    """The name of a part, after what it is: 128 bits, so that nobody makes two policies that share a chain."""
    return f"{kind}_{hashlib.blake2b(content.encode(), digest_size=16).hexdigest()}"


def _set(name: str, family: Family) -> str:
    return f"set {name} {{ type {_TYPES[name.partition('_')[0]].format(family.type)}; }}"


def _chains(chains: Mapping[str, tuple[str, ...]]) -> str:
    return "\n".join(f"chain {name} {{\n" + "\n".join(body) + "\n}" for name, body in chains.items())


def _verdicts(verdicts: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{address} : goto {chain}" for address, chain in sorted(verdicts)]


def _elements(verb: str, table: str, name: str, elements: list[str]) -> str:
    return f"{verb} element {table} {name} {{ {', '.join(elements)} }}\n" if elements else ""


@lru_cache(maxsize=1024)
def _members(addresses: tuple[str, ...], family: Family) -> frozenset[str]:
    """The same object for the same addresses: nobody looks for what has changed in it. Errors: ValueError."""
    return frozenset(_ip(address) for address in addresses if family_of(address) is family)


@lru_cache(maxsize=65536)
def _ip(address: str) -> str:
    """Errors: ValueError for what is no address: nft would ask the resolver for it."""
    ipaddress.ip_address(address)
    return address
