"""All the rules that a cluster keeps.

Tests: tests/reconcilers/rule/test_wakes.py, tests/goldens/test_logs.py
"""

from . import kubelet, scheduler
from .cluster import custom_resource_definition, garbage_collector, namespace, node_lifecycle, service_account, token_secrets
from .cluster.catalogue import RULES as CLUSTER
from .rule.decision import Reconciler
from .services import cluster_dns, endpoint_slice_mirroring, endpoint_slices, endpoints, kubernetes_service, service_proxy
from .services.catalogue import RULES as SERVICES
from .storage.catalogue import RULES as STORAGE
from .workloads import (
    autoscaler,
    cron_job,
    daemon_set,
    deployment,
    disruption,
    job,
    replica_set,
    replication_controller,
    stateful_set,
)

ALL: tuple[Reconciler, ...] = (
    custom_resource_definition.RECONCILER,
    namespace.RECONCILER,
    service_account.RECONCILER,
    token_secrets.RECONCILER,
    *CLUSTER,
    *SERVICES,
    kubernetes_service.RECONCILER,
    cluster_dns.RECONCILER,
    replication_controller.RECONCILER,
    replica_set.RECONCILER,
    deployment.RECONCILER,
    job.RECONCILER,
    daemon_set.RECONCILER,
    stateful_set.RECONCILER,
    cron_job.RECONCILER,
    autoscaler.RECONCILER,
    *STORAGE,
    scheduler.RECONCILER,
    kubelet.NODE,
    kubelet.PODS,
    kubelet.PROBES,
    kubelet.VOLUMES,
    kubelet.EVICTION,
    endpoints.RECONCILER,
    endpoint_slices.RECONCILER,
    endpoint_slice_mirroring.RECONCILER,
    service_proxy.RECONCILER,
    disruption.RECONCILER,
    garbage_collector.RECONCILER,
    node_lifecycle.RECONCILER,
)
