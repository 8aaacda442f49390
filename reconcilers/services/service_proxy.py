"""Keeps a node's packet rules what Services and EndpointSlices say: one whole ruleset a node, sent when its digest differs.

What a service becomes depends on that service and its slices alone, so it is folded from their changes (a projection), and
one change among thousands costs one service's work.
The rules follow the Kubernetes API reference for Service and EndpointSlice v1, and KEP-1669 for endpoints that terminate.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

import msgspec
from msgspec import UNSET

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import namesake, rule
from shipslog.runtime.commands import ApplyRuleset, Ruleset, ServiceRules
from shipslog.store.facts import NodeObserved, RulesetApplied, RulesetFailed
from shipslog.store.families import FAMILIES, Family, canonical, family_of
from shipslog.store.objects.types.core_v1 import Node, Service, ServicePort
from shipslog.store.objects.types.discovery_v1 import Endpoint, EndpointHints, EndpointSlice
from shipslog.store.projections import Projection
from shipslog.store.state import Entry
from shipslog.store.view import View

from .endpoint_targets import moves, zone_of

SERVICES, SLICES = "services", "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
RETRY_FIRST_S, RETRY_MAX_S = 0.5, 60.0
AFFINITY_DEFAULT_S = 10800
_MODULUS = 1 << 128

NOT_OURS = ("service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless")  # whatever their values
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"

Address = tuple[str, int]
Rules = tuple[ServiceRules, ...]


def _nodes(view: View, obj: Any) -> Iterable[str]:
    """All nodes that have reported: what a Service becomes concerns every one of them."""
    return [node.metadata.name for node in view.list(Node) if view.node_observed(node.metadata.name) is not None]


def _reporter(view: View, fact: NodeObserved | RulesetApplied | RulesetFailed) -> Iterable[str]:
    return (fact.node,)


WAKES = (
    rule()
    .watches(Node, to=namesake, when=moves, at_start=True)
    .watches(Service, EndpointSlice, to=_nodes)
    .hears(NodeObserved, RulesetApplied, RulesetFailed, to=_reporter)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Send the ruleset that the node should have, unless it has it or has just failed with it."""
    if view.node_observed(key) is None:
        return Decision(reason="NodeNotObserved")
    config = view.config
    pool = "" if config.load_balancer_pool is UNSET else config.load_balancer_pool
    place = Place(key, zone_of(view.get(Node, key)))
    ruleset, state = view.projected(RULES_BY_SERVICE).ruleset(config.pod_cidr, place, pool), view.ruleset(key)
    if state.digest == ruleset.digest:
        return Decision(reason="RulesetInPlace")
    if state.failed_digest == ruleset.digest:
        pause_s = min(RETRY_FIRST_S * 2.0 ** min(state.failures - 1, 20), RETRY_MAX_S)
        wait_s = min(state.failed_at_ns / 1e9 + pause_s - now / 1e9, pause_s)
        if wait_s > 0:
            return Decision(reason=f"RulesetBackOff: {state.message}", requeue_after=wait_s)
    return Decision(reason="RulesetDiffers", commands=(ApplyRuleset(node=key, ruleset=ruleset),))


# --- what one service becomes ---


class Place(NamedTuple):
    """Where packets are met: a node, and the zone that it is in; both may be nowhere ("")."""

    node: str = ""
    zone: str = ""


def rules_of(service: Service, slices: Sequence[EndpointSlice], place: Place) -> Rules:
    """One service's rules on one node; () for what needs none: headless and ExternalName services, and those whose labels say
    that another proxy has them."""
    spec = service.spec
    if spec.type == "ExternalName" or not service.metadata.labels.keys().isdisjoint(NOT_OURS):
        return ()
    rules: list[ServiceRules] = []
    for port in spec.ports:
        for family in FAMILIES:
            rules += _rules_of_port(service, port, family, slices, place)
    if rules and spec.health_check_node_port and spec.external_traffic_policy == "Local":
        ready = {
            address
            for port in spec.ports
            for family in FAMILIES
            for (address, _), endpoint in _candidates(slices, port, family)
            if endpoint.node_name == place.node and _ready(endpoint)
        }
        rules[0] = msgspec.structs.replace(rules[0], health_port=spec.health_check_node_port, health_endpoints=len(ready))
    return tuple(rules)


