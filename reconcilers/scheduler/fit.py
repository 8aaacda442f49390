"""Whether a pod can run on a node: what the pod asks for, what the node has left, and the predicates in between.

Source: the filters of Kubernetes 1.37, in their order and words, which have the default predicates of 1.5 (NoDiskConflict,
PodFitsResources, PodSelectorMatches, PodFitsHost, PodFitsPorts) among them.

Tests: tests/reconcilers/scheduler/test_scheduler.py
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.cluster.node_lifecycle import tolerates
from shipslog.store.objects.pods import TERMINAL, Amounts, amount_of, requests_of
from shipslog.store.objects.types import core_v1

from .profile import DEFAULT, Profile


class Final(str):
    """A reason that stays whatever pods leave the node: to take their place would not help."""

    __slots__ = ()


Port = tuple[str, str, int]  # address, protocol, number
Disk = tuple[str, str, bool]  # kind, disk, read only
UNSCHEDULABLE = core_v1.Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
NOT_READY = core_v1.Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule")
KEEPS_AWAY = ("NoSchedule", "NoExecute")
UNLIMITED = 1 << 62
COUNTED = {"cpu": 100, "memory": 200 << 20}  # what a container without requests counts for when nodes are compared
NO_LABELS = Final("node(s) didn't have the requested labels")


UNSCHEDULABLE_NODE = Final("node(s) were unschedulable")
TAINTED = Final("node(s) had untolerated taint(s)")
NOT_ENFORCED = Final("node(s) didn't match scheduler-enforced node affinity")
OTHER_NODE = Final("node(s) didn't match Pod's node affinity/selector")
PORTS_TAKEN = "node(s) didn't have free ports for the requested pod ports"
NO_DISK = "node(s) had no available disk"
TOO_MANY = "Too many pods"


class Ask(Struct, frozen=True):
    """What a pod's spec asks of a node, worked out once for all nodes. Pods with the same key ask for the same."""

    spec: core_v1.PodSpec
    amounts: tuple[tuple[str, int], ...]
    cpu: int  # with the defaults for pods that ask for nothing
    memory: int
    ports: tuple[Port, ...]
    disks: tuple[Disk, ...]
    images: tuple[str, ...]
    selective: bool  # whether it chooses among nodes by their labels
    preferred: tuple[core_v1.PreferredSchedulingTerm, ...]
    bears_unschedulable: bool
    bears_not_ready: bool

    @property
    def priority(self) -> int:
        return self.spec.priority or 0

    def amount(self, name: str) -> int:
        return next((amount for held, amount in self.amounts if held == name), 0)

    def bears(self, taint: core_v1.Taint) -> bool:
        return _tolerates(self.spec, taint)

    @property
    def key(self) -> bytes:
        """All of the spec that decides where it may go, and how important it is."""
        spec = self.spec
        asks = self.amounts, self.cpu, self.memory, self.ports, self.disks, self.images
        who = spec.scheduler_name, spec.priority, spec.preemption_policy
        where = spec.node_selector, spec.affinity, spec.tolerations, spec.topology_spread_constraints
        return msgspec.json.encode((asks, who, where), order="deterministic")


def image_name(image: str) -> str:
    """With its tag."""
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def ask_of(spec: core_v1.PodSpec) -> Ask:
    asked = {name: amount for name, amount in requests_of(spec).items() if amount}
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    counted = requests_of(spec, COUNTED)
    return Ask(
        spec,
        tuple(sorted(asked.items())),
        counted.get("cpu", 0),
        counted.get("memory", 0),
        tuple(ports_of(spec)),
        tuple(disks_of(spec)),
        tuple(image_name(c.image) for c in (*spec.init_containers, *spec.containers)),
        bool(spec.node_selector) or required is not None,
        affinity.preferred_during_scheduling_ignored_during_execution if affinity is not None else (),
        bool(spec.tolerations) and _tolerates(spec, UNSCHEDULABLE),
        bool(spec.tolerations) and _tolerates(spec, NOT_READY),
    )


