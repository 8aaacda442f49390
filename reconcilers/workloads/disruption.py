"""Counts for each disruption budget how many pods it has, how many of them are healthy, and how many may be spared.

Source: Kubernetes' disruption controller. It also remembers pods whose eviction was granted a moment ago; here a pod that is
evicted is marked in the same commit, so it is simply not counted any more.
"""

from collections.abc import Iterable, Sequence
from math import ceil

from msgspec.structs import replace

from shipslog.reconcilers.kubelet.times import api_time
from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.pods import controller_of, is_ready
from shipslog.store.commands import Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.objects import core_v1, meta_v1, selector
from shipslog.store.objects.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus
from shipslog.store.state import View

BUDGETS = "poddisruptionbudgets.policy"


def keys_for(view: View, event: Event) -> Iterable[str]:
    """The budget itself; for a pod or a controller all budgets of its namespace."""
    fact = event.fact
    if not isinstance(fact, ObjectFact):
        return ()
    if fact.resource == BUDGETS:
        return (f"{fact.namespace}/{fact.name}",)
    if fact.resource in ("pods", "replicationcontrollers"):
        return [f"{fact.namespace}/{b.metadata.name}" for b in view.list(PodDisruptionBudget, fact.namespace)]
    return ()


def all_keys(view: View) -> Iterable[str]:
    return [f"{b.metadata.namespace}/{b.metadata.name}" for b in view.list(PodDisruptionBudget)]


def pods_of(view: View, budget: PodDisruptionBudget) -> list[core_v1.Pod]:
    """The pods that the budget speaks of."""
    if budget.spec.selector is None:
        return []
    chosen = selector.of_label_selector(budget.spec.selector)
    return [pod for pod in view.list(core_v1.Pod, budget.metadata.namespace) if chosen.matches(pod.metadata.labels)]


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
        reason="SufficientPods" if allowed else "InsufficientPods", last_transition_time=api_time(now),
    )  # fmt: skip
    before = next((c for c in budget.status.conditions if c.type == enough.type), None)
    if before is not None and before.status == enough.status:
        enough = replace(enough, last_transition_time=before.last_transition_time)
    others = tuple(c for c in budget.status.conditions if c.type != enough.type)
    return PodDisruptionBudgetStatus(
        observed_generation=generation, disruptions_allowed=allowed, current_healthy=current, desired_healthy=desired,
        expected_pods=expected, conditions=(*others, enough),
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
    controllers = {owner.uid for pod in pods if (owner := controller_of(pod)) is not None}
    found = [entry.object for uid in controllers if (entry := view.by_uid(uid)) is not None]
    return sum(getattr(controller.spec, "replicas", 0) or 0 for controller in found)


def _scaled(value: int | str, whole: int) -> int:
    """A number, or a percentage of the whole, rounded up."""
    if isinstance(value, int):
        return value
    return ceil(int(value.rstrip("%")) * whole / 100) if value.rstrip("%").isdigit() else 0


RECONCILER = Reconciler(
    name="disruption",
    actor="system:controller:disruption-controller",
    keys_for=keys_for,
    all_keys=all_keys,
    decide=decide,
    resources=frozenset({BUDGETS, "pods", "replicationcontrollers"}),
)
