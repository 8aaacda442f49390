"""Eviction: a pod goes only if its disruption budget can spare it.

Source: pkg/registry/core/pod/storage/eviction.go of Kubernetes 1.32.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/test_eviction.py
"""

from typing import TYPE_CHECKING

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.subresources import Posted
from shipslog.store.commands import Evict
from shipslog.store.objects import selector
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types.core_v1 import Pod
from shipslog.store.refusals import BadRequest, Cause, Internal, TooManyRequests

if TYPE_CHECKING:
    from shipslog.store.objects.types.policy_v1 import Eviction, PodDisruptionBudget

BUDGETS = "poddisruptionbudgets.policy"
NOT_ALLOWED = "Cannot evict pod as it would violate the pod's disruption budget."
SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


def admit_eviction(pod: Pod, ctx: Admission) -> "PodDisruptionBudget | None":
    """The budget that the eviction draws on, None when none speaks of this pod.
    Errors: TooManyRequests when the budget is spent; Internal (500) for a pod with several."""
    if pod.status.phase in (*TERMINAL, "Pending") or pod.metadata.deletion_timestamp:
        return None  # what does not run, and what ends anyway, takes nothing from a budget
    budgets = _budgets_of(pod, ctx)
    if len(budgets) > 1:
        raise Internal(SEVERAL)
    if not budgets:
        return None
    budget = budgets[0]
    status = budget.status
    ready = any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)
    if not ready and (
        budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow" or status.current_healthy >= status.desired_healthy > 0
    ):
        return None
    if (status.observed_generation or 0) < budget.metadata.generation:
        why = f"The disruption budget {budget.metadata.name} is still being processed by the server."
    elif min(status.disruptions_allowed, _to_spare(budget, ctx)) <= 0:
        why = (
            f"The disruption budget {budget.metadata.name} needs {status.desired_healthy} healthy pods and has "
            f"{status.current_healthy} currently"
        )
    else:
        return budget
    raise TooManyRequests(NOT_ALLOWED, causes=(Cause("DisruptionBudget", why, ""),))


def _to_spare(budget: "PodDisruptionBudget", ctx: Admission) -> int:
    """How many may go at this very moment: the status does not know yet of an eviction that was granted just before."""
    from shipslog.reconcilers.workloads import disruption

    return disruption.healthy(disruption.pods_of(ctx.view, budget)) - budget.status.desired_healthy


def _budgets_of(pod: Pod, ctx: Admission) -> "list[PodDisruptionBudget]":
    labels = pod.metadata.labels
    held: list[PodDisruptionBudget] = [entry.object for entry in ctx.view.entries(BUDGETS, pod.metadata.namespace)]
    return [b for b in held if b.spec.selector is not None and selector.of_label_selector(b.spec.selector).matches(labels)]


def command(eviction: "Eviction", namespace: str, name: str) -> Evict:
    """What a posted Eviction asks for. Errors: BadRequest."""
    if eviction.metadata.name not in ("", name):
        raise BadRequest("name in URL does not match name in Eviction object")
    options = eviction.delete_options
    if options is None:
        return Evict(namespace=namespace, name=name)
    uid = options.preconditions.uid if options.preconditions is not None else None
    return Evict(namespace=namespace, name=name, grace_period_s=options.grace_period_seconds, uid=uid)


POSTED = Posted(
    kind="Eviction", group="policy", version="v1", type="policy_v1:Eviction", accepts=("policy/v1", "policy/v1beta1"),
    command=command, delete_options=lambda eviction: eviction.delete_options, validation="Ignore",
)  # fmt: skip
