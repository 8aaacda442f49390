"""Stateful sets: pods of a template that have names, and claims of storage, of their own.

Tests: tests/engine/kinds/apps/test_workloads.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.core.persistent_volume_claim import default_claim
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_annotations, check_labels
from shipslog.engine.kinds.pod_spec.checks.spec import check_pod_annotations
from shipslog.engine.kinds.pod_spec.defaults.spec import default_template
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import (
    CONTAINERS,
    IMAGES,
    check_collisions,
    check_counts,
    check_matches,
    check_not_more_than_all,
    check_runs_for_ever,
    check_selector,
    check_share,
    check_status_counts,
    pods_cells,
)
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.apps_v1 import (
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)

HISTORY_LIMIT = 10
KEEPS = ("Retain", "Delete")
MAY_CHANGE = (
    "replicas",
    "ordinals",
    "template",
    "update_strategy",
    "revision_history_limit",
    "persistent_volume_claim_retention_policy",
    "min_ready_seconds",
)
CHANGE_WORDS = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


class StatefulSetRules(WithSpec):
    about = "Keeps pods of one template running, each with a name and storage of its own."
    columns = (NAME, Column("Ready", "How many replicas are ready, of how many there shall be."), AGE, CONTAINERS, IMAGES)

    def name(self, value: str) -> names.Messages:
        return names.label(value)

    def cells(self, obj: StatefulSet, now_ns: int) -> list[Any]:
        spec, ready = obj.spec, f"{obj.status.ready_replicas}/{obj.spec.replicas or 0}"
        pods = pods_cells(spec.template, spec.selector)[:2]
        return [obj.metadata.name, ready, age(obj.metadata.creation_timestamp, now_ns), *pods]

    def default(self, obj: StatefulSet) -> StatefulSet:
        spec, keeps = obj.spec, obj.spec.persistent_volume_claim_retention_policy
        keeps = keeps or StatefulSetPersistentVolumeClaimRetentionPolicy()
        keeps = replace(keeps, when_deleted=keeps.when_deleted or "Retain", when_scaled=keeps.when_scaled or "Retain")
        claims = tuple(
            replace(default_claim(claim), kind="PersistentVolumeClaim", api_version="v1")
            for claim in spec.volume_claim_templates
        )
        spec = replace(
            spec,
            template=default_template(spec.template),
            pod_management_policy=spec.pod_management_policy or "OrderedReady",
            update_strategy=_default_strategy(spec.update_strategy),
            persistent_volume_claim_retention_policy=keeps,
            volume_claim_templates=claims,
            replicas=1 if spec.replicas is None else spec.replicas,
            revision_history_limit=HISTORY_LIMIT if spec.revision_history_limit is None else spec.revision_history_limit,
        )
        return replace(obj, spec=spec)

    def create(self, kind: Kind, obj: StatefulSet, ctx: Admission) -> Any:
        warn_of_pod_spec(ctx.warnings, obj.spec.template.spec, "spec.template.spec")
        return super().create(kind, obj, ctx)

    def check(self, faults: Faults, obj: StatefulSet) -> None:
        check_stateful_set_spec(faults, obj.spec)

    def check_change(self, faults: Faults, old: StatefulSet, new: StatefulSet) -> None:
        check_stateful_set_spec(faults, new.spec)
        same = {field: getattr(old.spec, field) for field in MAY_CHANGE}
        if replace(new.spec, **same) != old.spec:
            faults.forbidden("spec", CHANGE_WORDS)

    def check_status(self, faults: Faults, old: StatefulSet, new: StatefulSet) -> None:
        status = new.status
        faults.not_negative("status.replicas", status.replicas)
        counts = {
            "readyReplicas": status.ready_replicas,
            "currentReplicas": status.current_replicas,
            "updatedReplicas": status.updated_replicas,
            "availableReplicas": status.available_replicas,
        }
        check_status_counts(faults, counts, status.replicas)
        faults.not_negative("status.observedGeneration", status.observed_generation)
        if status.available_replicas > status.ready_replicas:
            words = "cannot be greater than status.readyReplicas"
            faults.invalid("status.availableReplicas", status.available_replicas, words)
        check_collisions(faults, old.status.collision_count, status.collision_count)


def _default_strategy(strategy: StatefulSetUpdateStrategy) -> StatefulSetUpdateStrategy:
    """All pods, one after the other, from the last to the first."""
    kind, rolling = strategy.type, strategy.rolling_update
    if not kind:
        kind, rolling = "RollingUpdate", rolling or RollingUpdateStatefulSetStrategy()
    if kind == "RollingUpdate" and rolling is not None and rolling.partition is None:
        rolling = replace(rolling, partition=0)
    return replace(strategy, type=kind, rolling_update=rolling)


def check_stateful_set_spec(faults: Faults, spec: StatefulSetSpec) -> None:
    policy = spec.pod_management_policy
    if policy not in ("OrderedReady", "Parallel"):
        faults.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    _check_strategy(faults, spec.update_strategy, "spec.updateStrategy")
    if (keeps := spec.persistent_volume_claim_retention_policy) is not None:
        for field, value in (("whenDeleted", keeps.when_deleted), ("whenScaled", keeps.when_scaled)):
            if value not in KEEPS:
                faults.not_supported(f"spec.persistentVolumeClaimRetentionPolicy.{field}", value, KEEPS)
    check_counts(
        faults,
        "spec",
        (
            ("replicas", spec.replicas),
            ("minReadySeconds", spec.min_ready_seconds),
            ("revisionHistoryLimit", spec.revision_history_limit),
            ("ordinals.start", spec.ordinals.start if spec.ordinals is not None else None),
        ),
    )
    chosen = check_selector(faults, spec.selector, "statefulset")
    meta, path = spec.template.metadata, "spec.template"
    if spec.selector is None or chosen is not None:
        check_matches(faults, chosen, spec.template)
        check_labels(faults, meta.labels, f"{path}.labels")  # the pod itself is checked when one is made
        check_annotations(faults, meta.annotations, f"{path}.annotations")
        check_pod_annotations(faults, meta.annotations, spec.template.spec, f"{path}.annotations")
    check_runs_for_ever(faults, spec.template, "StatefulSet")


def _check_strategy(faults: Faults, strategy: StatefulSetUpdateStrategy, path: str) -> None:
    rolling, field = strategy.rolling_update, f"{path}.rollingUpdate"
    if strategy.type not in ("RollingUpdate", "OnDelete"):
        faults.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")
    elif strategy.type == "OnDelete":
        if rolling is not None:
            faults.invalid(field, rolling, "only allowed for updateStrategy 'RollingUpdate'")
    elif rolling is not None:
        check_counts(faults, field, (("partition", rolling.partition),))
        if (most := rolling.max_unavailable) is not None:
            check_share(faults, f"{field}.maxUnavailable", most)
            if most in (0, "0%"):
                faults.invalid(f"{field}.maxUnavailable", most, "cannot be 0")
            check_not_more_than_all(faults, f"{field}.maxUnavailable", most)


STRATEGY = StatefulSetRules()
