"""Services: ports, addresses, what each type may have, and what may not change once it is set.

Tests: tests/engine/kinds/core/service/test_strategy.py
"""

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_labels
from shipslog.engine.kinds.pod_spec.checks.probes import check_port
from shipslog.store.objects.types.core_v1 import Service, ServicePort, SessionAffinityConfig

from .defaults import externally_accessible

PROTOCOLS = ("SCTP", "TCP", "UDP")
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
AFFINITIES = ("ClientIP", "None")
FAMILIES = ("IPv4", "IPv6")
POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
TRAFFIC = ("Cluster", "Local")
MOST_AFFINITY_S = 86400
ONLY_BALANCER = "may only be used when `type` is 'LoadBalancer'"
ONCE_SET = "may not change once set"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
RANGES_WORDS = "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 "
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
TOPOLOGY_MODE, TOPOLOGY_HINTS = "service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"


def headless(service: Service) -> bool:
    return service.spec.cluster_ips == ("None",)


def needs_health_check(service: Service) -> bool:
    return service.spec.type == "LoadBalancer" and service.spec.external_traffic_policy == "Local"


def check_service(faults: Faults, service: Service) -> None:
    spec = service.spec
    if not spec.ports and not headless(service) and spec.type != "ExternalName":
        faults.required("spec.ports")
    if spec.type == "ExternalName":
        _check_external_name(faults, service)
    elif spec.type in ("LoadBalancer", "NodePort") and headless(service):
        faults.invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {spec.type} services")
    _check_ports(faults, spec.ports, clustered=spec.type == "ClusterIP")
    if spec.selector:
        check_labels(faults, spec.selector, "spec.selector")
    if spec.session_affinity not in AFFINITIES:
        faults.not_supported("spec.sessionAffinity", spec.session_affinity, AFFINITIES)
    elif spec.session_affinity == "ClientIP":
        _check_affinity(faults, spec.session_affinity_config)
    check_addresses(faults, service)
    for i, address in enumerate(spec.external_ips):
        faults.invalid_each(f"spec.externalIPs[{i}]", address, names.ip(address) or names.special_ip(address))
    if spec.type not in TYPES:
        faults.not_supported("spec.type", spec.type, TYPES)
    _check_balancer(faults, service)
    _check_traffic(faults, service)
    notes = service.metadata.annotations
    if notes and notes.get(TOPOLOGY_MODE, notes.get(TOPOLOGY_HINTS)) != notes.get(TOPOLOGY_HINTS, notes.get(TOPOLOGY_MODE)):
        why = f"must match annotations[{TOPOLOGY_HINTS}] when both are specified"
        faults.invalid(f"metadata.annotations[{TOPOLOGY_MODE}]", notes[TOPOLOGY_MODE], why)


def _check_external_name(faults: Faults, service: Service) -> None:
    spec = service.spec
    why = "may not be set for ExternalName services"
    for field, given in (
        ("clusterIPs", bool(spec.cluster_ips)),
        ("ipFamilies", bool(spec.ip_families)),
        ("ipFamilyPolicy", spec.ip_family_policy is not None),
    ):
        if given:
            faults.forbidden(f"spec.{field}", why)
    name = spec.external_name.removesuffix(".")
    if not name:
        faults.required("spec.externalName")
    else:
        faults.invalid_each("spec.externalName", name, names.subdomain(name))


def _check_ports(faults: Faults, ports: tuple[ServicePort, ...], *, clustered: bool) -> None:
    seen_names: set[str] = set()
    seen: set[tuple[str, int]] = set()
    seen_node_ports: set[tuple[str, int]] = set()
    for i, p in enumerate(ports):
        at = f"spec.ports[{i}]"
        if p.name:
            if messages := names.label(p.name):
                faults.invalid_each(f"{at}.name", p.name, messages)
            if p.name in seen_names:
                faults.duplicate(f"{at}.name", p.name)
            seen_names.add(p.name)
        elif len(ports) > 1:
            faults.required(f"{at}.name")
        if not 1 <= p.port <= 65535:
            faults.invalid(f"{at}.port", p.port, names.PORT_RANGE)
        if p.protocol not in PROTOCOLS:
            faults.not_supported(f"{at}.protocol", p.protocol, PROTOCOLS)
        check_port(faults, p.target_port, f"{at}.targetPort")
        if p.app_protocol is not None:
            faults.invalid_each(f"{at}.appProtocol", p.app_protocol, names.qualified(p.app_protocol))
        if (p.protocol, p.port) in seen:
            faults.duplicate(at, {"port": p.port, "protocol": p.protocol, "targetPort": 0})
        seen.add((p.protocol, p.port))
        if not p.node_port:
            continue
        if clustered:
            faults.forbidden(f"{at}.nodePort", "may not be used when `type` is 'ClusterIP'")
        if (p.protocol, p.node_port) in seen_node_ports:
            faults.duplicate(f"{at}.nodePort", p.node_port)
        seen_node_ports.add((p.protocol, p.node_port))


