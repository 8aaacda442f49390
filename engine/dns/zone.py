"""What a view says to a name: Kubernetes' DNS-based service discovery, 1.1.0, as CoreDNS answers it.

    kubernetes.default.svc.cluster.local      A      the Service's address
    web.default.svc.cluster.local             A      of a headless one, each ready endpoint's
    a.web.default.svc.cluster.local           A      the endpoint with that hostname, or 10-244-0-7 for one without
    _http._tcp.web.default.svc.cluster.local  SRV    its port by name
    10-244-0-7.default.pod.cluster.local      A      where a pod of the namespace has that address
    1.0.96.10.in-addr.arpa                    PTR    the Service, or the endpoint of a headless one
    dns-version.cluster.local                 TXT    1.1.0

Nothing is kept: an answer is as old as the view that it is read from.
"""

import ipaddress
from collections.abc import Iterator

from shipslog.reconcilers.services.addresses import BY_ADDRESS, addresses_of
from shipslog.reconcilers.services.cluster_dns import NAME, NAMESPACE
from shipslog.reconcilers.services.endpoint_targets import SERVICE_NAME
from shipslog.runtime.dns import records
from shipslog.runtime.dns.records import ADDRESSES, CNAME, NS, PTR, SOA, SRV, TXT, Answer, Record
from shipslog.store.families import holds
from shipslog.store.objects.types import core_v1, discovery_v1
from shipslog.store.projections import index
from shipslog.store.view import Objects

VERSION = "1.1.0"
MOST_SERVICES = 250  # SRV records in one answer: more do not fit
MOST_ADDRESSES = 4_000  # likewise
ALL_PORTS = ""  # asked for without a port's name
PROTOCOLS = {"_tcp": "TCP", "_udp": "UDP", "_sctp": "SCTP"}
NOTHING = Answer()
UNKNOWN = Answer(exists=False)


def _addresses(slice_: discovery_v1.EndpointSlice) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for endpoint in slice_.endpoints or () for address in endpoint.addresses or ()))


def _pod_address(pod: core_v1.Pod) -> tuple[tuple[str, str], ...]:
    ips = (*(ip.ip for ip in pod.status.pod_ips), pod.status.pod_ip)
    return tuple((pod.metadata.namespace, ip) for ip in dict.fromkeys(ips) if ip and not pod.spec.host_network)


SLICES_BY_ADDRESS = index("endpoint slices by address", ("endpointslices.discovery.k8s.io",), _addresses)
PODS_BY_ADDRESS = index("pods by namespace and address", ("pods",), _pod_address)
READ = frozenset({"services", "endpointslices.discovery.k8s.io", "namespaces"})  # what `kept` answers are made of


def answer(view: Objects, name: str, kind: int) -> Answer | None:
    """What the cluster says to `name` (lower case, without its last dot); None when that is for others to say."""
    domain = view.config.dns_domain
    if name == domain or name.endswith("." + domain):
        labels = name[: -len(domain)].rstrip(".").split(".") if name != domain else []
        found = _below(view, domain, name, labels, kind)
        return found if found.zone else _of_zone(found, domain)
    if name.endswith((".in-addr.arpa", ".ip6.arpa")):
        return _reverse(view, name, kind)
    return None


def authority(zone: str) -> Record:
    """The zone's SOA, which says in a negative answer how long it holds."""
    value = f"ns.dns.{zone} hostmaster.{zone} 1 7200 1800 86400 {records.TTL_S}"
    return Record(zone, SOA, value)


def _of_zone(found: Answer, zone: str) -> Answer:
    return Answer(
        addresses=found.addresses, records=found.records, additional=found.additional, exists=found.exists, chase=found.chase,
        kept=found.kept, zone=zone,
    )  # fmt: skip


