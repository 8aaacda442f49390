"""What services become in iptables: kube-proxy's chains, with the comments that operators know. Pure.

Source: the iptables mode of Kubernetes' kube-proxy, as its documentation and its rules in the kernel show it.

Tests: tests/runtime/netfilter/test_iptables.py
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.family import Family
from shipslog.runtime.netfilter.service_elements import Endpoint

from . import names
from .chains import Chains, Jump

MASQUERADE_MARK = "0x4000/0x4000"


class Parts(NamedTuple):
    """All that one service adds: chains of its own, and lines in those that all share, by (table, chain)."""

    chains: dict[tuple[str, str], tuple[str, ...]]
    lines: dict[tuple[str, str], tuple[str, ...]]


def comment(text: str) -> str:
    return f'-m comment --comment "{text}"'


def reject(rule: ServiceRules) -> str:
    """A reset for TCP: kube-proxy's ICMP is limited by the kernel to one a second for a client, and others would wait."""
    return "-j REJECT --reject-with tcp-reset" if rule.protocol == "tcp" else "-j REJECT"


_NEW = "-m conntrack --ctstate NEW "
_PORTALS, _VISIBLE = comment("kubernetes service portals"), comment("kubernetes externally-visible service portals")
_GUARD = comment("kubernetes load balancer firewall")
JUMPS = (
    Jump("nat", "PREROUTING", f"{_PORTALS} -j {names.SERVICES}"),
    Jump("nat", "OUTPUT", f"{_PORTALS} -j {names.SERVICES}"),
    Jump("nat", "POSTROUTING", f"{comment('kubernetes postrouting rules')} -j {names.POSTROUTING}"),
    *(
        Jump("filter", chain, f"{_NEW}{note} -j {target}")
        for chain in ("INPUT", "FORWARD", "OUTPUT")
        for note, target in ((_GUARD, names.SOURCES), (_PORTALS, names.SERVICES), (_VISIBLE, names.EXTERNAL))
    ),
    Jump("filter", "FORWARD", f"{comment('kubernetes forwarding rules')} -j {names.FORWARD}"),
    Jump("filter", "INPUT", f"-j {names.FIREWALL}"),
)