def _check_affinity(faults: Faults, config: SessionAffinityConfig | None) -> None:
    path = "spec.sessionAffinityConfig"
    if config is None or config.client_ip is None or config.client_ip.timeout_seconds is None:
        faults.required(path, "when session affinity type is ClientIP")
        return
    timeout = config.client_ip.timeout_seconds
    if not 0 < timeout <= MOST_AFFINITY_S:
        why = f"must be greater than 0 and less than {MOST_AFFINITY_S}"
        faults.invalid(f"{path}.clientIP.timeoutSeconds", timeout, why)


def check_addresses(faults: Faults, service: Service) -> None:
    """clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy together."""
    spec = service.spec
    if spec.type == "ExternalName":
        return
    path, held = "spec.clusterIPs", spec.cluster_ips
    if spec.cluster_ip:
        if not held:
            faults.required(path)
        elif held[0] != spec.cluster_ip:
            faults.invalid(path, held, "first value must match `clusterIP`")
    elif held:
        faults.invalid(path, held, "must be empty when `clusterIP` is not specified")
    for i, family in enumerate(spec.ip_families):
        if family not in FAMILIES:
            faults.not_supported(f"spec.ipFamilies[{i}]", family, FAMILIES)
        if family in spec.ip_families[:i]:
            faults.duplicate(f"spec.ipFamilies[{i}]", family)
    if spec.ip_family_policy is not None and spec.ip_family_policy not in POLICIES:
        faults.not_supported("spec.ipFamilyPolicy", spec.ip_family_policy, POLICIES)
    wrong = False
    for i, address in enumerate(held):
        if i == 0 and address == "None":
            if len(held) > 1:
                wrong = True
                faults.invalid(path, held, "'None' must be the first and only value")
        elif messages := names.ip(address):
            wrong = True
            faults.invalid_each(f"{path}[{i}]", address, messages)
    if len(held) > 2:
        faults.invalid(path, held, "may only hold up to 2 values")
    if wrong or held in ((), ("None",)):
        return
    if len(held) > 1 and len({":" in a for a in held}) < 2:
        faults.invalid(path, held, "may specify no more than one IP for each IP family")
    for i, (address, family) in enumerate(zip(held, spec.ip_families, strict=False)):
        if family in FAMILIES and (family == "IPv6") != (":" in address):
            why = f"expected an {family} value as indicated by `ipFamilies[{i}]`"
            faults.invalid(f"{path}[{i}]", address, why)


def _check_balancer(faults: Faults, service: Service) -> None:
    """What only a load balancer has."""
    spec, balancer = service.spec, service.spec.type == "LoadBalancer"
    path, ranges = "spec.LoadBalancerSourceRanges", spec.load_balancer_source_ranges
    if not ranges and SOURCE_RANGES in service.metadata.annotations:
        path = f"metadata.annotations[{SOURCE_RANGES}]"
        given = service.metadata.annotations[SOURCE_RANGES].strip()
        ranges = tuple(given.split(",")) if given else ()
        if not balancer:
            faults.forbidden(path, ONLY_BALANCER)
    elif ranges and not balancer:
        faults.forbidden(path, ONLY_BALANCER)
    if any(names.cidr(r.strip()) for r in ranges):
        faults.invalid(path, ranges, RANGES_WORDS)
    if spec.allocate_load_balancer_node_ports is not None and not balancer:
        faults.forbidden("spec.allocateLoadBalancerNodePorts", ONLY_BALANCER)
    if spec.load_balancer_class is not None:
        if not balancer:
            faults.forbidden("spec.loadBalancerClass", ONLY_BALANCER)
        else:
            messages = names.qualified(spec.load_balancer_class)
            faults.invalid_each("spec.loadBalancerClass", spec.load_balancer_class, messages)


