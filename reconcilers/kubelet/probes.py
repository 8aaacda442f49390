"""Which probes a node runs now: those of its running containers. The whole list goes to the node when it changes."""

from collections.abc import Iterable, Iterator

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import namesake, rule
from shipslog.runtime.commands import ProbeTarget, SetProbes
from shipslog.store.facts import NodeObserved, PodFact
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View
from shipslog.store.wording import counted

from .bound_pod import AnyContainer, BoundPod, is_sidecar
from .expansion import Room
from .fields import ConfigError
from .hooks import probe_action

KINDS = ("startup", "liveness", "readiness")


def _node_that_probes(view: View, pod: core_v1.Pod) -> Iterable[str]:
    return (pod.spec.node_name,) if pod.spec.node_name and _has_probes(pod) else ()


def _node_of(view: View, fact: PodFact) -> Iterable[str]:
    """The node that reported, if the pod is probed."""
    entry = view.by_uid(fact.pod_uid)
    return (fact.node,) if entry is not None and _has_probes(entry.object) else ()


def _reporter(view: View, fact: NodeObserved) -> Iterable[str]:
    return (fact.node,)


WAKES = (
    rule()
    .watches(core_v1.Node, to=namesake, when=lambda before, after: False, at_start=True)
    .watches(core_v1.Pod, to=_node_that_probes)
    .hears(PodFact, to=_node_of)
    .hears(NodeObserved, to=_reporter)
)


def _has_probes(pod: core_v1.Pod) -> bool:
    return any(
        c.startup_probe is not None or c.liveness_probe is not None or c.readiness_probe is not None
        for c in (*pod.spec.containers, *pod.spec.init_containers)
    )


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """All probes of the node."""
    observed = view.node_observed(key)
    if observed is None:
        return Decision(reason="its node has not reported")
    targets: list[ProbeTarget] = []
    for pod in view.pods_on(key):
        uid = pod.metadata.uid
        runtime = view.pod_runtime(uid)
        if runtime is None or pod.status.phase in TERMINAL or not _has_probes(pod):
            continue
        bound = BoundPod(view=view, node=key, pod=pod, runtime=runtime, observed=observed, now=now)
        sidecars = [c for c in pod.spec.init_containers if is_sidecar(c)]
        room = Room()  # all probes of a pod are held for as long as it runs: together they get what one process may
        for container in (*sidecars, *pod.spec.containers):
            targets += _targets(bound, container, room)
    return Decision(reason=counted(len(targets), "probe", "probes"), commands=(SetProbes(node=key, targets=tuple(targets)),))


def _targets(pod: BoundPod, container: AnyContainer, room: Room) -> Iterator[ProbeTarget]:
    state = pod.state(container.name)
    if state is None or not state.running:
        return
    begun = state.probes.get("startup")
    waits = container.startup_probe is not None and not (begun is not None and begun.healthy)
    ending = bool(pod.pod.metadata.deletion_timestamp)
    for kind in KINDS:
        probe: core_v1.Probe | None = getattr(container, f"{kind}_probe")
        if probe is None or (kind == "startup") is not waits or (ending and kind != "readiness"):
            continue
        try:
            action = probe_action(probe, container, pod.ip, room)
        except ConfigError:
            continue  # a port without a number, a command too long: no outcome of it counts, as with Kubernetes' prober
        if action is not None:
            yield ProbeTarget(
                pod_uid=pod.uid, container=container.name, attempt=state.attempt, probe=kind, action=action,  # type: ignore[arg-type]
                initial_delay_s=probe.initial_delay_seconds, period_s=probe.period_seconds or 10,
                timeout_s=probe.timeout_seconds or 1, success_threshold=probe.success_threshold or 1,
                failure_threshold=probe.failure_threshold or 3,
            )  # fmt: skip


RECONCILER = Reconciler(name="probes", actor="system:controller:kubelet", wakes=WAKES, decide=decide)
