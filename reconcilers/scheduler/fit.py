"""Whether a pod can run on a node: what the pod asks for, what the node has left, and the predicates in between.

Source: the default predicates of Kubernetes 1.5 (NoDiskConflict, PodFitsResources, PodSelectorMatches, PodFitsHost,
PodFitsPorts) with the taints and node affinity of today, and today's words for what does not fit.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from shipslog.reconcilers.cluster.node_lifecycle import tolerates
from shipslog.store.objects import core_v1, quantity
from shipslog.store.objects.pods import TERMINAL

Amounts = dict[str, int]  # by resource: cpu in thousandths, others whole
DEFAULT_CPU_MILLI, DEFAULT_MEMORY = 100, 200 << 20  # what a pod without requests counts for when nodes are compared


def requests_of(spec: core_v1.PodSpec) -> Amounts:
    """What a pod needs at most at one time: its containers together, or one init container with the sidecars before it."""
    total: Amounts = {}
    for container in spec.containers:
        _add(total, container)
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.init_containers:
        if container.restart_policy == "Always":
            _add(sidecars, container)
            _add(total, container)
            continue
        alone = dict(sidecars)
        _add(alone, container)
        for name, amount in alone.items():
            peak[name] = max(peak.get(name, 0), amount)
    for name, amount in peak.items():
        total[name] = max(total.get(name, 0), amount)
    for name, value in spec.overhead.items():
        total[name] = total.get(name, 0) + amount_of(name, value)
    return total


def _add(into: Amounts, container: core_v1.Container) -> None:
    asked: Mapping[str, Any] = container.resources.requests
    for name, value in container.resources.limits.items():
        if name not in asked:
            into[name] = into.get(name, 0) + amount_of(name, value)
    for name, value in asked.items():
        into[name] = into.get(name, 0) + amount_of(name, value)


def amount_of(name: str, value: Any) -> int:
    return quantity.milli(value) if name == "cpu" else quantity.value(value)


class NodeLoad(Struct):
    """A node and what its pods take; `place` adds one more while a decision is being made."""

    node: core_v1.Node
    capacity: Amounts
    used: Amounts
    counted_cpu: int = 0  # with the defaults for pods that ask for nothing
    counted_memory: int = 0
    pods: int = 0
    ports: set[tuple[str, str, int]] = set()
    disks: set[tuple[str, str, bool]] = set()

    @property
    def name(self) -> str:
        return str(self.node.metadata.name)

    def place(self, spec: core_v1.PodSpec, asked: Amounts) -> None:
        for name, amount in asked.items():
            self.used[name] = self.used.get(name, 0) + amount
        self.counted_cpu += asked.get("cpu", 0) or DEFAULT_CPU_MILLI
        self.counted_memory += asked.get("memory", 0) or DEFAULT_MEMORY
        self.pods += 1
        self.ports.update(ports_of(spec))
        self.disks.update(disks_of(spec))


def load_of(node: core_v1.Node, pods: Iterable[core_v1.Pod]) -> NodeLoad:
    """The node with the pods that it runs."""
    offered = node.status.allocatable or node.status.capacity
    load = NodeLoad(node, {name: amount_of(name, value) for name, value in offered.items()}, {}, ports=set(), disks=set())
    for pod in pods:
        if pod.status.phase not in TERMINAL:
            load.place(pod.spec, requests_of(pod.spec))
    return load


def ports_of(spec: core_v1.PodSpec) -> Iterator[tuple[str, str, int]]:
    """(address, protocol, port) of each port of the node that the pod takes."""
    for container in spec.containers:
        for port in container.ports:
            number = port.host_port or (port.container_port if spec.host_network else 0)
            if number:
                yield port.host_ip or "0.0.0.0", port.protocol or "TCP", number


def disks_of(spec: core_v1.PodSpec) -> Iterator[tuple[str, str, bool]]:
    """(kind, disk, read only) of each network disk that only one pod may write."""
    for volume in spec.volumes:
        if volume.gce_persistent_disk is not None:
            yield "gce", volume.gce_persistent_disk.pd_name, volume.gce_persistent_disk.read_only
        elif volume.aws_elastic_block_store is not None:
            yield "aws", volume.aws_elastic_block_store.volume_id, False
        elif volume.rbd is not None:
            yield "rbd", f"{volume.rbd.pool}/{volume.rbd.image}", volume.rbd.read_only
        elif volume.iscsi is not None:
            yield "iscsi", volume.iscsi.iqn, volume.iscsi.read_only


def misfits(pod: core_v1.Pod, asked: Amounts, load: NodeLoad) -> list[str]:
    """Why the pod cannot run there, in the words of Kubernetes; [] when it can. The first predicate that fails speaks."""
    node, spec = load.node, pod.spec
    if node.spec.unschedulable and not _tolerates(
        spec, core_v1.Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
    ):
        return ["node(s) were unschedulable"]
    if not any(c.type == "Ready" and c.status == "True" for c in node.status.conditions):
        return ["node(s) were not ready"]
    for taint in untolerated(spec, node):
        return [f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"]
    if not matches_node(spec, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    if any(_clashes(port, taken) for port in ports_of(spec) for taken in load.ports):
        return ["node(s) didn't have free ports for the requested pod ports"]
    if any(d[:2] == t[:2] and not (d[2] and t[2] and d[0] != "aws") for d in disks_of(spec) for t in load.disks):
        return ["node(s) had no available disk"]
    out = []
    if "pods" in load.capacity and load.pods + 1 > load.capacity["pods"]:
        out.append("Too many pods")
    for name, amount in asked.items():
        if amount and amount > load.capacity.get(name, 0) - load.used.get(name, 0):
            out.append(f"Insufficient {name}")
    return out


def untolerated(spec: core_v1.PodSpec, node: core_v1.Node) -> list[core_v1.Taint]:
    """The node's taints that keep the pod away."""
    return [t for t in node.spec.taints if t.effect in ("NoSchedule", "NoExecute") and not _tolerates(spec, t)]


def _tolerates(spec: core_v1.PodSpec, taint: core_v1.Taint) -> bool:
    return any(tolerates(toleration, taint) for toleration in spec.tolerations)


def _clashes(port: tuple[str, str, int], taken: tuple[str, str, int]) -> bool:
    same = port[1:] == taken[1:]
    return same and (port[0] == taken[0] or "0.0.0.0" in (port[0], taken[0]))


# --- node selectors ---


def matches_node(spec: core_v1.PodSpec, node: core_v1.Node) -> bool:
    """nodeSelector, and what node affinity requires."""
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    return required is None or any(matches_term(term, node) for term in required.node_selector_terms)


def matches_term(term: core_v1.NodeSelectorTerm, node: core_v1.Node) -> bool:
    """All of a term's expressions; an empty term matches nothing."""
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": node.metadata.name}
    return all(_matches(e, node.metadata.labels) for e in term.match_expressions) and all(
        _matches(e, fields) for e in term.match_fields
    )


def _matches(expression: core_v1.NodeSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression.key), expression.values
    match expression.operator:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    try:
        difference = int(value or "") - int(values[0])
    except (ValueError, IndexError):
        return False
    return difference > 0 if expression.operator == "Gt" else difference < 0
