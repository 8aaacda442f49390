"""How objects were written when digests of version 1 and 2 were taken: in another order, and with less of what is empty.

The table never changes: it says what an older log means. Source: our types as they were before they followed Kubernetes 1.37.

Tests: tests/goldens/test_logs.py
"""

from functools import cache
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct

from shipslog.store.objects.types import core_v1, discovery_v1, meta_v1, policy_v1
from shipslog.store.objects.values.scalars import NullList, NullText, Object

# The fields of a type in the order in which they stood; behind a dash those that were left out where they were empty. A type
# that is not here stood as it stands now, but for apiVersion, which came before kind.
FIELDS: dict[type[Any], str] = {
    meta_v1.Condition: "type observedGeneration lastTransitionTime reason message status",
    meta_v1.OwnerReference: "kind name uid apiVersion controller blockOwnerDeletion",
    core_v1.AWSElasticBlockStoreVolumeSource: "volumeID fsType -partition readOnly",
    core_v1.NodeSelector: "-nodeSelectorTerms",
    core_v1.AzureFilePersistentVolumeSource: "secretName shareName readOnly -secretNamespace",
    core_v1.CephFSPersistentVolumeSource: "-monitors path user secretFile secretRef readOnly",
    core_v1.CephFSVolumeSource: "-monitors path user secretFile secretRef readOnly",
    core_v1.ClusterTrustBundleProjection: "-name -signerName labelSelector path optional",
    core_v1.ComponentCondition: "type message -error status",
    core_v1.ConfigMap: "apiVersion kind metadata data binaryData immutable",
    core_v1.ConfigMapEnvSource: "optional name",
    core_v1.ConfigMapKeySelector: "key optional name",
    core_v1.ConfigMapProjection: "items optional name",
    core_v1.ConfigMapVolumeSource: "items defaultMode optional name",
    core_v1.SecretEnvSource: "optional name",
    core_v1.ResourceFieldSelector: "containerName resource divisor",
    core_v1.SecretKeySelector: "key optional name",
    core_v1.HTTPGetAction: "path -port host scheme httpHeaders",
    core_v1.TCPSocketAction: "-port host",
    core_v1.GRPCAction: "port -service",
    core_v1.Probe: (
        "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds "
        "exec grpc httpGet tcpSocket"
    ),
    core_v1.SecurityContext: (
        "capabilities privileged seLinuxOptions runAsUser runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation "
        "runAsGroup procMount windowsOptions seccompProfile appArmorProfile"
    ),
    core_v1.VolumeMount: "name readOnly mountPath subPath mountPropagation subPathExpr recursiveReadOnly",
    core_v1.Container: (
        "name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle "
        "terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy "
        "volumeDevices startupProbe resizePolicy restartPolicy"
    ),
    core_v1.ContainerImage: "-names sizeBytes",
    core_v1.ContainerStateRunning: "-startedAt",
    core_v1.ContainerStateTerminated: "exitCode signal reason message -startedAt -finishedAt containerID",
    core_v1.EndpointAddress: "ip targetRef hostname nodeName",
    core_v1.EphemeralContainer: (
        "targetContainerName args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports "
        "readinessProbe resizePolicy resources restartPolicy securityContext startupProbe stdin stdinOnce "
        "terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
    ),
    core_v1.TypedLocalObjectReference: "-apiGroup kind name",
    core_v1.TypedObjectReference: "-apiGroup kind name -namespace",
    core_v1.PersistentVolumeClaimSpec: (
        "accessModes resources volumeName selector storageClassName volumeMode dataSource dataSourceRef "
        "volumeAttributesClassName"
    ),
    core_v1.EventSeries: "count -lastObservedTime",
    core_v1.Event: (
        "apiVersion kind metadata involvedObject reason message source -firstTimestamp -lastTimestamp count type "
        "-eventTime series action related reportingComponent reportingInstance"
    ),
    core_v1.GCEPersistentDiskVolumeSource: "pdName fsType -partition readOnly",
    core_v1.GlusterfsPersistentVolumeSource: "endpoints path readOnly -endpointsNamespace",
    core_v1.ISCSIPersistentVolumeSource: (
        "targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery secretRef chapAuthSession initiatorName"
    ),
    core_v1.ISCSIVolumeSource: (
        "targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery secretRef chapAuthSession initiatorName"
    ),
    core_v1.LimitRangeSpec: "-limits",
    core_v1.PortStatus: "port protocol -error",
    core_v1.LocalVolumeSource: "path -fsType",
    core_v1.NamespaceCondition: "type -lastTransitionTime reason message status",
    core_v1.NodeSpec: "podCIDR externalID providerID unschedulable taints configSource podCIDRs",
    core_v1.NodeCondition: "type -lastHeartbeatTime -lastTransitionTime reason message status",
    core_v1.NodeConfigStatus: "assigned active lastKnownGood -error",
    core_v1.NodeRuntimeHandlerFeatures: "-recursiveReadOnlyMounts -userNamespaces",
    core_v1.NodeRuntimeHandler: "-name features",
    core_v1.RBDPersistentVolumeSource: "-monitors image fsType pool user keyring secretRef readOnly",
    core_v1.PersistentVolumeSpec: (
        "capacity accessModes claimRef persistentVolumeReclaimPolicy storageClassName mountOptions volumeMode "
        "nodeAffinity volumeAttributesClassName awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume "
        "flocker gcePersistentDisk glusterfs hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd "
        "scaleIO storageos vsphereVolume"
    ),
    core_v1.PersistentVolumeClaimCondition: "type -lastProbeTime -lastTransitionTime reason message status",
    core_v1.PodSecurityContext: (
        "seLinuxOptions runAsUser runAsNonRoot supplementalGroups fsGroup runAsGroup sysctls windowsOptions "
        "fsGroupChangePolicy seccompProfile appArmorProfile supplementalGroupsPolicy seLinuxChangePolicy"
    ),
    core_v1.SecretProjection: "items optional name",
    core_v1.ProjectedVolumeSource: "-sources defaultMode",
    core_v1.RBDVolumeSource: "-monitors image fsType pool user keyring secretRef readOnly",
    core_v1.Volume: (
        "name awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir ephemeral fc "
        "flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath image iscsi nfs persistentVolumeClaim "
        "photonPersistentDisk portworxVolume projected quobyte rbd scaleIO secret storageos vsphereVolume"
    ),
    core_v1.PodSpec: (
        "volumes -containers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector "
        "serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext imagePullSecrets hostname "
        "subdomain affinity schedulerName initContainers automountServiceAccountToken tolerations hostAliases "
        "priorityClassName priority dnsConfig shareProcessNamespace readinessGates runtimeClassName enableServiceLinks "
        "preemptionPolicy overhead topologySpreadConstraints ephemeralContainers setHostnameAsFQDN os hostUsers "
        "schedulingGates resourceClaims resources"
    ),
    core_v1.PodCondition: "type -lastProbeTime -lastTransitionTime reason message status",
    core_v1.PodStatus: (
        "phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses "
        "nominatedNodeName podIPs ephemeralContainerStatuses resize resourceClaimStatuses hostIPs"
    ),
    core_v1.ReplicationControllerSpec: "replicas selector template minReadySeconds",
    core_v1.ReplicationControllerCondition: "type -lastTransitionTime reason message status",
    core_v1.ReplicationControllerStatus: (
        "replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions"
    ),
    core_v1.Secret: "apiVersion kind metadata data type stringData immutable",
    core_v1.ServicePort: "name protocol port -targetPort nodePort appProtocol",
    core_v1.ServiceSpec: (
        "ports selector clusterIP type externalIPs sessionAffinity loadBalancerIP loadBalancerSourceRanges externalName "
        "externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig ipFamilyPolicy "
        "clusterIPs ipFamilies allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution"
    ),
    core_v1.TopologySelectorLabelRequirement: "key -values",
    discovery_v1.Endpoint: "-addresses -conditions hostname targetRef deprecatedTopology nodeName zone hints",
    discovery_v1.EndpointSlice: "apiVersion kind metadata -endpoints -ports addressType",
    policy_v1.PodDisruptionBudgetSpec: "minAvailable selector maxUnavailable -unhealthyPodEvictionPolicy",
    policy_v1.PodDisruptionBudgetStatus: (
        "-observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods conditions"
    ),
}


