"""Tables of services and of what is behind them."""

from typing import Any

from shipslog.store.objects import core_v1, discovery_v1

from .columns import AGE, NAME, NONE, UNSET, Column, age, labels, wide

SERVICE = (
    NAME,
    Column("Type", "How the service is reached: ClusterIP, NodePort, LoadBalancer or ExternalName."),
    Column("Cluster-IP", "The address inside the cluster; None for a headless service."),
    Column("External-IP", "Addresses outside the cluster, or the name that an ExternalName service stands for."),
    Column("Port(s)", "The ports, with the node port behind a colon where there is one."),
    AGE,
    wide("Selector", "The labels of the pods behind the service."),
)
ENDPOINTS = (NAME, Column("Endpoints", "The addresses and ports that are ready."), AGE)
ENDPOINT_SLICE = (
    NAME,
    Column("AddressType", "The kind of the addresses: IPv4, IPv6 or FQDN."),
    Column("Ports", "The ports of all endpoints of the slice."),
    Column("Endpoints", "The addresses of the slice."),
    AGE,
)
SHOWN = 3  # endpoints and ports that are listed; the others are counted


def service(obj: core_v1.Service, now_ns: int) -> list[Any]:
    spec = obj.spec
    addresses = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return [
        obj.metadata.name, spec.type, addresses[0] if addresses else NONE, _external(obj), _ports(spec.ports),
        age(obj.metadata.creation_timestamp, now_ns), labels(spec.selector),
    ]  # fmt: skip


def _external(obj: core_v1.Service) -> str:
    spec = obj.spec
    if spec.type == "ExternalName":
        return spec.external_name
    if spec.type == "LoadBalancer":
        given = [i.ip or i.hostname for i in obj.status.load_balancer.ingress]
        return ",".join([*given, *spec.external_ips]) or "<pending>"
    return ",".join(spec.external_ips) or NONE


def _ports(ports: tuple[core_v1.ServicePort, ...]) -> str:
    shown = [f"{p.port}:{p.node_port}/{p.protocol}" if p.node_port else f"{p.port}/{p.protocol}" for p in ports]
    return ",".join(shown) or NONE


def endpoints(obj: core_v1.Endpoints, now_ns: int) -> list[Any]:
    found: list[str] = []
    for subset in obj.subsets:
        if subset.ports:
            found += [f"{_host(a.ip)}:{p.port}" for p in subset.ports for a in subset.addresses]
        else:
            found += [a.ip for a in subset.addresses]
    return [obj.metadata.name, _first(found, NONE), age(obj.metadata.creation_timestamp, now_ns)]


def endpoint_slice(obj: discovery_v1.EndpointSlice, now_ns: int) -> list[Any]:
    ports = [str(p.port) if p.port is not None else "*" for p in obj.ports]
    addresses = [a for e in obj.endpoints for a in e.addresses]
    created = age(obj.metadata.creation_timestamp, now_ns)
    return [obj.metadata.name, obj.address_type, _first(ports, UNSET), _first(addresses, UNSET), created]


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _first(found: list[str], none: str) -> str:
    if len(found) > SHOWN:
        return f"{','.join(found[:SHOWN])} + {len(found) - SHOWN} more..."
    return ",".join(found) or none
