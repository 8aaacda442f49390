"""The kinds that every cluster has. Their Structs are generated (generate.py); their rules are the engine's (`kinds/`)."""

from collections.abc import Iterable, Iterator
from typing import Any

from .scheme import VERBS, Kind, Scheme, kind_of

# A line with a group and the module of its types; below it, for each kind: plural, type, whether it lives in a namespace (N) or
# in the cluster (C), short names, categories, subresources.
TABLE = """
core core_v1
  bindings                  Binding                  N  -       -    -
  configmaps                ConfigMap                N  cm      -    -
  componentstatuses         ComponentStatus          C  cs      -    -
  endpoints                 Endpoints                N  ep      -    -
  events                    Event                    N  ev      -    -
  limitranges               LimitRange               N  limits  -    -
  namespaces                Namespace                C  ns      -    finalize,status
  nodes                     Node                     C  no      -    proxy,status
  persistentvolumeclaims    PersistentVolumeClaim    N  pvc     -    status
  persistentvolumes         PersistentVolume         C  pv      -    status
  pods                      Pod                      N  po      all  attach,binding,ephemeralcontainers,eviction,exec,log,\
portforward,proxy,resize,status
  podtemplates              PodTemplate              N  -       -    -
  replicationcontrollers    ReplicationController    N  rc      all  scale,status
  resourcequotas            ResourceQuota            N  quota   -    status
  secrets                   Secret                   N  -       -    -
  serviceaccounts           ServiceAccount           N  sa      -    token
  services                  Service                  N  svc     all  proxy,status
admissionregistration.k8s.io admissionregistration_v1
  mutatingadmissionpolicies          MutatingAdmissionPolicy           C  -  api-extensions  -
  mutatingadmissionpolicybindings    MutatingAdmissionPolicyBinding    C  -  api-extensions  -
  mutatingwebhookconfigurations      MutatingWebhookConfiguration      C  -  api-extensions  -
  validatingadmissionpolicies        ValidatingAdmissionPolicy         C  -  api-extensions  status
  validatingadmissionpolicybindings  ValidatingAdmissionPolicyBinding  C  -  api-extensions  -
  validatingwebhookconfigurations    ValidatingWebhookConfiguration    C  -  api-extensions  -
apiextensions.k8s.io apiextensions_v1
  customresourcedefinitions CustomResourceDefinition C  crd,crds  api-extensions  status
apiregistration.k8s.io apiregistration_v1
  apiservices               APIService               C  -       api-extensions  status
apps apps_v1
  controllerrevisions       ControllerRevision       N  -       -    -
  daemonsets                DaemonSet                N  ds      all  status
  deployments               Deployment               N  deploy  all  scale,status
  replicasets               ReplicaSet               N  rs      all  scale,status
  statefulsets              StatefulSet              N  sts     all  scale,status
autoscaling autoscaling_v2
  horizontalpodautoscalers  HorizontalPodAutoscaler  N  hpa     all  status
batch batch_v1
  cronjobs                  CronJob                  N  cj      all  status
  jobs                      Job                      N  -       all  status
certificates.k8s.io certificates_v1
  certificatesigningrequests  CertificateSigningRequest  C  csr  -  approval,status
  clustertrustbundles         ClusterTrustBundle         C  -    -  -
  podcertificaterequests      PodCertificateRequest      N  -    -  status
coordination.k8s.io coordination_v1
  leases                    Lease                    N  -       -    -
coordination.k8s.io coordination_v1beta1
  leasecandidates           LeaseCandidate           N  -       -    -
discovery.k8s.io discovery_v1
  endpointslices            EndpointSlice            N  -       -    -
flowcontrol.apiserver.k8s.io flowcontrol_v1
  flowschemas                  FlowSchema                  C  -  -  status
  prioritylevelconfigurations  PriorityLevelConfiguration  C  -  -  status
networking.k8s.io networking_v1
  ingressclasses            IngressClass             C  -       -    -
  ingresses                 Ingress                  N  ing     -    status
  ipaddresses               IPAddress                C  ip      -    -
  networkpolicies           NetworkPolicy            N  netpol  -    -
  servicecidrs              ServiceCIDR              C  -       -    status
node.k8s.io node_v1
  runtimeclasses            RuntimeClass             C  -       -    -
policy policy_v1
  poddisruptionbudgets      PodDisruptionBudget      N  pdb     -    status
rbac.authorization.k8s.io rbac_v1
  clusterrolebindings       ClusterRoleBinding       C  -       -    -
  clusterroles              ClusterRole              C  -       -    -
  rolebindings              RoleBinding              N  -       -    -
  roles                     Role                     N  -       -    -
resource.k8s.io resource_v1
  deviceclasses             DeviceClass              C  -       -    -
  devicetaintrules          DeviceTaintRule          C  -       -    status
  resourceclaims            ResourceClaim            N  -       -    status
  resourceclaimtemplates    ResourceClaimTemplate    N  -       -    -
  resourceslices            ResourceSlice            C  -       -    -
scheduling.k8s.io scheduling_v1
  priorityclasses           PriorityClass            C  pc      -    -
scheduling.k8s.io scheduling_v1beta1
  podgroups                 PodGroup                 N  -       -    status
  workloads                 Workload                 N  -       -    -
storage.k8s.io storage_v1
  csidrivers                CSIDriver                C  -       -    -
  csinodes                  CSINode                  C  -       -    status
  csistoragecapacities      CSIStorageCapacity       N  -       -    -
  storageclasses            StorageClass             C  sc      -    -
  volumeattachments         VolumeAttachment         C  -       -    status
  volumeattributesclasses   VolumeAttributesClass    C  vac     -    -
storagemigration.k8s.io storagemigration_v1
  storageversionmigrations  StorageVersionMigration  C  -       -    status
"""
# What not every kind can do.
FEWER_VERBS = {
    "bindings": ("create",),
    "componentstatuses": ("get", "list"),
    "namespaces": tuple(verb for verb in VERBS if verb != "deletecollection"),
}


