"""Brings a DaemonSet about: its revisions, a pod on each node, updates, its status.

Source: Kubernetes' daemon controller. It remembers in memory how often pods failed on a node; here a pod that failed is left
for some seconds before it is replaced.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import available_in_ns, is_active, is_ready
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.reconcilers.workloads.adoption import adopters, claimed
from shipslog.reconcilers.workloads.job.census import ended_at
from shipslog.reconcilers.workloads.revisions import forgotten, history_of
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.selector import Selector, of_label_selector
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import ControllerRevision, DaemonSet, DaemonSetStatus
from shipslog.store.objects.values.times import SECOND_NS
from shipslog.store.view import View
from shipslog.store.wording import counted

from . import nodes as on
from . import rollout

BATCH = 250  # pods made or deleted by one decision
FAILED_S = 10  # a pod that failed is replaced so long after it did


def _selector_of(daemons: DaemonSet) -> Selector:
    return of_label_selector(daemons.spec.selector)


def _all(view: View, node: core_v1.Node) -> Iterable[str]:
    return [key_of(ds) for ds in view.list(DaemonSet)]


def _matters(before: core_v1.Node | None, after: core_v1.Node | None) -> bool:
    """Whether a node came, went, or is another to those who look for nodes."""
    if before is None or after is None:
        return True
    return before.metadata.labels != after.metadata.labels or before.spec.taints != after.spec.taints


WAKES = (
    rule(DaemonSet)
    .owns(core_v1.Pod, ControllerRevision)
    .watches(core_v1.Pod, to=adopters(DaemonSet, _selector_of))
    .watches(core_v1.Node, to=_all, when=_matters)
)


class _Fleet(Struct, frozen=True, kw_only=True):
    """A DaemonSet with its pods, by their nodes and the oldest first, and the nodes that it is meant for."""

    daemons: DaemonSet
    code: str
    now: Instant
    pods: dict[str, list[core_v1.Pod]]
    known: frozenset[str]
    wanted: frozenset[str]
    allowed: frozenset[str]

    def updated(self, pod: core_v1.Pod) -> bool:
        return on.is_updated(self.daemons, pod, self.code)

    def available(self, pod: core_v1.Pod) -> bool:
        return is_ready(pod) and available_in_ns(pod, self.daemons.spec.min_ready_seconds, self.now) <= 0


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Keep its history, then its pods, then roll out what is new; say in the status how far that is."""
    namespace, _, name = key.partition("/")
    daemons = view.get(DaemonSet, name, namespace)
    if daemons is None:
        return Decision(reason="there is no such daemon set")
    chosen = _selector_of(daemons)
    if not chosen:
        return Decision(reason="its selector selects all pods, which cannot be meant")
    mine, commands = claimed(view, daemons, chosen, core_v1.Pod, is_active)
    if commands:
        return Decision(reason="adopting and releasing pods", commands=tuple(commands))
    history = history_of(view, daemons, chosen, hash_label=on.HASH)
    if history.commands:
        return Decision(reason="keeping its history", commands=history.commands)
    if history.collides:
        status = replace(daemons.status, collision_count=(daemons.status.collision_count or 0) + 1)
        update = Update(object=replace(daemons, status=status), subresource="status")
        return Decision(reason="another revision has the name that the new one would have", commands=(update,))
    code = history.current.metadata.labels.get(on.HASH, "") if history.current is not None else ""
    spec = on.spec_of(daemons)
    fleet = _fleet(view, daemons, spec, code, mine, now)
    reason, says, wait_s = "its pods are where they are meant to be", list[Say](), None
    if not daemons.metadata.deletion_timestamp:
        commands, says, reason, wait_s = _work(fleet, spec)
        if not commands:
            living = {pod.metadata.labels.get(on.HASH, "") for pod in mine} | {code}
            names = [r.metadata.name for r in history.all if r.metadata.labels.get(on.HASH) in living]
            limit = daemons.spec.revision_history_limit
            commands += forgotten(history.all, names, 10 if limit is None else limit)
    status, again_s = _status(fleet)
    if status != daemons.status:
        commands.append(Update(object=replace(daemons, status=status), subresource="status"))
    waits = [wait for wait in (wait_s, again_s) if wait is not None]
    return Decision(reason=reason, commands=tuple(commands), says=tuple(says), requeue_after=min(waits, default=None))


def _fleet(
    view: View, daemons: DaemonSet, spec: core_v1.PodSpec, code: str, mine: Sequence[core_v1.Pod], now: Instant
) -> _Fleet:
    pods: dict[str, list[core_v1.Pod]] = {}
    for pod in sorted(mine, key=lambda p: (p.metadata.creation_timestamp, p.metadata.name)):
        pods.setdefault(on.node_of(pod), []).append(pod)
    places = {node.metadata.name: on.wants(spec, node) for node in view.list(core_v1.Node)}
    wanted = frozenset(name for name, (run, _) in places.items() if run)
    allowed = frozenset(name for name, (_, stay) in places.items() if stay)
    return _Fleet(daemons=daemons, code=code, now=now, pods=pods, known=frozenset(places), wanted=wanted, allowed=allowed)


