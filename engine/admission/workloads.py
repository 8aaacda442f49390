"""Replication controllers, pod templates, disruption budgets."""

from msgspec.structs import replace

from shipslog.store.objects.core_v1 import PodTemplate, ReplicationController, ReplicationControllerStatus
from shipslog.store.objects.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus
from shipslog.store.objects.registry import Kind

from .context import Admission
from .defaults.pods import default_replication_controller, default_template
from .fields import Faults
from .strategy import Strategy, generation_after
from .validation import workloads as rules
from .validation.pod import check_template
from .warnings import warn_of_pod_spec


class ReplicationControllerStrategy(Strategy):
    def default(self, obj: ReplicationController) -> ReplicationController:
        return default_replication_controller(obj)

    def default_status(self, obj: ReplicationController) -> ReplicationController:
        return obj

    def create(self, kind: Kind, obj: ReplicationController, ctx: Admission) -> ReplicationController:
        if obj.spec.template is not None:
            warn_of_pod_spec(ctx.warnings, obj.spec.template.spec, "spec.template.spec")
        return replace(obj, metadata=replace(obj.metadata, generation=1), status=ReplicationControllerStatus())

    def update(
        self, kind: Kind, old: ReplicationController, new: ReplicationController, subresource: str, ctx: Admission
    ) -> ReplicationController:
        if subresource == "status":
            return replace(new, spec=old.spec)
        generation = generation_after(old, old.spec != new.spec)
        return replace(new, metadata=replace(new.metadata, generation=generation), status=old.status)

    def check(self, faults: Faults, obj: ReplicationController) -> None:
        rules.check_replication_controller(faults, obj)

    def check_update(self, faults: Faults, old: ReplicationController, new: ReplicationController, subresource: str) -> None:
        if subresource == "status":
            rules.check_replication_controller_status(faults, new.status)
        else:
            rules.check_replication_controller(faults, new)


class PodTemplateStrategy(Strategy):
    def default(self, obj: PodTemplate) -> PodTemplate:
        return replace(obj, template=default_template(obj.template))

    def create(self, kind: Kind, obj: PodTemplate, ctx: Admission) -> PodTemplate:
        return replace(obj, metadata=replace(obj.metadata, generation=1))

    def update(self, kind: Kind, old: PodTemplate, new: PodTemplate, subresource: str, ctx: Admission) -> PodTemplate:
        generation = generation_after(old, old.template != new.template)
        return replace(new, metadata=replace(new.metadata, generation=generation))

    def check(self, faults: Faults, obj: PodTemplate) -> None:
        check_template(faults, obj.template, "template")


class BudgetStrategy(Strategy):
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
        rules.check_budget(faults, obj)
