"""Deployments: pods of a template, replaced step by step when the template changes.

Tests: tests/engine/kinds/apps/test_workloads.py
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.defaults.spec import default_template
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.subresources import Posted
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import (
    PODS_COLUMNS,
    amount_of,
    check_collisions,
    check_counts,
    check_matches,
    check_not_more_than_all,
    check_running_template,
    check_same_selector,
    check_selector,
    check_share,
    check_status_counts,
    pods_cells,
)
from shipslog.store.commands import Patch
from shipslog.store.objects.patch import MERGE_PATCH
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.apps_v1 import Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment
from shipslog.store.refusals import BadRequest

ROLLBACK_TO = "deprecated.deployment.rollback.to"
QUARTER = "25%"
HISTORY_LIMIT, PROGRESS_DEADLINE_S = 10, 600
STRATEGIES = ("Recreate", "RollingUpdate")


def _rollback(body: Any, namespace: str, name: str) -> Patch:
    """The command that a request to roll back becomes: annotations tell the rule of deployments. Errors: BadRequest."""
    if body.name != name:
        raise BadRequest(f"the name of the object ({body.name}) does not match the name on the URL ({name})")
    annotations = {**body.updated_annotations, ROLLBACK_TO: str(body.rollback_to.revision)}
    change = {"metadata": {"annotations": annotations}}
    return Patch(
        resource="deployments.apps", namespace=namespace, name=name, media_type=MERGE_PATCH, body=msgspec.json.encode(change)
    )


ROLLBACK = Posted(  # of versions before apps/v1beta2
    kind="DeploymentRollback",
    type="apps_v1beta1:DeploymentRollback",
    accepts=("apps/v1beta1", "extensions/v1beta1"),
    command=_rollback,
)


class DeploymentRules(WithSpec):
    subresources = {"rollback": ROLLBACK}
    about = "Keeps a number of pods of one template running, and replaces them step by step when the template changes."
    columns = (
        NAME,
        Column("Ready", "How many replicas are ready, of how many there shall be."),
        Column("Up-to-date", "How many replicas are of the newest template.", "integer"),
        Column("Available", "How many replicas have been ready for long enough.", "integer"),
        AGE,
        *PODS_COLUMNS,
    )

    def cells(self, obj: Deployment, now_ns: int) -> list[Any]:
        spec, status = obj.spec, obj.status
        return [
            obj.metadata.name,
            f"{status.ready_replicas}/{spec.replicas or 0}",
            status.updated_replicas,
            status.available_replicas,
            age(obj.metadata.creation_timestamp, now_ns),
            *pods_cells(spec.template, spec.selector),
        ]

    def default(self, obj: Deployment) -> Deployment:
        spec = obj.spec
        return replace(
            obj,
            spec=replace(
                spec,
                template=default_template(spec.template),
                replicas=1 if spec.replicas is None else spec.replicas,
                strategy=default_strategy(spec.strategy),
                revision_history_limit=HISTORY_LIMIT if spec.revision_history_limit is None else spec.revision_history_limit,
                progress_deadline_seconds=PROGRESS_DEADLINE_S
                if spec.progress_deadline_seconds is None
                else spec.progress_deadline_seconds,
            ),
        )

    def create(self, kind: Kind, obj: Deployment, ctx: Admission) -> Any:
        warn_of_pod_spec(ctx.warnings, obj.spec.template.spec, "spec.template.spec")
        return super().create(kind, obj, ctx)

    def is_changed(self, old: Deployment, new: Deployment) -> bool:
        """Annotations count too: old clients kept what they rolled back to in them."""
        return old.spec != new.spec or old.metadata.annotations != new.metadata.annotations

    def check(self, faults: Faults, obj: Deployment) -> None:
        check_deployment_spec(faults, obj.spec)

    def check_change(self, faults: Faults, old: Deployment, new: Deployment) -> None:
        check_deployment_spec(faults, new.spec)
        check_same_selector(faults, old.spec.selector, new.spec.selector)

    def check_status(self, faults: Faults, old: Deployment, new: Deployment) -> None:
        status = new.status
        check_counts(faults, "status", (("observedGeneration", status.observed_generation), ("replicas", status.replicas)))
        counts = {
            "updatedReplicas": status.updated_replicas,
            "readyReplicas": status.ready_replicas,
            "availableReplicas": status.available_replicas,
        }
        check_status_counts(faults, counts, status.replicas)
        faults.not_negative("status.unavailableReplicas", status.unavailable_replicas)
        if status.available_replicas > status.ready_replicas:
            faults.invalid("status.availableReplicas", status.available_replicas, "cannot be greater than readyReplicas")
        check_collisions(faults, old.status.collision_count, status.collision_count)


def default_strategy(strategy: DeploymentStrategy) -> DeploymentStrategy:
    """Step by step, a quarter at a time."""
    kind = strategy.type or "RollingUpdate"
    rolling = strategy.rolling_update
    if kind == "RollingUpdate":
        rolling = rolling or RollingUpdateDeployment()
        rolling = replace(
            rolling,
            max_unavailable=QUARTER if rolling.max_unavailable is None else rolling.max_unavailable,
            max_surge=QUARTER if rolling.max_surge is None else rolling.max_surge,
        )
    return replace(strategy, type=kind, rolling_update=rolling)


def check_deployment_spec(faults: Faults, spec: DeploymentSpec) -> None:
    faults.not_negative("spec.replicas", spec.replicas or 0)
    chosen = check_selector(faults, spec.selector, "deployment")
    if spec.selector is None or chosen is not None:
        check_matches(faults, chosen, spec.template)
        check_running_template(faults, spec.template, "ReplicaSet")
    _check_strategy(faults, spec.strategy, "spec.strategy")
    faults.not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    check_counts(faults, "spec", (("revisionHistoryLimit", spec.revision_history_limit),))
    if (deadline := spec.progress_deadline_seconds) is not None:
        faults.not_negative("spec.progressDeadlineSeconds", deadline)
        if deadline <= spec.min_ready_seconds:
            faults.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _check_strategy(faults: Faults, strategy: DeploymentStrategy, path: str) -> None:
    rolling, field = strategy.rolling_update, f"{path}.rollingUpdate"
    if strategy.type not in STRATEGIES:
        faults.not_supported(f"{path}.type", strategy.type, STRATEGIES)
    elif strategy.type == "Recreate":
        if rolling is not None:
            faults.forbidden(field, "may not be specified when strategy `type` is 'Recreate'")
    elif rolling is None:
        faults.required(field, "this should be defaulted and never be nil")
    else:
        check_share(faults, f"{field}.maxUnavailable", rolling.max_unavailable)
        check_share(faults, f"{field}.maxSurge", rolling.max_surge)
        if amount_of(rolling.max_unavailable) == 0 and amount_of(rolling.max_surge) == 0:
            faults.invalid(f"{field}.maxUnavailable", rolling.max_unavailable, "may not be 0 when `maxSurge` is 0")
        check_not_more_than_all(faults, f"{field}.maxUnavailable", rolling.max_unavailable)


STRATEGY = DeploymentRules()