def frame(family: Family, extra: Iterable[tuple[str, str]] = ()) -> dict[tuple[str, str], tuple[str, ...]]:
    """The chains that do not depend on services, and the heads of those that do."""
    loopback = family.loopback
    masquerade = comment("kubernetes service traffic requiring SNAT")
    fixed: dict[tuple[str, str], tuple[str, ...]] = {
        ("nat", names.MARK_MASQ): (f"-j MARK --set-xmark {MASQUERADE_MARK}",),
        ("nat", names.POSTROUTING): (
            f"-m mark ! --mark {MASQUERADE_MARK} -j RETURN",
            "-j MARK --set-xmark 0x4000/0x0",
            f"{masquerade} -j MASQUERADE --random-fully",
        ),
        ("filter", names.FORWARD): (
            "-m conntrack --ctstate INVALID -j DROP",  # it would reach clients under the address of a pod, and be reset
            f"{comment('kubernetes forwarding rules')} -m mark --mark {MASQUERADE_MARK} -j ACCEPT",
            f"{comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        ),
        # strangers on the link must not reach what listens on loopback, though route_localnet lets their packets in
        ("filter", names.FIREWALL): (
            f"{comment('block incoming localnet connections')} ! -s {loopback} -d {loopback} "
            "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
        ),
    }
    return fixed | dict.fromkeys(extra, ())


SHARED = (
    ("nat", names.SERVICES),
    ("nat", names.NODE_PORTS),
    ("filter", names.SERVICES),
    ("filter", names.EXTERNAL),
    ("filter", names.SOURCES),
)


def assembled(family: Family, ruleset: Ruleset, parts: Mapping[str, Parts]) -> Chains:
    """All chains of a ruleset; `parts` by service."""
    chains = frame(family)
    shared: dict[tuple[str, str], list[str]] = {key: [] for key in SHARED}
    for name in sorted(parts):
        chains.update(parts[name].chains)
        for key, lines in parts[name].lines.items():
            shared[key] += lines
    last = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain")
    if ruleset.node_addresses:
        where: Sequence[str] = [f"-d {address}" for address in ruleset.node_addresses if family.is_address(address)]
    else:
        where = ["-m addrtype --dst-type LOCAL"]
    shared["nat", names.SERVICES] += [f"{last} {place} -j {names.NODE_PORTS}" for place in where]
    return chains | {key: tuple(lines) for key, lines in shared.items()}


def parts_of(family: Family, rules: Iterable[ServiceRules], pod_cidr: str) -> Parts:
    """What one service adds."""
    made, listed = _Service(family, pod_cidr), tuple(rules)
    for rule in listed:
        others = any(one is not rule and (one.service, one.protocol) == (rule.service, rule.protocol) for one in listed)
        made.add(rule, split=others and bool(rule.addresses))
    return Parts(
        {("nat", chain): tuple(lines) for chain, lines in made.chains.items()},
        {key: tuple(lines) for key, lines in made.lines.items()},
    )


class _Service:
    """The parts of one service, while they are put together."""

    def __init__(self, family: Family, pod_cidr: str) -> None:
        self._family, self._pods = family, pod_cidr
        self.chains: dict[str, list[str]] = {}
        self.lines: dict[tuple[str, str], list[str]] = {}
        self._balanced: set[str] = set()

    def add(self, rule: ServiceRules, *, split: bool) -> None:
        """`split`: clients inside get other endpoints than those outside, by a rule of their own."""
        name, protocol = names.service_name(rule.service), rule.protocol
        shared = (names.local_chain if split else names.service_chain)(rule.service, protocol)
        for address in rule.addresses:
            to = f"{comment(f'{name} cluster IP')} {self._to(rule, address)}"
            if not rule.endpoints:
                self._refuse(rule, names.SERVICES, address)
                continue
            self._line("nat", names.SERVICES, f"{to} -j {shared}")
            if self._pods:
                self._chain(shared, f"{to} ! -s {self._pods} -j {names.MARK_MASQ}")
        if rule.endpoints:
            self._balance(shared, rule, rule.endpoints)
        if rule.external_addresses or rule.balancer_addresses or rule.node_port:
            self._external(rule, shared)

    def _external(self, rule: ServiceRules, shared: str) -> None:
        name, protocol = names.service_name(rule.service), rule.protocol
        outside = names.external_chain(rule.service, protocol)
        local = rule.local_endpoints is not None
        if rule.endpoints:
            self._external_chain(rule, outside, shared)
        fronts = [(a, "external IP", outside) for a in rule.external_addresses]
        guarded = outside
        if rule.allowed_sources is not None and rule.balancer_addresses:
            guarded = names.firewall_chain(rule.service, protocol)
            if rule.endpoints:
                note = comment(f"{name} loadbalancer IP")
                for source in rule.allowed_sources:
                    self._chain(guarded, f"{note} -s {source} -j {outside}")
                self._chain(guarded, f"{comment(f'other traffic to {name} will be dropped by {names.SOURCES}')} -j RETURN")
        fronts += [(a, "loadbalancer IP", guarded) for a in rule.balancer_addresses]
        for address, what, chain in fronts:
            to = self._to(rule, address)
            if not rule.endpoints:
                self._refuse(rule, names.EXTERNAL, address)
                continue
            if chain != outside:  # what its chain did not send on still has this address when it is filtered
                self._line("filter", names.SOURCES, f"{comment(f'{name} traffic not accepted by {chain}')} {to} -j DROP")
            self._line("nat", names.SERVICES, f"{comment(f'{name} {what}')} {to} -j {chain}")
            if local and not rule.local_endpoints:
                self._line("filter", names.EXTERNAL, f"{comment(f'{name} has no local endpoints')} {to} -j DROP")
        if rule.node_port:
            to = f"-m {protocol} -p {protocol} --dport {rule.node_port}"
            if not rule.endpoints:
                self._refuse(rule, names.EXTERNAL, "")
                return
            self._line("nat", names.NODE_PORTS, f"{comment(name)} {to} -j {outside}")
            if local and not rule.local_endpoints:
                where = f"{comment(f'{name} has no local endpoints')} -m addrtype --dst-type LOCAL {to}"
                self._line("filter", names.EXTERNAL, f"{where} -j DROP")

    def _external_chain(self, rule: ServiceRules, outside: str, shared: str) -> None:
        name = names.service_name(rule.service)
        if rule.local_endpoints is None:
            note = comment(f"masquerade traffic for {name} external destinations")
            self._chain(outside, f"{note} -j {names.MARK_MASQ}")
            self._chain(outside, f"-j {shared}")
            return
        if self._pods:
            self._chain(outside, f"{comment(f'pod traffic for {name} external destinations')} -s {self._pods} -j {shared}")
        here = "-m addrtype --src-type LOCAL"
        note = comment(f"masquerade LOCAL traffic for {name} external destinations")
        self._chain(outside, f"{note} {here} -j {names.MARK_MASQ}")
        self._chain(outside, f"{comment(f'route LOCAL traffic for {name} external destinations')} {here} -j {shared}")
        if rule.local_endpoints:
            chain = names.local_chain(rule.service, rule.protocol)
            self._chain(outside, f"-j {chain}")
            self._balance(chain, rule, rule.local_endpoints)

    def _balance(self, chain: str, rule: ServiceRules, endpoints: tuple[Endpoint, ...]) -> None:
        """Draw one of the endpoints; who has come before gets the one that it had."""
        if chain in self._balanced:
            return
        self._balanced.add(chain)
        name, protocol = names.service_name(rule.service), rule.protocol
        ways = [
            (
                names.endpoint_chain(rule.service, protocol, self._family.port(*one)),
                comment(f"{name} -> {self._family.port(*one)}"),
            )
            for one in endpoints
        ]
        recent = f"--seconds {rule.affinity_s} --reap --rsource"
        if rule.affinity_s:
            for way, note in ways:
                self._chain(chain, f"{note} -m recent --name {way} --rcheck {recent} -j {way}")
        for left, (way, note) in zip(range(len(ways), 0, -1), ways, strict=True):
            draw = f" -m statistic --mode random --probability {1 / left:.10f}" if left > 1 else ""
            self._chain(chain, f"{note}{draw} -j {way}")
        for (way, _), (address, port) in zip(ways, endpoints, strict=True):
            if way in self.chains:
                continue
            note = comment(name)
            self._chain(way, f"{note} -s {address}/{self._family.bits} -j {names.MARK_MASQ}")
            remember = f" -m recent --name {way} --set --rsource" if rule.affinity_s else ""
            to = self._family.port(address, port)
            self._chain(way, f"{note}{remember} -m {protocol} -p {protocol} -j DNAT --to-destination {to}")

    def _refuse(self, rule: ServiceRules, chain: str, address: str) -> None:
        name = names.service_name(rule.service)
        if address:
            where = self._to(rule, address)
        else:
            where = f"-m addrtype --dst-type LOCAL -m {rule.protocol} -p {rule.protocol} --dport {rule.node_port}"
        self._line("filter", chain, f"{comment(f'{name} has no endpoints')} {where} {reject(rule)}")

    def _to(self, rule: ServiceRules, address: str) -> str:
        return f"-m {rule.protocol} -p {rule.protocol} -d {address}/{self._family.bits} --dport {rule.port}"

    def _line(self, table: str, chain: str, line: str) -> None:
        self.lines.setdefault((table, chain), []).append(line)

    def _chain(self, chain: str, line: str) -> None:
        self.chains.setdefault(chain, []).append(line)
