"""Replication controllers: a number of pods of one template.

Tests: tests/engine/kinds/test_small_kinds.py, tests/engine/kinds/test_tables.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age, labels, wide
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.checks.spec import check_template
from shipslog.engine.kinds.pod_spec.defaults.spec import default_template
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import ReplicationController, ReplicationControllerStatus

TOO_MANY = "cannot be greater than status.replicas"


class ReplicationControllerStrategy(Strategy):
    about = "Keeps a number of pods of one template running."
    propagation = "Orphan"  # of old: what deletes one through the core group leaves its pods, unless told otherwise
    columns = (
        NAME,
        Column("Desired", "How many replicas there shall be.", "integer"),
        Column("Current", "How many replicas there are.", "integer"),
        Column("Ready", "How many replicas are ready.", "integer"),
        AGE,
        wide("Containers", "The containers of the template."),
        wide("Images", "The images of the template's containers."),
        wide("Selector", "The labels of the pods that count as replicas."),
    )
    selectable = {"status.replicas": lambda o: str(o.status.replicas)}

    def cells(self, obj: ReplicationController, now_ns: int) -> list[Any]:
        template = obj.spec.template
        containers = template.spec.containers if template is not None else ()
        return [
            obj.metadata.name,
            obj.spec.replicas or 0,
            obj.status.replicas,
            obj.status.ready_replicas,
            age(obj.metadata.creation_timestamp, now_ns),
            ",".join(c.name for c in containers),
            ",".join(c.image for c in containers),
            labels(obj.spec.selector),
        ]

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
        check_replication_controller(faults, obj)

    def check_update(self, faults: Faults, old: ReplicationController, new: ReplicationController, subresource: str) -> None:
        if subresource == "status":
            check_replication_controller_status(faults, new.status)
        else:
            check_replication_controller(faults, new)


def default_replication_controller(rc: ReplicationController) -> ReplicationController:
    """One replica; selector and labels are those of the template where they are not given."""
    spec, meta = rc.spec, rc.metadata
    template = default_template(spec.template) if spec.template is not None else None
    labels = template.metadata.labels if template is not None else {}
    if labels and not meta.labels:
        meta = replace(meta, labels=dict(labels))
    spec = replace(
        spec, template=template, replicas=1 if spec.replicas is None else spec.replicas,
        selector=spec.selector or dict(labels),
    )  # fmt: skip
    return replace(rc, metadata=meta, spec=spec)


def check_replication_controller(faults: Faults, rc: ReplicationController) -> None:
    spec = rc.spec
    faults.not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    if not spec.selector:
        faults.required("spec.selector")
    faults.not_negative("spec.replicas", spec.replicas or 0)
    template = spec.template
    if template is None:
        faults.required("spec.template")
        return
    labels = template.metadata.labels
    if any(labels.get(key) != value for key, value in spec.selector.items()):
        faults.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    check_template(faults, template, "spec.template")
    if template.spec.restart_policy != "Always":
        faults.not_supported("spec.template.spec.restartPolicy", template.spec.restart_policy, ("Always",))
    if template.spec.active_deadline_seconds is not None:
        why = "activeDeadlineSeconds in ReplicationController is not Supported"
        faults.forbidden("spec.template.spec.activeDeadlineSeconds", why)


def check_replication_controller_status(faults: Faults, status: ReplicationControllerStatus) -> None:
    for field, value in (
        ("replicas", status.replicas),
        ("fullyLabeledReplicas", status.fully_labeled_replicas),
        ("readyReplicas", status.ready_replicas),
        ("availableReplicas", status.available_replicas),
        ("observedGeneration", status.observed_generation),
    ):
        faults.not_negative(f"status.{field}", value)
    for field, value in (
        ("fullyLabeledReplicas", status.fully_labeled_replicas),
        ("readyReplicas", status.ready_replicas),
        ("availableReplicas", status.available_replicas),
    ):
        if value > status.replicas:
            faults.invalid(f"status.{field}", value, TOO_MANY)
    if status.available_replicas > status.ready_replicas:
        faults.invalid("status.availableReplicas", status.available_replicas, "cannot be greater than readyReplicas")


STRATEGY = ReplicationControllerStrategy()
