"""Services: addresses and ports are kept over updates, dropped with the type that needed them, and given where missing.

Source: pkg/registry/core/service (strategy and storage) of Kubernetes 1.32.
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.subresources import Proxy
from shipslog.store.families import FAMILIES, families_in, family_of
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Service, ServicePort, ServiceStatus
from shipslog.store.refusals import Internal

from . import checks as rules
from . import table
from .allocation import address_fault, free_address, free_node_port, node_port_fault
from .defaults import default_service, externally_accessible

ON_NODES = ("NodePort", "LoadBalancer")


class ServiceStrategy(Strategy):
    about = "A stable address for a set of pods, with the ports that are served there."
    columns = table.COLUMNS
    subresources = {"proxy": Proxy(kind="ServiceProxyOptions")}
    selectable = {"spec.clusterIP": lambda o: o.spec.cluster_ip, "spec.type": lambda o: o.spec.type}

    def cells(self, obj: Service, now_ns: int) -> list[Any]:
        return table.cells(obj, now_ns)

    def name(self, value: str) -> names.Messages:
        return names.dns_1035(value)

    def default(self, obj: Service) -> Service:
        return default_service(obj)

    def create(self, kind: Kind, obj: Service, ctx: Admission) -> Service:
        spec = obj.spec
        if spec.cluster_ip and not spec.cluster_ips:
            spec = replace(spec, cluster_ips=(spec.cluster_ip,))
        _warn(ctx.warnings, obj)
        return replace(obj, spec=spec, status=ServiceStatus())

    def update(self, kind: Kind, old: Service, new: Service, subresource: str, ctx: Admission) -> Service:
        if subresource == "status":
            return replace(new, spec=old.spec)
        faults = Faults()
        new = _narrowed(faults, old, _synced_addresses(old, _with_kept(old, new)))
        faults.refuse(kind, old.metadata.name)
        return replace(_without_useless(old, new), status=old.status)

    def check(self, faults: Faults, obj: Service) -> None:
        rules.check_service(faults, obj)

    def check_update(self, faults: Faults, old: Service, new: Service, subresource: str) -> None:
        if subresource == "status":
            rules.check_service_status(faults, new)
        else:
            rules.check_service_update(faults, old, new)

    def allocate(self, kind: Kind, old: Service | None, obj: Service, ctx: Admission) -> Service:
        key = f"{obj.metadata.namespace}/{obj.metadata.name}"
        faults = Faults()
        obj = _with_families(faults, old, obj, ctx)
        faults.refuse(kind, obj.metadata.name)
        obj = _with_address(faults, old, obj, key, ctx)
        faults.refuse(kind, obj.metadata.name)
        obj = _with_node_ports(faults, old, obj, key, ctx)
        faults.refuse(kind, obj.metadata.name)
        return _with_health_check(old, obj, key, ctx)


def _has_address(service: Service) -> bool:
    return service.spec.type in ("ClusterIP", *ON_NODES)


def _with_kept(old: Service, new: Service) -> Service:
    """Allocated values that the request leaves out stay what they were."""
    before, spec = old.spec, new.spec
    changes: dict[str, Any] = {}
    if _has_address(old) and _has_address(new):
        address = spec.cluster_ip or before.cluster_ip
        changes["cluster_ip"] = address
        if not spec.cluster_ips and address == before.cluster_ip:
            changes["cluster_ips"] = before.cluster_ips
    if before.type in ON_NODES and spec.type in ON_NODES:
        changes["ports"] = _with_kept_ports(before.ports, spec.ports)
    if rules.needs_health_check(old) and rules.needs_health_check(new) and not spec.health_check_node_port:
        changes["health_check_node_port"] = before.health_check_node_port
    return replace(new, spec=replace(spec, **changes)) if changes else new


def _with_kept_ports(before: tuple[ServicePort, ...], ports: tuple[ServicePort, ...]) -> tuple[ServicePort, ...]:
    used = {p.node_port for p in before} & {p.node_port for p in ports}
    by_name = {p.name: p.node_port for p in before}
    out = []
    for port in ports:
        kept = by_name.get(port.name, 0)
        if not port.node_port and kept and kept not in used:
            used.add(kept)
            port = replace(port, node_port=kept)
        out.append(port)
    return tuple(out)


def _synced_addresses(old: Service, new: Service) -> Service:
    """clusterIP and the first of clusterIPs say the same: a change of one of them changes the other."""
    before, spec = old.spec, new.spec
    if spec.cluster_ip == before.cluster_ip or spec.cluster_ips != before.cluster_ips:
        if spec.cluster_ip and not spec.cluster_ips:
            return replace(new, spec=replace(spec, cluster_ips=(spec.cluster_ip,)))
        return new
    if not spec.cluster_ip:
        return replace(new, spec=replace(spec, cluster_ips=()))
    return replace(new, spec=replace(spec, cluster_ips=(spec.cluster_ip, *spec.cluster_ips[1:])))


def _without_useless(old: Service, new: Service) -> Service:
    """What another type needed and the new one cannot have is dropped, unless the request itself changed it."""
    before, spec = old.spec, new.spec
    changes: dict[str, Any] = {}
    if _has_address(old) and not _has_address(new):
        if before.cluster_ips == spec.cluster_ips:
            changes |= {"cluster_ip": "", "cluster_ips": ()}
        if before.ip_families == spec.ip_families:
            changes["ip_families"] = ()
        if before.ip_family_policy == spec.ip_family_policy:
            changes["ip_family_policy"] = None
    same_ports = [p.node_port for p in before.ports] == [p.node_port for p in spec.ports]
    if before.type in ON_NODES and spec.type not in ON_NODES and same_ports:
        changes["ports"] = tuple(replace(p, node_port=0) for p in spec.ports)
    same_check = before.health_check_node_port == spec.health_check_node_port
    if rules.needs_health_check(old) and not rules.needs_health_check(new) and same_check:
        changes["health_check_node_port"] = 0
    if before.type == "LoadBalancer" and spec.type != "LoadBalancer":
        for field in ("allocate_load_balancer_node_ports", "load_balancer_class"):
            if getattr(before, field) == getattr(spec, field):
                changes[field] = None
    same_policy = before.external_traffic_policy == spec.external_traffic_policy
    if externally_accessible(old) and not externally_accessible(new) and same_policy:
        changes["external_traffic_policy"] = ""
    return replace(new, spec=replace(spec, **changes)) if changes else new


def _narrowed(faults: Faults, old: Service, new: Service) -> Service:
    """What a change of the policy does to families and addresses: SingleStack lets the second ones go. Nothing else may."""
    if new.spec.type == "ExternalName" or _is_settled(old, new):
        return new
    before, spec = old.spec, new.spec
    if (spec.ip_family_policy or before.ip_family_policy or "SingleStack") == "SingleStack":
        changes: dict[str, Any] = {}
        if spec.cluster_ips == before.cluster_ips and len(spec.cluster_ips) > 1:
            changes["cluster_ips"] = spec.cluster_ips[:1]
        if spec.ip_families == before.ip_families and len(spec.ip_families) > 1:
            changes["ip_families"] = spec.ip_families[:1]
        return replace(new, spec=replace(spec, **changes)) if changes else new
    policy = spec.ip_family_policy or before.ip_family_policy
    for field, had, has in (
        ("cluster IP", before.cluster_ips, spec.cluster_ips),
        ("IP family", before.ip_families, spec.ip_families),
    ):
        if len(had) == 2 and len(has) == 1:  # none at all leaves it to the cluster, which gives the same ones
            why = f"must be 'SingleStack' to release the secondary {field}"
            faults.invalid("spec.ipFamilyPolicy", policy, why)
    return new


def _is_settled(old: Service, new: Service) -> bool:
    """Whether nothing is asked of the families of one that prefers two: it stays as it is, whatever the cluster has now."""
    before, spec = old.spec, new.spec
    return (
        spec.type == before.type != "ExternalName"
        and spec.ip_family_policy == before.ip_family_policy == "PreferDualStack"
        and spec.cluster_ips == before.cluster_ips
        and spec.ip_families == before.ip_families
    )


def _with_families(faults: Faults, old: Service | None, obj: Service, ctx: Admission) -> Service:
    """IP families and their policy, as far as this cluster has them."""
    spec, own = obj.spec, families_in(ctx.config.service_cidr)
    if spec.type == "ExternalName" or (old is not None and _is_settled(old, obj)):
        return obj
    headless = spec.cluster_ip == "None"
    policy = spec.ip_family_policy
    if policy is None:
        policy = old.spec.ip_family_policy if old is not None else None
        policy = policy or ("RequireDualStack" if headless and not spec.selector else "SingleStack")
    if policy == "SingleStack":
        for field, held in (("cluster IPs", spec.cluster_ips), ("IP families", spec.ip_families)):
            if len(held) == 2:
                why = f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {field} are specified"
                faults.invalid("spec.ipFamilyPolicy", policy, why)
    families: tuple[str, ...] = spec.ip_families
    for i, address in enumerate(spec.cluster_ips):
        if address != "None" and i >= len(families):
            family = family_of(address)
            if family not in own:
                faults.invalid(f"spec.clusterIPs[{i}]", spec.cluster_ips, f"{family} is not configured on this cluster")
            else:
                families = (*families, family)
    if faults:
        return obj
    if headless and not spec.selector:
        families = families or own[:1]
        if policy != "SingleStack":
            families = _both(families)
        return replace(obj, spec=replace(spec, ip_families=families, ip_family_policy=policy))
    if policy == "RequireDualStack" and len(own) < 2:
        faults.invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services")
    for i, asked in enumerate(families):
        if asked not in own:
            faults.invalid(f"spec.ipFamilies[{i}]", asked, "not configured on this cluster")
    families = families or own[:1]
    if policy != "SingleStack" and len(own) == 2:
        families = _both(families)
    return replace(obj, spec=replace(spec, ip_families=families, ip_family_policy=policy))


def _both(families: tuple[str, ...]) -> tuple[str, ...]:
    """With the one that is missing behind the one that is there."""
    return (*families, *(family for family in FAMILIES if family not in families))


def _with_address(faults: Faults, old: Service | None, obj: Service, key: str, ctx: Admission) -> Service:
    """An address of each of its families. Those that it has it keeps: validation saw to it that they are still the same."""
    spec = obj.spec
    if spec.type == "ExternalName" or spec.cluster_ips[:1] == ("None",):
        return obj
    had = old.spec.cluster_ips if old is not None and old.spec.type != "ExternalName" else ()
    addresses = list(spec.cluster_ips)
    for address in addresses:
        if address not in had and (why := address_fault(address, key, ctx)):
            faults.invalid("spec.clusterIPs", spec.cluster_ips, f"failed to allocate IP {address}: {why}")
    if faults:
        return obj
    for family in spec.ip_families[len(addresses) :]:
        addresses.append(free_address(family, ctx))
    return replace(obj, spec=replace(spec, cluster_ip=addresses[0], cluster_ips=tuple(addresses)))


def _with_node_ports(faults: Faults, old: Service | None, obj: Service, key: str, ctx: Admission) -> Service:
    """A node port for each port that needs one. Ports of one number share it, whatever their protocols."""
    spec = obj.spec
    if spec.type not in ON_NODES:
        return obj
    gives = spec.type == "NodePort" or spec.allocate_load_balancer_node_ports is not False
    had = {p.node_port for p in old.spec.ports if p.node_port} if old is not None else set()
    taken = {p.node_port for p in spec.ports if p.node_port} | had
    asked = {p.port: p.node_port for p in reversed(spec.ports) if p.node_port}
    checked: set[int] = set()
    out = []
    for i, port in enumerate(spec.ports):
        if not port.node_port and gives:
            shared = asked.get(port.port, 0) if old is None else 0
            number = shared or free_node_port(taken, ctx)
            taken.add(number)
            if old is None:
                asked[port.port] = number
            port = replace(port, node_port=number)
        if port.node_port and port.node_port not in had and port.node_port not in checked:
            checked.add(port.node_port)
            if why := node_port_fault(port.node_port, key, ctx):
                faults.invalid(f"spec.ports[{i}].nodePort", port.node_port, why)
                return obj
        out.append(port)
    return replace(obj, spec=replace(spec, ports=tuple(out)))


def _with_health_check(old: Service | None, obj: Service, key: str, ctx: Admission) -> Service:
    """A node port at which a load balancer asks whether this node has endpoints."""
    spec = obj.spec
    if not rules.needs_health_check(obj) or (old is not None and rules.needs_health_check(old)):
        return obj
    port = spec.health_check_node_port
    if not port:
        number = free_node_port({p.node_port for p in spec.ports}, ctx)
        return replace(obj, spec=replace(spec, health_check_node_port=number))
    if why := node_port_fault(port, key, ctx):
        raise Internal(f"Internal error occurred: failed to allocate requested HealthCheck NodePort {port}: {why}")
    return obj


def _warn(warnings: list[str], service: Service) -> None:
    spec = service.spec
    if spec.type == "ExternalName" and spec.external_ips:
        warnings.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if spec.cluster_ip == "None" and spec.session_affinity == "ClientIP":
        warnings.append("spec.SessionAffinity is ignored for headless services")
