"""Which nodes a DaemonSet is meant for, and what its pods are like on each.

Source: Kubernetes' daemon controller: NodeShouldRunDaemonPod, AddOrUpdateDaemonPodTolerations, and the affinity to a name.
"""

from msgspec.structs import replace

from shipslog.reconcilers.rule.pods import owner_reference, pod_from_template
from shipslog.reconcilers.scheduler.fit import matches_node, untolerated
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import DaemonSet

HASH, GENERATION_LABEL = "controller-revision-hash", "pod-template-generation"
GENERATION = "deprecated.daemonset.template.generation"
NODE_NAME = "metadata.name"
TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
ON_HOST_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


def spec_of(daemons: DaemonSet) -> core_v1.PodSpec:
    """The spec of its pods on any node: with the tolerations of what a daemon has to outlive."""
    spec = daemons.spec.template.spec
    taints = (*TOLERATED, ON_HOST_NETWORK) if spec.host_network else TOLERATED
    added = tuple(core_v1.Toleration(key=key, operator="Exists", effect=effect) for key, effect in taints)
    return replace(spec, tolerations=(*spec.tolerations, *(new for new in added if new not in spec.tolerations)))


def wants(spec: core_v1.PodSpec, node: core_v1.Node) -> tuple[bool, bool]:
    """Whether a pod is to run on the node, and whether one that runs there may stay."""
    if spec.node_name not in ("", node.metadata.name) or not matches_node(spec, node):
        return False, False
    taints = untolerated(spec, node)
    return not taints, all(taint.effect != "NoExecute" for taint in taints)


def make(daemons: DaemonSet, spec: core_v1.PodSpec, node: str, code: str) -> core_v1.Pod:
    """The pod for a node, of the revision whose hash is `code`."""
    pod = pod_from_template(daemons, daemons.spec.template, owner_reference(daemons))
    labels = {**pod.metadata.labels, HASH: code}
    if generation := daemons.metadata.annotations.get(GENERATION):
        labels[GENERATION_LABEL] = generation
    affinity = spec.affinity or core_v1.Affinity()
    term = core_v1.NodeSelectorTerm(
        match_fields=(core_v1.NodeSelectorRequirement(key=NODE_NAME, operator="In", values=(node,)),)
    )
    required = core_v1.NodeSelector(node_selector_terms=(term,))  # what the template requires, the node is known to have
    to_node = replace(
        affinity.node_affinity or core_v1.NodeAffinity(), required_during_scheduling_ignored_during_execution=required
    )
    bound = replace(spec, affinity=replace(affinity, node_affinity=to_node))
    return replace(pod, metadata=replace(pod.metadata, labels=labels), spec=bound)


def node_of(pod: core_v1.Pod) -> str:
    """The node that the pod is on, or meant for; "" if it says none."""
    if pod.spec.node_name:
        return pod.spec.node_name
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    for term in required.node_selector_terms if required is not None else ():
        for field in term.match_fields:
            if field.key == NODE_NAME and field.operator == "In" and len(field.values) == 1:
                return field.values[0]
    return ""


def is_updated(daemons: DaemonSet, pod: core_v1.Pod, code: str) -> bool:
    """Whether the pod is of the template as it is now."""
    generation, labels = daemons.metadata.annotations.get(GENERATION, ""), pod.metadata.labels
    return labels.get(HASH) == code or bool(generation and labels.get(GENERATION_LABEL) == generation)
