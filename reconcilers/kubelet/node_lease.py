"""The leases of nodes: made when a node has registered, renewed while the engine runs, those of several nodes in one decision.

Every node has its turn, which its name decides; nodes of one turn renew together. So thousands of nodes cost an event each in
ten seconds, and few decisions. Source: kubelet's lease controller, Kubernetes 1.32.
"""

from collections.abc import Iterable
from typing import Any
from zlib import crc32

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Create, Update
from shipslog.store.facts import COMMANDS_TOLD, NodeObserved
from shipslog.store.objects.types import coordination_v1, core_v1, meta_v1
from shipslog.store.objects.values.times import SECOND_NS, micro_time, parse_time
from shipslog.store.projections import index
from shipslog.store.view import View

LEASES = "kube-node-lease"
LEASE_S, RENEW_S = 40, 10
SOON_S = RENEW_S / 2  # what is due so soon goes along when another of its turn is renewed
TURNS = 128
AT_ONCE = COMMANDS_TOLD - 1  # one whose commands are all told retention knows to be nothing but heartbeats
MORE_S = 0.001


def turn_of(name: str) -> str:
    """The key of a node's turn."""
    return f"turn-{crc32(name.encode()) % TURNS}"


def _turn(obj: Any) -> tuple[str]:
    return (turn_of(obj.metadata.name),)


BY_TURN = index("nodes by the turn of their leases", ("nodes",), _turn)


def _of_node(view: View, node: core_v1.Node) -> Iterable[str]:
    return _turn(node)


def _of_report(view: View, fact: NodeObserved) -> Iterable[str]:
    """Of one whose object is there: else that wakes its turn, once it is made."""
    return (turn_of(fact.node),) if view.get(core_v1.Node, fact.node) is not None else ()


def _all(view: View, namespace: core_v1.Namespace) -> Iterable[str]:
    """All turns, when the namespace that the leases are in comes."""
    return sorted({turn_of(n.metadata.name) for n in view.list(core_v1.Node)}) if namespace.metadata.name == LEASES else ()


def _is_made(before: Any, after: Any) -> bool:
    return before is None


WAKES = (
    rule()
    .watches(core_v1.Node, to=_of_node, when=_is_made, at_start=True)
    .watches(core_v1.Namespace, to=_all, when=_is_made)
    .hears(NodeObserved, to=_of_report)
    .reads(coordination_v1.Lease)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make the leases that are missing, else renew those that are due."""
    if view.get(core_v1.Namespace, LEASES) is None:
        return Decision(reason=f"there is no namespace {LEASES} yet")
    nodes: list[core_v1.Node] = [entry.object for entry in view.find(BY_TURN, key)]
    missing: list[core_v1.Node] = []
    held: list[tuple[Instant, coordination_v1.Lease]] = []  # when each is due
    for node in nodes:
        name = node.metadata.name
        if view.node_observed(name) is None:
            continue
        lease = view.get(coordination_v1.Lease, name, LEASES)
        if lease is None:
            missing.append(node)
        else:
            held.append((_due_ns(lease, now), lease))
    if missing:
        makes = tuple(Create(object=_lease(node, now)) for node in missing[:AT_ONCE])
        soonest = min((at for at, _ in held), default=now + RENEW_S * SECOND_NS)
        wait_s = max((soonest - now) / SECOND_NS, MORE_S) if len(missing) <= AT_ONCE else MORE_S
        return Decision(reason=f"making {_leases(len(makes))}", commands=makes, requeue_after=wait_s)
    if not held:
        return Decision(reason="none of its nodes has reported")
    held.sort(key=lambda of: (of[0], of[1].metadata.name))
    if held[0][0] > now:
        return Decision(reason="renewed in time", requeue_after=(held[0][0] - now) / SECOND_NS)
    soon = [of for of in held if of[0] <= now + int(SOON_S * SECOND_NS)]
    renews = tuple(Update(object=_renewed(lease, now)) for _, lease in soon[:AT_ONCE])
    later = held[AT_ONCE if len(soon) > AT_ONCE else len(soon) :]
    wait_s = max((later[0][0] - now) / SECOND_NS, MORE_S) if later else RENEW_S
    return Decision(reason=f"renewing {_leases(len(renews))}", commands=renews, requeue_after=wait_s)


def _leases(count: int) -> str:
    return "the lease of a node" if count == 1 else f"the leases of {count} nodes"


def _due_ns(lease: coordination_v1.Lease, now: Instant) -> Instant:
    """When it is to be renewed: now, where somebody else has written it or the clock was put back."""
    spec = lease.spec
    renewed_ns = parse_time(spec.renew_time or "") if spec is not None else 0
    ours = spec is not None and spec.holder_identity == lease.metadata.name and renewed_ns <= now
    return renewed_ns + RENEW_S * SECOND_NS if ours else now


def _lease(node: core_v1.Node, now: Instant) -> coordination_v1.Lease:
    name = node.metadata.name
    owner = meta_v1.OwnerReference(api_version="v1", kind="Node", name=name, uid=node.metadata.uid)
    meta = meta_v1.ObjectMeta(name=name, namespace=LEASES, owner_references=(owner,))
    return _renewed(coordination_v1.Lease(metadata=meta), now)


def _renewed(lease: coordination_v1.Lease, now: Instant) -> coordination_v1.Lease:
    spec = lease.spec or coordination_v1.LeaseSpec()
    name, at = lease.metadata.name, micro_time(now)
    return replace(lease, spec=replace(spec, holder_identity=name, lease_duration_seconds=LEASE_S, renew_time=at))


RECONCILER = Reconciler(name="node-lease", actor="system:controller:node", wakes=WAKES, decide=decide, projections=(BY_TURN,))
