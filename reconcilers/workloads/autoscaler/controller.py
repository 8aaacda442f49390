"""The autoscaler's rule: what was observed last, as much of it as its behavior lets through, and its conditions and events."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import AnyObjectCommand, Update
from shipslog.store.facts import MetricsObserved
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types import apps_v1, core_v1
from shipslog.store.objects.types.autoscaling_v2 import (
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerCondition,
    HorizontalPodAutoscalerStatus,
)
from shipslog.store.objects.values.times import SECOND_NS, api_time
from shipslog.store.projections import index
from shipslog.store.state import AutoscalerState
from shipslog.store.view import View

from .behavior import follow
from .metrics import Wish, wish
from .target import NoTarget, Target, selector_of, target_of

SYNC_S = 15.0  # what only time brings: windows that end, periods that are over


def _target_key(autoscaler: HorizontalPodAutoscaler) -> tuple[tuple[str, str, str], ...]:
    ref = autoscaler.spec.scale_target_ref
    return ((autoscaler.metadata.namespace, ref.kind, ref.name),)


def _selected(obj: Any) -> tuple[tuple[str, str, str], ...]:
    """One of the labels that a thing's pods must have; NO_LABEL where it only says more of them."""
    chosen = selector_of(obj)
    if not chosen:
        return ()
    return ((obj.metadata.namespace, *min(chosen.exact.items(), default=NO_LABEL)),)


NO_LABEL = ("", "")
SCALED = ("replicationcontrollers", "replicasets.apps", "deployments.apps", "statefulsets.apps")
SELECTING = index("things with replicas by a label that they select", SCALED, _selected)
BY_TARGET = index("autoscalers by what they scale", ("horizontalpodautoscalers.autoscaling",), _target_key)


def _of_target(view: View, obj: core_v1.ReplicationController | apps_v1.ReplicaSet) -> Iterable[str]:
    found = view.find(BY_TARGET, (obj.metadata.namespace, obj.kind, obj.metadata.name))
    return [key_of(entry.object) for entry in found]


def _observed(view: View, fact: MetricsObserved) -> Iterable[str]:
    return (f"{fact.namespace}/{fact.name}",)


TARGETS = (core_v1.ReplicationController, apps_v1.ReplicaSet, apps_v1.Deployment, apps_v1.StatefulSet)
WAKES = rule(HorizontalPodAutoscaler).watches(*TARGETS, to=_of_target).hears(MetricsObserved, to=_observed).reads(core_v1.Pod)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Scale, or say why not."""
    namespace, _, name = key.partition("/")
    autoscaler = view.get(HorizontalPodAutoscaler, name, namespace)
    if autoscaler is None or autoscaler.metadata.deletion_timestamp:
        return Decision(reason="there is no such autoscaler, or it goes")
    turn, status = _Turn(autoscaler, now), autoscaler.status
    try:
        target = target_of(view, autoscaler)
    except NoTarget as error:
        why = f"the HPA controller was unable to get the target's current scale: {error}"
        turn.condition("AbleToScale", False, "FailedGetScale", why)
        turn.warn("FailedGetScale", str(error))
        return turn.decided(status.current_replicas, status.desired_replicas, "it has nothing to scale")
    turn.condition("AbleToScale", True, "SucceededGetScale",
                   "the HPA controller was able to get the target's current scale")  # fmt: skip
    return _scaled(view, turn, target)


def _scaled(view: View, turn: "_Turn", target: Target) -> Decision:
    spec, current = turn.autoscaler.spec, target.replicas
    least = 1 if spec.min_replicas is None else spec.min_replicas
    if not current and least:
        why = "scaling is disabled since the replica count of the target is zero"
        turn.condition("ScalingActive", False, "ScalingDisabled", why)
        return turn.decided(0, 0, why)
    if current > spec.max_replicas:
        return turn.to(target, spec.max_replicas, "Current number of replicas above Spec.MaxReplicas")
    if current < least:
        return turn.to(target, least, "Current number of replicas below Spec.MinReplicas")
    state = view.autoscaler(turn.autoscaler.metadata.uid)
    if state is None or state.observed is None:
        return Decision(reason="nothing has been measured for it yet")
    if (rest_s := _rest_s(state, turn.now)) > 0:
        return Decision(reason="it has scaled just now: what it is worth shows at the next turn", requeue_after=rest_s)
    found = _wished(view, turn, target)
    if found is None:
        return turn.decided(current, turn.autoscaler.status.desired_replicas, turn.why)
    if found.replicas is None:
        turn.metrics = found.statuses
        turn.warn("FailedComputeMetricsReplicas", found.error)
        return turn.decided(current, turn.autoscaler.status.desired_replicas, found.error)
    turn.metrics = found.statuses
    followed = follow(turn.autoscaler, state, current, found.replicas, turn.now)
    turn.condition("AbleToScale", True, *followed.able)
    turn.condition("ScalingLimited", followed.limited, *followed.limit)
    why = f"{found.metric} above target" if followed.replicas > current else "All metrics below target"
    return turn.to(target, followed.replicas, why)


def _rest_s(state: AutoscalerState, now: Instant) -> float:
    """Seconds until it is to be scaled by its metrics again: its limits are meant for each of Kubernetes' turns."""
    last_ns = state.scalings[-1][0] if state.scalings else 0
    left_s = SYNC_S - (now - last_ns) / SECOND_NS
    return left_s if left_s <= SYNC_S else 0.0  # the clock was put back


