"""Defaults of Services.

Tests: tests/engine/kinds/core/service/test_strategy.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types.core_v1 import ClientIPConfig, Service, ServicePort, SessionAffinityConfig

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
