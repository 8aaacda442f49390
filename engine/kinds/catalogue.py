"""Which module holds the rules of which kind. A module is imported when its kind is first touched.

Tests: tests/engine/kinds/test_contract.py
"""

import importlib
from functools import cache
from weakref import WeakKeyDictionary

from shipslog.store.objects.scheme import Kind

from .strategy import Strategy
from .subresources import OLDER_SCALES, SHARED, Subresource, older_scale

ADMISSION = "admissionregistration.k8s.io"
# The key of the kind on the log, and its module in this package.
MODULES = {
    "apiservices.apiregistration.k8s.io": "apiregistration.api_service",
    "bindings": "core.binding",
    "certificatesigningrequests.certificates.k8s.io": "certificates.certificate_signing_request",
    "clusterrolebindings.rbac.authorization.k8s.io": "rbac.cluster_role_binding",
    "clusterroles.rbac.authorization.k8s.io": "rbac.cluster_role",
    "clustertrustbundles.certificates.k8s.io": "certificates.cluster_trust_bundle",
    "componentstatuses": "core.component_status",
    "configmaps": "core.config_map",
    "controllerrevisions.apps": "apps.controller_revision",
    "cronjobs.batch": "batch.cron_job",
    "csidrivers.storage.k8s.io": "storage.csi_driver",
    "csinodes.storage.k8s.io": "storage.csi_node",
    "csistoragecapacities.storage.k8s.io": "storage.csi_storage_capacity",
    "customresourcedefinitions.apiextensions.k8s.io": "apiextensions.custom_resource_definition",
    "daemonsets.apps": "apps.daemon_set",
    "deployments.apps": "apps.deployment",
    "deviceclasses.resource.k8s.io": "resource.device_class",
    "devicetaintrules.resource.k8s.io": "resource.device_taint_rule",
    "endpoints": "core.endpoints",
    "endpointslices.discovery.k8s.io": "discovery.endpoint_slice",
    "events": "core.event",
    "flowschemas.flowcontrol.apiserver.k8s.io": "flowcontrol.flow_schema",
    "horizontalpodautoscalers.autoscaling": "autoscaling.horizontal_pod_autoscaler",
    "ingressclasses.networking.k8s.io": "networking.ingress_class",
    "ingresses.networking.k8s.io": "networking.ingress",
    "ipaddresses.networking.k8s.io": "networking.ip_address",
    "jobs.batch": "batch.job",
    "leasecandidates.coordination.k8s.io": "coordination.lease_candidate",
    "leases.coordination.k8s.io": "coordination.lease",
    "limitranges": "core.limit_range",
    f"mutatingadmissionpolicies.{ADMISSION}": "admissionregistration.mutating_admission_policy",
    f"mutatingadmissionpolicybindings.{ADMISSION}": "admissionregistration.mutating_admission_policy_binding",
    f"mutatingwebhookconfigurations.{ADMISSION}": "admissionregistration.mutating_webhook_configuration",
    "namespaces": "core.namespace",
    "networkpolicies.networking.k8s.io": "networking.network_policy",
    "nodes.metrics.k8s.io": "metrics.usage",
    "nodes": "core.node",
    "persistentvolumeclaims": "core.persistent_volume_claim",
    "persistentvolumes": "core.persistent_volume",
    "podcertificaterequests.certificates.k8s.io": "certificates.pod_certificate_request",
    "poddisruptionbudgets.policy": "policy.pod_disruption_budget",
    "podgroups.scheduling.k8s.io": "scheduling.pod_group",
    "pods.metrics.k8s.io": "metrics.usage",
    "pods": "core.pod",
    "podtemplates": "core.pod_template",
    "priorityclasses.scheduling.k8s.io": "scheduling.priority_class",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "flowcontrol.priority_level_configuration",
    "replicasets.apps": "apps.replica_set",
    "replicationcontrollers": "core.replication_controller",
    "resourceclaims.resource.k8s.io": "resource.resource_claim",
    "resourceclaimtemplates.resource.k8s.io": "resource.resource_claim_template",
    "resourcequotas": "core.resource_quota",
    "resourceslices.resource.k8s.io": "resource.resource_slice",
    "rolebindings.rbac.authorization.k8s.io": "rbac.role_binding",
    "roles.rbac.authorization.k8s.io": "rbac.role",
    "runtimeclasses.node.k8s.io": "node.runtime_class",
    "secrets": "core.secret",
    "serviceaccounts": "core.service_account",
    "servicecidrs.networking.k8s.io": "networking.service_cidr",
    "services": "core.service",
    "statefulsets.apps": "apps.stateful_set",
    "storageclasses.storage.k8s.io": "storage.storage_class",
    "storageversionmigrations.storagemigration.k8s.io": "storagemigration.storage_version_migration",
    f"validatingadmissionpolicies.{ADMISSION}": "admissionregistration.validating_admission_policy",
    f"validatingadmissionpolicybindings.{ADMISSION}": "admissionregistration.validating_admission_policy_binding",
    f"validatingwebhookconfigurations.{ADMISSION}": "admissionregistration.validating_webhook_configuration",
    "volumeattachments.storage.k8s.io": "storage.volume_attachment",
    "volumeattributesclasses.storage.k8s.io": "storage.volume_attributes_class",
    "workloads.scheduling.k8s.io": "scheduling.workload",
}
WITH_FIRST_OBJECTS = (  # kinds that every cluster has objects of
    "namespaces",
    "priorityclasses.scheduling.k8s.io",
    "storageclasses.storage.k8s.io",
)
FIRST_WHEN_SERVED = (  # and those that every cluster has objects of whose API is served
    "flowschemas.flowcontrol.apiserver.k8s.io",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
)
_WITHOUT_RULES = Strategy()
_DEFINED: WeakKeyDictionary[Kind, Strategy] = WeakKeyDictionary()


def rules_of(kind: Kind) -> Strategy:
    """The rules of a kind; of one that an object defines those that its definition makes."""
    if kind.definition is None:
        return strategy_of(kind.resource)
    found = _DEFINED.get(kind)
    if found is None:
        module = importlib.import_module(f"{__package__}.custom.strategy")
        found = _DEFINED[kind] = module.CustomStrategy(kind)
    return found


@cache
def strategy_of(resource: str) -> Strategy:
    """The rules of a kind; those that every kind has where it has none of its own."""
    module = MODULES.get(resource)
    if module is None:
        return _WITHOUT_RULES
    strategy = importlib.import_module(f"{__package__}.{module}").STRATEGY
    assert isinstance(strategy, Strategy)
    return strategy


def subresource_of(kind: Kind, name: str) -> Subresource | None:
    """A subresource as the room of its kind describes it; None for one that the kind does not have."""
    if name not in kind.subresources:
        return None
    if name == "scale" and (kind.group, kind.version) in OLDER_SCALES:
        return older_scale(kind.group, kind.version)
    shared = SHARED.get(name)  # asked first: discovery need not import the rules of every kind
    return shared if shared is not None else rules_of(kind).subresources[name]
