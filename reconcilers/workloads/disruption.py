"""Counts for each disruption budget how many pods it has, how many of them are healthy, and how many may be spared.

Source: Kubernetes' disruption controller. It also remembers pods whose eviction was granted a moment ago; here a pod that is
evicted is marked in the same commit, so it is simply not counted any more.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.pods import controller_of, is_ready
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import Update
from shipslog.store.objects import core_v1, meta_v1, selector
from shipslog.store.objects.apps_v1 import Deployment, ReplicaSet
from shipslog.store.objects.conditions import set_condition
from shipslog.store.objects.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus
from shipslog.store.objects.times import api_time
from shipslog.store.view import View

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
    status = _status(view, budget, now)
    if status == budget.status:
        return Decision(reason="the status is up to date")
    update = Update(object=replace(budget, status=status), subresource="status")
    return Decision(reason=f"{status.disruptions_allowed} may go", commands=(update,))


def _status(view: View, budget: PodDisruptionBudget, now: Instant) -> PodDisruptionBudgetStatus:
    pods = pods_of(view, budget)
    expected, desired = _wanted(view, budget, pods)
    current = healthy(pods)
    allowed = max(current - desired, 0) if expected > 0 else 0
    generation = budget.metadata.generation
    enough = meta_v1.Condition(
        type="DisruptionAllowed", status="True" if allowed else "False", observed_generation=generation,
        reason="SufficientPods" if allowed else "InsufficientPods", last_transition_time="",
    )  # fmt: skip
    return PodDisruptionBudgetStatus(
        observed_generation=generation, disruptions_allowed=allowed, current_healthy=current, desired_healthy=desired,
        expected_pods=expected, conditions=set_condition(budget.status.conditions, enough, api_time(now)),
    )  # fmt: skip


def _wanted(view: View, budget: PodDisruptionBudget, pods: Sequence[core_v1.Pod]) -> tuple[int, int]:
    """(how many pods there should be, how many of them healthy)"""
    least, most = budget.spec.min_available, budget.spec.max_unavailable
    if isinstance(least, int):
        return len(pods), least
    expected = _expected(view, pods)
    if most is not None:
        return expected, max(expected - _scaled(most, expected), 0)
    return expected, _scaled(least, expected) if least is not None else 0


def _expected(view: View, pods: Sequence[core_v1.Pod]) -> int:
    """What the controllers of the pods are asked for, each counted once; pods without one do not count."""
    found = [_in_charge(view, pod) for pod in pods]
    controllers = {controller.metadata.uid: controller for controller in found if controller is not None}
    return sum(getattr(controller.spec, "replicas", 0) or 0 for controller in controllers.values())


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


RECONCILER = Reconciler(name="disruption", actor="system:controller:disruption-controller", wakes=WAKES, decide=decide)
