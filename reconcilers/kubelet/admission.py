"""Whether a node takes a pod that no scheduler has weighed: one whose maker named the node.

Source: kubelet's predicate admission handler and sysctl allowlist, Kubernetes 1.32.

Tests: tests/reconcilers/kubelet/test_lifecycle.py
"""

from shipslog.reconcilers.cluster.node_lifecycle import tolerates
from shipslog.reconcilers.scheduler.fit import load_of, matches_node, ports_of
from shipslog.store.objects.pods import qos_class, requests_of
from shipslog.store.objects.types import core_v1

from .bound_pod import BoundPod
from .eviction.ranking import is_critical
from .eviction.thresholds import MEMORY, conditions
from .resources import is_extended

MEMORY_TAINT = core_v1.Taint(key="node.kubernetes.io/memory-pressure", effect="NoSchedule")

# Kubernetes' safe set
SAFE_SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
})  # fmt: skip


def refused(pod: BoundPod) -> tuple[str, str]:
    """(reason, message) for a pod that the node does not take; ("", "") for one that it does."""
    forbidden = _forbidden_sysctl(pod.spec)
    if forbidden:
        return "SysctlForbidden", f'forbidden sysctl: "{forbidden}" not allowlisted'
    if _wants_app_armor(pod.spec) and not pod.observed.info.get("containerRuntimeVersion", "").startswith("simulated://"):
        return "AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"
    under = _under_pressure(pod)
    if under:
        return "Evicted", under
    if any(c.type == "PodScheduled" and c.status == "True" for c in pod.pod.status.conditions):
        return "", ""
    return _misfit(pod)


def _under_pressure(pod: BoundPod) -> str:
    """Why a node that runs short does not take a pod; "" where it does. Of memory it may run short for those that ask for some,
    or tolerate it."""
    held, _ = conditions(pod.view.pressure(pod.node), pod.now)
    present = [name for name, holds in held.items() if holds]
    if not present or is_critical(pod.pod):
        return ""
    if present == [MEMORY]:
        tolerant = any(tolerates(one, MEMORY_TAINT) for one in pod.spec.tolerations)
        if tolerant or (pod.pod.status.qos_class or qos_class(pod.spec)) != "BestEffort":
            return ""
    return f"The node had condition: [{' '.join(sorted(present))}]. "


def _forbidden_sysctl(spec: core_v1.PodSpec) -> str:
    """The first sysctl that a pod may not set: those that are not its own, or could hurt the node."""
    asked = spec.security_context.sysctls if spec.security_context is not None else ()
    return next((s.name for s in asked if s.name.replace("/", ".") not in SAFE_SYSCTLS), "")


def _wants_app_armor(spec: core_v1.PodSpec) -> bool:
    """Whether a process of the pod is to be held to a profile, which no node of ours can do."""
    whole = spec.security_context.app_armor_profile if spec.security_context is not None else None
    own = [
        c.security_context.app_armor_profile
        for c in (*spec.init_containers, *spec.containers)
        if c.security_context is not None
    ]
    return any(profile is not None and profile.type != "Unconfined" for profile in (whole, *own))


def _misfit(pod: BoundPod) -> tuple[str, str]:
    node = pod.view.get(core_v1.Node, pod.node)
    if node is None:
        return "", ""
    if not matches_node(pod.spec, node):
        return "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    load = load_of(node, [other for other in pod.view.pods_on(pod.node) if other.metadata.uid != pod.uid])
    if load.pods + 1 > load.capacity.get("pods", load.pods + 1):
        return "OutOfpods", f"Node didn't have enough resource: pods, requested: 1, used: {load.pods}"
    for name, asked in requests_of(pod.spec).items():
        if name not in load.capacity and is_extended(name):  # that is for who placed it there to know
            continue
        used, capacity = load.used.get(name, 0), load.capacity.get(name, 0)
        if asked and used + asked > capacity:
            message = f"requested: {asked}, used: {used}, capacity: {capacity}"
            return f"OutOf{name}", f"Node didn't have enough resource: {name}, {message}"
    if any(port in load.ports for port in ports_of(pod.spec)):
        return "NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    return "", ""
