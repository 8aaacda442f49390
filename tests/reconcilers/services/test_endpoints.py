"""Endpoints and slices name the pods that a Service selects, with what can be said of them."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.services import endpoint_slice_mirroring, endpoint_slices, endpoints
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import core_v1, discovery_v1
from tests.reconcilers.views import NOW, meta, pod, service, view_of, woken, woken_by_end

WEB = {"labels": {"app": "web"}}


def made(rule: Any, *things: Any) -> Any:
    (command,) = rule.decide(view_of(*things), "default/web", now=NOW).commands
    assert isinstance(command, Create | Update)
    return command.object


def test_ready_and_unready_pods() -> None:
    pods = (pod("a", node="n", ready=True, ip="10.0.0.2", **WEB), pod("b", node="n", ip="10.0.0.1", **WEB))
    (subset,) = made(endpoints, service("web"), *pods).subsets
    assert [a.ip for a in subset.addresses] == ["10.0.0.2"] and [a.ip for a in subset.not_ready_addresses] == ["10.0.0.1"]
    assert subset.ports == (core_v1.EndpointPort(port=8080, protocol="TCP"),)
    assert subset.addresses[0].target_ref.name == "a" and subset.addresses[0].node_name == "n"
    slice_ = made(endpoint_slices, service("web"), *pods)
    assert [(e.addresses, e.conditions.ready) for e in slice_.endpoints] == [(("10.0.0.1",), False), (("10.0.0.2",), True)]
    assert slice_.metadata.labels["kubernetes.io/service-name"] == "web"


def test_named_ports_are_looked_up_in_each_pod() -> None:
    named = service("web", target_port="http")
    assert made(endpoints, named, pod("a", node="n", ready=True, ip="10.0.0.2", **WEB)).subsets[0].ports[0].port == 8080
    assert (
        made(endpoints, service("web", target_port="nope"), pod("a", node="n", ready=True, ip="10.0.0.2", **WEB)).subsets == ()
    )


def test_what_ended_or_has_no_address_is_left_out() -> None:
    pods = (pod("a", node="n", phase="Succeeded", ip="10.0.0.2", **WEB), pod("b", node="n", ready=True, **WEB))
    assert made(endpoints, service("web"), *pods).subsets == ()


def test_a_pod_that_goes_serves_in_slices_only() -> None:
    going = pod("a", node="n", ready=True, ip="10.0.0.2", deletion_timestamp="2027-01-15T08:00:00Z", **WEB)
    assert made(endpoints, service("web"), going).subsets == ()
    (endpoint,) = made(endpoint_slices, service("web"), going).endpoints
    assert (endpoint.conditions.ready, endpoint.conditions.serving, endpoint.conditions.terminating) == (False, True, True)


def test_without_a_selector_they_are_their_owners() -> None:
    plain = core_v1.Service(metadata=meta("web"), spec=core_v1.ServiceSpec(ports=(core_v1.ServicePort(port=80),)))
    mine = core_v1.Endpoints(metadata=meta("web"))
    assert endpoints.decide(view_of(plain, mine), "default/web", now=NOW).commands == ()


def test_what_was_made_goes_with_the_service() -> None:
    labels = {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    ours, theirs = core_v1.Endpoints(metadata=meta("web", labels=labels)), core_v1.Endpoints(metadata=meta("web"))
    (gone,) = endpoints.decide(view_of(ours), "default/web", now=NOW).commands
    assert isinstance(gone, Delete)
    assert endpoints.decide(view_of(theirs), "default/web", now=NOW).commands == ()


def test_slices_hold_a_hundred_and_change_as_little_as_can_be() -> None:
    pods = [pod(f"p{i:03}", node="n", ready=True, ip=f"10.0.{i // 200}.{i % 200 + 1}", **WEB) for i in range(250)]
    commands = endpoint_slices.decide(view_of(service("web"), *pods), "default/web", now=NOW).commands
    slices = [c.object for c in commands if isinstance(c, Create)]
    assert sorted(len(s.endpoints) for s in slices) == [50, 100, 100]
    named = [
        discovery_v1.EndpointSlice(
            metadata=meta(f"web-{i}", labels=dict(s.metadata.labels)), address_type="IPv4", endpoints=s.endpoints, ports=s.ports
        )
        for i, s in enumerate(slices)
    ]
    view = view_of(service("web"), *pods, *named)
    assert endpoint_slices.decide(view, "default/web", now=NOW).commands == ()
    fewer = view_of(service("web"), *pods[:-1], *named)
    (changed,) = endpoint_slices.decide(fewer, "default/web", now=NOW).commands
    assert isinstance(changed, Update) and len(changed.object.endpoints) in (49, 99)


def test_serving_says_whether_the_pod_is_ready_whatever_the_service_publishes() -> None:
    view = view_of(service("web", publish_not_ready_addresses=True), pod("p", node="n", ip="10.0.0.1", labels={"app": "web"}))
    (create,) = endpoint_slices.decide(view, "default/web", now=NOW).commands
    (endpoint,) = create.object.endpoints
    assert (endpoint.conditions.ready, endpoint.conditions.serving) == (True, False)


def node(name: str, zone: str) -> core_v1.Node:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    return core_v1.Node(metadata=meta(name, namespace="", labels=labels))


def test_slices_say_in_which_zone_and_for_whom_first() -> None:
    here = (node("n", "a"), pod("p", node="n", ready=True, ip="10.0.0.1", **WEB), pod("q", node="n", ip="10.0.0.2", **WEB))
    for wanted, zones, nodes in ((None, [], []), ("PreferClose", ["a"], []), ("PreferSameNode", ["a"], ["n"])):
        ready, unready = made(endpoint_slices, service("web", traffic_distribution=wanted), *here).endpoints
        assert (ready.zone, unready.zone, unready.hints) == ("a", "a", None)
        hints = ready.hints or discovery_v1.EndpointHints()
        assert ([z.name for z in hints.for_zones], [n.name for n in hints.for_nodes]) == (zones, nodes)


def test_a_node_that_is_in_another_zone_wakes_the_services_of_its_pods() -> None:
    view = view_of(service("web"), node("n", "a"), pod("p", node="n", ready=True, ip="10.0.0.1", **WEB))
    assert woken(endpoint_slices.WAKES, view, node("n", "b")) == ["default/web"]
    assert woken(endpoint_slices.WAKES, view, node("n", "b")) == []


def test_a_slice_that_changes_its_service_wakes_both() -> None:
    def slice_of(name: str) -> discovery_v1.EndpointSlice:
        labels = {"kubernetes.io/service-name": name}
        return discovery_v1.EndpointSlice(metadata=meta("s", labels=labels), address_type="IPv4")

    view = view_of(slice_of("a"))
    assert woken(endpoint_slices.WAKES, view, slice_of("b")) == ["default/a", "default/b"]


def test_a_pod_wakes_the_services_that_it_leaves_and_joins() -> None:
    view = view_of(service("a"), service("b"), pod("p", labels={"app": "a"}))
    for wakes in (endpoints.WAKES, endpoint_slices.WAKES):
        assert woken(wakes, view, pod("p", labels={"app": "b"})) == ["default/a", "default/b"]
        assert woken_by_end(wakes, view, pod("p", labels={"app": "b"})) == ["default/b"]
        view = view_of(service("a"), service("b"), pod("p", labels={"app": "a"}))


def test_a_mirrored_slice_that_somebody_takes_away_wakes_its_endpoints() -> None:
    labels = {"kubernetes.io/service-name": "a", "endpointslice.kubernetes.io/managed-by": endpoint_slice_mirroring.CONTROLLER}
    slice_ = discovery_v1.EndpointSlice(metadata=meta("s", labels=labels), address_type="IPv4")
    assert woken_by_end(endpoint_slice_mirroring.WAKES, view_of(slice_), slice_) == ["default/a"]


def dual(thing: core_v1.Service, *families: str) -> core_v1.Service:
    return replace(thing, spec=replace(thing.spec, ip_families=families))


def with_both(thing: core_v1.Pod, second: str) -> core_v1.Pod:
    ips = (core_v1.PodIP(ip=thing.status.pod_ip), core_v1.PodIP(ip=second))
    return replace(thing, status=replace(thing.status, pod_ips=ips))


def test_slices_of_each_family_and_endpoints_of_the_primary_one() -> None:
    both = with_both(pod("a", node="n", ready=True, ip="10.0.0.2", **WEB), "fd00::2")
    only = pod("b", node="n", ready=True, ip="10.0.0.3", **WEB)
    for families in (("IPv4", "IPv6"), ("IPv6", "IPv4"), ("IPv6",)):
        view = view_of(dual(service("web"), *families), both, only)
        slices = [c.object for c in endpoint_slices.decide(view, "default/web", now=NOW).commands]
        found = {s.address_type: sorted(a for e in s.endpoints for a in e.addresses) for s in slices}
        wanted = {"IPv4": ["10.0.0.2", "10.0.0.3"], "IPv6": ["fd00::2"]}
        assert found == {family: wanted[family] for family in families}
        (create,) = endpoints.decide(view, "default/web", now=NOW).commands
        assert [a.ip for s in create.object.subsets for a in s.addresses] == wanted[families[0]]


def test_slices_of_a_family_that_it_has_no_more_go() -> None:
    both = with_both(pod("a", node="n", ready=True, ip="10.0.0.2", **WEB), "fd00::2")
    view = view_of(dual(service("web"), "IPv4", "IPv6"), both)
    there = [
        replace(c.object, metadata=replace(c.object.metadata, name=c.object.address_type.lower(), uid=c.object.address_type))
        for c in endpoint_slices.decide(view, "default/web", now=NOW).commands
    ]
    assert not endpoint_slices.decide(
        view_of(dual(service("web"), "IPv4", "IPv6"), both, *there), "default/web", now=NOW
    ).commands
    (gone,) = endpoint_slices.decide(view_of(dual(service("web"), "IPv4"), both, *there), "default/web", now=NOW).commands
    assert isinstance(gone, Delete) and gone.name == "ipv6"


def test_endpoints_that_people_write_are_mirrored_by_family() -> None:
    plain = core_v1.Service(metadata=meta("web"), spec=core_v1.ServiceSpec(ports=(core_v1.ServicePort(port=80),)))
    ips = ("10.0.0.9", "fd00::9", "10.0.0.8")
    subset = core_v1.EndpointSubset(
        addresses=tuple(core_v1.EndpointAddress(ip=ip) for ip in ips), ports=(core_v1.EndpointPort(port=80, protocol="TCP"),)
    )
    view = view_of(plain, core_v1.Endpoints(metadata=meta("web"), subsets=(subset,)))
    made_ = [c.object for c in endpoint_slice_mirroring.decide(view, "default/web", now=NOW).commands]
    found = {s.address_type: [a for e in s.endpoints for a in e.addresses] for s in made_}
    assert found == {"IPv4": ["10.0.0.9", "10.0.0.8"], "IPv6": ["fd00::9"]}
