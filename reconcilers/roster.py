"""The rules of a cluster, in the order in which they have their turns. Those that sleep until there is something for them to do
are named only (`rule/dormant.py`); `catalogue.py` has all of them loaded.

Tests: tests/reconcilers/test_roster.py
"""

from typing import Any

from shipslog.reconcilers.cluster.rules import RULES as CLUSTER
from shipslog.reconcilers.services.rules import RULES as SERVICES
from shipslog.reconcilers.storage.rules import RULES as STORAGE

from . import kubelet, scheduler
from .cluster import garbage_collector, namespace, node_lifecycle, service_account, token_secrets
from .rule.dormant import Dormant, Rule, every
from .services import cluster_dns, endpoint_slice_mirroring, endpoint_slices, endpoints, kubernetes_service, service_proxy

JOB_TRACKING = "batch.kubernetes.io/job-tracking"  # on pods that a Job counts: it takes it off even when the Job is gone


def _counted(pod: Any) -> bool:
    return JOB_TRACKING in pod.metadata.finalizers


def _own_kind(name: str, place: str, resource: str) -> Dormant:
    return Dormant(name, place, {resource: every})


ROSTER: tuple[Rule, ...] = (
    _own_kind(
        "custom-resource-definition",
        "cluster.custom_resource_definition:RECONCILER",
        "customresourcedefinitions.apiextensions.k8s.io",
    ),
    namespace.RECONCILER,
    service_account.RECONCILER,
    token_secrets.RECONCILER,
    *CLUSTER,
    *SERVICES,
    kubernetes_service.RECONCILER,
    cluster_dns.RECONCILER,
    _own_kind("replication-controller", "workloads.replication_controller:RECONCILER", "replicationcontrollers"),
    _own_kind("replica-set", "workloads.replica_set:RECONCILER", "replicasets.apps"),
    _own_kind("deployment", "workloads.deployment:RECONCILER", "deployments.apps"),
    Dormant("job", "workloads.job:RECONCILER", {"jobs.batch": every, "pods": _counted}),
    _own_kind("daemon-set", "workloads.daemon_set:RECONCILER", "daemonsets.apps"),
    _own_kind("stateful-set", "workloads.stateful_set:RECONCILER", "statefulsets.apps"),
    _own_kind("cron-job", "workloads.cron_job:RECONCILER", "cronjobs.batch"),
    _own_kind("horizontal-pod-autoscaler", "workloads.autoscaler:RECONCILER", "horizontalpodautoscalers.autoscaling"),
    *STORAGE,
    scheduler.RECONCILER,
    kubelet.NODE,
    kubelet.LEASES,
    kubelet.PODS,
    kubelet.PROBES,
    kubelet.VOLUMES,
    kubelet.EVICTION,
    endpoints.RECONCILER,
    endpoint_slices.RECONCILER,
    endpoint_slice_mirroring.RECONCILER,
    service_proxy.RECONCILER,
    _own_kind("disruption", "workloads.disruption:RECONCILER", "poddisruptionbudgets.policy"),
    garbage_collector.RECONCILER,
    node_lifecycle.RECONCILER,
)
