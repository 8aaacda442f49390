"""Deployments of extensions/v1beta1 and apps/v1beta1: with other defaults, and a field by which they are rolled back.

The field stands in an annotation of apps/v1. Source: pkg/apis/extensions/v1beta1 and pkg/apis/apps/v1beta1 of Kubernetes 1.15.

Tests: tests/store/objects/conversions/test_older.py
"""

import re
from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types import apps_v1 as v1
from shipslog.store.objects.types import apps_v1beta1 as old

from .copies import copied
from .labelled import annotated, labelled

FIELDS: dict[str, str] = {}
ROLLBACK_TO = "deprecated.deployment.rollback.to"
NO_LIMIT = 2**31 - 1  # stands for none
is_number = re.compile(r"-?[0-9]{1,18}").fullmatch


def to_hub(deployment: old.Deployment) -> v1.Deployment:
    """As it is stored."""
    deployment = labelled(deployment)
    spec = deployment.spec
    asked = None if spec.rollback_to is None else str(spec.rollback_to.revision)
    defaults = _of_extensions(spec) if deployment.api_version.startswith("extensions/") else _of_apps(spec)
    made = copied(deployment, v1.Deployment, spec=copied(spec, v1.DeploymentSpec, **defaults))
    found: v1.Deployment = annotated(made, ROLLBACK_TO, asked)
    return found


def from_hub(deployment: v1.Deployment) -> old.Deployment:
    """As an older version shows it."""
    text = deployment.metadata.annotations.get(ROLLBACK_TO, "")
    rollback = old.RollbackConfig(revision=int(text)) if is_number(text) else None
    spec = copied(deployment.spec, old.DeploymentSpec, rollback_to=rollback)
    made: old.Deployment = copied(annotated(deployment, ROLLBACK_TO, None), old.Deployment, spec=spec)
    return made


def _of_extensions(spec: old.DeploymentSpec) -> dict[str, Any]:
    """One pod at a time, with all revisions kept and for as long as it takes."""
    strategy, rolling = spec.strategy, spec.strategy.rolling_update
    kind = strategy.type or "RollingUpdate"
    if kind == "RollingUpdate":
        rolling = rolling or v1.RollingUpdateDeployment()
        rolling = replace(
            rolling,
            max_unavailable=1 if rolling.max_unavailable is None else rolling.max_unavailable,
            max_surge=1 if rolling.max_surge is None else rolling.max_surge,
        )
    limit, deadline = spec.revision_history_limit, spec.progress_deadline_seconds
    return {
        "strategy": replace(strategy, type=kind, rolling_update=rolling),
        "revision_history_limit": NO_LIMIT if limit is None else limit,
        "progress_deadline_seconds": NO_LIMIT if deadline is None else deadline,
    }


def _of_apps(spec: old.DeploymentSpec) -> dict[str, Any]:
    """As apps/v1 has them, with two revisions kept."""
    return {"revision_history_limit": 2 if spec.revision_history_limit is None else spec.revision_history_limit}
