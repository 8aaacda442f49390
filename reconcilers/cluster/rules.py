"""The rules of this room that `roster.py` does not name one by one: for certificates, claims of devices, quotas, tokens.

Tests: tests/reconcilers/rule/test_wakes.py, tests/reconcilers/test_roster.py
"""

from typing import Any

from shipslog.reconcilers.rule.dormant import Dormant, Rule, every

from . import api_services, bootstrap_tokens, pod_gc

REQUESTS = {"certificatesigningrequests.certificates.k8s.io": every}


def _has_claims(pod: Any) -> bool:
    return bool(pod.spec.resource_claims)


RULES: tuple[Rule, ...] = (
    api_services.RECONCILER,
    Dormant("certificate-approver", "cluster.certificate_requests:APPROVER", REQUESTS),
    Dormant("certificate-cleaner", "cluster.certificate_requests:CLEANER", REQUESTS),
    Dormant(
        "cluster-role-aggregation",
        "cluster.cluster_role_aggregation:RECONCILER",
        {"clusterroles.rbac.authorization.k8s.io": every},
    ),
    bootstrap_tokens.CLEANER,
    bootstrap_tokens.SIGNER,
    pod_gc.RECONCILER,
    Dormant("flow-schemas", "cluster.flow_schemas:RECONCILER", {"flowschemas.flowcontrol.apiserver.k8s.io": every}),
    Dormant(
        "resource-claims",
        "cluster.resource_claims:RECONCILER",
        {"resourceclaims.resource.k8s.io": every, "pods": _has_claims},
    ),
    Dormant("resource-quotas", "cluster.resource_quotas:RECONCILER", {"resourcequotas": every}),
)
