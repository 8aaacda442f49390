"""The Service by which pods reach the name server: made, mended, and left to who has another."""

from typing import Any

from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.services import cluster_dns
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.events import Event
from shipslog.store.facts import ClusterConfig, EngineStarted
from shipslog.store.objects.types import core_v1, meta_v1
from tests.reconcilers.views import NOW, meta, view_of

SYSTEM = core_v1.Namespace(metadata=meta_v1.ObjectMeta(name="kube-system"))
OURS = {"endpoints.kubernetes.io/managed-by": "cluster-dns"}


def decided(*things: Any, **config: Any) -> Decision:
    """On a view whose engine has a name server at 10.244.0.1."""
    view = view_of(*things)
    started = EngineStarted(version="1", config=ClusterConfig(**{"dns_host": "10.244.0.1", "dns_port": 53, **config}))
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=started))
    return cluster_dns.decide(view, cluster_dns.KEY, now=NOW)


def dns(name: str = "kube-dns", address: str = "10.96.0.10", **spec: Any) -> core_v1.Service:
    spec = {"cluster_ip": address, "cluster_ips": (address,), **spec}
    return core_v1.Service(metadata=meta(name, namespace="kube-system"), spec=core_v1.ServiceSpec(**spec))


def endpoints(ip: str = "10.244.0.1", port: int = 53, **labels: str) -> core_v1.Endpoints:
    ports = tuple(core_v1.EndpointPort(name=n, port=port, protocol=p) for n, p in cluster_dns.PORTS)
    subset = core_v1.EndpointSubset(addresses=(core_v1.EndpointAddress(ip=ip),), ports=ports)
    return core_v1.Endpoints(metadata=meta("kube-dns", namespace="kube-system", labels=labels), subsets=(subset,))


def test_it_has_the_usual_address_unless_pods_were_told_another() -> None:
    for config, address in (
        ({}, "10.96.0.10"),
        ({"cluster_dns": "10.96.0.77"}, "10.96.0.77"),
        ({"cluster_dns": "9.9.9.9"}, "10.96.0.10"),
    ):
        (command,) = decided(SYSTEM, **config).commands
        assert isinstance(command, Create)
        assert command.object.spec.cluster_ip == address
        assert [(p.port, p.protocol) for p in command.object.spec.ports] == [(53, "UDP"), (53, "TCP")]


def test_an_address_that_a_service_has_is_left_to_it() -> None:
    (command,) = decided(SYSTEM, dns("other")).commands
    assert command.object.spec.cluster_ip == ""


def test_behind_it_is_this_process() -> None:
    (command,) = decided(SYSTEM, dns()).commands
    assert isinstance(command, Create)
    assert command.object.subsets == endpoints().subsets
    assert decided(SYSTEM, dns(), command.object).commands == ()


def test_the_address_is_mended_when_another_port_was_free() -> None:
    (command,) = decided(SYSTEM, dns(), endpoints(**OURS), dns_port=5353).commands
    assert isinstance(command, Update)
    assert command.object.subsets == endpoints(port=5353).subsets


def test_who_has_another_name_server_keeps_it() -> None:
    assert decided(SYSTEM, dns(selector={"k8s-app": "coredns"})).commands == ()
    assert decided(SYSTEM, dns(), endpoints("10.9.9.9")).commands == ()
    (command,) = decided(SYSTEM, dns(selector={"k8s-app": "coredns"}), endpoints(**OURS)).commands
    assert isinstance(command, Delete)


def test_without_a_server_nothing_leads_nowhere() -> None:
    assert decided(SYSTEM, dns_host="").commands == ()
    (command,) = decided(SYSTEM, dns(), endpoints(**OURS), dns_host="").commands
    assert isinstance(command, Delete)
    assert decided(SYSTEM, dns(), endpoints("10.9.9.9"), dns_host="").commands == ()


BOTH = {
    "service_cidr": "10.96.0.0/16,fd00:10:96::/112",
    "pod_cidr": "10.244.0.0/16,fd00:10:244::/56",
    "dns_host": "10.244.0.1,fd00:10:244::1",
}


def test_of_both_families_where_the_server_is() -> None:
    (command,) = decided(SYSTEM, **BOTH).commands
    assert command.object.spec.cluster_ips == ("10.96.0.10", "fd00:10:96::a")
    assert command.object.spec.ip_family_policy == "PreferDualStack"
    (taken,) = decided(SYSTEM, dns("other", "fd00:10:96::a"), **BOTH).commands
    assert taken.object.spec.cluster_ips == ("10.96.0.10",), "the second is any that is free"
    (alone,) = decided(SYSTEM, **{**BOTH, "dns_host": "10.244.0.1"}).commands
    assert (alone.object.spec.cluster_ips, alone.object.spec.ip_family_policy) == (("10.96.0.10",), None)
    (behind,) = decided(SYSTEM, dns(), **BOTH).commands
    assert [a.ip for a in behind.object.subsets[0].addresses] == ["10.244.0.1", "fd00:10:244::1"]
