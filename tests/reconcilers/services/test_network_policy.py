"""What policies come to on a node, when it is sent, and what wakes the rule. Packets: tests/runtime/netfilter."""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.services.network_policy import RECONCILER, decide
from shipslog.reconcilers.services.policy_rules import joined, parts_of, without
from shipslog.reconcilers.services.policy_world import EMPTY, POLICIES, PolicyWorld
from shipslog.runtime.commands import ApplyNetworkPolicies, NetworkPolicyRules, PodPolicies, PolicyRule
from shipslog.store.events import Event
from shipslog.store.facts import ClusterConfig, EngineStarted, NetworkPoliciesApplied, NetworkPoliciesFailed
from tests.reconcilers import views

from .policies import ADDRESSES, NOW, PODS, namespace, pod, policy, world

ANY: dict[str, Any] = {"podSelector": {}}
A: dict[str, Any] = {"podSelector": {"matchLabels": {"pod": "a"}}}
NOT_Y = {"key": "ns", "operator": "NotIn", "values": ["y"]}
SECOND = 1_000_000_000


def rules(view: MemoryView, node: str = "n1") -> NetworkPolicyRules:
    (command,) = decide(view, node, now=NOW).commands
    assert isinstance(command, ApplyNetworkPolicies) and command.node == node
    return command.policies


def peers(view: MemoryView) -> set[str]:
    """The pods of all groups."""
    by_address = {address: name for name, address in ADDRESSES.items()}
    return {by_address[a] for group in rules(view).groups.values() for a in group}


def test_pods_without_policies_are_not_in_it() -> None:
    found = rules(world(policy("x", {**A, "ingress": [{"from": [ANY]}]})))
    assert found.pods == {"10.244.0.2": PodPolicies(pod_uid="uid-x-a", ingress=("x/one:ingress",))}
    (rule,) = found.rules["x/one:ingress"]
    assert found.groups == {rule.groups[0]: ("10.244.0.2", "10.244.0.3")}
    assert rules(world()) == EMPTY


@pytest.mark.parametrize(
    ("spec", "ways"),
    [
        ({}, ("ingress",)),
        ({"ingress": [{}]}, ("ingress",)),
        ({"egress": [{}]}, ("ingress", "egress")),
        ({"policyTypes": ["Egress"]}, ("egress",)),
        ({"policyTypes": ["Ingress"], "egress": [{}]}, ("ingress",)),
        ({"policyTypes": ["Ingress", "Egress"]}, ("ingress", "egress")),
    ],
)
def test_the_directions_that_a_policy_is_about(spec: dict[str, Any], ways: tuple[str, ...]) -> None:
    judged = rules(world(policy("x", {**A, **spec}))).pods["10.244.0.2"]
    assert tuple(way for way in ("ingress", "egress") if getattr(judged, way) is not None) == ways


@pytest.mark.parametrize(
    ("side", "wanted"),
    [
        (ANY, {"x/a", "x/b"}),
        (A, {"x/a"}),
        ({"namespaceSelector": {}}, set(PODS)),
        ({"namespaceSelector": {}, **A}, {"x/a", "y/a", "z/a"}),
        ({"namespaceSelector": {"matchLabels": {"ns": "y"}}}, {"y/a", "y/b"}),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "ns", "operator": "NotIn", "values": ["y"]}]}, **A},
            {"x/a", "z/a"},
        ),
        ({"namespaceSelector": {"matchLabels": {"ns": "none"}}}, set()),
    ],
)
def test_peers_are_pods_of_its_own_namespace_or_of_chosen_ones(side: dict[str, Any], wanted: set[str]) -> None:
    assert peers(world(policy("x", {**A, "ingress": [{"from": [side]}]}))) == wanted


def test_ports_are_joined_and_named_ones_are_where_pods_have_them() -> None:
    ports = [
        {"port": 80},
        {"port": 81, "endPort": 90},
        {"protocol": "UDP"},
        {"port": "second"},
        {"port": 80, "protocol": "SCTP"},
    ]
    found = rules(world(policy("x", {**A, "ingress": [{"ports": ports}]})))
    ((rule,),) = found.rules.values()
    assert rule == PolicyRule(anyone=True, ports=(("sctp", 80, 80), ("tcp", 80, 90), ("udp", 0, 65535)), named=("tcp/second",))
    assert found.named == {"tcp/second": tuple((ADDRESSES[name], 81) for name in PODS)}


