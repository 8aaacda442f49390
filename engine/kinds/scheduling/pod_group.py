"""Pod groups: pods that are scheduled together.

Tests: tests/engine/kinds/scheduling/test_pod_groups.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, age
from shipslog.engine.kinds.conditions import check_conditions
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.scheduling_v1beta1 import DisruptionMode, PodGroup, SingleDisruptionMode

from .groups import check_claims, check_one_of, check_policy, check_priority, check_topology
from .priority_class import admit_priority


class PodGroupRules(WithSpec):
    about = "Pods that are scheduled together."
    columns = (NAME, AGE)

    def cells(self, obj: PodGroup, now_ns: int) -> list[Any]:
        return [obj.metadata.name, age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: PodGroup) -> PodGroup:
        if obj.spec.disruption_mode is not None:
            return obj
        return replace(obj, spec=replace(obj.spec, disruption_mode=DisruptionMode(single=SingleDisruptionMode())))

    def create(self, kind: Kind, obj: PodGroup, ctx: Admission) -> PodGroup:
        made: PodGroup = super().create(kind, admit_group(kind, obj, ctx), ctx)
        return made

    def check(self, faults: Faults, obj: PodGroup) -> None:
        spec = obj.spec
        if spec.parent_composite_pod_group_name is not None:
            parent = spec.parent_composite_pod_group_name
            faults.invalid_each("spec.parentCompositePodGroupName", parent, names.subdomain(parent))
        if (ref := spec.workload_ref) is not None:
            for field, value in (("workloadName", ref.workload_name), ("templateName", ref.template_name)):
                at = f"spec.workloadRef.{field}"
                if not value:
                    faults.required(at)
                else:
                    faults.invalid_each(at, value, names.subdomain(value))
        check_policy(faults, spec.scheduling_policy, "spec.schedulingPolicy")
        if spec.scheduling_constraints is not None:
            check_topology(faults, spec.scheduling_constraints.topology, "spec.schedulingConstraints.topology")
        check_claims(faults, spec.resource_claims, "spec.resourceClaims")
        if (mode := spec.disruption_mode) is not None:
            check_one_of(faults, "spec.disruptionMode", {"single": mode.single, "all": mode.all})
        check_priority(faults, spec.priority_class_name, spec.preemption_policy, "spec")

    def check_change(self, faults: Faults, old: PodGroup, new: PodGroup) -> None:
        if old.spec != new.spec:
            faults.invalid("spec", new.spec, IMMUTABLE)

    def check_status(self, faults: Faults, old: PodGroup, new: PodGroup) -> None:
        check_conditions(faults, new.status.conditions, "status.conditions")
        known = {claim.name for claim in new.spec.resource_claims}
        for i, status in enumerate(new.status.resource_claim_statuses):
            at = f"status.resourceClaimStatuses[{i}]"
            if status.name not in known:
                words = "must match the name of an entry in `spec.resourceClaims`"
                faults.invalid(f"{at}.name", status.name, words)
            if status.resource_claim_name is not None:
                claim = status.resource_claim_name
                faults.invalid_each(f"{at}.resourceClaimName", claim, names.subdomain(claim))


def admit_group(kind: Kind, obj: PodGroup, ctx: Admission) -> PodGroup:
    """The group with its priority; what is wrong with the words of it is told by `check`."""
    wrong = Faults()
    check_priority(wrong, obj.spec.priority_class_name, obj.spec.preemption_policy, "spec")
    made: PodGroup = obj if wrong else admit_priority(kind, obj, ctx)
    return made


STRATEGY = PodGroupRules()
