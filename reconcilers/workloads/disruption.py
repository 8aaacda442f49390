"""Counts for each disruption budget how many pods it has, how many of them are healthy, and how many may be spared.

Source: Kubernetes' disruption controller. It also remembers pods whose eviction was granted a moment ago; here a pod that is
evicted is marked in the same commit, so it is simply not counted any more.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import controller_of, is_ready
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import Update
from shipslog.store.objects import selector
from shipslog.store.objects.conditions import set_condition
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import Deployment, ReplicaSet
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus
from shipslog.store.objects.values.times import api_time
from shipslog.store.view import View

from .autoscaler.metrics import shown
from .autoscaler.target import value_at

ALLOWED = "DisruptionAllowed"
AGAIN_S = 60.0  # what it could not count is looked at again so often
UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of the PDB "
    "cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set "
    '".spec.minAvailable" field of the PDB to an integer value.'
)


class Uncounted(Exception):
    """There is no telling how many pods there should be; the message is for the condition."""


Controller = core_v1.ReplicationController | ReplicaSet | Deployment


def _asks_otherwise(before: Controller | None, after: Controller | None) -> bool:
    """Whether a controller came, went, or asks for another number."""
    return before is None or after is None or before.spec.replicas != after.spec.replicas


def pods_of(view: View, budget: PodDisruptionBudget) -> list[core_v1.Pod]:
    """The pods that the budget speaks of."""
    if budget.spec.selector is None:
        return []
    chosen = selector.of_label_selector(budget.spec.selector)
    return [pod for pod in view.list(core_v1.Pod, budget.metadata.namespace) if chosen.matches(pod.metadata.labels)]


def _budgets_of(view: View, pod: core_v1.Pod) -> Iterable[str]:
    """The budgets that speak of the pod."""
    for budget in view.list(PodDisruptionBudget, pod.metadata.namespace):
        if budget.spec.selector is not None and selector.of_label_selector(budget.spec.selector).matches(pod.metadata.labels):
            yield key_of(budget)


def _budgets_beside(view: View, controller: Controller) -> Iterable[str]:
    """All budgets of the namespace: any of them may speak of the controller's pods, and counts how many are asked for."""
    return [key_of(budget) for budget in view.list(PodDisruptionBudget, controller.metadata.namespace)]


WAKES = (
    rule(PodDisruptionBudget)
    .watches(core_v1.Pod, to=_budgets_of)
    .watches(core_v1.ReplicationController, ReplicaSet, Deployment, to=_budgets_beside, when=_asks_otherwise)
)


