"""Disruption budgets of policy/v1beta1: an empty selector means no pod there, and every pod in v1.

A requirement that is never met, or always, stands for the other. Source: pkg/apis/policy/v1beta1 of Kubernetes 1.21.

Tests: tests/store/objects/conversions/test_older.py
"""

from msgspec.structs import replace

from shipslog.store.objects.types.meta_v1 import LabelSelector, LabelSelectorRequirement
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget

FIELDS: dict[str, str] = {}
KEY = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match"
EMPTY = LabelSelector()
NONE = LabelSelector(match_expressions=(LabelSelectorRequirement(key=KEY, operator="Exists"),))  # of v1
ALL = LabelSelector(match_expressions=(LabelSelectorRequirement(key=KEY, operator="DoesNotExist"),))  # of v1beta1


def to_hub(budget: PodDisruptionBudget) -> PodDisruptionBudget:
    """As it is stored."""
    chosen = budget.spec.selector
    return _with(budget, NONE if chosen == EMPTY else EMPTY if chosen == ALL else chosen)


def from_hub(budget: PodDisruptionBudget) -> PodDisruptionBudget:
    """As v1beta1 shows it."""
    chosen = budget.spec.selector
    return _with(budget, ALL if chosen == EMPTY else EMPTY if chosen == NONE else chosen)


def _with(budget: PodDisruptionBudget, chosen: LabelSelector | None) -> PodDisruptionBudget:
    return replace(budget, spec=replace(budget.spec, selector=chosen))
