"""All the rules that a cluster keeps."""

from . import (
    disruption,
    endpoint_slice_mirroring,
    endpoint_slices,
    endpoints,
    garbage_collector,
    kubelet,
    kubernetes_service,
    namespace,
    node_lifecycle,
    replication_controller,
    scheduler,
    service_account,
    service_proxy,
)
from .decision import Reconciler

ALL: tuple[Reconciler, ...] = (
    namespace.RECONCILER,
    service_account.RECONCILER,
    kubernetes_service.RECONCILER,
    replication_controller.RECONCILER,
    scheduler.RECONCILER,
    kubelet.NODE,
    kubelet.PODS,
    kubelet.PROBES,
    kubelet.VOLUMES,
    endpoints.RECONCILER,
    endpoint_slices.RECONCILER,
    endpoint_slice_mirroring.RECONCILER,
    service_proxy.RECONCILER,
    disruption.RECONCILER,
    garbage_collector.RECONCILER,
    node_lifecycle.RECONCILER,
)
