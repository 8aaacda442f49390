"""Keeps what NetworkPolicies mean for a node's pods true on the node: one whole set of rules, sent when its digest differs.

A node hears of its policies once after each start, so that rules that an earlier life left there are gone where nothing
asks for them any more. After the API reference for NetworkPolicy v1: policies add up; a pod that one selects for a direction
gets what some policy lets through, and nothing else. Peers are pods that have an address of their own; those of the host's
network are not selected, neither as subjects nor as peers.
"""

from collections.abc import Iterable

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import namesake, rule
from shipslog.runtime.commands import ApplyNetworkPolicies
from shipslog.store.facts import NetworkPoliciesApplied, NetworkPoliciesFailed, NodeObserved
from shipslog.store.objects.types.core_v1 import Namespace, Node, Pod
from shipslog.store.objects.types.networking_v1 import NetworkPolicy
from shipslog.store.view import View

from .policy_world import POLICIES

RETRY_FIRST_S, RETRY_MAX_S = 0.5, 60.0


def _nodes(view: View, policy: NetworkPolicy) -> Iterable[str]:
    return [node.metadata.name for node in view.list(Node) if view.node_observed(node.metadata.name) is not None]


def _nodes_under_policies(view: View, obj: Pod | Namespace) -> Iterable[str]:
    """Where no policy is, a pod wakes nobody."""
    if not view.projected(POLICIES).any:
        return ()
    return [node.metadata.name for node in view.list(Node) if view.node_observed(node.metadata.name) is not None]


def _pod_differs(before: Pod | None, after: Pod | None) -> bool:
    """Whether policies look at what has changed of a pod."""
    if before is None or after is None:
        return True
    old, new = before.status, after.status
    if before.spec.node_name != after.spec.node_name or old.phase != new.phase:
        return True
    if old.pod_ip != new.pod_ip or old.pod_ips != new.pod_ips:
        return True
    was, now = before.metadata, after.metadata
    return was.labels != now.labels or was.deletion_timestamp != now.deletion_timestamp or was.uid != now.uid


def _relabelled(before: Namespace | None, after: Namespace | None) -> bool:
    return before is None or after is None or before.metadata.labels != after.metadata.labels


def _reporter(view: View, fact: NodeObserved | NetworkPoliciesApplied | NetworkPoliciesFailed) -> Iterable[str]:
    return (fact.node,)


WAKES = (
    rule()
    .watches(Node, to=namesake, when=lambda before, after: before is None, at_start=True)
    .watches(NetworkPolicy, to=_nodes)
    .watches(Pod, to=_nodes_under_policies, when=_pod_differs)
    .watches(Namespace, to=_nodes_under_policies, when=_relabelled)
    .hears(NodeObserved, NetworkPoliciesApplied, NetworkPoliciesFailed, to=_reporter)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Send the rules that the node should have, unless it has them or has just failed with them."""
    if view.node_observed(key) is None:
        return Decision(reason="NodeNotObserved")
    wanted, state = view.projected(POLICIES).rules_on(key), view.network_policies(key)
    if state is not None and state.failures and state.failed_digest == wanted.digest:
        pause_s = min(RETRY_FIRST_S * 2.0 ** min(state.failures - 1, 20), RETRY_MAX_S)
        wait_s = min(state.failed_at_ns / 1e9 + pause_s - now / 1e9, pause_s)
        if wait_s > 0:
            return Decision(reason=f"NetworkPoliciesBackOff: {state.message}", requeue_after=wait_s)
    elif state is not None and not state.failures and state.digest == wanted.digest:
        return Decision(reason="NetworkPoliciesInPlace")
    return Decision(reason="NetworkPoliciesDiffer", commands=(ApplyNetworkPolicies(node=key, policies=wanted),))


RECONCILER = Reconciler(
    name="network-policy", actor="system:controller:network-policy", wakes=WAKES, decide=decide, version=2,
    projections=(POLICIES,),
)  # fmt: skip