def _below(view: Objects, domain: str, name: str, labels: list[str], kind: int) -> Answer:
    match labels:
        case []:
            own = {SOA: (authority(domain),), NS: (Record(domain, NS, f"ns.dns.{domain}"),)}
            return Answer(records=own.get(kind, ()))
        case ["dns-version"]:
            return Answer(records=(Record(name, TXT, VERSION),) if kind == TXT else ())
        case ["svc"] | ["pod"] | ["dns"]:
            return NOTHING
        case ["ns", "dns"]:
            service = view.get(core_v1.Service, NAME, NAMESPACE)
            return _of_service(view, service, name, kind) if service is not None else UNKNOWN
        case [namespace, "svc" | "pod"]:
            return NOTHING if view.get(core_v1.Namespace, namespace) is not None else UNKNOWN
        case [address, namespace, "pod"]:
            return _pod(view, address, namespace, kind)
        case [*front, service_name, namespace, "svc"]:
            service = view.get(core_v1.Service, service_name, namespace)
            if service is None:
                return UNKNOWN
            full = ".".join((service_name, namespace, "svc", domain))
            return _in_service(view, service, full, name, front, kind)
    return UNKNOWN


def _in_service(view: Objects, service: core_v1.Service, full: str, name: str, front: list[str], kind: int) -> Answer:
    match front:
        case []:
            return _of_service(view, service, full, kind)
        case [port, proto] if port.startswith("_") and proto in PROTOCOLS:
            found = _services(view, service, full, name, port[1:], PROTOCOLS[proto])
            if not found.records:
                return UNKNOWN
            return found if kind == SRV else NOTHING
        case [proto] if proto in PROTOCOLS:
            has = any((p.protocol or "TCP") == PROTOCOLS[proto] and p.name for p in service.spec.ports)
            return NOTHING if has else UNKNOWN
        case [host] if _headless(service):
            theirs = [e for e, _ in _endpoints(view, service) if _hostname(e) == host]
            return _of_type(_all_of(theirs), kind) if theirs else UNKNOWN
    return UNKNOWN


def _headless(service: core_v1.Service) -> bool:
    return service.spec.cluster_ip == "None" and service.spec.type != "ExternalName"


def _of_service(view: Objects, service: core_v1.Service, full: str, kind: int) -> Answer:
    spec = service.spec
    if spec.type == "ExternalName":
        target = spec.external_name.rstrip(".").lower()
        inside = f".{target}".endswith(f".{view.config.dns_domain}")
        asked = (CNAME, *ADDRESSES)
        alias = Record(full, CNAME, target)
        return Answer(records=(alias,), chase=target, kept=inside) if target and kind in asked else NOTHING
    if kind == SRV:
        return _services(view, service, full, full, ALL_PORTS, "")
    if _headless(service):
        return _of_type(_all_of([e for e, _ in _endpoints(view, service)]), kind) if kind in ADDRESSES else NOTHING
    return _of_type(addresses_of(service), kind)


def _all_of(endpoints: list[discovery_v1.Endpoint]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for e in endpoints for address in e.addresses or ()))


def _of_type(addresses: tuple[str, ...], kind: int) -> Answer:
    version = ADDRESSES.get(kind)
    return Answer(addresses=tuple(a for a in addresses if (6 if ":" in a else 4) == version)[:MOST_ADDRESSES])


def _endpoints(view: Objects, service: core_v1.Service) -> Iterator[tuple[discovery_v1.Endpoint, discovery_v1.EndpointSlice]]:
    """The endpoints that are ready, with their slices."""
    meta = service.metadata
    for slice_ in view.select(discovery_v1.EndpointSlice, meta.namespace, {SERVICE_NAME: meta.name}):
        if slice_.address_type not in ("IPv4", "IPv6"):
            continue
        for endpoint in slice_.endpoints or ():
            if endpoint.conditions.ready is not False:  # unset is ready; those that are published unready say that they are
                yield endpoint, slice_


def _hostname(endpoint: discovery_v1.Endpoint) -> str:
    """The label of an endpoint under its service."""
    if endpoint.hostname:
        return endpoint.hostname.lower()
    first = (endpoint.addresses or ("",))[0]
    return first.replace(".", "-").replace(":", "-")


