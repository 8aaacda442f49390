"""Why a pod goes where it goes, or nowhere: each filter and each score of each node, and what would have to change.

The decision is taken once more up to the pod, so that what was placed before it counts as it did.

Tests: tests/engine/chronicle/test_placing.py
"""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.cluster import device_claims
from shipslog.reconcilers.rule.decision import Instant
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

from . import devices, priorities, volumes
from .candidates import NOT_WITH_ITS_SERVICE, Candidates, Turn
from .fit import FAILS, NOT_READY, Ask, NodeLoad, ask_of, matches_node, untolerated
from .gangs import gang_of
from .profile import NAME, Profile
from .queue import QUEUE, Order, Queue, Waiting
from .rounds import Round, config_of, profiles_of
from .topology import AFFINITY, ANTI_AFFINITY, EXISTING, SPREAD, UNLABELLED

BESIDE = {
    AFFINITY: "InterPodAffinity",
    ANTI_AFFINITY: "InterPodAffinity",
    EXISTING: "InterPodAffinity",
    SPREAD: "PodTopologySpread",
    UNLABELLED: "PodTopologySpread",
    volumes.NOT_ITS_NODE: "VolumeBinding",
    volumes.NOTHING_TO_BIND: "VolumeBinding",
    volumes.NOT_ENOUGH_ROOM: "VolumeBinding",
    volumes.NOT_ITS_ZONE: "VolumeZone",
    volumes.TOO_MANY_VOLUMES: "NodeVolumeLimits",
    volumes.IN_USE: "VolumeRestrictions",
    devices.NOT_ALLOCATED: "DynamicResources",
    devices.NOT_THERE: "DynamicResources",
    NOT_WITH_ITS_SERVICE: "CheckServiceAffinity",
}
NAMED = 3  # pods that are named where several are in the way


