"""The Service `kubernetes`: made in every cluster, led to the API server, and mended."""

from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.services import kubernetes_service as rule
from shipslog.store.commands import Create, Update
from shipslog.store.events import Event
from shipslog.store.facts import ClusterConfig, EngineStarted
from shipslog.store.objects.types import core_v1, discovery_v1
from tests.reconcilers.views import NOW, add, meta, view_of, woken

NAMESPACE = core_v1.Namespace(metadata=meta("default", namespace=""))


def cluster(host: str, services: str = "10.96.0.0/16") -> MemoryView:
    view = MemoryView()
    config = ClusterConfig(api_host=host, api_port=6443, service_cidr=services)
    view.evolve(Event(revision=1, time_ns=NOW, actor="test", fact=EngineStarted(version="t", config=config)))
    add(view, NAMESPACE)
    return view


def test_it_waits_for_its_namespace_and_then_has_the_first_address() -> None:
    assert not rule.decide(view_of(), rule.KEY, now=NOW).commands
    (create,) = rule.decide(cluster("192.0.2.1"), rule.KEY, now=NOW).commands
    assert isinstance(create, Create) and create.object.spec.cluster_ip == "10.96.0.1"
    assert (create.object.spec.ports[0].port, create.object.spec.ports[0].target_port) == (443, 6443)


def test_it_leads_to_the_server_and_is_led_back_to_it() -> None:
    view = cluster("192.0.2.1")
    for _ in range(2):
        for command in rule.decide(view, rule.KEY, now=NOW).commands:
            assert isinstance(command, Create)
            add(view, command.object)
    assert not rule.decide(view, rule.KEY, now=NOW).commands, "all is there"
    endpoints = view.get(core_v1.Endpoints, "kubernetes", "default")
    slice_ = view.get(discovery_v1.EndpointSlice, "kubernetes", "default")
    assert endpoints is not None and slice_ is not None
    assert endpoints.subsets[0].addresses[0].ip == slice_.endpoints[0].addresses[0] == "192.0.2.1"
    assert endpoints.subsets[0].ports[0].port == slice_.ports[0].port == 6443
    elsewhere = replace(endpoints, subsets=())
    assert woken(rule.WAKES, view, elsewhere) == [rule.KEY]
    (update,) = rule.decide(view, rule.KEY, now=NOW).commands
    assert isinstance(update, Update) and update.object.subsets == endpoints.subsets


def test_a_server_that_no_pod_reaches_is_not_named() -> None:
    view = cluster("127.0.0.1")
    (create,) = rule.decide(view, rule.KEY, now=NOW).commands
    assert isinstance(create, Create)
    add(view, create.object)
    decision = rule.decide(view, rule.KEY, now=NOW)
    assert not decision.commands and "loopback" in decision.reason


def test_in_a_cluster_of_ipv6_it_is_of_ipv6() -> None:
    view = cluster("fd00::5", "fd00:10:96::/112,10.96.0.0/16")
    (create,) = rule.decide(view, rule.KEY, now=NOW).commands
    assert isinstance(create, Create) and create.object.spec.cluster_ips == ("fd00:10:96::1",)
    add(view, create.object)
    found = [c.object for c in rule.decide(view, rule.KEY, now=NOW).commands if isinstance(c, Create)]
    assert [s.address_type for s in found if isinstance(s, discovery_v1.EndpointSlice)] == ["IPv6"]


def test_others_do_not_wake_it() -> None:
    assert woken(rule.WAKES, view_of(NAMESPACE), core_v1.Service(metadata=meta("other"))) == []