class NodeLoad(Struct):
    """A node and what its pods take. Without a node while there is none of that name, though pods are bound to it."""

    name: str
    node: core_v1.Node | None = None
    capacity: Amounts = {}
    used: Amounts = {}
    counted_cpu: int = 0  # with the defaults for pods that ask for nothing
    counted_memory: int = 0
    pods: int = 0
    ports: dict[Port, int] = {}  # taken how many times
    disks: dict[Disk, int] = {}
    by_priority: dict[int, Amounts] = {}  # what the pods of one priority take, and under "pods" how many they are
    ready: bool = False
    taints: tuple[core_v1.Taint, ...] = ()  # those that keep pods away

    def stand(self, node: core_v1.Node | None) -> None:
        """The node as it is now; None when it is gone."""
        self.node = node
        offered = (node.status.allocatable or node.status.capacity) if node is not None else {}
        self.capacity = {name: amount_of(name, value) for name, value in offered.items()}
        self.ready = node is not None and any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)
        self.taints = tuple(t for t in node.spec.taints if t.effect in KEEPS_AWAY) if node is not None else ()

    def place(self, ask: Ask, times: int = 1) -> None:
        """One more pod; one less with -1."""
        of_priority = self.by_priority.setdefault(ask.priority, {})
        _count(of_priority, "pods", times)
        for name, amount in ask.amounts:
            _count(self.used, name, amount * times)
            _count(of_priority, name, amount * times)
        if not of_priority:
            del self.by_priority[ask.priority]
        self.counted_cpu += ask.cpu * times
        self.counted_memory += ask.memory * times
        self.pods += times
        for port in ask.ports:
            _count(self.ports, port, times)
        for disk in ask.disks:
            _count(self.disks, disk, times)

    def copy(self) -> "NodeLoad":
        """Another that can change by itself."""
        return replace(
            self, used=dict(self.used), ports=dict(self.ports), disks=dict(self.disks),
            by_priority={priority: dict(amounts) for priority, amounts in self.by_priority.items()},
        )  # fmt: skip


K = TypeVar("K")


def _count(into: dict[K, int], key: K, more: int) -> None:
    """What is at nothing goes."""
    total = into.get(key, 0) + more
    if total:
        into[key] = total
    else:
        into.pop(key, None)


def load_of(node: core_v1.Node, pods: Iterable[core_v1.Pod]) -> NodeLoad:
    """The node with the pods that it runs."""
    load = NodeLoad(node.metadata.name)
    load.stand(node)
    for pod in pods:
        if pod.status.phase not in TERMINAL:
            load.place(ask_of(pod.spec))
    return load


def ports_of(spec: core_v1.PodSpec) -> Iterator[Port]:
    """(address, protocol, port) of each port of the node that the pod takes."""
    for container in spec.containers:
        for port in container.ports:
            number = port.host_port or (port.container_port if spec.host_network else 0)
            if number:
                yield port.host_ip or "0.0.0.0", port.protocol or "TCP", number


def disks_of(spec: core_v1.PodSpec) -> Iterator[Disk]:
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


def misfits(ask: Ask, load: NodeLoad, profile: Profile = DEFAULT) -> tuple[str, ...]:
    """Why a pod cannot run there, in the words of Kubernetes; () when it can. The first predicate that fails speaks."""
    filters = profile.filters  # what follows is FAILS, without calls where they would have nothing to say
    if load.node.spec.unschedulable and "NodeUnschedulable" in filters and (reason := _closed(ask, load, profile)):  # type: ignore[union-attr]
        return reason
    if (load.taints or not load.ready) and "TaintToleration" in filters and (reason := _tainted(ask, load, profile)):
        return reason
    chooses = ask.selective or profile.added_affinity is not None
    if chooses and "NodeAffinity" in filters and (reason := _chosen(ask, load, profile)):
        return reason
    if ask.ports and "NodePorts" in filters and (reason := _ports(ask, load, profile)):
        return reason
    if "NodeResourcesFit" in filters and (reason := lacks(ask, load, profile)):
        return reason
    if ask.disks and "VolumeRestrictions" in filters and (reason := _disks(ask, load, profile)):
        return reason
    return _labelled(ask, load, profile) if profile.labels_present else ()


# --- the filters, in their order ---


def _closed(ask: Ask, load: NodeLoad, profile: Profile) -> tuple[str, ...]:
    return (UNSCHEDULABLE_NODE,) if load.node.spec.unschedulable and not ask.bears_unschedulable else ()  # type: ignore[union-attr]


