"""The Service kube-system/kube-dns: how pods reach the name server of this process, where it has one.

Who would have another name server makes that Service with a selector of their own, before or after: then it is left alone.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.families import Network, family_of, holds, networks_in, ranges_in
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.view import View

NAMESPACE, NAME = "kube-system", "kube-dns"
KEY = f"{NAMESPACE}/{NAME}"
PORTS = (("dns", "UDP"), ("dns-tcp", "TCP"))
PORT = 53
LABELS = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
MANAGED_BY, MANAGER = "endpoints.kubernetes.io/managed-by", "cluster-dns"
USUAL = 10  # the tenth address of the range, as everywhere


def _ours(view: View, obj: Any) -> Iterable[str]:
    meta = obj.metadata
    return (KEY,) if (meta.namespace, meta.name) in ((NAMESPACE, NAME), ("", NAMESPACE)) else ()


WAKES = rule(always=(KEY,)).watches(core_v1.Service, core_v1.Endpoints, core_v1.Namespace, to=_ours)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make or mend the Service and its Endpoints, which are mirrored; take those back where no server is any more."""
    host, port = view.config.dns_host, view.config.dns_port
    current = view.get(core_v1.Endpoints, NAME, NAMESPACE)
    ours = current if current is not None and current.metadata.labels.get(MANAGED_BY) == MANAGER else None
    taken_back = _delete(ours) if ours is not None else ()
    if host is UNSET or port is UNSET or not host:
        return Decision(reason="this process has no name server", commands=taken_back)
    if view.get(core_v1.Namespace, NAMESPACE) is None:
        return Decision(reason="its namespace is not there yet")
    service = view.get(core_v1.Service, NAME, NAMESPACE)
    if service is None:
        return Decision(reason="pods look names up there", commands=(Create(object=_service(view)),))
    if service.spec.selector or service.spec.type == "ExternalName" or (current is not None and ours is None):
        return Decision(reason="somebody has another name server behind it", commands=taken_back)
    subsets = (_subset(ranges_in(host), port),)
    commands: tuple[AnyObjectCommand, ...] = ()
    if ours is None:
        meta = meta_v1.ObjectMeta(name=NAME, namespace=NAMESPACE, labels={**LABELS, MANAGED_BY: MANAGER})
        commands = (Create(object=core_v1.Endpoints(metadata=meta, subsets=subsets)),)
    elif ours.subsets != subsets:
        commands = (Update(object=replace(ours, subsets=subsets)),)
    return Decision(reason=f"the name server is at {host}:{port}", commands=commands)


def _delete(endpoints: core_v1.Endpoints) -> tuple[AnyObjectCommand, ...]:
    return (Delete(resource="endpoints", namespace=NAMESPACE, name=NAME, uid=endpoints.metadata.uid),)


def _subset(hosts: tuple[str, ...], port: int) -> core_v1.EndpointSubset:
    ports = tuple(core_v1.EndpointPort(name=name, port=port, protocol=protocol) for name, protocol in PORTS)
    return core_v1.EndpointSubset(addresses=tuple(core_v1.EndpointAddress(ip=host) for host in hosts), ports=ports)


def _service(view: View) -> core_v1.Service:
    families = dict.fromkeys(family_of(host) for host in ranges_in(str(view.config.dns_host)))
    networks = [n for n in networks_in(view.config.service_cidr) if family_of(str(n)) in families]
    found = [_address(view, network) for network in networks or networks_in(view.config.service_cidr)[:1]]
    addresses = tuple(found) if all(found) else tuple(found[:1]) if found[0] else ()  # what is left out the Service gets
    ports = tuple(core_v1.ServicePort(name=name, protocol=protocol, port=PORT, target_port=PORT) for name, protocol in PORTS)
    spec = core_v1.ServiceSpec(
        ports=ports,
        type="ClusterIP",
        cluster_ip=addresses[0] if addresses else "",
        cluster_ips=addresses,
        ip_family_policy="PreferDualStack" if len(networks) > 1 else None,
    )
    return core_v1.Service(metadata=meta_v1.ObjectMeta(name=NAME, namespace=NAMESPACE, labels=dict(LABELS)), spec=spec)


def _address(view: View, network: Network) -> str:
    """The one that pods were told of, else the usual one; "" for any when a Service has it."""
    configured = view.config.cluster_dns
    if configured and holds(str(network), configured):
        address = configured
    elif network.num_addresses > USUAL + 1:
        address = str(network[USUAL])
    else:
        return ""
    return "" if any(address in (*s.spec.cluster_ips, s.spec.cluster_ip) for s in view.list(core_v1.Service)) else address


RECONCILER = Reconciler(name="cluster-dns", actor="system:controller:cluster-dns", wakes=WAKES, decide=decide, version=2)
