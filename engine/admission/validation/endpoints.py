"""Endpoints and endpoint slices: addresses that somebody else can reach, ports, and how many of each."""

from shipslog.store.objects.core_v1 import EndpointAddress, Endpoints
from shipslog.store.objects.core_v1 import EndpointPort as LegacyPort
from shipslog.store.objects.discovery_v1 import Endpoint, EndpointPort, EndpointSlice

from .. import names
from ..fields import Faults
from .metadata import check_labels

PROTOCOLS = ("SCTP", "TCP", "UDP")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
MOST_ENDPOINTS, MOST_ADDRESSES, MOST_PORTS, MOST_TOPOLOGY, MOST_HINTS = 1000, 100, 20000, 16, 8


def check_endpoints(faults: Faults, endpoints: Endpoints) -> None:
    for i, subset in enumerate(endpoints.subsets):
        at = f"subsets[{i}]"
        if not subset.addresses and not subset.not_ready_addresses:
            faults.required(at, "must specify `addresses` or `notReadyAddresses`")
        for j, address in enumerate(subset.addresses):
            _check_address(faults, address, at, "addresses", j)
        for j, address in enumerate(subset.not_ready_addresses):
            _check_address(faults, address, at, "notReadyAddresses", j)
        for j, port in enumerate(subset.ports):
            _check_legacy_port(faults, port, f"{at}.ports[{j}]", named=len(subset.ports) > 1)


def _check_address(faults: Faults, address: EndpointAddress, path: str, field: str, i: int) -> None:
    messages = names.ip(address.ip) + names.special_ip(address.ip)
    if messages:
        faults.invalid_each(f"{path}.{field}[{i}].ip", address.ip, messages)
    if address.hostname and (messages := names.label(address.hostname)):
        faults.invalid_each(f"{path}.{field}[{i}].hostname", address.hostname, messages)
    if address.node_name is not None and (messages := names.subdomain(address.node_name)):
        faults.invalid_each(f"{path}.{field}[{i}].nodeName", address.node_name, messages)


def _check_legacy_port(faults: Faults, port: LegacyPort, path: str, *, named: bool) -> None:
    if port.name:
        faults.invalid_each(f"{path}.name", port.name, names.label(port.name))
    elif named:
        faults.required(f"{path}.name")
    faults.invalid_each(f"{path}.port", port.port, names.port(port.port))
    if port.protocol not in PROTOCOLS:
        faults.not_supported(f"{path}.protocol", port.protocol, PROTOCOLS)
    if port.app_protocol is not None:
        faults.invalid_each(f"{path}.appProtocol", port.app_protocol, names.qualified(port.app_protocol))


def check_slice(faults: Faults, held: EndpointSlice) -> None:
    if not held.address_type:
        faults.required("addressType")
    elif held.address_type not in ADDRESS_TYPES:
        faults.not_supported("addressType", held.address_type, ADDRESS_TYPES)
    if len(held.endpoints) > MOST_ENDPOINTS:
        faults.too_many("endpoints", len(held.endpoints), MOST_ENDPOINTS)
    else:
        for i, endpoint in enumerate(held.endpoints):
            _check_endpoint(faults, endpoint, held.address_type, f"endpoints[{i}]")
    if len(held.ports) > MOST_PORTS:
        faults.too_many("ports", len(held.ports), MOST_PORTS)
    else:
        _check_slice_ports(faults, held.ports)


def _check_endpoint(faults: Faults, endpoint: Endpoint, address_type: str, path: str) -> None:
    if not endpoint.addresses:
        faults.required(f"{path}.addresses", "must contain at least 1 address")
    elif len(endpoint.addresses) > MOST_ADDRESSES:
        faults.too_many(f"{path}.addresses", len(endpoint.addresses), MOST_ADDRESSES)
    for i, address in enumerate(endpoint.addresses):
        if messages := _address_faults(address, address_type):
            faults.invalid_each(f"{path}.addresses[{i}]", address, messages)
    if endpoint.node_name is not None and (messages := names.subdomain(endpoint.node_name)):
        faults.invalid_each(f"{path}.nodeName", endpoint.node_name, messages)
    if endpoint.hostname is not None and (messages := names.label(endpoint.hostname)):
        faults.invalid_each(f"{path}.hostname", endpoint.hostname, messages)
    if endpoint.deprecated_topology:
        at = f"{path}.deprecatedTopology"
        if len(endpoint.deprecated_topology) > MOST_TOPOLOGY:
            faults.too_many(at, len(endpoint.deprecated_topology), MOST_TOPOLOGY)
        check_labels(faults, endpoint.deprecated_topology, at)
    if endpoint.hints is not None:
        _check_hints(faults, tuple(z.name for z in endpoint.hints.for_zones), f"{path}.hints.forZones")


def _address_faults(address: str, address_type: str) -> names.Messages:
    if address_type == "FQDN":
        return names.fully_qualified(address)
    if address_type not in ("IPv4", "IPv6"):
        return ()
    wanted = 4 if address_type == "IPv4" else 6
    parsed = names.parse_ip(address)
    wrong = () if parsed is not None and parsed.version == wanted else (f"must be a valid {address_type} address",)
    return wrong + names.special_ip(address)


def _check_hints(faults: Faults, zones: tuple[str, ...], path: str) -> None:
    if len(zones) > MOST_HINTS:
        faults.too_many(path, len(zones), MOST_HINTS)
        return
    for i, zone in enumerate(zones):
        if zone in zones[:i]:
            faults.duplicate(f"{path}[{i}].name", zone)
        faults.invalid_each(f"{path}[{i}].name", zone, names.label_value(zone))


def _check_slice_ports(faults: Faults, ports: tuple[EndpointPort, ...]) -> None:
    seen: set[str] = set()
    for i, port in enumerate(ports):
        name = port.name or ""
        if name and (messages := names.label(name)):
            faults.invalid_each(f"ports[{i}].name", name, messages)
        if name in seen:
            faults.duplicate(f"ports[{i}].name", name)
        seen.add(name)
        if port.protocol is None:
            faults.required(f"ports[{i}].protocol")
        elif port.protocol not in PROTOCOLS:
            faults.not_supported(f"ports[{i}].protocol", port.protocol, PROTOCOLS)
        if port.app_protocol is not None:
            faults.invalid_each(f"ports[{i}].appProtocol", port.app_protocol, names.qualified(port.app_protocol))