def _work(fleet: _Fleet, spec: core_v1.PodSpec) -> tuple[list[AnyObjectCommand], list[Say], str, float | None]:
    """Pods to make and to delete: first what is missing or too much, and where nothing is, the update."""
    about = reference(fleet.daemons)
    doomed, nodes, says, wait_s = _upkeep(fleet)
    reason = f"{counted(len(nodes), 'node has', 'nodes have')} no pod, {counted(len(doomed), 'pod is', 'pods are')} not wanted"
    if not doomed and not nodes:
        reason = "its pods are where they are meant to be"
        if fleet.daemons.spec.update_strategy.type == "RollingUpdate":
            missing, surge = rollout.limits(fleet.daemons, len(fleet.wanted))
            changes = rollout.roll(fleet.pods, missing, surge, fleet.updated, fleet.available)
            doomed = list(changes.doomed)
            nodes = [node for node in changes.nodes if node in fleet.wanted]
            reason = "rolling out its template" if doomed or nodes else reason
    commands: list[AnyObjectCommand] = []
    for pod in doomed[:BATCH]:
        meta = pod.metadata
        delete = Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation="Background")
        commands.append(delete)
        says.append(Say(about=about, reason="SuccessfulDelete", message=f"Deleted pod: {meta.name}", after=delete))
    for node in nodes[:BATCH]:
        create = Create(object=on.make(fleet.daemons, spec, node, fleet.code))
        failed: dict[str, Any] = {"type": "Warning", "reason": "FailedCreate", "message": "Error creating: {why}"}
        commands.append(create)
        says.append(Say(about=about, reason="SuccessfulCreate", message="Created pod: {name}", after=create))
        says.append(Say(about=about, after=create, refused=True, **failed))
    return commands, says, reason, wait_s


def _upkeep(fleet: _Fleet) -> tuple[list[core_v1.Pod], list[str], list[Say], float | None]:
    """Pods to delete, nodes without one, what is said of pods that ended, and seconds until one of those may be replaced."""
    doomed: list[core_v1.Pod] = []
    says: list[Say] = []
    waits: list[float] = []
    nodes = [node for node in sorted(fleet.wanted) if node not in fleet.pods]
    surges = rollout.limits(fleet.daemons, len(fleet.wanted))[1] > 0 and (
        fleet.daemons.spec.update_strategy.type == "RollingUpdate"
    )
    for node, pods in sorted(fleet.pods.items()):
        living = [pod for pod in pods if not pod.metadata.deletion_timestamp]
        if node not in fleet.allowed:
            doomed += living
            continue
        ended = [pod for pod in living if pod.status.phase in TERMINAL]
        for pod in ended:
            left_s = (ended_at(pod) - fleet.now) / SECOND_NS + FAILED_S
            if left_s > 0:
                waits.append(left_s)
            else:
                doomed.append(pod)
                says.append(_ended(fleet.daemons, pod, node))
        running = [pod for pod in living if pod.status.phase not in TERMINAL]
        if not surges:
            doomed += running[1:]
        elif not running and not ended and node in fleet.wanted:
            nodes.append(node)  # with a surge the next one does not wait for the last one to be gone
        elif len(running) > 1:
            doomed += _doubled(fleet, running)
    return doomed, nodes, says, min(waits, default=None)


def _doubled(fleet: _Fleet, running: Sequence[core_v1.Pod]) -> list[core_v1.Pod]:
    """Of a node's pods those that go: all but the oldest of each template, and of these the old one when the new one can do."""
    new = [pod for pod in running if fleet.updated(pod)]
    old = [pod for pod in running if not fleet.updated(pod)]
    doomed = [*new[1:], *old[1:]]
    if new and old and (not is_ready(old[0]) or fleet.available(new[0])):
        doomed.append(old[0])
    return doomed


def _ended(daemons: DaemonSet, pod: core_v1.Pod, node: str) -> Say:
    where = f"{pod.metadata.namespace}/{pod.metadata.name} on node {node}"
    if pod.status.phase == "Failed":
        message = f"Found failed daemon pod {where}, will try to kill it"
        return Say(about=reference(daemons), type="Warning", reason="FailedDaemonPod", message=message)
    message = f"Found succeeded daemon pod {where}, will try to delete it"
    return Say(about=reference(daemons), reason="SucceededDaemonPod", message=message)


def _status(fleet: _Fleet) -> tuple[DaemonSetStatus, float | None]:
    """The status, and in how many seconds a pod becomes available that is only ready now."""
    firsts = [pods[0] for node in sorted(fleet.wanted) if (pods := fleet.pods.get(node))]
    ready = [pod for pod in firsts if is_ready(pod)]
    available = sum(map(fleet.available, ready))
    status = replace(
        fleet.daemons.status, desired_number_scheduled=len(fleet.wanted), current_number_scheduled=len(firsts),
        number_misscheduled=len(fleet.pods.keys() & fleet.known - fleet.wanted), number_ready=len(ready),
        updated_number_scheduled=sum(map(fleet.updated, firsts)), number_available=available,
        number_unavailable=len(fleet.wanted) - available, observed_generation=fleet.daemons.metadata.generation,
    )  # fmt: skip
    least = fleet.daemons.spec.min_ready_seconds
    waits = [available_in_ns(p, least, fleet.now) / SECOND_NS for pods in fleet.pods.values() for p in pods if is_ready(p)]
    return status, min((wait for wait in waits if wait > 0), default=None)


RECONCILER = Reconciler(
    name="daemon-set", actor="system:controller:daemon-set-controller", wakes=WAKES, decide=decide,
    component="daemonset-controller",
)  # fmt: skip