def _wished(view: View, turn: "_Turn", target: Target) -> Wish | None:
    """What the metrics come to, told in the conditions; None where it cannot even be asked."""
    if target.selector is None:
        turn.condition("ScalingActive", False, "InvalidSelector", "the HPA target's scale is missing a selector")
        turn.warn("SelectorRequired", "selector is required")
        return None
    pods = target.pods(view)
    others = _rivals(view, turn.autoscaler, pods)
    if others:
        names = " ".join(f"{o.metadata.namespace}/{o.metadata.name}" for o in (turn.autoscaler, *others))
        why = f"pods by selector {target.selector} are controlled by multiple HPAs: [{names}]"
        turn.condition("ScalingActive", False, "AmbiguousSelector", why)
        turn.warn("AmbiguousSelector", why)
        return None
    state = view.autoscaler(turn.autoscaler.metadata.uid)
    assert state is not None and state.observed is not None
    found = wish(turn.autoscaler, target, pods, state.observed.readings, turn.now)
    for reason, message in found.failures:
        turn.warn(reason, message)
    if found.replicas is None:
        reason, message = found.failures[0] if found.failures else ("InvalidMetricSourceType", "it names no metrics")
        why = f"the HPA was unable to compute the replica count: {message}"
        turn.condition("ScalingActive", False, reason, why)
    else:
        what = f"the HPA was able to successfully calculate a replica count from {found.metric}"
        turn.condition("ScalingActive", True, "ValidMetricFound", what)
    return found


def _rivals(view: View, autoscaler: HorizontalPodAutoscaler, pods: list[core_v1.Pod]) -> list[HorizontalPodAutoscaler]:
    """The other autoscalers of what selects any of these pods too."""
    found: dict[str, HorizontalPodAutoscaler] = {}
    for label in sorted({label for pod in pods for label in pod.metadata.labels.items()} | {NO_LABEL}):
        for entry in view.find(SELECTING, (autoscaler.metadata.namespace, *label)):
            other = entry.object
            for scaler in view.find(BY_TARGET, (other.metadata.namespace, other.kind, other.metadata.name)):
                if scaler.object.metadata.uid == autoscaler.metadata.uid or scaler.object.metadata.uid in found:
                    continue
                if any(selector_of(other).matches(pod.metadata.labels) for pod in pods):
                    found[scaler.object.metadata.uid] = scaler.object
    return sorted(found.values(), key=lambda one: one.metadata.name)


class _Turn:
    """One decision while it is being made."""

    def __init__(self, autoscaler: HorizontalPodAutoscaler, now: Instant) -> None:
        self.autoscaler, self.now, self.why = autoscaler, now, ""
        self.metrics = autoscaler.status.current_metrics
        self._conditions = list(autoscaler.status.conditions)
        self._says: list[Say] = []
        self._about = reference(autoscaler)

    def condition(self, type_: str, holds: bool, reason: str, message: str) -> None:
        """Say how things stand; in its old place, with the time of the last change of its status."""
        self.why = message
        held = find_condition(tuple(self._conditions), type_)
        status = "True" if holds else "False"
        since = held.last_transition_time if held is not None and held.status == status else api_time(self.now)
        new = HorizontalPodAutoscalerCondition(
            type=type_, status=status, last_transition_time=since, reason=reason, message=message
        )
        if held is None:
            self._conditions.append(new)
        else:
            self._conditions[self._conditions.index(held)] = new

    def warn(self, reason: str, message: str) -> None:
        self._says.append(Say(about=self._about, type="Warning", reason=reason, message=message))

    def to(self, target: Target, replicas: int, why: str) -> Decision:
        """Have so many replicas."""
        if replicas == target.replicas:
            return self.decided(target.replicas, replicas, "as many as there should be")
        what = f"the HPA controller was able to update the target scale to {replicas}"
        self.condition("AbleToScale", True, "SucceededRescale", what)
        scale = target.scaled(replicas)
        message = f"New size: {replicas}; reason: {why}"
        refused = f"New size: {replicas}; reason: {why}; error: {{why}}"
        about = self._about
        self._says.append(Say(about=about, reason="SuccessfulRescale", message=message, after=scale))
        self._says.append(Say(about=about, type="Warning", reason="FailedRescale", message=refused, after=scale, refused=True))
        return self.decided(target.replicas, replicas, message, (scale,))

    def decided(self, current: int, desired: int, why: str, commands: tuple[AnyObjectCommand, ...] = ()) -> Decision:
        held = self.autoscaler.status
        status = HorizontalPodAutoscalerStatus(
            observed_generation=self.autoscaler.metadata.generation or None, current_replicas=current,
            desired_replicas=desired, current_metrics=self.metrics, conditions=tuple(self._conditions),
            last_scale_time=api_time(self.now) if commands else held.last_scale_time,
        )  # fmt: skip
        if status != held:
            commands = (*commands, Update(object=replace(self.autoscaler, status=status), subresource="status"))
        return Decision(reason=why, commands=commands, requeue_after=SYNC_S, says=tuple(self._says))


RECONCILER = Reconciler(
    name="horizontal-pod-autoscaler", actor="system:controller:horizontal-pod-autoscaler", wakes=WAKES, decide=decide,
    projections=(BY_TARGET, SELECTING), version=2,
)  # fmt: skip
