"""The levels of priority and the flows that every cluster has. Source: apiserver's pkg/apis/flowcontrol/bootstrap.

Tests: tests/engine/kinds/flowcontrol/test_flows.py
"""

from typing import Any

from shipslog.store.objects.types.flowcontrol_v1 import (
    ExemptPriorityLevelConfiguration,
    FlowDistinguisherMethod,
    FlowSchema,
    FlowSchemaSpec,
    GroupSubject,
    LimitedPriorityLevelConfiguration,
    LimitResponse,
    NonResourcePolicyRule,
    PolicyRulesWithSubjects,
    PriorityLevelConfiguration,
    PriorityLevelConfigurationReference,
    PriorityLevelConfigurationSpec,
    QueuingConfiguration,
    ResourcePolicyRule,
    ServiceAccountSubject,
    Subject,
    UserSubject,
)
from shipslog.store.objects.types.meta_v1 import ObjectMeta

EXEMPT, CATCH_ALL = "exempt", "catch-all"
KEPT = {"apf.kubernetes.io/autoupdate-spec": "true"}


def _level(name: str, shares: int, lendable: int, queues: int = 0, hand: int = 0) -> PriorityLevelConfiguration:
    """A level with so many shares, of which so much per cent may be lent; without queues it refuses what is too much."""
    queuing = QueuingConfiguration(queues=queues, hand_size=hand, queue_length_limit=50) if queues else None
    limited = LimitedPriorityLevelConfiguration(
        nominal_concurrency_shares=shares,
        lendable_percent=lendable,
        limit_response=LimitResponse(type="Queue" if queuing is not None else "Reject", queuing=queuing),
    )
    meta = ObjectMeta(name=name, annotations=KEPT)
    return PriorityLevelConfiguration(metadata=meta, spec=PriorityLevelConfigurationSpec(type="Limited", limited=limited))


LEVELS = (
    PriorityLevelConfiguration(
        metadata=ObjectMeta(name=EXEMPT, annotations=KEPT),
        spec=PriorityLevelConfigurationSpec(
            type="Exempt", exempt=ExemptPriorityLevelConfiguration(nominal_concurrency_shares=0, lendable_percent=0)
        ),
    ),
    _level(CATCH_ALL, 5, 0),
    _level("system", 30, 33, 64, 6),
    _level("node-high", 40, 25, 64, 6),
    _level("leader-election", 10, 0, 16, 4),
    _level("workload-high", 40, 50, 128, 6),
    _level("workload-low", 100, 90, 128, 6),
    _level("global-default", 20, 50, 128, 6),
)


def _groups(*names: str) -> tuple[Subject, ...]:
    return tuple(Subject(kind="Group", group=GroupSubject(name=f"system:{name}")) for name in names)


def _users(*names: str) -> tuple[Subject, ...]:
    return tuple(Subject(kind="User", user=UserSubject(name=f"system:{name}")) for name in names)


def _accounts(*names: str) -> tuple[Subject, ...]:
    """Service accounts of kube-system."""
    accounts = (ServiceAccountSubject(namespace="kube-system", name=name) for name in names)
    return tuple(Subject(kind="ServiceAccount", service_account=account) for account in accounts)


def _on(group: str, *resources: str, verbs: tuple[str, ...] = ("*",), cluster: bool = False) -> ResourcePolicyRule:
    return ResourcePolicyRule(verbs=verbs, api_groups=(group,), resources=resources, cluster_scope=cluster, namespaces=("*",))


ALL = {
    "resource_rules": (_on("*", "*", cluster=True),),
    "non_resource_rules": (NonResourcePolicyRule(verbs=("*",), non_resource_urls=("*",)),),
}
HEALTH = NonResourcePolicyRule(verbs=("get",), non_resource_urls=("/healthz", "/readyz", "/livez"))
WRITES = ("get", "create", "update")
LEASES = {"resource_rules": (_on("coordination.k8s.io", "leases", verbs=WRITES),)}
EVERYBODY = _groups("unauthenticated", "authenticated")


def _flow(name: str, level: str, precedence: int, by: str, who: tuple[Subject, ...], what: Any) -> FlowSchema:
    spec = FlowSchemaSpec(
        priority_level_configuration=PriorityLevelConfigurationReference(name=level),
        matching_precedence=precedence,
        distinguisher_method=FlowDistinguisherMethod(type=by) if by else None,
        rules=(PolicyRulesWithSubjects(subjects=who, **what),),
    )
    return FlowSchema(metadata=ObjectMeta(name=name, annotations=KEPT), spec=spec)


FLOWS = (
    _flow(EXEMPT, EXEMPT, 1, "", _groups("masters"), ALL),
    _flow(CATCH_ALL, CATCH_ALL, 10_000, "ByUser", EVERYBODY, ALL),
    _flow("system-nodes", "system", 500, "ByUser", _groups("nodes"), ALL),
    _flow(
        "system-node-high",
        "node-high",
        400,
        "ByUser",
        _groups("nodes"),
        {"resource_rules": (_on("", "nodes", "nodes/status", cluster=True), _on("coordination.k8s.io", "leases"))},
    ),
    _flow("probes", EXEMPT, 2, "", EVERYBODY, {"non_resource_rules": (HEALTH,)}),
    _flow(
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        (*_users("kube-controller-manager", "kube-scheduler"), *_accounts("*")),
        LEASES,
    ),
    _flow("workload-leader-election", "leader-election", 200, "ByUser", _accounts("*"), LEASES),
    _flow(
        "endpoint-controller",
        "workload-high",
        150,
        "ByUser",
        (*_users("kube-controller-manager"), *_accounts("endpoint-controller", "endpointslicemirroring-controller")),
        {"resource_rules": (_on("", "endpoints", verbs=WRITES),)},
    ),
    _flow("kube-controller-manager", "workload-high", 800, "ByNamespace", _users("kube-controller-manager"), ALL),
    _flow("kube-scheduler", "workload-high", 800, "ByNamespace", _users("kube-scheduler"), ALL),
    _flow("kube-system-service-accounts", "workload-high", 900, "ByNamespace", _accounts("*"), ALL),
    _flow("service-accounts", "workload-low", 9_000, "ByUser", _groups("serviceaccounts"), ALL),
    _flow("global-default", "global-default", 9_900, "ByUser", EVERYBODY, ALL),
)
MANDATORY = (EXEMPT, CATCH_ALL)  # what they say cannot be changed
