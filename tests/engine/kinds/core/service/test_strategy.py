"""Services: addresses and ports given, kept, refused; endpoints and slices behind them."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.kinds.core.service import allocation
from shipslog.store.refusals import Refusal


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"selector": {"a": "b"}, "ports": [{"name": "x", "port": 80}], **spec}}


REFUSED: list[tuple[dict[str, Any], set[str]]] = [
    (service("1a"), {"FieldValueInvalid metadata.name"}),
    (
        service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 0}}),
        {"FieldValueInvalid spec.sessionAffinityConfig.clientIP.timeoutSeconds"},
    ),
    (
        service(externalIPs=["169.254.1.1", "0.0.0.0"]),
        {"FieldValueInvalid spec.externalIPs[0]", "FieldValueInvalid spec.externalIPs[1]"},
    ),
    (service(externalTrafficPolicy="Local"), {"FieldValueInvalid spec.externalTrafficPolicy"}),
    (service(type="NodePort", externalTrafficPolicy="Some"), {"FieldValueNotSupported spec.externalTrafficPolicy"}),
    (service(internalTrafficPolicy="Some"), {"FieldValueNotSupported spec.internalTrafficPolicy"}),
    (service(healthCheckNodePort=31000), {"FieldValueInvalid spec.healthCheckNodePort"}),
    (service(allocateLoadBalancerNodePorts=True), {"FieldValueForbidden spec.allocateLoadBalancerNodePorts"}),
    (service(loadBalancerClass="a/b"), {"FieldValueForbidden spec.loadBalancerClass"}),
    (service(loadBalancerSourceRanges=["10.0.0.0/8"]), {"FieldValueForbidden spec.LoadBalancerSourceRanges"}),
    (service(type="LoadBalancer", loadBalancerSourceRanges=["x"]), {"FieldValueInvalid spec.LoadBalancerSourceRanges"}),
    (service(ports=[{"port": 80, "targetPort": "a--b"}]), {"FieldValueInvalid spec.ports[0].targetPort"}),
    (service(ports=[{"port": 80, "appProtocol": "a b"}]), {"FieldValueInvalid spec.ports[0].appProtocol"}),
    (
        service(
            type="NodePort", ports=[{"name": "a", "port": 1, "nodePort": 30001}, {"name": "b", "port": 2, "nodePort": 30001}]
        ),
        {"FieldValueDuplicate spec.ports[1].nodePort"},
    ),
    (service(type="NodePort", ports=[{"port": 80, "nodePort": 29999}]), {"FieldValueInvalid spec.ports[0].nodePort"}),
    (service(ipFamilies=["IPv5"]), {"FieldValueNotSupported spec.ipFamilies[0]"}),
    (service(ipFamilies=["IPv6"]), {"FieldValueInvalid spec.ipFamilies[0]"}),
    (service(ipFamilyPolicy="RequireDualStack"), {"FieldValueInvalid spec.ipFamilyPolicy"}),
    (service(clusterIP="10.96.9.9", clusterIPs=["10.96.9.8"]), {"FieldValueInvalid spec.clusterIPs"}),
    (service(clusterIP="10.97.0.1"), {"FieldValueInvalid spec.clusterIPs"}),
    (service(clusterIP="10.96.0.0"), {"FieldValueInvalid spec.clusterIPs"}),
    (service(type="ExternalName", externalName="a.b", clusterIP="None"), {"FieldValueForbidden spec.clusterIPs"}),
]


@pytest.mark.parametrize(("body", "wanted"), REFUSED)
def test_refused(world: Any, refused: Any, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "services", body) == wanted


def test_taken_addresses_and_ports_are_refused_in_kubernetes_words(world: Any) -> None:
    world.create("services", service(type="NodePort", clusterIP="10.96.7.7", ports=[{"port": 80, "nodePort": 30100}]))
    with pytest.raises(Refusal, match="provided IP is already allocated"):
        world.create("services", service("t", clusterIP="10.96.7.7"))
    with pytest.raises(Refusal, match=r"spec.ports\[0\].nodePort: Invalid value: 30100: provided port is already allocated"):
        world.create("services", service("t", type="NodePort", ports=[{"port": 80, "protocol": "UDP", "nodePort": 30100}]))
    with pytest.raises(Refusal, match=r"provided port is not in the valid range\. The range of valid ports is 30000-32767"):
        world.create("services", service("t", type="NodePort", ports=[{"port": 80, "nodePort": 99}]))


def test_ports_of_one_number_share_a_node_port(world: Any) -> None:
    made = world.create(
        "services",
        service(
            type="NodePort",
            ports=[
                {"name": "a", "port": 53, "protocol": "UDP"},
                {"name": "b", "port": 53},
                {"name": "c", "port": 54},
            ],
        ),
    )
    a, b, c = (p.node_port for p in made.spec.ports)
    assert a == b != c


def test_addresses_are_distinct_and_not_the_reserved_ones(world: Any) -> None:
    made = [world.create("services", service(f"s{i}")).spec.cluster_ip for i in range(300)]
    assert len(set(made)) == 300
    assert not {a for a in made if int(a.split(".")[2]) == 0}  # the first 256 are for those who ask


def test_a_full_range_says_so(world: Any) -> None:
    world.view.config = replace(world.view.config, service_cidr="10.96.0.0/29", node_port_first=30000, node_port_last=30001)
    held = {world.create("services", service(f"s{i}")).spec.cluster_ip for i in range(5)}
    assert held == {f"10.96.0.{i}" for i in range(2, 7)}
    with pytest.raises(Refusal, match="range is full"):
        world.create("services", service("more"))
    world.create("services", service("first", clusterIP="10.96.0.1"))
    ports = {allocation.free_node_port(set(), world.ctx()) for _ in range(50)}
    assert ports == {30000, 30001}
    with pytest.raises(Refusal, match="range is full"):
        allocation.free_node_port({30000, 30001}, world.ctx())


def test_addresses_of_added_ranges_are_given_when_the_first_is_full(world: Any, refused: Any) -> None:
    world.view.config = replace(world.view.config, service_cidr="10.96.0.0/30")
    asked = {"clusterIP": "10.97.0.5"}
    wanted = {"FieldValueInvalid spec.clusterIPs"}
    assert refused(world.create, "services", service("asked", **asked)) == wanted
    more = world.create("servicecidrs", {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.97.0.0/29"]}})
    assert refused(world.create, "services", service("asked", **asked)) == wanted, "it is not ready yet"
    ready = {"type": "Ready", "status": "True", "reason": "", "message": "", "lastTransitionTime": None}
    world.change(more, "status", status={"conditions": [ready]})
    assert world.create("services", service("asked", **asked)).spec.cluster_ip == "10.97.0.5"
    given = [world.create("services", service(f"s{i}")).spec.cluster_ip for i in range(3)]
    assert given[0] == "10.96.0.2" and all(address.startswith("10.97.0.") for address in given[1:])
    parent = {"parentRef": {"group": "gateway.example", "resource": "gateways", "name": "g"}}
    free = next(f"10.97.0.{i}" for i in range(1, 7) if f"10.97.0.{i}" not in (*given, "10.97.0.5"))
    world.create("ipaddresses", {"metadata": {"name": free}, "spec": parent})
    assert refused(world.create, "services", service("kept", clusterIP=free)) == wanted, "somebody else keeps it"


def test_headless_without_selector_takes_both_families(world: Any) -> None:
    made = world.create("services", {"metadata": {"name": "h"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}})
    assert (made.spec.ip_families, made.spec.ip_family_policy) == (("IPv4", "IPv6"), "RequireDualStack")


# --- updates ---


def test_a_replacement_without_allocated_values_keeps_them(world: Any) -> None:
    old = world.create("services", service(type="NodePort"))
    new = world.update(old, world.decode("services", service(type="NodePort", ports=[{"name": "x", "port": 81}])))
    assert (new.spec.cluster_ip, new.spec.ports[0].node_port) == (old.spec.cluster_ip, old.spec.ports[0].node_port)
    assert (new.spec.ip_families, new.spec.ip_family_policy) == (("IPv4",), "SingleStack")


def test_changing_type_there_and_back(world: Any) -> None:
    old = world.create("services", service())
    node = world.change(old, spec={"type": "NodePort"})
    assert node.spec.ports[0].node_port and node.spec.external_traffic_policy == "Cluster"
    balancer = world.change(node, spec={"type": "LoadBalancer", "externalTrafficPolicy": "Local"})
    assert balancer.spec.ports[0].node_port == node.spec.ports[0].node_port and balancer.spec.health_check_node_port
    back = world.change(balancer, spec={"type": "ClusterIP", "externalTrafficPolicy": None, "internalTrafficPolicy": "Cluster"})
    assert (back.spec.ports[0].node_port, back.spec.health_check_node_port, back.spec.external_traffic_policy) == (0, 0, "")
    assert back.spec.allocate_load_balancer_node_ports is None and back.spec.cluster_ip == old.spec.cluster_ip
    outside = world.change(back, spec={"type": "ExternalName", "externalName": "a.test"})
    assert (outside.spec.cluster_ip, outside.spec.cluster_ips, outside.spec.ip_families) == ("", (), ())
    again = world.change(outside, spec={"type": "ClusterIP"})
    assert again.spec.cluster_ip


def test_cluster_ip_is_immutable(world: Any, refused: Any) -> None:
    old = world.create("services", service())
    assert refused(world.change, old, spec={"clusterIP": "10.96.200.1"}) == {"FieldValueInvalid spec.clusterIPs[0]"}
    assert refused(world.change, old, spec={"clusterIP": "None"}) == {"FieldValueInvalid spec.clusterIPs[0]"}


def test_a_port_may_move_to_a_free_node_port_only(world: Any, refused: Any) -> None:
    world.create("services", service("other", type="NodePort", ports=[{"port": 80, "nodePort": 30500}]))
    old = world.create("services", service(type="NodePort"))
    ports = [{"name": "x", "port": 80, "nodePort": 30500}]
    assert refused(world.change, old, spec={"ports": ports}) == {"FieldValueInvalid spec.ports[0].nodePort"}
    moved = world.change(old, spec={"ports": [{"name": "x", "port": 80, "nodePort": 30501}]})
    assert moved.spec.ports[0].node_port == 30501
    assert moved.metadata.generation == 0


def test_status_of_a_load_balancer(world: Any, refused: Any) -> None:
    ingress = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    old = world.create("services", service())
    assert refused(world.change, old, "status", status=ingress) == {"FieldValueForbidden status.loadBalancer.ingress"}
    balancer = world.create("services", service("b", type="LoadBalancer"))
    assert world.change(balancer, "status", status=ingress).status.load_balancer.ingress[0].ip_mode == "VIP"


# --- endpoints ---


def endpoints(*subsets: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "e"}, "subsets": list(subsets)}


@pytest.mark.parametrize(
    ("subset", "wanted"),
    [
        ({"addresses": [{"ip": "x"}]}, {"FieldValueInvalid subsets[0].addresses[0].ip"}),
        ({"notReadyAddresses": [{"ip": "224.0.0.1"}]}, {"FieldValueInvalid subsets[0].notReadyAddresses[0].ip"}),
        ({"addresses": [{"ip": "10.0.0.1", "hostname": "A"}]}, {"FieldValueInvalid subsets[0].addresses[0].hostname"}),
        (
            {"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}, {"name": "B", "port": 0}]},
            {
                "FieldValueRequired subsets[0].ports[0].name",
                "FieldValueInvalid subsets[0].ports[1].name",
                "FieldValueInvalid subsets[0].ports[1].port",
            },
        ),
        (
            {"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1, "protocol": "X"}]},
            {"FieldValueNotSupported subsets[0].ports[0].protocol"},
        ),
    ],
)
def test_endpoints_refused(world: Any, refused: Any, subset: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "endpoints", endpoints(subset)) == wanted


def test_endpoints_stay_as_they_were_written(world: Any) -> None:
    one, two = {"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}
    a, b = {"name": "a", "port": 1}, {"name": "b", "port": 2}
    made = world.create("endpoints", endpoints({"addresses": [two, one], "ports": [b, a]}, {"addresses": [one], "ports": [b]}))
    assert [[x.ip for x in s.addresses] for s in made.subsets] == [["10.0.0.2", "10.0.0.1"], ["10.0.0.1"]]
    assert [[p.name for p in s.ports] for s in made.subsets] == [["b", "a"], ["b"]]


def slice_of(**more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "e"}, "addressType": "IPv4", "endpoints": [], **more}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (slice_of(addressType=""), {"FieldValueRequired addressType"}),
        (slice_of(endpoints=[{"addresses": []}]), {"FieldValueRequired endpoints[0].addresses"}),
        (slice_of(endpoints=[{"addresses": ["::1"]}]), {"FieldValueInvalid endpoints[0].addresses[0]"}),
        (slice_of(endpoints=[{"addresses": ["127.0.0.1"]}]), {"FieldValueInvalid endpoints[0].addresses[0]"}),
        (slice_of(endpoints=[{"addresses": ["10.0.0.1"] * 101}]), {"FieldValueTooMany endpoints[0].addresses"}),
        (slice_of(endpoints=[{"addresses": ["10.0.0.1"]}] * 1001), {"FieldValueTooMany endpoints"}),
        (slice_of(addressType="FQDN", endpoints=[{"addresses": ["host"]}]), {"FieldValueInvalid endpoints[0].addresses[0]"}),
        (slice_of(ports=[{"port": 1}, {"port": 2}]), {"FieldValueDuplicate ports[1].name"}),
        (
            slice_of(ports=[{"name": "A", "protocol": "X"}]),
            {"FieldValueInvalid ports[0].name", "FieldValueNotSupported ports[0].protocol"},
        ),
    ],
)
def test_slices_refused(world: Any, refused: Any, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "endpointslices", body) == wanted


def test_slice_generation_counts_what_routes(world: Any, refused: Any) -> None:
    old = world.create("endpointslices", slice_of(endpoints=[{"addresses": ["10.0.0.1"]}]))
    noted = world.change(old, metadata={"annotations": {"a": "b"}})
    labelled = world.change(noted, metadata={"labels": {"a": "b"}})
    moved = world.change(labelled, endpoints=[{"addresses": ["10.0.0.2"]}])
    assert [x.metadata.generation for x in (old, noted, labelled, moved)] == [1, 1, 2, 3]
    assert "FieldValueInvalid addressType" in refused(world.change, moved, addressType="IPv6")


def test_zeros_at_the_front_of_an_address_count_for_nothing(world: Any) -> None:
    made = world.create("services", service(clusterIP="10.96.007.011"))
    assert made.spec.cluster_ip == "10.96.007.011"  # as it was written
    for same in ("10.96.7.11", "10.96.07.11"):
        with pytest.raises(Refusal, match=f"failed to allocate IP {same}: provided IP is already allocated"):
            world.create("services", service("t", clusterIP=same))
    world.create("services", service("t", clusterIP="10.96.7.9"))  # what an octal eleven would be