def _tainted(ask: Ask, load: NodeLoad, profile: Profile) -> tuple[str, ...]:
    if not load.ready and not ask.bears_not_ready:  # its taint comes a moment later
        return (TAINTED,)
    return (TAINTED,) if load.taints and not all(_tolerates(ask.spec, taint) for taint in load.taints) else ()


def _chosen(ask: Ask, load: NodeLoad, profile: Profile) -> tuple[str, ...]:
    assert load.node is not None
    if profile.added_affinity is not None and not _has(profile.added_affinity, load.node):
        return (NOT_ENFORCED,)
    return (OTHER_NODE,) if ask.selective and not matches_node(ask.spec, load.node) else ()


def _ports(ask: Ask, load: NodeLoad, profile: Profile) -> tuple[str, ...]:
    taken = ask.ports and load.ports and any(_clashes(port, held) for port in ask.ports for held in load.ports)
    return (PORTS_TAKEN,) if taken else ()


def _disks(ask: Ask, load: NodeLoad, profile: Profile) -> tuple[str, ...]:
    denied = ask.disks and load.disks and any(_denied(disk, taken) for disk in ask.disks for taken in load.disks)
    return (NO_DISK,) if denied else ()


def _labelled(ask: Ask, load: NodeLoad, profile: Profile) -> tuple[str, ...]:
    labels = load.node.metadata.labels if load.node is not None else {}
    fits = all((key in labels) == there for keys, there in profile.labels_present for key in keys)
    return () if fits else (NO_LABELS,)


def lacks(ask: Ask, load: NodeLoad, profile: Profile = DEFAULT) -> tuple[str, ...]:
    """What there is too little of."""
    capacity, used = load.capacity, load.used
    out: tuple[str, ...] = ()
    if load.pods >= capacity.get("pods", UNLIMITED):
        out = (TOO_MANY,)
    for name, amount in ask.amounts:
        most = capacity.get(name, 0)
        if amount > most - used.get(name, 0) and not profile.ignores(name):
            out += (Final(f"Insufficient {name}") if amount > most else f"Insufficient {name}",)
    return out


Fails = Callable[[Ask, NodeLoad, Profile], tuple[str, ...]]
LABELS_PRESENT = "CheckNodeLabelPresence"
FAILS: tuple[tuple[str, Fails], ...] = (
    ("NodeUnschedulable", _closed),
    ("TaintToleration", _tainted),
    ("NodeAffinity", _chosen),
    ("NodePorts", _ports),
    ("NodeResourcesFit", lacks),
    ("VolumeRestrictions", _disks),
    (LABELS_PRESENT, _labelled),
)


def _has(affinity: core_v1.NodeAffinity, node: core_v1.Node) -> bool:
    required = affinity.required_during_scheduling_ignored_during_execution
    return required is None or any(matches_term(term, node) for term in required.node_selector_terms)


def lacks_without(ask: Ask, load: NodeLoad) -> bool:
    """Whether there would be too little of something even if all less important pods went."""
    going = [amounts for priority, amounts in load.by_priority.items() if priority < ask.priority]
    capacity, used = load.capacity, load.used
    if load.pods - sum(amounts.get("pods", 0) for amounts in going) >= capacity.get("pods", UNLIMITED):
        return True
    return any(
        amount > capacity.get(name, 0) - used.get(name, 0) + sum(amounts.get(name, 0) for amounts in going)
        for name, amount in ask.amounts
    )


def untolerated(spec: core_v1.PodSpec, node: core_v1.Node) -> list[core_v1.Taint]:
    """The node's taints that keep the pod away."""
    return [t for t in node.spec.taints if t.effect in KEEPS_AWAY and not _tolerates(spec, t)]


def _tolerates(spec: core_v1.PodSpec, taint: core_v1.Taint) -> bool:
    return any(tolerates(toleration, taint) for toleration in spec.tolerations)


def _clashes(port: Port, taken: Port) -> bool:
    same = port[1:] == taken[1:]
    return same and (port[0] == taken[0] or "0.0.0.0" in (port[0], taken[0]))


def _denied(disk: Disk, taken: Disk) -> bool:
    return disk[:2] == taken[:2] and not (disk[2] and taken[2] and disk[0] != "aws")


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