def _defined(crd: Any) -> tuple[Kind, ...]:
    """The kinds that a CustomResourceDefinition makes."""
    from . import custom  # with the types of definitions, which a cluster without any does not need

    return custom.kinds_of(crd)


DEFINING = {"customresourcedefinitions": _defined}


def kinds_of(table: str) -> Iterator[Kind]:
    """The kinds of a table, in its order."""
    group = module = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            group, module = line.split()
            continue
        plural, name, scope, *lists = line.split()
        short, categories, subresources = (tuple(text.split(",")) if text != "-" else () for text in lists)
        yield kind_of(
            plural,
            f"{module}:{name}",
            group="" if group == "core" else group,
            version=module.rpartition("_")[2],
            namespaced=scope == "N",
            short_names=short,
            categories=categories,
            subresources=subresources,
            verbs=FEWER_VERBS.get(plural, VERBS),
            defines=DEFINING.get(plural),
        )


# Other versions of kinds: the key of the kind, group, version, type (= for that of the stored one), module of conversions. Most
# of them Kubernetes 1.37 serves no more; clients of earlier years ask for them.
VERSIONS = """
  events                                events.k8s.io      v1       events_v1:Event  events
  events                                events.k8s.io      v1beta1  events_v1:Event  events
  replicationcontrollers                extensions         v1beta1  =                -
  controllerrevisions.apps              apps               v1beta1  =                -
  controllerrevisions.apps              apps               v1beta2  =                -
  daemonsets.apps                       apps               v1beta2  =                -
  daemonsets.apps                       extensions         v1beta1  extensions_v1beta1:DaemonSet  daemon_sets
  deployments.apps                      apps               v1beta1  apps_v1beta1:Deployment  deployments
  deployments.apps                      apps               v1beta2  =                -
  deployments.apps                      extensions         v1beta1  apps_v1beta1:Deployment  deployments
  replicasets.apps                      apps               v1beta2  =                -
  replicasets.apps                      extensions         v1beta1  =                labelled
  statefulsets.apps                     apps               v1beta1  =                stateful_sets
  statefulsets.apps                     apps               v1beta2  =                -
  horizontalpodautoscalers.autoscaling  autoscaling        v1       autoscaling_v1:HorizontalPodAutoscaler  autoscalers
  horizontalpodautoscalers.autoscaling  autoscaling        v2beta1  \
autoscaling_v2beta1:HorizontalPodAutoscaler  autoscalers_v2beta1
  horizontalpodautoscalers.autoscaling  autoscaling        v2beta2  =                -
  cronjobs.batch                        batch              v1beta1  =                -
  cronjobs.batch                        batch              v2alpha1  =               -
  poddisruptionbudgets.policy           policy             v1beta1  =                budgets
  ingressclasses.networking.k8s.io      networking.k8s.io  v1beta1  =                -
  ingresses.networking.k8s.io           extensions         v1beta1  networking_v1beta1:Ingress  ingresses
  ingresses.networking.k8s.io           networking.k8s.io  v1beta1  networking_v1beta1:Ingress  ingresses
  ipaddresses.networking.k8s.io         networking.k8s.io  v1beta1  =                -
  networkpolicies.networking.k8s.io     extensions         v1beta1  =                -
  servicecidrs.networking.k8s.io        networking.k8s.io  v1beta1  =                -
  mutatingadmissionpolicies.admissionregistration.k8s.io          admissionregistration.k8s.io  v1beta1  =  -
  mutatingadmissionpolicybindings.admissionregistration.k8s.io    admissionregistration.k8s.io  v1beta1  =  -
  mutatingwebhookconfigurations.admissionregistration.k8s.io      admissionregistration.k8s.io  v1beta1  =  webhooks
  validatingadmissionpolicies.admissionregistration.k8s.io        admissionregistration.k8s.io  v1beta1  =  -
  validatingadmissionpolicybindings.admissionregistration.k8s.io  admissionregistration.k8s.io  v1beta1  =  -
  validatingwebhookconfigurations.admissionregistration.k8s.io    admissionregistration.k8s.io  v1beta1  =  webhooks
  customresourcedefinitions.apiextensions.k8s.io  apiextensions.k8s.io  v1beta1  \
apiextensions_v1beta1:CustomResourceDefinition  definitions
  certificatesigningrequests.certificates.k8s.io  certificates.k8s.io  v1beta1  =  signing_requests
  clustertrustbundles.certificates.k8s.io     certificates.k8s.io  v1beta1  =  -
  podcertificaterequests.certificates.k8s.io  certificates.k8s.io  v1beta1  \
certificates_v1beta1:PodCertificateRequest  pod_certificates
  leases.coordination.k8s.io            coordination.k8s.io  v1beta1  =  -
  endpointslices.discovery.k8s.io       discovery.k8s.io   v1beta1  discovery_v1beta1:EndpointSlice  slices
  flowschemas.flowcontrol.apiserver.k8s.io  flowcontrol.apiserver.k8s.io  v1beta1  =  -
  flowschemas.flowcontrol.apiserver.k8s.io  flowcontrol.apiserver.k8s.io  v1beta2  =  -
  flowschemas.flowcontrol.apiserver.k8s.io  flowcontrol.apiserver.k8s.io  v1beta3  =  -
  prioritylevelconfigurations.flowcontrol.apiserver.k8s.io  flowcontrol.apiserver.k8s.io  v1beta1  \
flowcontrol_v1beta2:PriorityLevelConfiguration  levels
  prioritylevelconfigurations.flowcontrol.apiserver.k8s.io  flowcontrol.apiserver.k8s.io  v1beta2  \
flowcontrol_v1beta2:PriorityLevelConfiguration  levels
  prioritylevelconfigurations.flowcontrol.apiserver.k8s.io  flowcontrol.apiserver.k8s.io  v1beta3  =  -
  runtimeclasses.node.k8s.io            node.k8s.io        v1beta1  =                -
  clusterrolebindings.rbac.authorization.k8s.io  rbac.authorization.k8s.io  v1beta1  =  -
  clusterroles.rbac.authorization.k8s.io         rbac.authorization.k8s.io  v1beta1  =  -
  rolebindings.rbac.authorization.k8s.io         rbac.authorization.k8s.io  v1beta1  =  -
  roles.rbac.authorization.k8s.io                rbac.authorization.k8s.io  v1beta1  =  -
  clusterrolebindings.rbac.authorization.k8s.io  rbac.authorization.k8s.io  v1alpha1  \
rbac_v1alpha1:ClusterRoleBinding  role_bindings
  clusterroles.rbac.authorization.k8s.io         rbac.authorization.k8s.io  v1alpha1  =  -
  rolebindings.rbac.authorization.k8s.io         rbac.authorization.k8s.io  v1alpha1  \
rbac_v1alpha1:RoleBinding  role_bindings
  roles.rbac.authorization.k8s.io                rbac.authorization.k8s.io  v1alpha1  =  -
  deviceclasses.resource.k8s.io           resource.k8s.io  v1beta1  resource_v1beta1:DeviceClass  devices
  deviceclasses.resource.k8s.io           resource.k8s.io  v1beta2  =  -
  devicetaintrules.resource.k8s.io        resource.k8s.io  v1beta2  =  -
  resourceclaims.resource.k8s.io          resource.k8s.io  v1beta1  resource_v1beta1:ResourceClaim  devices
  resourceclaims.resource.k8s.io          resource.k8s.io  v1beta2  =  -
  resourceclaimtemplates.resource.k8s.io  resource.k8s.io  v1beta1  resource_v1beta1:ResourceClaimTemplate  devices
  resourceclaimtemplates.resource.k8s.io  resource.k8s.io  v1beta2  =  -
  resourceslices.resource.k8s.io          resource.k8s.io  v1beta1  resource_v1beta1:ResourceSlice  devices
  resourceslices.resource.k8s.io          resource.k8s.io  v1beta2  =  -
  priorityclasses.scheduling.k8s.io     scheduling.k8s.io  v1beta1  =                -
  csidrivers.storage.k8s.io             storage.k8s.io     v1beta1  =                -
  csinodes.storage.k8s.io               storage.k8s.io     v1beta1  =                -
  csistoragecapacities.storage.k8s.io   storage.k8s.io     v1beta1  =                -
  storageclasses.storage.k8s.io         storage.k8s.io     v1beta1  =                -
  volumeattachments.storage.k8s.io      storage.k8s.io     v1beta1  =                -
  volumeattributesclasses.storage.k8s.io  storage.k8s.io   v1beta1  =                -
  storageversionmigrations.storagemigration.k8s.io  storagemigration.k8s.io  v1beta1  =  -
"""
# Of a replication controller extensions/v1beta1 has the scale alone.
ONLY_SCALE = ("replicationcontrollers", "extensions")