class NodeExplained(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node. `filters`: those that keep the pod away, with why. `scores`: by name, times their weight. `changes`: what would
    let the pod run there."""

    name: str
    filters: dict[str, str] = {}
    scores: dict[str, int] = {}
    total: int = 0
    changes: tuple[str, ...] = ()
    pods: tuple[tuple[str, str], ...] = ()  # (namespace, name) of those that the changes name


class Explained(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`filters`: all that hold. `best`: the node that the scheduler takes, "" for none."""

    namespace: str
    name: str
    scheduler: str
    revision: int
    node: str = ""  # that it was given
    best: str = ""
    why: str = ""  # it goes nowhere
    filters: tuple[str, ...] = ()
    weights: tuple[tuple[str, int], ...] = ()
    nodes: tuple[NodeExplained, ...] = ()


class _UpTo(Round):
    """A decision that is looked at when it comes to one pod."""

    def __init__(self, view: View, queue: Queue, profiles: Mapping[str, Profile], now: Instant, order: Order) -> None:
        super().__init__(view, queue, profiles, now)
        self._order, self.nodes = order, list[NodeExplained]()
        self.chosen, self.message = "", ""

    def _best(self, order: Order, candidates: Candidates) -> int | None:
        best = super()._best(order, candidates)
        if order == self._order and not self.nodes:
            self.nodes = list(explained(candidates, self._turn))
            self.chosen = self._turn.nodes.order[best].name if best is not None else ""
            self.message = candidates.why() if best is None else ""
        return best


def explain(view: View, pod: core_v1.Pod, now: Instant, *, node: str = "") -> Explained:
    """`pod`: as it waits in the view. `node`: that it was given afterwards."""
    scheduler = pod.spec.scheduler_name or NAME
    found = Explained(
        namespace=pod.metadata.namespace, name=pod.metadata.name, scheduler=scheduler, revision=view.revision, node=node
    )
    profiles = profiles_of(config_of(view))
    profile = profiles.get(scheduler)
    if profile is None:
        return replace(found, why=f"it asks for the scheduler {scheduler!r}, which is none of ours: {', '.join(profiles)}")
    if pod.spec.scheduling_gates:
        gates = ", ".join(gate.name for gate in pod.spec.scheduling_gates)
        return replace(found, why=f"its scheduling gates are closed: {gates}")
    queue = view.projected(QUEUE).together(profiles)
    waiting = next((w for w in queue.pods.values() if w.pod.metadata.uid == pod.metadata.uid), None)
    if waiting is None:
        return replace(found, why="it does not wait for a node")
    if unmade := device_claims.not_yet(view, waiting.pod):
        return replace(found, why=unmade)
    gang = gang_of(view, queue, pod)
    if gang is not None and gang.why:
        return replace(found, why=gang.why)
    looked = _UpTo(view, queue, profiles, now, waiting.order)
    looked.decided()
    if not looked.nodes:
        looked = _alone(view, queue, profiles, now, waiting)
    holds = profile.filters | ({"CheckServiceAffinity"} if profile.service_affinity else set())
    held = tuple(n for n in dict.fromkeys((*(name for name, _ in FAILS), *BESIDE.values())) if n in holds)
    return replace(
        found, best=looked.chosen, why=looked.message, nodes=tuple(looked.nodes), filters=held, weights=profile.scores
    )


def _alone(view: View, queue: Queue, profiles: Mapping[str, Profile], now: Instant, waiting: Waiting) -> _UpTo:
    """It is not its turn yet: as if it were the only one that waits."""
    only = Queue({waiting.order: waiting}, [waiting.order], {}, {}, [], {}, [])
    looked = _UpTo(view, only, profiles, now, waiting.order)
    looked.decided()
    return looked


def explained(candidates: Candidates, turn: Turn) -> Iterator[NodeExplained]:
    ask, profile = candidates.shape.ask, candidates.shape.profile
    for i, reasons in enumerate(candidates.reasons()):
        load = turn.load(i)
        if not reasons:
            own = {n: w * f(ask, load, profile) for n, w in profile.scores if (f := priorities.ALONE.get(n)) is not None}
            own |= {column.name: column.worth(column.raw[i]) for column in candidates.columns}
            yield NodeExplained(name=load.name, scores=own, total=candidates.total(i))
            continue
        failed = {
            name: ", ".join(why) for name, fails in FAILS if name in profile.filters and (why := fails(ask, load, profile))
        }
        for reason in (*candidates.beyond(i), candidates.limits.why[i]):
            if reason:
                failed.setdefault(BESIDE.get(reason, "VolumeBinding"), reason)
        changes = _Changes(ask, load, [r.pod for r in turn.running(i)])
        changes.for_filters(failed)
        yield NodeExplained(name=load.name, filters=failed, changes=tuple(changes.proposed), pods=tuple(changes.named))


class _Changes:
    """What would let a pod run on one node."""

    def __init__(self, ask: Ask, load: NodeLoad, pods: list[core_v1.Pod]) -> None:
        self._ask, self._load, self._pods = ask, load, pods
        self.proposed: list[str] = []
        self.named: list[tuple[str, str]] = []

    def for_filters(self, failed: Mapping[str, str]) -> None:
        for name, why in failed.items():
            CHANGES.get(name, _other)(self, why)

    def uncordon(self, why: str) -> None:
        self.proposed.append(f"make {self._load.name} schedulable: kubectl uncordon {self._load.name}")

    def untaint(self, why: str) -> None:
        node = self._load.node
        taints = untolerated(self._ask.spec, node) if node is not None else []
        for taint in taints:
            value = f"={taint.value}" if taint.value else ""
            self.proposed.append(f"remove the taint {taint.key}{value}:{taint.effect} from {self._load.name}, or tolerate it")
        if not self._load.ready and not any(taint.key == NOT_READY.key for taint in taints):
            self.proposed.append(f"have {self._load.name} become ready")

    def label(self, why: str) -> None:
        node, spec = self._load.node, self._ask.spec
        labels = node.metadata.labels if node is not None else {}
        missing = [f"{key}={value}" for key, value in sorted(spec.node_selector.items()) if labels.get(key) != value]
        for one in missing:
            self.proposed.append(f"label {self._load.name} with {one}, or do not select it")
        if node is not None and not missing and not matches_node(spec, node):
            self.proposed.append(f"have the labels of {self._load.name} be as the pod's node affinity requires")

    def free_ports(self, why: str) -> None:
        wanted = {port[1:] for port in self._ask.ports}
        self._end([p for p in self._pods if any(port[1:] in wanted for port in ask_of(p.spec).ports)], "which hold its ports")

    def free(self, why: str) -> None:
        load = self._load
        for name, amount in self._ask.amounts:
            most, left = load.capacity.get(name, 0), load.capacity.get(name, 0) - load.used.get(name, 0)
            if amount > most:
                self.proposed.append(f"ask for no more than {shown(name, most)} of {name} (it asks for {shown(name, amount)})")
            elif amount > left:
                lack = amount - max(left, 0)
                self.proposed.append(f"free {shown(name, amount - left)} of {name} on {load.name}")
                self._end(self._that_give(name, lack, amount - left), f"which hold {name}", ask=False)
        if load.pods >= load.capacity.get("pods", 1 << 62):
            self.proposed.append(f"end a pod on {load.name}: it has its {load.pods}")

    def _that_give(self, name: str, lack: int, need: int) -> list[core_v1.Pod]:
        """As few pods as hold what is missing, the least important first."""
        held = sorted(
            ((p, ask_of(p.spec).amount(name)) for p in self._pods if not p.metadata.deletion_timestamp),
            key=lambda one: (one[0].spec.priority or 0, -one[1], one[0].metadata.name),
        )
        single = [p for p, amount in held if amount >= need]
        if single:
            return single[:1]
        found = list[core_v1.Pod]()
        for one, amount in held:
            if need > 0 and amount:
                found.append(one)
                need -= amount
        return found if need <= 0 else []

    def _end(self, pods: list[core_v1.Pod], why: str, *, ask: bool = True) -> None:
        if not pods:
            return
        names = [f"{p.metadata.namespace}/{p.metadata.name}" for p in pods]
        self.named += [(p.metadata.namespace, p.metadata.name) for p in pods]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        end = f"end {', '.join(names[:NAMED])}{more}"
        if ask:
            self.proposed.append(f"{end}, {why}")
        else:
            self.proposed[-1] += f", for instance: {end}"


def _other(changes: _Changes, why: str) -> None:
    changes.proposed.append(f"change that {why}")


Change = Callable[[_Changes, str], None]
CHANGES: dict[str, Change] = {
    "NodeUnschedulable": _Changes.uncordon,
    "TaintToleration": _Changes.untaint,
    "NodeAffinity": _Changes.label,
    "NodePorts": _Changes.free_ports,
    "NodeResourcesFit": _Changes.free,
}


def shown(name: str, amount: int) -> str:
    """A quantity as people write it."""
    if name == "cpu":
        return f"{amount // 1000}" if amount % 1000 == 0 else f"{amount}m"
    for unit, size in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if amount >= size and amount % size == 0:
            return f"{amount // size}{unit}"
    return str(amount)


def waits(pod: core_v1.Pod) -> bool:
    return not pod.spec.node_name and pod.status.phase not in TERMINAL