def test_what_one_block_leaves_out_another_may_have() -> None:
    blocks = [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.0.0.0/24"]}, {"cidr": "10.1.2.0/24"}]
    blocks += [{"cidr": "fd00::/64", "except": ["fd00::/65", "10.0.0.0/8"]}]
    side = [{"ipBlock": block} for block in blocks]
    ((rule,),) = parts_of(policy("x", {**A, "ingress": [{"from": side}]})).directions.values()
    assert not rule.anyone and not rule.groups
    four = (("10.0.1.0", "10.0.255.255"), ("10.1.2.0", "10.1.2.255"), ("10.2.0.0", "10.255.255.255"))
    assert rule.ranges == (*four, ("fd00::8000:0:0:0", "fd00::ffff:ffff:ffff:ffff"))


def test_ranges() -> None:
    assert joined([(5, 9), (1, 2), (3, 4), (20, 30), (22, 24)]) == [(1, 9), (20, 30)]
    assert without((1, 10), [(0, 1), (4, 5), (10, 12)]) == [(2, 3), (6, 9)]
    assert without((1, 10), [(0, 20)]) == []


@pytest.mark.parametrize("gone", [{"phase": "Succeeded"}, {"phase": "Failed"}, {"host_network": True}, {"node": ""}])
def test_pods_that_have_no_address_of_their_own_count_for_nothing(gone: dict[str, Any]) -> None:
    view = world(policy("x", {**A, "ingress": [{"from": [ANY]}]}))
    views.add(view, pod("x/a", "10.244.0.2", **gone))
    assert rules(view) == EMPTY
    views.add(view, pod("x/c", "10.244.0.9", labels={"pod": "a"}))
    assert set(rules(view).pods) == {"10.244.0.9"} and [*rules(view).groups.values()] == [("10.244.0.3", "10.244.0.9")]


def test_of_two_pods_with_one_address_it_is_the_ones_that_stays() -> None:
    view = world(policy("x", ANY))
    views.add(view, pod("x/old", "10.244.0.9", deletion_timestamp=views.BORN, creation_timestamp="2027-01-15T09:00:00Z"))
    views.add(view, pod("x/new", "10.244.0.9"))
    assert rules(view).pods["10.244.0.9"].pod_uid == "uid-x-new"


def test_a_node_has_the_rules_of_its_own_pods() -> None:
    view = world(policy("x", ANY), policy("y", ANY), views.node("n2"), views.observed("n2"), pod("y/c", "10.244.1.2", "n2"))
    assert set(rules(view, "n2").pods) == {"10.244.1.2"} and set(rules(view, "n2").rules) == {"y/one:ingress"}
    assert "10.244.1.2" not in rules(view).pods


def test_it_is_sent_when_it_differs_and_again_after_a_failure() -> None:
    assert decide(views.view_of(views.node("n1")), "n1", now=NOW).reason == "NodeNotObserved"
    view = world()
    assert rules(view) == EMPTY, "once after a start: nobody knows what an earlier life left there"
    views.add(view, NetworkPoliciesApplied(node="n1", digest=EMPTY.digest))
    assert decide(view, "n1", now=NOW).reason == "NetworkPoliciesInPlace"
    views.add(view, policy("x", ANY))
    wanted = rules(view)
    views.add(view, NetworkPoliciesFailed(node="n1", digest=wanted.digest, message="busy"))
    waits = decide(view, "n1", now=NOW)
    assert waits.requeue_after == 0.5 and not waits.commands and "busy" in waits.reason
    assert decide(view, "n1", now=NOW + SECOND).commands
    views.add(view, NetworkPoliciesFailed(node="n1", digest=wanted.digest, message="busy"))
    assert decide(view, "n1", now=NOW).requeue_after == 1.0
    views.add(view, NetworkPoliciesApplied(node="n1", digest=wanted.digest, pods={"uid-x-a": "10.244.0.2"}))
    assert not decide(view, "n1", now=NOW).commands
    started = EngineStarted(version="1", config=ClusterConfig())
    view.evolve(Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=started))
    views.add(view, views.observed("n1"))
    assert rules(view) == wanted