def _services(view: Objects, service: core_v1.Service, full: str, name: str, port: str, protocol: str) -> Answer:
    """SRV records of a port, or of all that have names."""
    targets: dict[tuple[str, int], tuple[str, ...]] = {}
    if service.spec.type == "ExternalName":
        return NOTHING
    if _headless(service):
        for endpoint, slice_ in _endpoints(view, service):
            for number in (
                p.port for p in slice_.ports or () if p.port and _asked(p.name or "", p.protocol or "TCP", port, protocol)
            ):
                place = f"{_hostname(endpoint)}.{full}", number  # with a hostname it is the same one in either family
                targets[place] = tuple(dict.fromkeys((*targets.get(place, ()), *(endpoint.addresses or ()))))
    else:
        for number in (p.port for p in service.spec.ports if _asked(p.name, p.protocol or "TCP", port, protocol)):
            targets[full, number] = addresses_of(service)
    targets = dict(list(targets.items())[:MOST_SERVICES])
    weight = max(1, 100 // max(1, len(targets)))
    found = tuple(Record(name, SRV, records.Service(target, number, weight)) for target, number in targets)
    more = {Record(t, records.AAAA if ":" in a else records.A, a): None for (t, _), ips in targets.items() for a in ips if a}
    return Answer(records=found, additional=tuple(more))


def _asked(name: str, protocol: str, port: str, proto: str) -> bool:
    return port == ALL_PORTS or (name.lower() == port and protocol == proto)


def _pod(view: Objects, label: str, namespace: str, kind: int) -> Answer:
    """The name of a pod by its address, for as long as a pod of that namespace has it."""
    address = _ip(label.replace("-", ".") if label.count("-") == 3 else label.replace("-", ":"))
    if not address or not view.find(PODS_BY_ADDRESS, (namespace, address)):
        return Answer(exists=False, kept=False)
    found = _of_type((address,), kind)
    return Answer(addresses=found.addresses, kept=False)


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _reverse(view: Objects, name: str, kind: int) -> Answer | None:
    address = _reversed(name)
    if not address:
        return None
    names = tuple(dict.fromkeys(_names_of(view, address)))
    ours = any(holds(ranges, address) for ranges in (view.config.service_cidr, view.config.pod_cidr))
    if not names and not ours:
        return None
    zone = name.partition(".")[2]
    found = tuple(Record(name, PTR, target) for target in names[:MOST_SERVICES]) if kind == PTR else ()
    return Answer(records=found, exists=bool(names), zone=zone)


def _reversed(name: str) -> str:
    if name.endswith(".in-addr.arpa"):
        parts = name.removesuffix(".in-addr.arpa").split(".")
        return _ip(".".join(reversed(parts))) if len(parts) == 4 else ""
    nibbles = name.removesuffix(".ip6.arpa").replace(".", "")[::-1]
    return _ip(":".join(nibbles[i : i + 4] for i in range(0, 32, 4))) if len(nibbles) == 32 else ""


def _names_of(view: Objects, address: str) -> Iterator[str]:
    """The Services that have an address; else the names of headless Services' endpoints that do."""
    domain = view.config.dns_domain
    held = view.find(BY_ADDRESS, address)
    for entry in held:
        yield f"{entry.object.metadata.name}.{entry.object.metadata.namespace}.svc.{domain}"
    if held:
        return
    for entry in view.find(SLICES_BY_ADDRESS, address):
        slice_: discovery_v1.EndpointSlice = entry.object
        service = view.get(core_v1.Service, slice_.metadata.labels.get(SERVICE_NAME, ""), slice_.metadata.namespace)
        if service is None or not _headless(service):
            continue
        for endpoint in slice_.endpoints or ():
            if endpoint.conditions.ready is not False and address in (endpoint.addresses or ()):
                yield f"{_hostname(endpoint)}.{service.metadata.name}.{service.metadata.namespace}.svc.{domain}"
