"""Which pods stand behind a Service, and how: what Endpoints and EndpointSlices are both made of.

Source: Kubernetes' endpoints and endpointslice controllers (ShouldPodBeInEndpoints, FindPort, DesiredEndpointSlice...).

Tests: tests/reconcilers/services/test_endpoints.py
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shipslog.reconcilers.rule.pods import is_ready
from shipslog.reconcilers.rule.wakes import key_of
from shipslog.store.families import FAMILIES, Family, family_of, of_family
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

MANAGED_BY, SERVICE_NAME = "endpointslice.kubernetes.io/managed-by", "kubernetes.io/service-name"


ZONE = "topology.kubernetes.io/zone"


class Port(Struct, frozen=True, order=True):
    """One port of a Service as one pod (or several alike) has it; `port` 0 for a headless Service without ports."""

    name: str
    protocol: str
    port: int
    app_protocol: str | None = None


class Target(Struct, frozen=True, kw_only=True):
    """One pod behind a Service."""

    pod: core_v1.Pod
    ip: str
    ports: tuple[Port, ...]
    ready: bool
    serving: bool
    terminating: bool
    hostname: str = ""
    zone: str = ""  # of its node

    def reference(self) -> core_v1.ObjectReference:
        meta = self.pod.metadata
        return core_v1.ObjectReference(kind="Pod", namespace=meta.namespace, name=meta.name, uid=meta.uid)


def zone_of(node: core_v1.Node | None) -> str:
    """The zone that a node says it is in; "" for none."""
    return node.metadata.labels.get(ZONE, "") if node is not None else ""


def moves(before: core_v1.Node | None, after: core_v1.Node | None) -> bool:
    """Whether a node has come, or is in another zone than before."""
    return before is None or (after is not None and zone_of(before) != zone_of(after))


def services_of(view: View, pod: core_v1.Pod) -> Iterable[str]:
    """The Services that select a pod."""
    labels = pod.metadata.labels.items()
    for service in view.list(core_v1.Service, pod.metadata.namespace):
        chosen = service.spec.selector
        if chosen and chosen.items() <= labels:  # asked of each service for each change of a pod: no selector is made
            yield key_of(service)


def labels_of(pod: core_v1.Pod) -> Mapping[str, str]:
    """By what Services select it."""
    return pod.metadata.labels


def families_of(service: core_v1.Service) -> tuple[Family, ...]:
    """Those that a Service is of, the primary one first."""
    asked = tuple(family for family in service.spec.ip_families if family in FAMILIES)
    return asked or (family_of(service.spec.cluster_ip),)


def address_of(pod: core_v1.Pod, family: Family) -> str:
    """The address of that family that a pod has; "" for none."""
    addresses = (pod.status.pod_ip, *(one.ip for one in pod.status.pod_ips))
    return next(iter(of_family(addresses, family)), "")


def targets_of(view: View, service: core_v1.Service, family: Family | None = None) -> list[Target]:
    """The pods that a Service selects and that have an address of this family, or of the Service's primary one."""
    family = family or families_of(service)[0]
    meta, spec = service.metadata, service.spec
    out = []
    for pod in view.select(core_v1.Pod, meta.namespace, spec.selector):
        ip = address_of(pod, family)
        if not ip or pod.status.phase in TERMINAL:
            continue
        terminating = bool(pod.metadata.deletion_timestamp)
        serving = is_ready(pod)
        ready = spec.publish_not_ready_addresses or (serving and not terminating)
        named = pod.spec.hostname if pod.spec.subdomain == meta.name else ""
        ports = tuple(p for p in (_port_of(pod, port) for port in spec.ports) if p is not None)
        if ports or (not spec.ports and spec.cluster_ip == "None"):
            out.append(
                Target(
                    pod=pod, ip=ip, ports=ports, ready=ready, terminating=terminating, hostname=named,
                    serving=serving, zone=zone_of(view.get(core_v1.Node, pod.spec.node_name)),
                )
            )  # fmt: skip
    return out


def _port_of(pod: core_v1.Pod, port: core_v1.ServicePort) -> Port | None:
    """The pod's port that a Service's port means; None if the pod has none of that name."""
    target, protocol = port.target_port, port.protocol or "TCP"
    if isinstance(target, str) and target:
        for container in (*pod.spec.containers, *(c for c in pod.spec.init_containers if c.restart_policy == "Always")):
            for candidate in container.ports:
                if candidate.name == target and (candidate.protocol or "TCP") == protocol:
                    return Port(port.name, protocol, candidate.container_port, port.app_protocol)
        return None
    return Port(port.name, protocol, target if isinstance(target, int) and target else port.port, port.app_protocol)


def by_ports(targets: Sequence[Target]) -> list[tuple[tuple[Port, ...], list[Target]]]:
    """The targets by the ports that they have in common."""
    groups: dict[tuple[Port, ...], list[Target]] = {}
    for target in targets:
        groups.setdefault(target.ports, []).append(target)
    return sorted(groups.items(), key=lambda group: [(p.name, p.protocol, p.port) for p in group[0]])
