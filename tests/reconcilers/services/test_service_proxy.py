"""Services and slices in, rules out."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from shipslog.engine.state.projected import Projected
from shipslog.reconcilers.rule.digest import digest
from shipslog.reconcilers.services import service_proxy
from shipslog.reconcilers.services.service_proxy import RECONCILER, Place, decide, rules_of
from shipslog.runtime.commands import ApplyRuleset, Ruleset, ServiceRules
from shipslog.store.facts import ClusterConfig, NodeObserved, RulesetApplied, SandboxRemoved
from shipslog.store.objects.types.core_v1 import (
    ClientIPConfig,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Node,
    Service,
    ServicePort,
    ServiceSpec,
    ServiceStatus,
    SessionAffinityConfig,
)
from shipslog.store.objects.types.discovery_v1 import (
    Endpoint,
    EndpointConditions,
    EndpointHints,
    EndpointPort,
    EndpointSlice,
    ForNode,
    ForZone,
)
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.projections import Projection
from shipslog.store.state import Entry, RulesetState
from tests.reconcilers import views

SECOND = 10**9


class FakeView:
    """Just what the rule reads."""

    def __init__(self, *objects: Service | EndpointSlice, nodes: Sequence[str] = ("n1",)) -> None:
        self.config = ClusterConfig()
        self.states: dict[str, RulesetState] = {}
        self.nodes = list(nodes)
        self.zones: dict[str, str] = {}
        self.held: dict[str, dict[tuple[str, str], Entry]] = {service_proxy.SERVICES: {}, service_proxy.SLICES: {}}
        self._projected = Projected(lambda resources: [e for resource in resources for e in self.held[resource].values()])
        for thing in objects:
            self.put(thing)

    def put(self, thing: Service | EndpointSlice) -> None:
        self._change(thing, there=True)

    def drop(self, thing: Service | EndpointSlice) -> None:
        self._change(thing, there=False)

    def _change(self, thing: Service | EndpointSlice, *, there: bool) -> None:
        resource = service_proxy.SERVICES if isinstance(thing, Service) else service_proxy.SLICES
        before = self.held[resource].pop((thing.metadata.namespace, thing.metadata.name), None)
        after = Entry(resource, thing, b"", 1) if there else None
        if after is not None:
            self.held[resource][thing.metadata.namespace, thing.metadata.name] = after
        self._projected.fold(resource, before, after)

    def projected(self, projection: Projection[Any]) -> Any:
        return self._projected.state(projection)

    def get(self, kind: type[Any], name: str, namespace: str = "") -> Any:
        assert kind is Node
        labels = {"topology.kubernetes.io/zone": self.zones[name]} if name in self.zones else {}
        return Node(metadata=ObjectMeta(name=name, labels=labels))

    def list(self, kind: type[Any], namespace: str | None = None) -> list[Any]:
        assert kind is Node
        return [Node(metadata=ObjectMeta(name=name)) for name in [*self.nodes, "bare"]]

    def node_observed(self, node: str) -> NodeObserved | None:
        return NodeObserved(node=node) if node in self.nodes else None

    def ruleset(self, node: str) -> RulesetState:
        return self.states.get(node, RulesetState())


def service(
    name: str = "web", *, ports: Sequence[ServicePort] = (), status: ServiceStatus | None = None, **spec: Any
) -> Service:
    fields: dict[str, Any] = {
        "type": "ClusterIP",
        "cluster_ip": "10.96.0.10",
        "cluster_ips": ("10.96.0.10",),
        "ports": tuple(ports) or (ServicePort(port=80, protocol="TCP"),),
    } | spec
    meta = ObjectMeta(name=name, namespace="default", uid=name)
    return Service(metadata=meta, spec=ServiceSpec(**fields), status=status or ServiceStatus())


def labelled(key: str, value: str) -> Service:
    made = service()
    return msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, labels={key: value}))


def endpoint(number: int, node: str = "n1", **conditions: bool) -> Endpoint:
    return Endpoint(addresses=(f"10.244.0.{number}",), node_name=node, conditions=EndpointConditions(**conditions))


def part(
    *endpoints: Endpoint, of: str = "web", name: str = "", ports: Sequence[EndpointPort] = (), kind: str = "IPv4"
) -> EndpointSlice:
    meta = ObjectMeta(name=name or f"{of}-x", namespace="default", labels={service_proxy.SERVICE_NAME: of})
    offered = tuple(ports) or (EndpointPort(port=8080, protocol="TCP"),)
    return EndpointSlice(metadata=meta, endpoints=endpoints, ports=offered, address_type=kind)


def ends(*numbers: int, port: int = 8080) -> tuple[tuple[str, int], ...]:
    return tuple((f"10.244.0.{number}", port) for number in numbers)


def rule(**fields: Any) -> ServiceRules:
    given: dict[str, Any] = {"service": "default/web:", "protocol": "tcp", "port": 80, "addresses": ("10.96.0.10",)} | fields
    return ServiceRules(**given)


READY = (endpoint(1, ready=True), endpoint(2, "n2", ready=True))
NODE_PORT = ServicePort(port=80, protocol="TCP", node_port=30001)
BALANCED = ServiceStatus(
    load_balancer=LoadBalancerStatus(
        ingress=(LoadBalancerIngress(ip="1.1.1.1"), LoadBalancerIngress(ip="2.2.2.2", ip_mode="Proxy"))
    )
)
HTTP, DNS = ServicePort(name="http", port=80, protocol="TCP"), ServicePort(name="dns", port=53, protocol="UDP")

CASES: list[tuple[str, Service, list[EndpointSlice], tuple[ServiceRules, ...]]] = [
    ("cluster address", service(), [part(*READY)], (rule(endpoints=ends(1, 2)),)),
    ("no slices: refused", service(), [], (rule(),)),
    ("headless", service(cluster_ip="None", cluster_ips=("None",)), [part(*READY)], ()),
    ("no address yet", service(cluster_ip="", cluster_ips=()), [part(*READY)], ()),
    ("external name", service(type="ExternalName", external_name="x.example"), [part(*READY)], ()),
    (
        "each family by itself, with its own slices",
        service(cluster_ips=("10.96.0.10", "FD00:0::1"), external_ips=("fd00::3",)),
        [part(*READY), part(Endpoint(addresses=("fd00:244:0::5",)), name="web-6", kind="IPv6")],
        (
            rule(endpoints=ends(1, 2)),
            rule(family="IPv6", addresses=("fd00::1",), external_addresses=("fd00::3",), endpoints=(("fd00:244::5", 8080),)),
        ),
    ),
    ("node port", service(type="NodePort", ports=[NODE_PORT]), [part(*READY)], (rule(node_port=30001, endpoints=ends(1, 2)),)),
    ("node port of another type", service(ports=[NODE_PORT]), [part(*READY)], (rule(endpoints=ends(1, 2)),)),
    (
        "load balancer",
        service(type="LoadBalancer", ports=[NODE_PORT], status=BALANCED, external_ips=("3.3.3.3", "fd00::3")),
        [part(*READY)],
        (rule(node_port=30001, external_addresses=("3.3.3.3",), balancer_addresses=("1.1.1.1",), endpoints=ends(1, 2)),),
    ),
    (
        "load balancer for some, none of their ranges within another",
        service(
            type="LoadBalancer", status=BALANCED, load_balancer_source_ranges=("10.0.0.0/8", "10.1.0.0/16", "fd00::/8", "x")
        ),
        [part(*READY)],
        (rule(balancer_addresses=("1.1.1.1",), allowed_sources=("10.0.0.0/8",), endpoints=ends(1, 2)),),
    ),
    (
        "load balancer for all",
        service(type="LoadBalancer", status=BALANCED, load_balancer_source_ranges=("10.0.0.0/8", "0.0.0.0/0")),
        [part(*READY)],
        (rule(balancer_addresses=("1.1.1.1",), endpoints=ends(1, 2)),),
    ),
    (
        "a load balancer asks after this node's endpoints, those that are ready",
        service(type="LoadBalancer", status=BALANCED, external_traffic_policy="Local", health_check_node_port=31000),
        [part(*READY, endpoint(3, ready=False, serving=True, terminating=True))],
        (
            rule(
                balancer_addresses=("1.1.1.1",),
                endpoints=ends(1, 2),
                local_endpoints=ends(1),
                health_port=31000,
                health_endpoints=1,
            ),
        ),
    ),
    (
        "ports by name and protocol",
        service(ports=[HTTP, DNS]),
        [
            part(
                endpoint(1),
                ports=[
                    EndpointPort(name="http", port=8080, protocol="TCP"),
                    EndpointPort(name="dns", port=5353, protocol="UDP"),
                    EndpointPort(name="http", port=1, protocol="UDP"),
                    EndpointPort(name="other", port=2),
                ],
            )
        ],
        (
            rule(service="default/web:http", endpoints=ends(1)),
            rule(service="default/web:dns", protocol="udp", port=53, endpoints=ends(1, port=5353)),
        ),
    ),
    (
        "several slices, each with its target port",
        service(),
        [part(endpoint(1)), part(endpoint(2), name="web-y", ports=[EndpointPort(port=9090)])],
        (rule(endpoints=ends(1) + ends(2, port=9090)),),
    ),
    ("IPv6 slices", service(), [part(endpoint(1), kind="IPv6")], (rule(),)),
    ("no conditions", service(), [part(Endpoint(addresses=("10.244.0.1",)), endpoint(2))], (rule(endpoints=ends(1, 2)),)),
    ("not ready", service(), [part(endpoint(1, ready=False), endpoint(2, ready=True))], (rule(endpoints=ends(2)),)),
    (
        "terminating, while others are ready",
        service(),
        [part(endpoint(1, ready=False, serving=True, terminating=True), endpoint(2, ready=True))],
        (rule(endpoints=ends(2)),),
    ),
    (
        "only terminating ones serve",
        service(),
        [
            part(
                endpoint(1, ready=False, serving=True, terminating=True),
                endpoint(2, ready=False, terminating=True),
                endpoint(3, ready=False, serving=True),
            )
        ],
        (rule(endpoints=ends(1)),),
    ),
    ("affinity", service(session_affinity="ClientIP"), [part(*READY)], (rule(endpoints=ends(1, 2), affinity_s=10800),)),
    (
        "affinity with its own time",
        service(
            session_affinity="ClientIP",
            session_affinity_config=SessionAffinityConfig(client_ip=ClientIPConfig(timeout_seconds=9)),
        ),
        [part(*READY)],
        (rule(endpoints=ends(1, 2), affinity_s=9),),
    ),
    (
        "external policy local",
        service(type="NodePort", ports=[NODE_PORT], external_traffic_policy="Local"),
        [part(*READY)],
        (rule(node_port=30001, endpoints=ends(1, 2), local_endpoints=ends(1)),),
    ),
    (
        "external policy local, nothing here",
        service(type="NodePort", ports=[NODE_PORT], external_traffic_policy="Local"),
        [part(READY[1])],
        (rule(node_port=30001, endpoints=ends(2), local_endpoints=()),),
    ),
    ("internal policy local", service(internal_traffic_policy="Local"), [part(*READY)], (rule(endpoints=ends(1)),)),
    (
        "internal policy local, outside all",
        service(type="NodePort", ports=[NODE_PORT], internal_traffic_policy="Local"),
        [part(*READY)],
        (rule(endpoints=ends(1)), rule(addresses=(), node_port=30001, endpoints=ends(1, 2))),
    ),
    ("zeros at the front", service(cluster_ips=("10.96.00.010",)), [part(*READY)], (rule(endpoints=ends(1, 2)),)),
    ("another proxy's", labelled("service.kubernetes.io/service-proxy-name", "other"), [part(*READY)], ()),
    ("said to be headless", labelled("service.kubernetes.io/headless", ""), [part(*READY)], ()),
    ("addresses that are none", service(), [part(Endpoint(addresses=("x.example",)), endpoint(1))], (rule(endpoints=ends(1)),)),
]


@pytest.mark.parametrize("told, given, slices, expected", CASES, ids=[case[0] for case in CASES])
def test_a_service_becomes_rules(
    told: str, given: Service, slices: list[EndpointSlice], expected: tuple[ServiceRules, ...]
) -> None:
    assert rules_of(given, slices, Place("n1")) == expected
    view = FakeView(given, *slices)
    assert ruleset_of(view).services == ({"default/web": expected} if expected else {})


def meant(number: int, *, zone: str = "", node: str = "", **conditions: bool) -> Endpoint:
    hints = EndpointHints(for_zones=(ForZone(name=zone),) if zone else (), for_nodes=(ForNode(name=node),) if node else ())
    return msgspec.structs.replace(endpoint(number, **conditions), hints=hints if zone or node else None)


NEAR: dict[str, tuple[list[Endpoint], Place, tuple[int, ...]]] = {
    "of the zone": ([meant(1, zone="a"), meant(2, zone="b")], Place("n1", "a"), (1,)),
    "of the node, before the zone": ([meant(1, zone="a", node="n1"), meant(2, zone="a", node="n2")], Place("n1", "a"), (1,)),
    "of the zone, where none is of the node": (
        [meant(1, zone="a", node="n2"), meant(2, zone="b", node="n3")],
        Place("n1", "a"),
        (1,),
    ),
    "all, where none is of the zone": ([meant(1, zone="a"), meant(2, zone="b")], Place("n1", "c"), (1, 2)),
    "all, where one says nothing": ([meant(1, zone="a"), meant(2)], Place("n1", "a"), (1, 2)),
    "all, where the node is in no zone": ([meant(1, zone="a"), meant(2, zone="b")], Place("n1"), (1, 2)),
    "one that is not ready need not say": ([meant(1, zone="a"), meant(2, ready=False)], Place("n1", "a"), (1,)),
    "all that end, where none is ready": (
        [meant(1, zone="a", ready=False, serving=True, terminating=True)],
        Place("n1", "b"),
        (1,),
    ),
}


@pytest.mark.parametrize("told", NEAR)
def test_what_is_meant_for_here_is_chosen(told: str) -> None:
    endpoints, place, chosen = NEAR[told]
    assert rules_of(service(), [part(*endpoints)], place) == (rule(endpoints=ends(*chosen)),)


def test_nodes_of_two_zones_have_other_rules_and_a_node_that_moves_gets_those_of_its_zone() -> None:
    view = FakeView(service(), part(meant(1, zone="a"), meant(2, zone="b")), nodes=("n1", "n2"))
    view.zones = {"n1": "a", "n2": "b"}
    for node, number in (("n1", 1), ("n2", 2)):
        assert ruleset_of(view, node).services == {"default/web": (rule(endpoints=ends(number)),)}
    view.zones["n1"] = "b"
    assert ruleset_of(view, "n1").services == {"default/web": (rule(endpoints=ends(2)),)}
    assert ruleset_of(view, "n1").digest == ruleset_of(view, "n2").digest


def ruleset_of(view: FakeView, node: str = "n1") -> Ruleset:
    decision = decide(view, node, now=0)  # type: ignore[arg-type]
    (command,) = decision.commands
    assert isinstance(command, ApplyRuleset) and command.node == node and decision.reason == "RulesetDiffers"
    return command.ruleset


def test_nothing_to_do_is_said() -> None:
    view = FakeView(service(), part(*READY))
    assert decide(view, "bare", now=0).reason == "NodeNotObserved"  # type: ignore[arg-type]
    view.states["n1"] = RulesetState(digest=ruleset_of(view).digest)
    assert decide(view, "n1", now=0).reason == "RulesetInPlace"  # type: ignore[arg-type]
    assert not decide(view, "n1", now=0).commands  # type: ignore[arg-type]


def test_an_empty_cluster_has_a_ruleset_too() -> None:
    assert ruleset_of(FakeView()).services == {}
    assert ruleset_of(FakeView()).digest


@pytest.mark.parametrize("failures, pause_s", [(1, 0.5), (2, 1.0), (5, 8.0), (50, 60.0)])
def test_a_failure_is_tried_again_later_each_time(failures: int, pause_s: float) -> None:
    view = FakeView(service(), part(*READY))
    failed = ruleset_of(view).digest
    view.states["n1"] = RulesetState(failed_digest=failed, message="no memory", failures=failures, failed_at_ns=100 * SECOND)
    early = decide(view, "n1", now=100 * SECOND)  # type: ignore[arg-type]
    assert (early.reason, early.commands, early.requeue_after) == ("RulesetBackOff: no memory", (), pause_s)
    assert decide(view, "n1", now=(100 + int(pause_s + 1)) * SECOND).commands  # type: ignore[arg-type]
    view.put(part(READY[0]))
    assert decide(view, "n1", now=100 * SECOND).commands, "another ruleset need not wait"  # type: ignore[arg-type]


def test_what_did_not_change_is_the_same_object() -> None:
    things = [service(f"s{n}", cluster_ips=(f"10.96.0.{n}",)) for n in range(1, 50)]
    view = FakeView(*things, *(part(*READY, of=f"s{n}") for n in range(1, 50)))
    before = ruleset_of(view)
    view.put(part(READY[0], of="s7"))
    view.put(msgspec.structs.replace(things[8], metadata=msgspec.structs.replace(things[8].metadata, generation=2)))
    after = ruleset_of(view)
    assert [name for name in after.services if after.services[name] is not before.services[name]] == ["default/s7"]
    assert before.services["default/s7"][0].endpoints == ends(1, 2), "what was handed out stays as it was"
    view.put(part(*READY, of="s7"))
    assert ruleset_of(view).digest == before.digest


def test_what_was_folded_changes_no_answer() -> None:
    """The same whether the rule saw every step or only the end."""
    view = FakeView(nodes=("n1", "n2"))
    for step in range(60):
        number = step * 7 % 11
        policy = "Local" if step % 3 else "Cluster"
        ports = [ServicePort(port=80, node_port=30000 + number)]
        thing = service(
            f"s{number}", cluster_ips=(f"10.96.0.{number}",), type="NodePort", ports=ports, external_traffic_policy=policy
        )
        slices = [part(*READY[: step % 3], of=f"s{number}"), part(endpoint(9, "n2"), of=f"s{number}", name=f"s{number}-y")]
        for made in (thing, *slices):
            view.put(made)
        if step % 5 == 4:
            view.drop(slices[1])
        if step % 7 == 6:
            view.drop(thing)
        for node in view.nodes:
            warm = decide(view, node, now=0)  # type: ignore[arg-type]
            cold = FakeView(nodes=view.nodes)
            cold.held = view.held
            fresh = decide(cold, node, now=0)  # type: ignore[arg-type]
            assert warm == fresh and digest(warm.commands) == digest(fresh.commands)


def test_nodes_share_what_is_the_same_for_them() -> None:
    view = FakeView(service(), part(*READY), nodes=("n1", "n2"))
    assert ruleset_of(view, "n1").services is ruleset_of(view, "n2").services
    view.put(service("local", external_traffic_policy="Local", cluster_ips=("10.96.0.11",), external_ips=("1.2.3.4",)))
    view.put(part(*READY, of="local"))
    one, two = ruleset_of(view, "n1"), ruleset_of(view, "n2")
    assert one.digest != two.digest and one.services["default/web"] is two.services["default/web"]
    assert one.services["default/local"][0].local_endpoints == ends(1)


def test_who_is_woken() -> None:
    wakes = RECONCILER.wakes
    view = views.view_of(views.node("n1"), views.node("n2"), NodeObserved(node="n1"), NodeObserved(node="n2"))
    slice_ = EndpointSlice(metadata=views.meta("web-1"), address_type="IPv4")
    assert views.woken(wakes, view, views.service("web")) == views.woken(wakes, view, slice_) == ["n1", "n2"]
    assert views.woken(wakes, view, views.pod("p")) == views.woken(wakes, view, SandboxRemoved(node="n1", pod_uid="u")) == []
    assert views.woken(wakes, view, RulesetApplied(node="n2", digest="x", services=1)) == ["n2"]
    assert views.woken(wakes, view, NodeObserved(node="n2")) == ["n2"]
    assert wakes.all_keys(view) == ["n1", "n2"]


def test_a_node_that_registers_after_its_report_is_woken() -> None:
    view = views.view_of(NodeObserved(node="n1"), views.service("web"))
    assert views.woken(RECONCILER.wakes, view, views.node("n1")) == ["n1"]
