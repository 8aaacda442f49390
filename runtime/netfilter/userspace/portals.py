"""The packet rules of the proxy in user space: what redirects clients to its ports, in the seed's chains. Pure.

Source: Kubernetes 0.x to 1.25, the userspace mode of kube-proxy, as its rules in the kernel show it.

Tests: tests/runtime/netfilter/test_userspace.py
"""

from collections.abc import Iterable, Mapping

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.family import Family
from shipslog.runtime.netfilter.iptables.chains import Chains, Jump
from shipslog.runtime.netfilter.iptables.names import EXTERNAL, FIREWALL, SERVICES, SOURCES, service_name
from shipslog.runtime.netfilter.iptables.rules import JUMPS as FRAME_JUMPS
from shipslog.runtime.netfilter.iptables.rules import comment, frame, reject

from .words import Spec

PORTALS = ("KUBE-PORTALS-CONTAINER", "KUBE-PORTALS-HOST")  # for clients elsewhere, and for the node itself
NODE_PORTS = ("KUBE-NODEPORT-CONTAINER", "KUBE-NODEPORT-HOST")
_PORTALS_NOTE = comment("handle ClusterIPs; NOTE: this must be before the NodePort rules")
_NODE_PORTS_NOTE = comment("handle service NodePorts; NOTE: this must be the last rule in the chain")
JUMPS = (
    *(Jump("nat", c, f"{_PORTALS_NOTE} -j {t}") for c, t in zip(("PREROUTING", "OUTPUT"), PORTALS, strict=True)),
    *(
        Jump("nat", chain, f"-m addrtype --dst-type LOCAL {_NODE_PORTS_NOTE} -j {target}", last=True)
        for chain, target in zip(("PREROUTING", "OUTPUT"), NODE_PORTS, strict=True)
    ),
    *(jump for jump in FRAME_JUMPS if jump.table == "filter" and jump.target in (SOURCES, SERVICES, EXTERNAL, FIREWALL)),
)
SHARED = (*(("nat", c) for c in (*PORTALS, *NODE_PORTS)), ("filter", SERVICES), ("filter", EXTERNAL), ("filter", SOURCES))


def name_of(rule: ServiceRules) -> str:
    """What the process calls a service port. Two rules of one port differ in whether they have addresses inside."""
    return f"{rule.service} {rule.protocol} {rule.port} {rule.family} {'inside' if rule.addresses else 'outside'}"


def spec_of(rule: ServiceRules) -> Spec | None:
    """None for what the process does not serve: nobody is behind it, or it is SCTP."""
    if rule.protocol == "sctp" or not rule.endpoints:
        return None
    return Spec(
        protocol=rule.protocol, family=rule.family, endpoints=rule.endpoints, local=rule.local_endpoints,
        affinity_s=rule.affinity_s,
    )  # fmt: skip


def assembled(family: Family, ruleset: Ruleset, ports: Mapping[str, int]) -> Chains:
    """All chains of a ruleset; `ports`: where the process listens, by name."""
    kept = {key: rules for key, rules in frame(family).items() if key == ("filter", FIREWALL)}
    shared: dict[tuple[str, str], list[str]] = {key: [] for key in SHARED}
    for _, rules in sorted(ruleset.services.items()):
        for rule in rules:
            for key, line in _lines(family, rule, ruleset, ports.get(name_of(rule), 0)):
                shared[key].append(line)
    return kept | {key: tuple(lines) for key, lines in shared.items()}


def _lines(family: Family, rule: ServiceRules, ruleset: Ruleset, port: int) -> Iterable[tuple[tuple[str, str], str]]:
    if rule.protocol == "sctp":
        return
    name = service_name(rule.service)
    fronts = [(a, SERVICES, "") for a in rule.addresses] + [(a, EXTERNAL, "") for a in rule.external_addresses]
    fronts += [(a, EXTERNAL, "balancer") for a in rule.balancer_addresses]
    for address, refusing, kind in fronts:
        to = f"-m {rule.protocol} -p {rule.protocol} -d {address}/{family.bits} --dport {rule.port}"
        if not rule.endpoints or not port:
            yield ("filter", refusing), f"{comment(f'{name} has no endpoints')} {to} {reject(rule)}"
            continue
        outside = refusing == EXTERNAL and rule.local_endpoints == ()
        sources = (
            [f" -s {source}" for source in rule.allowed_sources or ()] if kind and rule.allowed_sources is not None else [""]
        )
        if kind and rule.allowed_sources is not None:
            yield ("filter", SOURCES), f"{comment(f'{name} traffic not accepted')} {to} -j DROP"
        for chain, note in zip(PORTALS, (comment(name),) * 2, strict=True):
            for source in sources:
                if outside and chain == PORTALS[0]:
                    if source or not ruleset.pod_cidr:
                        continue
                    source = f" -s {ruleset.pod_cidr}"
                yield ("nat", chain), f"{note} {to}{source} -j REDIRECT --to-ports {port}"
        if outside:
            yield ("filter", EXTERNAL), f"{comment(f'{name} has no local endpoints')} {to} -j DROP"
    if rule.node_port:
        yield from _node_port(rule, ruleset, port)


def _node_port(rule: ServiceRules, ruleset: Ruleset, port: int) -> Iterable[tuple[tuple[str, str], str]]:
    name, to = service_name(rule.service), f"-m {rule.protocol} -p {rule.protocol} --dport {rule.node_port}"
    here = "-m addrtype --dst-type LOCAL"
    if not rule.endpoints or not port:
        yield ("filter", EXTERNAL), f"{comment(f'{name} has no endpoints')} {here} {to} {reject(rule)}"
        return
    wheres = [f" -d {address}" for address in ruleset.node_addresses] or [""]
    for where in wheres:
        yield ("nat", NODE_PORTS[1]), f"{comment(name)}{where} {to} -j REDIRECT --to-ports {port}"
        if rule.local_endpoints != ():
            yield ("nat", NODE_PORTS[0]), f"{comment(name)}{where} {to} -j REDIRECT --to-ports {port}"
        elif ruleset.pod_cidr:
            yield ("nat", NODE_PORTS[0]), f"{comment(name)}{where} -s {ruleset.pod_cidr} {to} -j REDIRECT --to-ports {port}"
    if rule.local_endpoints == ():
        yield ("filter", EXTERNAL), f"{comment(f'{name} has no local endpoints')} {here} {to} -j DROP"
