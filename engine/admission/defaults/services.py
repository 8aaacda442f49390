"""Defaults of Services, and of the addresses and ports behind them."""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.core_v1 import ClientIPConfig, Endpoints, Service, ServicePort, SessionAffinityConfig
from shipslog.store.objects.discovery_v1 import EndpointPort, EndpointSlice

AFFINITY_S = 10800
PROXIED = frozenset({"ClusterIP", "NodePort", "LoadBalancer"})


def externally_accessible(service: Service) -> bool:
    """Whether a node answers for the Service on behalf of the outside."""
    kind = service.spec.type or "ClusterIP"
    return kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(service.spec.external_ips))


def default_service(service: Service) -> Service:
    spec = service.spec
    changes: dict[str, Any] = {}
    kind = spec.type or "ClusterIP"
    if not spec.type:
        changes["type"] = kind
    if not spec.session_affinity:
        changes["session_affinity"] = "None"
    if spec.session_affinity in ("", "None"):
        if spec.session_affinity_config is not None:
            changes["session_affinity_config"] = None
    elif spec.session_affinity == "ClientIP":
        config = spec.session_affinity_config
        if config is None or config.client_ip is None or config.client_ip.timeout_seconds is None:
            changes["session_affinity_config"] = SessionAffinityConfig(client_ip=ClientIPConfig(timeout_seconds=AFFINITY_S))
    if spec.ports:
        changes["ports"] = tuple([_default_port(p) for p in spec.ports])
    if not spec.external_traffic_policy and externally_accessible(service):
        changes["external_traffic_policy"] = "Cluster"
    if spec.internal_traffic_policy is None and kind in PROXIED:
        changes["internal_traffic_policy"] = "Cluster"
    if kind == "LoadBalancer" and spec.allocate_load_balancer_node_ports is None:
        changes["allocate_load_balancer_node_ports"] = True
    service = replace(service, spec=replace(spec, **changes)) if changes else service
    return _default_ingress(service)


def _default_port(port: ServicePort) -> ServicePort:
    changes: dict[str, Any] = {} if port.protocol else {"protocol": "TCP"}
    if not port.target_port:
        changes["target_port"] = port.port
    return replace(port, **changes) if changes else port


def _default_ingress(service: Service) -> Service:
    balancer = service.status.load_balancer
    if service.spec.type != "LoadBalancer" or not balancer.ingress:
        return service
    ingress = tuple(replace(i, ip_mode="VIP") if i.ip and i.ip_mode is None else i for i in balancer.ingress)
    return replace(service, status=replace(service.status, load_balancer=replace(balancer, ingress=ingress)))


def default_endpoints(endpoints: Endpoints) -> Endpoints:
    if all(p.protocol for s in endpoints.subsets for p in s.ports):
        return endpoints
    subsets = tuple(
        replace(s, ports=tuple(p if p.protocol else replace(p, protocol="TCP") for p in s.ports)) for s in endpoints.subsets
    )
    return replace(endpoints, subsets=subsets)


def default_slice(endpoint_slice: EndpointSlice) -> EndpointSlice:
    if not endpoint_slice.ports:
        return endpoint_slice
    return replace(endpoint_slice, ports=tuple([_default_slice_port(p) for p in endpoint_slice.ports]))


def _default_slice_port(port: EndpointPort) -> EndpointPort:
    if port.name is not None and port.protocol is not None:
        return port
    return replace(port, name=port.name or "", protocol="TCP" if port.protocol is None else port.protocol)