def test_what_wakes_it() -> None:
    wakes, view = RECONCILER.wakes, world()
    assert views.woken(wakes, view, pod("x/c", "10.244.0.9")) == [], "without policies pods wake nobody"
    assert views.woken(wakes, view, namespace("w")) == []
    assert views.woken(wakes, view, policy("x", ANY)) == ["n1"]
    changed = pod("x/c", "10.244.0.9")
    same = replace(changed, status=replace(changed.status, message="of no interest"))
    assert views.woken(wakes, view, same) == []
    assert views.woken(wakes, view, pod("x/c", "10.244.0.9", labels={"pod": "other"})) == ["n1"]
    assert views.woken(wakes, view, pod("x/c", "10.244.0.10")) == ["n1"]
    assert views.woken(wakes, view, namespace("x", ns="y")) == ["n1"]
    assert views.woken_by_end(wakes, view, pod("x/c", "10.244.0.10")) == ["n1"]
    assert views.woken_by_end(wakes, view, policy("x", ANY)) == ["n1"]
    assert views.woken(wakes, view, NetworkPoliciesApplied(node="n2", digest="d")) == ["n2"]


def test_what_did_not_change_is_the_same_object() -> None:
    view = world(policy("x", {**A, "ingress": [{"from": [ANY]}]}), policy("y", {**A, "ingress": [{"from": [ANY]}]}))
    before = rules(view)
    views.add(view, pod("z/c", "10.244.0.20"))
    assert rules(view) is before
    views.add(view, pod("x/c", "10.244.0.21"))
    after = rules(view)
    kept = [name for name in before.groups if after.groups[name] is before.groups[name]]
    assert after.digest != before.digest and len(kept) == 1


def test_it_sees_whether_a_policy_selects_a_pod_that_has_no_address_yet() -> None:
    known = world(policy("x", A)).projected(POLICIES)
    assert known.selects(pod("x/a")) and not known.selects(pod("x/b")) and not known.selects(pod("y/a"))
    assert not known.selects(pod("x/a", host_network=True)) and not PolicyWorld().selects(pod("x/a"))


SPECS: tuple[dict[str, Any], ...] = (
    ANY,
    {**A, "ingress": [{"from": [ANY], "ports": [{"port": "second"}]}]},
    {**A, "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"ns": "y"}}}]}]},
    {**ANY, "ingress": [{"from": [A, {"namespaceSelector": {"matchLabels": {"ns": "z"}}, **A}]}]},
    {**ANY, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": "http"}]}, {"to": [{"namespaceSelector": {}}]}]},
)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_way_it_is_as_if_made_from_nothing(seed: int) -> None:
    """Pods, namespaces and policies come, change and go, with looks at any time in between."""
    draw, view = random.Random(seed), world()
    held: dict[str, Any] = {}
    for _ in range(120):
        name = f"{draw.choice('xyz')}/{draw.choice('abc')}"
        kind = draw.choice(("pod", "pod", "policy", "namespace"))
        if kind == "pod":
            made: Any = pod(
                name, f"10.244.0.{draw.randrange(2, 12)}", draw.choice(("n1", "n2")), labels={"pod": draw.choice("ab")}
            )
        elif kind == "policy":
            made = policy(name[0], draw.choice(SPECS), name[2:])
        else:
            made = namespace(name[0], ns=draw.choice("xyz"))
        key = f"{kind} {name if kind != 'namespace' else name[0]}"
        if key in held and draw.random() < 0.4:
            views.woken_by_end(RECONCILER.wakes, view, held.pop(key))
        else:
            held[key] = made
            views.add(view, made)
        if draw.random() < 0.5:
            fresh = view.copy()
            for node in ("n1", "n2"):
                assert view.projected(POLICIES).rules_on(node) == fresh.projected(POLICIES).rules_on(node)
            assert view.projected(POLICIES) == fresh.projected(POLICIES)
