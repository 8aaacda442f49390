"""Resource quotas: how much all of a namespace may have together.

Tests: tests/engine/kinds/core/test_limits.py
"""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.pod_spec.checks.resources import check_amount
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.core_v1 import ResourceQuota, ScopedResourceSelectorRequirement
from shipslog.store.objects.values.scalars import Quantity

SCOPES = (
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
)
# Scopes that a quota of some resources may not have.
PAIRS = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
POD_RESOURCES = frozenset({"pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
STANDARD = POD_RESOURCES | {
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
    "requests.storage",
    "ephemeral-storage",
    "requests.ephemeral-storage",
    "limits.ephemeral-storage",
}
OF_BEST_EFFORT = frozenset({"pods"})
OF_CLAIMS = frozenset({"persistentvolumeclaims", "requests.storage"})
OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
INVALID_SCOPE = "unsupported scope applied to resource"


class ResourceQuotaRules(WithSpec):
    about = "How much all of a namespace may have together."
    returns_deleted = True
    counts = False
    columns = (
        NAME,
        Column("Request", "What is asked for, of what may be."),
        Column("Limit", "What may be used, of what may be at most."),
        AGE,
    )

    def cells(self, obj: ResourceQuota, now_ns: int) -> list[Any]:
        hard, used = obj.spec.hard, obj.status.used
        shown = {name: f"{name}: {used.get(name, '0')}/{amount}" for name, amount in sorted(hard.items())}
        asked = ", ".join(text for name, text in shown.items() if not name.startswith("limits"))
        limits = ", ".join(text for name, text in shown.items() if name.startswith("limits"))
        return [obj.metadata.name, asked, limits, age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: ResourceQuota) -> None:
        for name, amount in obj.spec.hard.items():
            check_quota_name(faults, name, f"spec.hard[{name}]")
            check_amount(faults, name, amount, f"spec.hard[{name}]")
        _check_scopes(faults, obj, "spec.scopes")
        chosen = obj.spec.scope_selector
        for i, requirement in enumerate(chosen.match_expressions if chosen is not None else ()):
            path = f"spec.scopeSelector.matchExpressions[{i}]"
            _check_requirement(faults, requirement, path)
            for _ in _not_of(requirement.scope_name, obj):
                faults.invalid(f"{path}.scopeName", requirement.scope_name, INVALID_SCOPE)

    def check_change(self, faults: Faults, old: ResourceQuota, new: ResourceQuota) -> None:
        self.check(faults, new)
        if set(old.spec.scopes) != set(new.spec.scopes):
            faults.invalid("spec.scopes", new.spec.scopes, IMMUTABLE)
        if old.spec.scope_selector != new.spec.scope_selector:
            faults.invalid("spec.scopeSelector", new.spec.scope_selector, IMMUTABLE)

    def check_status(self, faults: Faults, old: ResourceQuota, new: ResourceQuota) -> None:
        for part, amounts in (("hard", new.status.hard), ("used", new.status.used)):
            if not amounts:
                faults.required(f"status.{part}")
            _check_amounts(faults, amounts, f"status.{part}")


def _check_amounts(faults: Faults, amounts: dict[str, Quantity], path: str) -> None:
    for name, amount in amounts.items():
        check_quota_name(faults, name, f"{path}[{name}]")
        check_amount(faults, name, amount, f"{path}[{name}]")


def check_quota_name(faults: Faults, name: str, path: str) -> None:
    if messages := names.qualified(name):
        faults.invalid_each(path, name, messages)
    elif "/" not in name and name not in STANDARD and not name.startswith(("hugepages-", "requests.hugepages-")):
        faults.invalid(path, name, "must be a standard resource type or fully qualified")
        faults.invalid(path, name, "must be a standard resource for quota")


def _not_of(scope: str, obj: ResourceQuota) -> list[str]:
    """What a quota limits that is nothing of those in a scope."""
    meant = OF_BEST_EFFORT if scope == "BestEffort" else OF_CLAIMS if scope == "VolumeAttributesClass" else POD_RESOURCES
    return [name for name in sorted(obj.spec.hard) if scope in SCOPES and name in STANDARD and name not in meant]


def _check_scopes(faults: Faults, obj: ResourceQuota, path: str) -> None:
    scopes = obj.spec.scopes
    for scope in scopes:
        if scope not in SCOPES:
            faults.invalid(path, scopes, "unsupported scope")
        for _ in _not_of(scope, obj):
            faults.invalid(path, scopes, INVALID_SCOPE)
    for pair in PAIRS:
        if set(pair) <= set(scopes):
            faults.invalid(path, scopes, "conflicting scopes")


def _check_requirement(faults: Faults, requirement: ScopedResourceSelectorRequirement, path: str) -> None:
    scope, operator, values = requirement.scope_name, requirement.operator, requirement.values
    if scope not in SCOPES:
        faults.invalid(f"{path}.scopeName", scope, "unsupported scope")
    if scope not in ("PriorityClass", "VolumeAttributesClass") and operator != "Exists":
        words = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
        words += "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
        faults.invalid(f"{path}.operator", operator, words)
    if operator in ("In", "NotIn"):
        if not values:
            faults.required(
                f"{path}.values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            words = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            faults.invalid(f"{path}.values", values, words)
    else:
        faults.invalid(f"{path}.operator", operator, "not a valid selector operator")


STRATEGY = ResourceQuotaRules()