def as_it_stood(obj: Object) -> msgspec.Raw:
    """The JSON of an object, as versions 1 and 2 have it."""
    return msgspec.Raw(msgspec.json.encode(_value(obj)))


def _value(value: Any) -> Any:
    if isinstance(value, Object):
        held = ((name, getattr(value, attribute), empty) for attribute, name, empty in _fields(type(value)))
        return {name: _value(inner) for name, inner, empty in held if empty is NODEFAULT or inner not in empty}
    if isinstance(value, tuple | NullList):
        return [_value(v) for v in value]
    if isinstance(value, dict):
        return {key: _value(value[key]) for key in sorted(value)}
    return "" if isinstance(value, NullText) else value


@cache
def _fields(struct: type[Struct]) -> tuple[tuple[str, str, Any], ...]:
    """Of each field as it stood: its attribute, its name, and the values with which it was left out (NODEFAULT: none)."""
    infos = {f.encode_name: f for f in msgspec.structs.fields(struct)}
    names = FIELDS[struct].split() if struct in FIELDS else list(infos)
    names += [name for name in infos if name not in names and f"-{name}" not in names]  # what is newer
    if "kind" in infos and infos["kind"].default_factory is not str and names[:2] == ["kind", "apiVersion"]:
        names[:2] = ["apiVersion", "kind"]
    found = []
    for name in names:
        info = infos[name.removeprefix("-")]
        made = info.default_factory() if info.default is NODEFAULT else info.default
        empty = (None, "", made) if name.startswith("-") else NODEFAULT if info.default is NODEFAULT else (info.default,)
        found.append((info.name, info.encode_name, empty))
    return tuple(found)
