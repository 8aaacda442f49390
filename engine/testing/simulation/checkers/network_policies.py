"""What each node lets its pods' traffic do is what the policies say, evaluated here once more, pair by pair.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from shipslog.engine.cluster import Cluster
from shipslog.runtime.commands import NetworkPolicyRules, PolicyRule
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.networking_v1 import NetworkPolicy

from .broken_promise import require

PORTS = (("tcp", 80), ("tcp", 81), ("udp", 80))
OUTSIDE = "192.0.2.1"


def check(cluster: Cluster, nodes: Sequence[SimulatedNode]) -> None:
    pods = [p for p in cluster.list(core_v1.Pod) if p.status.pod_ip and p.status.phase not in TERMINAL]
    policies = cluster.list(NetworkPolicy)
    spaces = {n.metadata.name: dict(n.metadata.labels) for n in cluster.list(core_v1.Namespace)}
    for node in nodes:
        here = [p for p in pods if p.spec.node_name == node.node]
        judged = {pod.pod_uid for pod in node.policies.pods.values()}
        selected = {p.metadata.uid for p in here if any(_is_about(one, p) for one in policies)}
        require(judged == selected, __name__, f"{node.node} judges {judged}, policies select {selected}")
        for pod in here:
            if pod.metadata.uid in selected:
                _check_pod(pod, pods, policies, spaces, node)


def _check_pod(pod: Any, pods: Sequence[Any], policies: Sequence[NetworkPolicy], spaces: Any, node: SimulatedNode) -> None:
    for other in (*pods, None):
        for way in ("ingress", "egress"):
            for port in PORTS:
                called = pod if way == "ingress" else other
                wanted = _wanted(pod, other, called, way, port, policies, spaces)
                found = _found(node.policies, pod, other, called, way, port)
                peer = other.metadata.name if other is not None else OUTSIDE
                what = f"{way} of {pod.metadata.name} with {peer} at {port}: {found} on {node.node}, to be {wanted}"
                require(found == wanted, __name__, what)


# --- by the policies ---


def _is_about(policy: NetworkPolicy, pod: core_v1.Pod) -> bool:
    return policy.metadata.namespace == pod.metadata.namespace and _matches(policy.spec.pod_selector, pod.metadata.labels)


def _wanted(pod: Any, other: Any, called: Any, way: str, port: Any, policies: Sequence[NetworkPolicy], spaces: Any) -> bool:
    about = [p for p in policies if _is_about(p, pod) and way.capitalize() in p.spec.policy_types]
    if not about:
        return True
    for policy in about:
        rules: Any = policy.spec.ingress if way == "ingress" else policy.spec.egress
        for rule in rules:
            sides = rule.from_ if way == "ingress" else rule.to
            if sides and not any(_is_peer(side, policy.metadata.namespace, other, spaces) for side in sides):
                continue
            if not rule.ports or any(_is_port(one, port, called) for one in rule.ports):
                return True
    return False


def _is_peer(side: Any, namespace: str, other: Any, spaces: Any) -> bool:
    if side.ip_block is not None:
        address = IPv4Address(other.status.pod_ip if other is not None else OUTSIDE)
        within = address in IPv4Network(side.ip_block.cidr)
        return within and not any(address in IPv4Network(part) for part in side.ip_block.except_)
    if other is None:
        return False
    if side.namespace_selector is None:
        if other.metadata.namespace != namespace:
            return False
    elif not _matches(side.namespace_selector, spaces[other.metadata.namespace]):
        return False
    return side.pod_selector is None or _matches(side.pod_selector, other.metadata.labels)


def _is_port(asked: Any, port: tuple[str, int], called: Any) -> bool:
    protocol, number = port
    if (asked.protocol or "TCP").lower() != protocol:
        return False
    if isinstance(asked.port, str):
        ports = [p for c in called.spec.containers for p in c.ports] if called is not None else []
        names = {(p.name, (p.protocol or "TCP").lower(), p.container_port) for p in ports}
        return (asked.port, protocol, number) in names
    return asked.port is None or asked.port <= number <= (asked.end_port or asked.port)


def _matches(selector: meta_v1.LabelSelector, labels: Any) -> bool:
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    for asked in selector.match_expressions:
        has = asked.key in labels
        among = has and labels[asked.key] in asked.values
        if not {"In": among, "NotIn": not among, "Exists": has, "DoesNotExist": not has}[asked.operator]:
            return False
    return True


# --- by the node ---


def _found(rules: NetworkPolicyRules, pod: Any, other: Any, called: Any, way: str, port: tuple[str, int]) -> bool:
    names = getattr(rules.pods[pod.status.pod_ip], way)
    if names is None:
        return True
    peer = other.status.pod_ip if other is not None else OUTSIDE
    goal = called.status.pod_ip if called is not None else OUTSIDE
    return any(_lets(rules, rule, peer, goal, port) for name in names for rule in rules.rules[name])


def _lets(rules: NetworkPolicyRules, rule: PolicyRule, peer: str, goal: str, port: tuple[str, int]) -> bool:
    protocol, number = port
    address = IPv4Address(peer)
    among = any(peer in rules.groups[group] for group in rule.groups)
    within = any(IPv4Address(first) <= address <= IPv4Address(last) for first, last in rule.ranges)
    if not (rule.anyone or among or within):
        return False
    named = any((goal, number) in rules.named[name] for name in rule.named if name.startswith(f"{protocol}/"))
    return rule.any_port or named or any(of == protocol and first <= number <= last for of, first, last in rule.ports)
