"""Endpoint slices: some of the addresses behind a Service, with their ports and conditions.

Tests: tests/engine/kinds/core/service/test_strategy.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, UNSET, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.endpoint_addresses import PROTOCOLS, first
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.metadata import check_labels
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.discovery_v1 import Endpoint, EndpointPort, EndpointSlice

ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
MOST_ENDPOINTS, MOST_ADDRESSES, MOST_PORTS, MOST_TOPOLOGY, MOST_HINTS = 1000, 100, 20000, 16, 8


class EndpointSliceStrategy(Strategy):
    about = "Some of the addresses behind a Service, with their ports and conditions."
    columns = (
        NAME,
        Column("AddressType", "The kind of the addresses: IPv4, IPv6 or FQDN."),
        Column("Ports", "The ports of all endpoints of the slice."),
        Column("Endpoints", "The addresses of the slice."),
        AGE,
    )

    def cells(self, obj: EndpointSlice, now_ns: int) -> list[Any]:
        ports = [str(p.port) if p.port is not None else "*" for p in obj.ports]
        addresses = [a for e in obj.endpoints for a in e.addresses]
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, obj.address_type, first(ports, UNSET), first(addresses, UNSET), created]

    def default(self, obj: EndpointSlice) -> EndpointSlice:
        return default_slice(obj)

    def create(self, kind: Kind, obj: EndpointSlice, ctx: Admission) -> EndpointSlice:
        return replace(obj, metadata=replace(obj.metadata, generation=1))

    def update(self, kind: Kind, old: EndpointSlice, new: EndpointSlice, subresource: str, ctx: Admission) -> EndpointSlice:
        changed = (
            new.endpoints != old.endpoints
            or new.ports != old.ports
            or new.address_type != old.address_type
            or new.metadata.labels != old.metadata.labels
        )
        return replace(new, metadata=replace(new.metadata, generation=generation_after(old, changed)))

    def check(self, faults: Faults, obj: EndpointSlice) -> None:
        check_slice(faults, obj)

    def check_update(self, faults: Faults, old: EndpointSlice, new: EndpointSlice, subresource: str) -> None:
        check_slice(faults, new)
        if new.address_type != old.address_type:
            faults.invalid("addressType", new.address_type, IMMUTABLE)


def default_slice(endpoint_slice: EndpointSlice) -> EndpointSlice:
    if not endpoint_slice.ports:
        return endpoint_slice
    return replace(endpoint_slice, ports=tuple([_default_slice_port(p) for p in endpoint_slice.ports]))


def _default_slice_port(port: EndpointPort) -> EndpointPort:
    if port.name is not None and port.protocol is not None:
        return port
    return replace(port, name=port.name or "", protocol="TCP" if port.protocol is None else port.protocol)


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


STRATEGY = EndpointSliceStrategy()
