"""Workloads: templates of the pod groups that a controller's pods come in.

Tests: tests/engine/kinds/scheduling/test_pod_groups.py
"""

from collections.abc import Sequence
from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, age
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.scheduling_v1beta1 import CompositePodGroupTemplate, PodGroupTemplate, Workload

from .groups import check_claims, check_one_of, check_policy, check_priority, check_topology

MOST, DEEPEST = 8, 4


class WorkloadRules(WithSpec):
    about = "Templates of the pod groups that a controller's pods come in."
    columns = (NAME, AGE)

    def cells(self, obj: Workload, now_ns: int) -> list[Any]:
        return [obj.metadata.name, age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: Workload) -> None:
        spec = obj.spec
        if (ref := spec.controller_ref) is not None:
            if ref.api_group:
                faults.invalid_each("spec.controllerRef.apiGroup", ref.api_group, names.subdomain(ref.api_group))
            for field, value in (("kind", ref.kind), ("name", ref.name)):
                if not value:
                    faults.required(f"spec.controllerRef.{field}")
                else:
                    faults.invalid_each(f"spec.controllerRef.{field}", value, names.path_segment(value))
        if not spec.pod_group_templates and not spec.composite_pod_group_templates:
            faults.required("spec.podGroupTemplates", "must have at least one item")
        _check_templates(faults, spec.pod_group_templates, "spec.podGroupTemplates")
        _check_composites(faults, spec.composite_pod_group_templates, "spec.compositePodGroupTemplates", DEEPEST)

    def check_change(self, faults: Faults, old: Workload, new: Workload) -> None:
        """Once it says whose it is, that stays; and its templates are what they are."""
        was, now = old.spec, new.spec
        if was.controller_ref is not None:
            check_same(faults, "spec.controllerRef", was.controller_ref, now.controller_ref)
        elif now.controller_ref is not None:
            self.check(faults, new)
        for field, before, after in (
            ("podGroupTemplates", was.pod_group_templates, now.pod_group_templates),
            ("compositePodGroupTemplates", was.composite_pod_group_templates, now.composite_pod_group_templates),
        ):
            if before != after:
                faults.invalid(f"spec.{field}", after, IMMUTABLE)


def _check_named(faults: Faults, items: Sequence[PodGroupTemplate | CompositePodGroupTemplate], path: str) -> bool:
    """Each with a name of its own, and not too many; whether they may be looked into."""
    if len(items) > MOST:
        faults.too_many(path, len(items), MOST)
        return False
    for i, item in enumerate(items):
        if not item.name:
            faults.required(f"{path}[{i}].name")
        else:
            faults.invalid_each(f"{path}[{i}].name", item.name, names.label(item.name))
        if any(item.name == other.name for other in items[:i]):
            faults.duplicate(f"{path}[{i}]", item.name)
    return True


def _check_templates(faults: Faults, templates: Sequence[PodGroupTemplate], path: str) -> None:
    for i, template in enumerate(templates if _check_named(faults, templates, path) else ()):
        at = f"{path}[{i}]"
        check_policy(faults, template.scheduling_policy, f"{at}.schedulingPolicy")
        if template.scheduling_constraints is not None:
            check_topology(faults, template.scheduling_constraints.topology, f"{at}.schedulingConstraints.topology")
        check_claims(faults, template.resource_claims, f"{at}.resourceClaims")
        if (mode := template.disruption_mode) is not None:
            check_one_of(faults, f"{at}.disruptionMode", {"single": mode.single, "all": mode.all})
        check_priority(faults, template.priority_class_name, template.preemption_policy, at)


def _check_composites(faults: Faults, templates: Sequence[CompositePodGroupTemplate], path: str, depth: int) -> None:
    if templates and not depth:
        faults.forbidden(path, f"may not be nested more than {DEEPEST} levels deep")
        return
    for i, template in enumerate(templates if _check_named(faults, templates, path) else ()):
        at = f"{path}[{i}]"
        check_policy(faults, template.scheduling_policy, f"{at}.schedulingPolicy")
        if template.scheduling_constraints is not None:
            check_topology(faults, template.scheduling_constraints.topology, f"{at}.schedulingConstraints.topology")
        if (mode := template.disruption_mode) is not None:
            check_one_of(faults, f"{at}.disruptionMode", {"single": mode.single, "all": mode.all})
        check_priority(faults, template.priority_class_name, template.preemption_policy, at)
        _check_templates(faults, template.pod_group_templates, f"{at}.podGroupTemplates")
        _check_composites(faults, template.composite_pod_group_templates, f"{at}.compositePodGroupTemplates", depth - 1)


STRATEGY = WorkloadRules()
