"""Daemon sets: a pod of one template on each node that fits.

Tests: tests/engine/kinds/apps/test_workloads.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age, labels
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.pod_spec.defaults.spec import default_template
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import (
    MISMATCH,
    PODS_COLUMNS,
    amount_of,
    check_collisions,
    check_counts,
    check_not_more_than_all,
    check_running_template,
    check_same_selector,
    check_share,
    pods_cells,
    selector_of,
)
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.apps_v1 import DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, RollingUpdateDaemonSet

HISTORY_LIMIT = 10
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


class DaemonSetRules(WithSpec):
    about = "Keeps a pod of one template running on each node that fits."
    columns = (
        NAME,
        Column("Desired", "How many nodes shall run the pod.", "integer"),
        Column("Current", "How many nodes that shall run the pod do.", "integer"),
        Column("Ready", "On how many nodes the pod is ready.", "integer"),
        Column("Up-to-date", "On how many nodes the pod is of the newest template.", "integer"),
        Column("Available", "On how many nodes the pod has been ready for long enough.", "integer"),
        Column("Node Selector", "The labels of the nodes that are meant."),
        AGE,
        *PODS_COLUMNS,
    )

    def cells(self, obj: DaemonSet, now_ns: int) -> list[Any]:
        spec, status = obj.spec, obj.status
        return [
            obj.metadata.name,
            status.desired_number_scheduled,
            status.current_number_scheduled,
            status.number_ready,
            status.updated_number_scheduled,
            status.number_available,
            labels(spec.template.spec.node_selector),
            age(obj.metadata.creation_timestamp, now_ns),
            *pods_cells(spec.template, spec.selector),
        ]

    def default(self, obj: DaemonSet) -> DaemonSet:
        spec = obj.spec
        return replace(
            obj,
            spec=replace(
                spec,
                template=default_template(spec.template),
                update_strategy=_default_strategy(spec.update_strategy),
                revision_history_limit=HISTORY_LIMIT if spec.revision_history_limit is None else spec.revision_history_limit,
            ),
        )

    def create(self, kind: Kind, obj: DaemonSet, ctx: Admission) -> Any:
        warn_of_pod_spec(ctx.warnings, obj.spec.template.spec, "spec.template.spec")
        made: DaemonSet = super().create(kind, obj, ctx)
        return _with_template_generation(made, max(1, _template_generation(made)))

    def update(self, kind: Kind, old: DaemonSet, new: DaemonSet, subresource: str, ctx: Admission) -> Any:
        number = _template_generation(old)
        if subresource != "status" and old.spec.template != new.spec.template:
            number += 1
        return super().update(kind, old, _with_template_generation(new, number) if number else new, subresource, ctx)

    def check(self, faults: Faults, obj: DaemonSet) -> None:
        check_daemon_set_spec(faults, obj.spec)

    def check_change(self, faults: Faults, old: DaemonSet, new: DaemonSet) -> None:
        check_daemon_set_spec(faults, new.spec)
        check_same_selector(faults, old.spec.selector, new.spec.selector)

    def check_status(self, faults: Faults, old: DaemonSet, new: DaemonSet) -> None:
        status = new.status
        counts = (
            ("currentNumberScheduled", status.current_number_scheduled),
            ("numberMisscheduled", status.number_misscheduled),
            ("desiredNumberScheduled", status.desired_number_scheduled),
            ("numberReady", status.number_ready),
            ("observedGeneration", status.observed_generation),
            ("updatedNumberScheduled", status.updated_number_scheduled),
            ("numberAvailable", status.number_available),
            ("numberUnavailable", status.number_unavailable),
        )
        check_counts(faults, "status", counts)
        check_collisions(faults, old.status.collision_count, status.collision_count)


def _template_generation(obj: DaemonSet) -> int:
    """How often the template has changed: a field of old, which stands in an annotation."""
    text = obj.metadata.annotations.get(TEMPLATE_GENERATION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _with_template_generation(obj: DaemonSet, number: int) -> DaemonSet:
    annotations = {**obj.metadata.annotations, TEMPLATE_GENERATION: str(number)}
    return replace(obj, metadata=replace(obj.metadata, annotations=annotations))


def _default_strategy(strategy: DaemonSetUpdateStrategy) -> DaemonSetUpdateStrategy:
    """Node by node."""
    kind, rolling = strategy.type or "RollingUpdate", strategy.rolling_update
    if kind == "RollingUpdate":
        rolling = rolling or RollingUpdateDaemonSet()
        most, surge = rolling.max_unavailable, rolling.max_surge
        rolling = replace(rolling, max_unavailable=1 if most is None else most, max_surge=0 if surge is None else surge)
    return replace(strategy, type=kind, rolling_update=rolling)


def check_daemon_set_spec(faults: Faults, spec: DaemonSetSpec) -> None:
    check_label_selector(faults, spec.selector, "spec.selector")
    chosen = selector_of(spec.selector)
    if chosen is not None and not chosen.matches(spec.template.metadata.labels):
        faults.invalid("spec.template.metadata.labels", spec.template.metadata.labels, MISMATCH)
    if spec.selector is not None and not spec.selector.match_labels and not spec.selector.match_expressions:
        faults.invalid("spec.selector", spec.selector, "empty selector is invalid for daemonset")
    check_running_template(faults, spec.template, "DaemonSet")
    faults.not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    _check_strategy(faults, spec.update_strategy, "spec.updateStrategy")
    check_counts(faults, "spec", (("revisionHistoryLimit", spec.revision_history_limit),))


def _check_strategy(faults: Faults, strategy: DaemonSetUpdateStrategy, path: str) -> None:
    rolling, field = strategy.rolling_update, f"{path}.rollingUpdate"
    if strategy.type not in ("RollingUpdate", "OnDelete"):
        faults.not_supported(f"{path}.type", strategy.type, ("RollingUpdate", "OnDelete"))
    elif strategy.type == "RollingUpdate" and rolling is None:
        faults.required(field)
    elif strategy.type == "RollingUpdate" and rolling is not None:
        check_share(faults, f"{field}.maxUnavailable", rolling.max_unavailable)
        check_share(faults, f"{field}.maxSurge", rolling.max_surge)
        missing, more = amount_of(rolling.max_unavailable), amount_of(rolling.max_surge)
        if missing and more:
            faults.invalid(f"{field}.maxSurge", rolling.max_surge, "may not be set when maxUnavailable is non-zero")
        elif not missing and not more:
            faults.required(f"{field}.maxUnavailable", "cannot be 0 when maxSurge is 0")
        check_not_more_than_all(faults, f"{field}.maxUnavailable", rolling.max_unavailable)
        check_not_more_than_all(faults, f"{field}.maxSurge", rolling.max_surge)


STRATEGY = DaemonSetRules()
