"""Endpoints: the addresses behind a Service, in the form that one object holds them all.

Tests: tests/engine/kinds/core/service/test_strategy.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age
from shipslog.engine.kinds.endpoint_addresses import PROTOCOLS, first, host
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.core_v1 import EndpointAddress, EndpointPort, Endpoints


class EndpointsStrategy(Strategy):
    about = "The addresses of the pods behind a Service."
    create_on_update = True
    columns = (NAME, Column("Endpoints", "The addresses and ports that are ready."), AGE)

    def cells(self, obj: Endpoints, now_ns: int) -> list[Any]:
        found: list[str] = []
        for subset in obj.subsets:
            if subset.ports:
                found += [f"{host(a.ip)}:{p.port}" for p in subset.ports for a in subset.addresses]
            else:
                found += [a.ip for a in subset.addresses]
        return [obj.metadata.name, first(found, NONE), age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: Endpoints) -> Endpoints:
        return default_endpoints(obj)

    def check(self, faults: Faults, obj: Endpoints) -> None:
        check_endpoints(faults, obj)


def default_endpoints(endpoints: Endpoints) -> Endpoints:
    if all(p.protocol for s in endpoints.subsets for p in s.ports):
        return endpoints
    subsets = tuple(
        replace(s, ports=tuple(p if p.protocol else replace(p, protocol="TCP") for p in s.ports)) for s in endpoints.subsets
    )
    return replace(endpoints, subsets=subsets)


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


def _check_legacy_port(faults: Faults, port: EndpointPort, path: str, *, named: bool) -> None:
    if port.name:
        faults.invalid_each(f"{path}.name", port.name, names.label(port.name))
    elif named:
        faults.required(f"{path}.name")
    faults.invalid_each(f"{path}.port", port.port, names.port(port.port))
    if port.protocol not in PROTOCOLS:
        faults.not_supported(f"{path}.protocol", port.protocol, PROTOCOLS)
    if port.app_protocol is not None:
        faults.invalid_each(f"{path}.appProtocol", port.app_protocol, names.qualified(port.app_protocol))


STRATEGY = EndpointsStrategy()