def _rules_of_port(
    service: Service, port: ServicePort, family: Family, slices: Sequence[EndpointSlice], place: Place
) -> Iterator[ServiceRules]:
    """One rule; two where clients inside the cluster get other endpoints than those outside."""
    spec = service.spec
    addresses = _of_family(spec.cluster_ips or (spec.cluster_ip,), family)
    if not addresses:
        return
    external = _of_family(spec.external_ips, family)
    balancers = _of_family(_balancers(service), family)
    candidates = list(_candidates(slices, port, family))
    everywhere = _chosen(_near(candidates, place))
    here = _chosen([c for c in candidates if c[1].node_name == place.node]) if _is_local(service) else ()
    node_port = port.node_port if spec.type in ("NodePort", "LoadBalancer") else 0
    rule = ServiceRules(
        service=f"{service.metadata.namespace}/{service.metadata.name}:{port.name}",
        protocol=cast(Literal["tcp", "udp", "sctp"], (port.protocol or "TCP").lower()),
        port=port.port,
        family=family,
        addresses=addresses,
        external_addresses=external,
        balancer_addresses=balancers,
        allowed_sources=_sources(service, family) if balancers else None,
        node_port=node_port,
        affinity_s=_affinity_s(service),
        endpoints=everywhere,
        local_endpoints=here if spec.external_traffic_policy == "Local" else None,
    )
    if spec.internal_traffic_policy != "Local":
        yield rule
        return
    yield msgspec.structs.replace(
        rule, external_addresses=(), balancer_addresses=(), allowed_sources=None, node_port=0, endpoints=here,
        local_endpoints=None,
    )  # fmt: skip
    if external or balancers or node_port:
        yield msgspec.structs.replace(rule, addresses=())


def _balancers(service: Service) -> tuple[str, ...]:
    if service.spec.type != "LoadBalancer":
        return ()
    return tuple(i.ip for i in service.status.load_balancer.ingress if i.ip and i.ip_mode != "Proxy")


def _sources(service: Service, family: Family) -> tuple[str, ...] | None:
    """The ranges that may use its load balancer's addresses, none within another; None for everybody."""
    ranges = service.spec.load_balancer_source_ranges or tuple(
        filter(None, service.metadata.annotations.get(SOURCE_RANGES, "").split(","))
    )
    if not ranges:
        return None
    version = 6 if family == "IPv6" else 4
    networks: list[Any] = []
    for text in ranges:
        try:
            networks.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            continue
    kept = list(ipaddress.collapse_addresses(n for n in networks if n.version == version))
    return None if any(n.prefixlen == 0 for n in kept) else tuple(str(n) for n in kept)


def _candidates(slices: Sequence[EndpointSlice], port: ServicePort, family: Family) -> Iterator[tuple[Address, Endpoint]]:
    """The endpoints that serve this port: by name and protocol, as the slices' authors resolved the target port."""
    for part in slices:
        if part.address_type != family:
            continue
        for offered in part.ports:
            if (offered.name or "") != port.name or (offered.protocol or "TCP") != (port.protocol or "TCP") or not offered.port:
                continue
            for endpoint in part.endpoints:
                for address in _of_family(endpoint.addresses[:1], family):  # all addresses of an endpoint are the same place
                    yield (address, offered.port), endpoint


def _chosen(candidates: Sequence[tuple[Address, Endpoint]]) -> tuple[Address, ...]:
    """Those that are ready; if none is, those that terminate and still serve."""
    ready = {address for address, endpoint in candidates if _ready(endpoint)}
    return tuple(sorted(ready or {address for address, endpoint in candidates if _serves_to_the_end(endpoint)}))


def _near(candidates: Sequence[tuple[Address, Endpoint]], place: Place) -> Sequence[tuple[Address, Endpoint]]:
    """Those that are meant for this node, else those for its zone, where every endpoint that is ready says for whom it is, and
    one for here; else all. Source: kube-proxy's topology, Kubernetes 1.37."""
    hints = [endpoint.hints for _, endpoint in candidates if _ready(endpoint)]
    if not hints or None in hints:
        return candidates
    for name, meant_for in ((place.node, _nodes_meant), (place.zone, _zones_meant)):
        if all(meant_for(hint) for hint in hints) and any(name in meant_for(hint) for hint in hints):
            return [c for c in candidates if name in meant_for(c[1].hints)]
    return candidates


def _nodes_meant(hints: EndpointHints | None) -> tuple[str, ...]:
    return tuple(node.name for node in hints.for_nodes) if hints is not None else ()


def _zones_meant(hints: EndpointHints | None) -> tuple[str, ...]:
    return tuple(zone.name for zone in hints.for_zones) if hints is not None else ()


def _ready(endpoint: Endpoint) -> bool:
    conditions = endpoint.conditions
    return conditions is None or conditions.ready is not False  # unknown counts as ready


def _serves_to_the_end(endpoint: Endpoint) -> bool:
    conditions = endpoint.conditions
    return conditions is not None and conditions.terminating is True and conditions.serving is True


def _depends_on_place(service: Service, slices: Iterable[EndpointSlice]) -> bool:
    """Whether its rules differ from node to node."""
    return _is_local(service) or any(endpoint.hints is not None for part in slices for endpoint in part.endpoints)


def _is_local(service: Service) -> bool:
    return "Local" in (service.spec.external_traffic_policy, service.spec.internal_traffic_policy)


def _affinity_s(service: Service) -> int:
    spec = service.spec
    if spec.session_affinity != "ClientIP":
        return 0
    client_ip = spec.session_affinity_config.client_ip if spec.session_affinity_config else None
    return (client_ip.timeout_seconds if client_ip else None) or AFFINITY_DEFAULT_S


def _of_family(addresses: Sequence[str], family: Family) -> tuple[str, ...]:
    """Those of one family, each once, as the kernel writes them."""
    found = (_address(address) for address in addresses)
    return tuple(dict.fromkeys(text for kind, text in found if kind == family))


