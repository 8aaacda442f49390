"""Defaults of PodSpec, of a pod itself or of a template.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types.core_v1 import PodSecurityContext, PodSpec, PodTemplateSpec, Toleration

from .containers import default_container
from .resources import default_pod_resources
from .volumes import default_volumes

GRACE_PERIOD_S = 30
NODE_FAILS_S = 300
NODE_FAILURES = tuple(
    Toleration(key=f"node.kubernetes.io/{key}", operator="Exists", effect="NoExecute", toleration_seconds=NODE_FAILS_S)
    for key in ("not-ready", "unreachable")
)
NO_RULES = PodSecurityContext()


def default_template(template: PodTemplateSpec) -> PodTemplateSpec:
    return replace(template, spec=default_pod_spec(template.spec, pod=False))


def default_pod_spec(spec: PodSpec, *, pod: bool) -> PodSpec:
    """`pod`: of a pod itself; a template gets less, so that what a pod gets can change with the version."""
    host = spec.host_network
    changes: dict[str, Any] = {"containers": tuple([default_container(c, pod=pod, host_network=host) for c in spec.containers])}
    if spec.init_containers:
        changes["init_containers"] = tuple([default_container(c, pod=pod, host_network=host) for c in spec.init_containers])
    if spec.ephemeral_containers:
        changes["ephemeral_containers"] = tuple([default_container(c) for c in spec.ephemeral_containers])
    if spec.volumes:
        changes["volumes"] = default_volumes(spec.volumes)
    if not spec.restart_policy:
        changes["restart_policy"] = "Always"
    if not spec.dns_policy:
        changes["dns_policy"] = "ClusterFirst"
    if not spec.scheduler_name:
        changes["scheduler_name"] = "default-scheduler"
    if spec.security_context is None:
        changes["security_context"] = NO_RULES
    if spec.termination_grace_period_seconds is None:
        changes["termination_grace_period_seconds"] = GRACE_PERIOD_S
    if pod and spec.enable_service_links is None:
        changes["enable_service_links"] = True
    account = spec.service_account_name or spec.service_account
    if account != spec.service_account or account != spec.service_account_name:
        changes["service_account"] = changes["service_account_name"] = account
    if spec.resources is not None:
        made = replace(spec, **changes)
        return replace(made, resources=default_pod_resources(made) if pod else spec.resources)
    return replace(spec, **changes)
