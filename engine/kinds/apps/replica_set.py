"""Replica sets: a number of pods of one template. Mostly a Deployment makes them.

Tests: tests/engine/kinds/apps/test_workloads.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.defaults.spec import default_template
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import (
    PODS_COLUMNS,
    check_matches,
    check_running_template,
    check_same_selector,
    check_selector,
    check_status_counts,
    pods_cells,
)
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.apps_v1 import ReplicaSet, ReplicaSetSpec


class ReplicaSetRules(WithSpec):
    about = "Keeps a number of pods of one template running."
    columns = (
        NAME,
        Column("Desired", "How many replicas there shall be.", "integer"),
        Column("Current", "How many replicas there are.", "integer"),
        Column("Ready", "How many replicas are ready.", "integer"),
        AGE,
        *PODS_COLUMNS,
    )
    selectable = {"status.replicas": lambda o: str(o.status.replicas)}

    def cells(self, obj: ReplicaSet, now_ns: int) -> list[Any]:
        spec, status = obj.spec, obj.status
        return [
            obj.metadata.name,
            spec.replicas or 0,
            status.replicas,
            status.ready_replicas,
            age(obj.metadata.creation_timestamp, now_ns),
            *pods_cells(spec.template, spec.selector),
        ]

    def default(self, obj: ReplicaSet) -> ReplicaSet:
        spec = obj.spec
        replicas = 1 if spec.replicas is None else spec.replicas
        return replace(obj, spec=replace(spec, template=default_template(spec.template), replicas=replicas))

    def create(self, kind: Kind, obj: ReplicaSet, ctx: Admission) -> Any:
        warn_of_pod_spec(ctx.warnings, obj.spec.template.spec, "spec.template.spec")
        return super().create(kind, obj, ctx)

    def check(self, faults: Faults, obj: ReplicaSet) -> None:
        check_replica_set_spec(faults, obj.spec)

    def check_change(self, faults: Faults, old: ReplicaSet, new: ReplicaSet) -> None:
        check_replica_set_spec(faults, new.spec)
        check_same_selector(faults, old.spec.selector, new.spec.selector)

    def check_status(self, faults: Faults, old: ReplicaSet, new: ReplicaSet) -> None:
        status = new.status
        faults.not_negative("status.replicas", status.replicas)
        counts = {
            "fullyLabeledReplicas": status.fully_labeled_replicas,
            "readyReplicas": status.ready_replicas,
            "availableReplicas": status.available_replicas,
        }
        check_status_counts(faults, counts, status.replicas)
        faults.not_negative("status.observedGeneration", status.observed_generation)
        if status.available_replicas > status.ready_replicas:
            faults.invalid("status.availableReplicas", status.available_replicas, "cannot be greater than readyReplicas")


def check_replica_set_spec(faults: Faults, spec: ReplicaSetSpec) -> None:
    faults.not_negative("spec.replicas", spec.replicas or 0)
    faults.not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    chosen = check_selector(faults, spec.selector, "deployment")
    if spec.selector is None or chosen is not None:
        check_matches(faults, chosen, spec.template)
        check_running_template(faults, spec.template, "ReplicaSet")


STRATEGY = ReplicaSetRules()