def healthy(pods: Sequence[core_v1.Pod]) -> int:
    """How many are ready and not ending."""
    return sum(1 for pod in pods if is_ready(pod) and not pod.metadata.deletion_timestamp)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Bring the status up to date."""
    namespace, _, name = key.partition("/")
    budget = view.get(PodDisruptionBudget, name, namespace)
    if budget is None:
        return Decision(reason="there is no such budget")
    try:
        status, says = _status(view, budget, now)
        wait_s = None
    except Uncounted as why:
        status, says, wait_s = _failed(budget, str(why), now)
    if status == budget.status:
        return Decision(reason="the status is up to date", says=says, requeue_after=wait_s)
    update = Update(object=replace(budget, status=status), subresource="status")
    reason = f"{status.disruptions_allowed} may go"
    return Decision(reason=reason, commands=(update,), says=says, requeue_after=wait_s)


def _status(view: View, budget: PodDisruptionBudget, now: Instant) -> tuple[PodDisruptionBudgetStatus, tuple[Say, ...]]:
    """(the status, what is said of the pods). Errors: Uncounted."""
    pods = pods_of(view, budget)
    expected, desired, unmanaged = _wanted(view, budget, pods)
    current = healthy(pods)
    allowed = max(current - desired, 0) if expected > 0 else 0
    says: list[Say] = []
    if not pods:
        says.append(Say(about=reference(budget), reason="NoPods", message="No matching pods found"))
    if unmanaged:
        message = UNMANAGED.format(shown(budget.spec.selector))
        says.append(Say(about=reference(budget), type="Warning", reason="UnmanagedPods", message=message))
    generation = budget.metadata.generation
    enough = meta_v1.Condition(
        type=ALLOWED, status="True" if allowed else "False", observed_generation=generation,
        reason="SufficientPods" if allowed else "InsufficientPods", last_transition_time="",
    )  # fmt: skip
    status = PodDisruptionBudgetStatus(
        observed_generation=generation, disruptions_allowed=allowed, current_healthy=current, desired_healthy=desired,
        expected_pods=expected, conditions=set_condition(budget.status.conditions, enough, api_time(now)),
    )  # fmt: skip
    return status, tuple(says)


def _failed(budget: PodDisruptionBudget, why: str, now: Instant) -> tuple[PodDisruptionBudgetStatus, tuple[Say, ...], float]:
    """Where there is no telling how many there should be, none may go."""
    generation = budget.metadata.generation
    failed = meta_v1.Condition(
        type=ALLOWED, status="False", observed_generation=generation, reason="SyncFailed", message=why, last_transition_time="",
    )  # fmt: skip
    conditions = set_condition(budget.status.conditions, failed, api_time(now))
    status = replace(budget.status, disruptions_allowed=0, observed_generation=generation, conditions=conditions)
    message = f"Failed to calculate the number of expected pods: {why}"
    about = reference(budget)
    return status, (Say(about=about, type="Warning", reason="CalculateExpectedPodCountFailed", message=message),), AGAIN_S


def _wanted(view: View, budget: PodDisruptionBudget, pods: Sequence[core_v1.Pod]) -> tuple[int, int, bool]:
    """(how many pods there should be, how many of them healthy, whether some are nobody's). Errors: Uncounted."""
    least, most = budget.spec.min_available, budget.spec.max_unavailable
    if isinstance(least, int):
        return len(pods), least, False
    expected, unmanaged = _expected(view, pods)
    if most is not None:
        return expected, max(expected - _scaled(most, expected), 0), unmanaged
    return expected, _scaled(least, expected) if least is not None else 0, unmanaged


def _expected(view: View, pods: Sequence[core_v1.Pod]) -> tuple[int, bool]:
    """(what the controllers of the pods are asked for, each counted once; whether pods without one were left out).
    Errors: Uncounted."""
    scales: dict[str, int] = {}
    unmanaged = False
    for pod in pods:
        ref = controller_of(pod)
        if ref is None:
            unmanaged = True
        elif ref.uid not in scales:
            controller = _in_charge(view, pod)
            scales[controller.metadata.uid if controller is not None else ref.uid] = _replicas(view, pod, controller)
    return sum(scales.values()), unmanaged


def _replicas(view: View, pod: core_v1.Pod, controller: Any) -> int:
    """How many a controller is asked for. Errors: Uncounted for one that is gone, or has no scale."""
    if controller is None:
        raise Uncounted(f'found no controllers for pod "{pod.metadata.name}"')
    kind = view.scheme.of(controller)
    definition = kind.definition
    if definition is None:
        if "scale" not in kind.subresources:
            raise Uncounted(f"{kind.resource} does not implement the scale subresource")
        replicas: int | None = controller.spec.replicas
        return 1 if replicas is None else replicas
    if definition.scale is None:
        raise Uncounted(f"{kind.resource} does not implement the scale subresource")
    found = value_at(controller.rest, definition.scale.spec_replicas_path)
    return found if isinstance(found, int) else 0


def _in_charge(view: View, pod: core_v1.Pod) -> Any:
    """Who says how many pods there shall be: the pod's controller, or the Deployment of its replica set."""
    controller = _controller(view, pod)
    if not isinstance(controller, ReplicaSet):
        return controller
    above = _controller(view, controller)
    return above if isinstance(above, Deployment) else controller


def _controller(view: View, obj: Any) -> Any:
    owner = controller_of(obj)
    entry = view.by_uid(owner.uid) if owner is not None else None
    return entry.object if entry is not None else None


def _scaled(value: int | str, whole: int) -> int:
    """A number, or a percentage of the whole, rounded up."""
    if isinstance(value, int):
        return value
    return ceil(int(value.rstrip("%")) * whole / 100) if value.rstrip("%").isdigit() else 0


RECONCILER = Reconciler(
    name="disruption", actor="system:controller:disruption-controller", wakes=WAKES, decide=decide, version=2,
    component="controllermanager",
)  # fmt: skip
