"""More rules of the cluster itself.

Tests: tests/reconcilers/rule/test_wakes.py
"""

from shipslog.reconcilers.rule.decision import Reconciler

from . import (
    api_services,
    bootstrap_tokens,
    certificate_requests,
    cluster_role_aggregation,
    flow_schemas,
    pod_gc,
    resource_claims,
    resource_quotas,
)

RULES: tuple[Reconciler, ...] = (
    api_services.RECONCILER,
    certificate_requests.APPROVER,
    certificate_requests.CLEANER,
    cluster_role_aggregation.RECONCILER,
    bootstrap_tokens.CLEANER,
    bootstrap_tokens.SIGNER,
    pod_gc.RECONCILER,
    flow_schemas.RECONCILER,
    resource_claims.RECONCILER,
    resource_quotas.RECONCILER,
)
