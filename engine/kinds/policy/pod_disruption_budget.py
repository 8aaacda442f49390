"""Disruption budgets: how many pods of a set may be missing at one time by somebody's will.

Tests: tests/engine/kinds/test_goldens.py, tests/engine/test_eviction.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.engine.kinds.workloads import check_not_more_than_all, check_share
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus


class PodDisruptionBudgetStrategy(Strategy):
    about = "How many pods of a set may be missing at one time by somebody's will."
    unconditional_update = False
    columns = (
        NAME,
        Column("Min Available", "How many pods must stay; N/A where the budget says how many may be missing."),
        Column("Max Unavailable", "How many pods may be missing; N/A where the budget says how many must stay."),
        Column("Allowed Disruptions", "How many pods may be evicted now.", "integer"),
        AGE,
    )

    def cells(self, obj: PodDisruptionBudget, now_ns: int) -> list[Any]:
        spec = obj.spec
        least = "N/A" if spec.min_available is None else str(spec.min_available)
        most = "N/A" if spec.max_unavailable is None else str(spec.max_unavailable)
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, least, most, obj.status.disruptions_allowed, created]

    def create(self, kind: Kind, obj: PodDisruptionBudget, ctx: Admission) -> PodDisruptionBudget:
        return replace(obj, metadata=replace(obj.metadata, generation=1), status=PodDisruptionBudgetStatus())

    def update(
        self, kind: Kind, old: PodDisruptionBudget, new: PodDisruptionBudget, subresource: str, ctx: Admission
    ) -> PodDisruptionBudget:
        if subresource == "status":
            return replace(new, spec=old.spec)
        generation = generation_after(old, old.spec != new.spec)
        return replace(new, metadata=replace(new.metadata, generation=generation), status=old.status)

    def check(self, faults: Faults, obj: PodDisruptionBudget) -> None:
        check_budget(faults, obj)


def check_budget(faults: Faults, budget: PodDisruptionBudget) -> None:
    spec = budget.spec
    if spec.min_available is not None and spec.max_unavailable is not None:
        faults.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for field, value in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        if value is not None:
            check_share(faults, f"spec.{field}", value)
            check_not_more_than_all(faults, f"spec.{field}", value)
    check_label_selector(faults, spec.selector, "spec.selector")
    policy = spec.unhealthy_pod_eviction_policy
    if policy not in (None, "IfHealthyBudget", "AlwaysAllow"):
        faults.not_supported("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget"))


STRATEGY = PodDisruptionBudgetStrategy()