@lru_cache(maxsize=65536)
def _address(text: str) -> tuple[str, str]:
    """(family, canonical text); the family of what is no address is ""."""
    address = canonical(text)
    return (family_of(address), address) if address else ("", "")


# --- what is kept ---


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One service with its slices, and its rules where they are the same on every node (None: they are not)."""

    service: Service
    slices: tuple[EndpointSlice, ...]
    rules: Rules | None
    number: int  # the digest of the rules, 0 for none


class RulesByService:
    """What the services of a view become, kept up with each change of a Service or a slice.

    A change only marks the service that it touches: hundreds of them between two looks cost one service's work."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._slices: dict[str, dict[str, EndpointSlice]] = {}  # by service, by name
        self._touched: dict[str, None] = {}
        self._parts: dict[str, Part] = {}
        self._shared: dict[str, Rules] = {}  # of the services that are the same everywhere; never changed in place
        self._total = 0  # the sum of their numbers: one service changes it by a subtraction and an addition
        self._on_node: dict[str, dict[str, tuple[Part, str, Rules, int]]] = {}  # by service, by node: of what, in which zone

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RulesByService) and self._state() == other._state()

    def _state(self) -> tuple[object, ...]:
        self._renew()
        return self._services, self._slices, self._parts, self._shared, self._total, self._on_node.keys()

    def evolve(self, before: Entry | None, after: Entry | None) -> None:
        """A Service or a slice was made, changed or deleted."""
        for entry in (before, after):
            if entry is not None:
                self._take(entry, there=entry is after)

    def _take(self, entry: Entry, *, there: bool) -> None:
        obj, meta = entry.object, entry.object.metadata
        name = f"{meta.namespace}/{meta.name if entry.resource == SERVICES else meta.labels.get(SERVICE_NAME, '')}"
        self._touched[name] = None
        held = self._services if entry.resource == SERVICES else self._slices.setdefault(name, {})
        key = name if entry.resource == SERVICES else meta.name
        if there:
            held[key] = obj
        else:
            held.pop(key, None)
        if not self._slices.get(name, True):
            del self._slices[name]

    def ruleset(self, pod_cidr: str, place: Place, pool: str = "") -> Ruleset:
        """The ruleset of a node, whose pods have addresses of `pod_cidr` and load balancers of `pool`; parts that did not
        change are the same objects as the last time."""
        self._renew()
        services, total = self._shared, self._total
        if self._on_node:
            services = dict(services)
            for name in sorted(self._on_node):
                rules, number = self._rules_on(name, place)
                total += number
                if rules:
                    services[name] = rules
        digest = f"{(total + _number(pod_cidr) + _number(f'pool {pool}' if pool else '')) % _MODULUS:032x}"
        return Ruleset(services=services, pod_cidr=pod_cidr, pool=pool, digest=digest)

    def _rules_on(self, name: str, place: Place) -> tuple[Rules, int]:
        part, by_node = self._parts[name], self._on_node[name]
        held = by_node.get(place.node)
        if held is None or held[0] is not part or held[1] != place.zone:
            rules = rules_of(part.service, part.slices, place)
            if held is not None and held[2] == rules:
                rules = held[2]
            held = by_node[place.node] = (part, place.zone, rules, _number(rules))
        return held[2], held[3]

    def _renew(self) -> None:
        """Make anew what services that were touched become."""
        if self._touched:
            self._shared = dict(self._shared)
            for name in self._touched:
                self._renew_one(name)
            self._touched.clear()

    def _renew_one(self, name: str) -> None:
        old, service = self._parts.pop(name, None), self._services.get(name)
        before = old.rules if old is not None else None
        if old is not None:
            self._total -= old.number
        rules: Rules | None = ()
        if service is not None:
            held = self._slices.get(name, {})
            slices = tuple(held[key] for key in sorted(held))
            rules = None if _depends_on_place(service, slices) else rules_of(service, slices, Place())
            if rules is not None and rules == before:
                rules = before  # the same object: nothing to do for whoever compares
            number = old.number if old is not None and rules and rules is before else _number(rules)
            self._parts[name] = Part(service=service, slices=slices, rules=rules, number=number)
            self._total += number
        if rules:
            self._shared[name] = rules
        else:
            self._shared.pop(name, None)
        if rules is None:
            self._on_node.setdefault(name, {})
        else:
            self._on_node.pop(name, None)


def _number(value: Rules | str | None) -> int:
    """128 bits of what the value says, 0 for nothing."""
    return int.from_bytes(hashlib.blake2b(msgspec.json.encode(value), digest_size=16).digest(), "big") if value else 0


RULES_BY_SERVICE = Projection("rules of services", (SERVICES, SLICES), RulesByService, RulesByService.evolve)

RECONCILER = Reconciler(
    name="service-proxy", actor="system:controller:service-proxy", wakes=WAKES, decide=decide, version=4,
    projections=(RULES_BY_SERVICE,),
)  # fmt: skip
