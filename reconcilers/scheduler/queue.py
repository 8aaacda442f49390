"""The pods that wait for a node, most important first: those that are new, and in classes those that were told why they wait.

Pods of a class are alike in all that can decide where they go, and were told the same."""

from bisect import bisect_left, insort
from collections import ChainMap, Counter
from collections.abc import Iterable, MutableMapping
from heapq import merge

import msgspec
from msgspec import Struct

from shipslog.reconcilers.cluster.device_claims import names_of
from shipslog.reconcilers.rule.pods import controller_of
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.projections import Projection, index
from shipslog.store.state import Entry

from .fit import Ask, ask_of
from .profile import NAME
from .terms import asked_keys

OWNERS = ("ReplicationController", "ReplicaSet", "StatefulSet")  # with whose pods a pod is spread
GATED = ("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")
Order = tuple[int, str, str, str]  # (-priority, since when, namespace, name)
Class = tuple[str, bytes, str, tuple[tuple[str, str], ...], str]


class Waiting(Struct):
    """One pod that waits."""

    order: Order
    pod: core_v1.Pod
    ask: Ask
    key: bytes  # of what it asks, of its claims, and its group
    owner: str  # the uid of the controller that it is of
    message: str | None  # why it waits, in its status; None while that is not there

    @property
    def class_(self) -> Class:
        return (self.order[2], self.key, self.owner, tuple(sorted(self.pod.metadata.labels.items())), self.message or "")


class Queue(Struct):
    """What waits: each pod is new, nominated or in a class. `heads` has each class at its most important pod."""

    pods: MutableMapping[Order, Waiting] = {}
    fresh: list[Order] = []
    nominated: MutableMapping[Order, str] = {}  # those for whom a node is kept free, with its name; in no class
    classes: MutableMapping[Class, list[Order]] = {}
    heads: list[tuple[Order, Class]] = []
    gated: MutableMapping[Order, core_v1.Pod] = {}  # those that still have to be told so
    claimants: list[Order] = []  # new ones with claims on devices: they may have to wait until these are there

    def join(self, pod: core_v1.Pod) -> None:
        order, unscheduled = order_of(pod), _unscheduled(pod)
        if pod.spec.scheduling_gates:
            if unscheduled != GATED:
                self.gated[order] = pod
            return
        ask, owner = ask_of(pod.spec), controller_of(pod)
        uid = owner.uid if owner is not None and owner.kind in OWNERS else ""
        message = unscheduled[1] if unscheduled is not None and unscheduled[0] == "Unschedulable" else None
        claims = tuple(dict.fromkeys(claims_of(pod)))
        beside: tuple[object, ...] = (claims, group) if (group := group_of(pod)) else claims
        if pod.spec.resource_claims:
            beside = (*beside, tuple(names_of(pod)))
        key = ask.key + msgspec.json.encode(beside) if beside else ask.key
        waiting = self.pods[order] = Waiting(order, pod, ask, key, uid, message)
        if pod.status.nominated_node_name:
            self.nominated[order] = pod.status.nominated_node_name
            return
        if waiting.message is None:
            insort(self.claimants if pod.spec.resource_claims else self.fresh, order)
            return
        members = self.classes.setdefault(waiting.class_, [])
        insort(members, order)
        if members[0] == order:
            if len(members) > 1:
                _drop(self.heads, (members[1], waiting.class_))
            insort(self.heads, (order, waiting.class_))

    def leave(self, pod: core_v1.Pod) -> None:
        order = order_of(pod)
        self.gated.pop(order, None)
        waiting = self.pods.pop(order, None)
        if waiting is None or self.nominated.pop(order, None) is not None:
            return
        if waiting.message is None:
            _drop(self.claimants if pod.spec.resource_claims else self.fresh, order)
            return
        class_ = waiting.class_
        members = self.classes[class_]
        if members[0] == order:
            _drop(self.heads, (order, class_))
            if len(members) > 1:
                insort(self.heads, (members[1], class_))
        _drop(members, order)
        if not members:
            del self.classes[class_]


class Queues(Struct):
    """What waits, by the scheduler that it asks for."""

    of: dict[str, Queue] = {}

    def evolve(self, before: Entry | None, after: Entry | None) -> None:
        """A pod was made, changed or deleted."""
        if before is not None and _waits(before.object):
            name = _scheduler(before.object)
            self.of[name].leave(before.object)
            if not (self.of[name].pods or self.of[name].gated):
                del self.of[name]
        if after is not None and _waits(after.object):
            self.of.setdefault(_scheduler(after.object), empty()).join(after.object)

    def together(self, names: Iterable[str]) -> Queue:
        """Those of several schedulers as one; not to be changed."""
        found = [self.of[name] for name in names if name in self.of]
        if len(found) == 1:
            return found[0]
        return Queue(
            ChainMap(*(q.pods for q in found)), list(merge(*(q.fresh for q in found))),
            ChainMap(*(q.nominated for q in found)), ChainMap(*(q.classes for q in found)),
            list(merge(*(q.heads for q in found))), ChainMap(*(q.gated for q in found)),
            list(merge(*(q.claimants for q in found))),
        )  # fmt: skip


def empty() -> Queue:
    return Queue({}, [], {}, {}, [], {}, [])


def _drop(among: list, what: object) -> None:  # type: ignore[type-arg]
    del among[bisect_left(among, what)]


def _waits(pod: core_v1.Pod) -> bool:
    return not pod.spec.node_name and not pod.metadata.deletion_timestamp and pod.status.phase not in TERMINAL


def group_of(pod: core_v1.Pod) -> str:
    """The name of its pod group; "" if it is in none."""
    group = pod.spec.scheduling_group
    return (group.pod_group_name or "") if group is not None else ""


def _scheduler(pod: core_v1.Pod) -> str:
    return pod.spec.scheduler_name or NAME


def order_of(pod: core_v1.Pod) -> Order:
    meta = pod.metadata
    return -(pod.spec.priority or 0), meta.creation_timestamp, meta.namespace, meta.name


def _unscheduled(pod: core_v1.Pod) -> tuple[str, str] | None:
    """(reason, message) of what the pod's status says."""
    held = find_condition(pod.status.conditions, "PodScheduled")
    return (held.reason, held.message) if held is not None and held.status == "False" else None


def _asked(state: "Counter[str]", before: Entry | None, after: Entry | None) -> None:
    old = _keys(before) if before is not None else set()
    new = _keys(after) if after is not None else set()
    if old != new:
        for key in old - new:
            state[key] -= 1
            if not state[key]:
                del state[key]
        for key in new - old:
            state[key] += 1


def _keys(entry: Entry) -> set[str]:
    return asked_keys(entry.object.spec) if entry.resource == "pods" else set(entry.object.spec.selector)


def _asks_for(service: core_v1.Service) -> tuple[tuple[str, str, str], ...]:
    """One of the labels that a pod must have to be the service's."""
    label = min(service.spec.selector.items(), default=None)
    return ((service.metadata.namespace, *label),) if label is not None else ()


QUEUE = Projection("pods that wait for a node", ("pods",), lambda: Queues({}), Queues.evolve)
ASKED_LABELS = Projection("keys of labels that somebody asks for", ("pods", "services"), Counter, _asked)
SERVICES_BY_LABEL = index("services by a label that they ask for", ("services",), _asks_for)
