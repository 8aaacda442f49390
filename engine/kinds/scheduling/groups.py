"""What pod groups and the templates of them share: how they are scheduled, disrupted, and which claims they have.

Source: the declarative validation of scheduling.k8s.io.

Tests: tests/engine/kinds/scheduling/test_pod_groups.py
"""

from collections.abc import Sequence
from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.scheduling_v1beta1 import (
    CompositePodGroupSchedulingPolicy,
    PodGroupResourceClaim,
    PodGroupSchedulingPolicy,
    TopologyConstraint,
)

MOST_CLAIMS, MOST_TOPOLOGIES = 4, 1
AT_LEAST_ONE = "must be greater than or equal to 1"
POLICIES = ("PreemptLowerPriority", "Never")


def check_one_of(faults: Faults, path: str, given: dict[str, Any]) -> None:
    """Exactly one of some fields."""
    listed = ", ".join(f"`{name}`" for name in given)
    fields = [name for name, value in given.items() if value is not None]
    if not fields:
        faults.invalid(path, "", f"must specify one of: {listed}")
    elif len(fields) > 1:
        quoted = ", ".join(f"`{name}`" for name in fields)
        faults.invalid(path, f"{{{quoted}}}", f"must specify exactly one of: {listed}")


def check_policy(faults: Faults, policy: PodGroupSchedulingPolicy | CompositePodGroupSchedulingPolicy, path: str) -> None:
    check_one_of(faults, path, {"basic": policy.basic, "gang": policy.gang})
    if policy.gang is None:
        return
    if isinstance(policy, PodGroupSchedulingPolicy):
        assert policy.gang is not None
        if policy.gang.min_count < 1:
            faults.invalid(f"{path}.gang.minCount", policy.gang.min_count, AT_LEAST_ONE)
    elif policy.gang is not None and policy.gang.min_group_count < 1:
        faults.invalid(f"{path}.gang.minGroupCount", policy.gang.min_group_count, AT_LEAST_ONE)


def check_topology(faults: Faults, topology: Sequence[TopologyConstraint], path: str) -> None:
    if len(topology) > MOST_TOPOLOGIES:
        faults.too_many(path, len(topology), MOST_TOPOLOGIES)
        return
    for i, constraint in enumerate(topology):
        if not constraint.key:
            faults.required(f"{path}[{i}].key")
        else:
            faults.invalid_each(f"{path}[{i}].key", constraint.key, names.qualified(constraint.key))


def check_claims(faults: Faults, claims: Sequence[PodGroupResourceClaim], path: str) -> None:
    if len(claims) > MOST_CLAIMS:
        faults.too_many(path, len(claims), MOST_CLAIMS)
        return
    for i, claim in enumerate(claims):
        at = f"{path}[{i}]"
        if not claim.name:
            faults.required(f"{at}.name")
        else:
            faults.invalid_each(f"{at}.name", claim.name, names.label(claim.name))
        if any(claim.name == other.name for other in claims[:i]):
            faults.duplicate(at, claim.name)
        given = {
            "resourceClaimName": claim.resource_claim_name,
            "resourceClaimTemplateName": claim.resource_claim_template_name,
        }
        check_one_of(faults, at, given)
        for field, value in given.items():
            if value is not None:
                faults.invalid_each(f"{at}.{field}", value, names.subdomain(value))


def check_priority(faults: Faults, class_name: str, preemption: str | None, path: str) -> None:
    if class_name:
        faults.invalid_each(f"{path}.priorityClassName", class_name, names.subdomain(class_name))
    if preemption is not None and preemption not in POLICIES:
        faults.not_supported(f"{path}.preemptionPolicy", preemption, POLICIES)