def _check_traffic(faults: Faults, service: Service) -> None:
    spec = service.spec
    if spec.external_traffic_policy:
        path = "spec.externalTrafficPolicy"
        if not externally_accessible(service):
            faults.invalid(path, spec.external_traffic_policy, "may only be set for externally-accessible services")
        elif spec.external_traffic_policy not in TRAFFIC:
            faults.not_supported(path, spec.external_traffic_policy, TRAFFIC)
    if spec.health_check_node_port:
        path = "spec.healthCheckNodePort"
        if not needs_health_check(service):
            why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            faults.invalid(path, spec.health_check_node_port, why)
        else:
            faults.invalid_each(path, spec.health_check_node_port, names.port(spec.health_check_node_port))
    if spec.internal_traffic_policy is not None and spec.internal_traffic_policy not in TRAFFIC:
        faults.not_supported("spec.internalTrafficPolicy", spec.internal_traffic_policy, TRAFFIC)
    if spec.traffic_distribution is not None and spec.traffic_distribution not in DISTRIBUTIONS:
        faults.not_supported("spec.trafficDistribution", spec.traffic_distribution, DISTRIBUTIONS)


def check_service_update(faults: Faults, old: Service, new: Service) -> None:
    """An address and a family that were given once stay; a second one may come and go with the policy."""
    if "ExternalName" not in (old.spec.type, new.spec.type):
        if not (headless(old) and headless(new)):
            _check_kept(faults, "clusterIPs", old.spec.cluster_ips, new.spec.cluster_ips, new)
        if not headless(old) and not headless(new):
            _check_kept(faults, "ipFamilies", old.spec.ip_families, new.spec.ip_families, new)
    if old.spec.type == new.spec.type == "LoadBalancer" and old.spec.load_balancer_class != new.spec.load_balancer_class:
        faults.invalid("spec.loadBalancerClass", new.spec.load_balancer_class, ONCE_SET)
    moved = old.spec.health_check_node_port != new.spec.health_check_node_port
    if moved and needs_health_check(old) and needs_health_check(new):
        faults.forbidden("spec.healthCheckNodePort", "field is immutable")
    check_service(faults, new)


def _check_kept(faults: Faults, field: str, old: tuple[str, ...], new: tuple[str, ...], service: Service) -> None:
    path = f"spec.{field}"
    if len(old) == len(new):
        for i, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                faults.invalid(f"{path}[{i if field == 'clusterIPs' else 0}]", new, ONCE_SET)
        return
    if len(old) > len(new):
        if not service.spec.cluster_ips:
            one = "clusterIP" if field == "clusterIPs" else "ipFamily"
            faults.invalid(f"{path}[0]", new, f"primary {one} can not be unset")
        if len(new) == 1 and service.spec.ip_family_policy != "SingleStack":
            one = "clusterIP" if field == "clusterIPs" else "ipFamily"
            why = f"must be set to 'SingleStack' when releasing the secondary {one}"
            faults.invalid("spec.ipFamilyPolicy", service.spec.ip_family_policy, why)
    if old and new and old[0] != new[0]:
        faults.invalid(f"{path}[0]", new, ONCE_SET)


def check_service_status(faults: Faults, service: Service) -> None:
    path, ingress = "status.loadBalancer.ingress", service.status.load_balancer.ingress
    if ingress and service.spec.type != "LoadBalancer":
        faults.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
        return
    for i, one in enumerate(ingress):
        at = f"{path}[{i}]"
        if one.ip:
            faults.invalid_each(f"{at}.ip", one.ip, names.ip(one.ip))
        if one.ip_mode is None:
            if one.ip:
                faults.required(f"{at}.ipMode", "must be specified when `ip` is set")
        elif not one.ip:
            faults.forbidden(f"{at}.ipMode", "may not be specified when `ip` is not set")
        elif one.ip_mode not in ("Proxy", "VIP"):
            faults.not_supported(f"{at}.ipMode", one.ip_mode, ("Proxy", "VIP"))
        if one.hostname:
            faults.invalid_each(f"{at}.hostname", one.hostname, names.subdomain(one.hostname))
            if names.parse_ip(one.hostname) is not None:
                faults.invalid(f"{at}.hostname", one.hostname, "must be a DNS name, not an IP address")