# And a deployment of v1beta1 can be asked to roll back.
ROLLS_BACK = ("deployments.apps", "v1beta1")


def with_versions(kinds: Iterable[Kind], table: str) -> Iterator[Kind]:
    """The kinds, and behind them the further versions that a table names."""
    stored = {kind.resource: kind for kind in kinds}
    yield from stored.values()
    for line in table.strip().splitlines():
        resource, group, version, place, conversion = line.split()
        hub = stored[resource]
        scale = (resource, group) == ONLY_SCALE
        more = ("rollback",) if (resource, version) == ROLLS_BACK else ()
        yield Kind(
            group=group,
            version=version,
            kind="ReplicationControllerDummy" if scale else hub.kind,
            plural=hub.plural,
            singular=hub.singular,
            namespaced=hub.namespaced,
            type=hub.place if place == "=" else place,
            # a short name is of one group: kubectl warns of one that could mean two
            short_names=() if scale or group == "extensions" else hub.short_names,
            categories=hub.categories if group == hub.group else (),  # or there would be two of each in `kubectl get all`
            subresources=("scale",) if scale else (*hub.subresources, *more),
            verbs=() if scale else hub.verbs,
            hub=hub,
            conversion="" if conversion == "-" else conversion,
        )


BUILTIN = Scheme(with_versions(kinds_of(TABLE), VERSIONS))
