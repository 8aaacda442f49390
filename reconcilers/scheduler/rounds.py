"""One decision of the scheduler while it is being made: in which order pods are looked at, and when it is cut.

Tests: tests/reconcilers/scheduler/test_queue.py
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.cluster import device_claims
from shipslog.reconcilers.rule.decision import Decision, Instant, Say, reference
from shipslog.store.commands import AnyObjectCommand, Bind, Update
from shipslog.store.objects.conditions import set_condition
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import SECOND_NS, api_time
from shipslog.store.view import View
from shipslog.store.wording import counted

from .candidates import Candidates, Turn
from .configuration import profiles_of as profiles_of
from .evictions import Evictions
from .gang_preemption import MOST, Places, Unit, may_preempt, priority_of, units_below, waits_for_ends
from .gangs import WAITS, Gang, gang_of, update_of
from .nodes import NODES_STATE
from .nominations import Nominations
from .profile import NAME, Profile
from .queue import ASKED_LABELS, GATED, Class, Order, Queue, Waiting, group_of
from .shape import Shape, ShapeKey, key_of, shape_of
from .volumes import Taken

LOOK_AGAIN_S = 1.0  # while a pod waits for what others do: to ask at each of their changes would cost too much
AT_ONCE_S = 0.001
BATCH = 256  # pods bound by one decision, and pods told why they wait; the next follows when they are on the log
LOOKS = 10_000  # what one decision may cost, besides the window: a node that is weighed costs one, some 2 µs
WINDOW = 6_000  # what the window may cost
FRESH = 1024  # new pods that one decision looks at
GANGS = 2  # for so many one decision takes away as many pods as it may, in thought
NOWHERE: Mapping[Order, str] = {}
T = TypeVar("T")


class Place(Struct, frozen=True):
    """Where one of a gang goes."""

    waiting: Waiting
    shape: Shape
    node: int


class Room(Struct, frozen=True):
    """Where a gang's pods go when the victims are gone."""

    places: Sequence[Place]
    victims: Sequence[Unit]


def config_of(view: View) -> str:
    """How the scheduler is configured, as it stands on the log; "" if it is not."""
    return view.config.scheduler or ""


class Round:
    """One decision while it is being made."""

    def __init__(self, view: View, queue: Queue, profiles: Mapping[str, Profile], now: Instant) -> None:
        self._view, self._queue, self._profiles, self._now = view, queue, profiles, now
        self._asked = view.projected(ASKED_LABELS)
        self._turn = Turn(view, view.projected(NODES_STATE))
        self._shapes: dict[ShapeKey, Candidates] = {}
        self._nodes, self._left = len(self._turn.nodes.order), LOOKS
        self._says: list[Say] = []
        self._commands: list[AnyObjectCommand] = []
        self._nominations = Nominations(queue, self._turn, self._shape_of)
        self._evictions = Evictions(view, self._turn, now)
        self._bound = self._messages = self._thought = 0
        self._gangs: set[tuple[str, str]] = set()  # those that were looked at
        self._weighed_new = self._later = False
        self._cut = False  # whether there is more that could be done at once
        self._floor: int | None = None  # of the order of a pod that was put off: nobody less important goes before it

    def decided(self) -> Decision:
        queue = self._queue
        for _, pod in sorted(queue.gated.items())[:BATCH]:
            self._tell(pod, *GATED)
        classes = window(queue.heads, max(WINDOW // max(self._nodes, 1), 2), self._now)
        for waiting, others in self._in_order(classes):
            late = self._floor is not None and waiting.order[0] > self._floor
            if late or self._spent or self._messages >= BATCH:
                self._cut = True
                break
            self._nominations.reserve_for_all_above(waiting.order[0])
            self._look(waiting, others)
        waits = self._later or self._waits_for_others
        again = AT_ONCE_S if self._cut else LOOK_AGAIN_S if waits or len(classes) < len(queue.heads) else None
        reason = f"{counted(self._bound, 'pod', 'pods')} bound, {len(queue.pods) + len(queue.gated) - self._bound} left waiting"
        if self._evictions.victims:
            reason += f", {counted(len(self._evictions.victims), 'gives', 'give')} way"
        commands = (*self._commands, *self._evictions.commands)
        return Decision(reason=reason, commands=commands, requeue_after=again, says=(*self._says, *self._evictions.says))

    @property
    def _waits_for_others(self) -> bool:
        return any(c.shape.depends_on_others and c.fitted_nowhere for c in self._shapes.values())

    @property
    def _spent(self) -> bool:
        return self._bound >= BATCH or len(self._evictions.victims) >= BATCH or (self._bound > 0 and self._left <= 0)

    def _in_order(self, classes: list[tuple[Order, Class]]) -> Iterator[tuple[Waiting, list[Order]]]:
        """Pods that are new or nominated, each alone, and classes, each at its most important pod with all that it has."""
        queue = self._queue
        alone = [*queue.fresh[:FRESH], *sorted(queue.nominated)[:FRESH]]
        self._cut = len(alone) < len(queue.fresh) + len(queue.nominated)
        claimants = queue.claimants[:FRESH] if len(queue.claimants) <= FRESH else in_turn(queue.claimants, FRESH, self._now)
        self._later = self._later or len(claimants) < len(queue.claimants)
        alone += claimants
        for order, class_ in sorted([*((order, None) for order in alone), *classes], key=lambda found: found[0]):
            yield queue.pods[order], [order] if class_ is None else queue.classes[class_]

    def _look(self, first: Waiting, members: list[Order]) -> None:
        """Bind the pods, which are alike, until one does not fit; then say why to those to whom it is news."""
        if first.pod.spec.resource_claims and device_claims.not_yet(self._view, first.pod):
            return
        if (gang := gang_of(self._view, self._queue, first.pod)) is not None:
            self._look_at_gang(first, gang)
            return
        candidates = self._candidates(first)
        if candidates is None:
            return
        for at, order in enumerate(members):
            if self._spent:
                self._cut = True
                return
            if self._nominations.is_passed(order):  # by somebody more important, just now
                self._cut = True
                continue
            best = self._best(order, candidates)
            if best is not None and candidates.volumes is not None and candidates.volumes.open:
                self._commands += candidates.volumes.commands(best)  # it is bound when they are; till then its node is kept
                self._turn.place(candidates.shape, best)
                return
            if best is not None:
                self._bind(self._queue.pods[order].pod, self._turn.place(candidates.shape, best))
                if candidates.volumes is not None:
                    candidates.volumes.take()
                    if candidates.volumes.alone:  # they have to be looked at again for the next
                        self._shapes = {shape: held for shape, held in self._shapes.items() if held is not candidates}
                        self._cut = self._cut or at + 1 < len(members)
                        return
                share = 2 if candidates.compares_all else 16 if candidates.shape.depends_on_others else 200
                self._left -= 8 + self._nodes // share
            elif self._evictions.puts_off(self._queue.pods[order], candidates):
                self._nominations.restore(order)
                self._put_off(self._queue.pods[order])
                return
            elif not self._make_room(order, candidates):
                self._fits_nowhere(members[at:], candidates)
                return

    # --- those that come together ---

    def _look_at_gang(self, first: Waiting, gang: Gang) -> None:
        """Bind so many as have a place if they are enough, else none; the others hear why."""
        key = first.pod.metadata.namespace, group_of(first.pod)
        if key in self._gangs:
            return
        if not gang.why and self._left < self._nodes and self._weighed_new:
            self._cut = True
            return
        self._gangs.add(key)
        if gang.group is None or gang.why:
            self._tell_gang([(waiting, gang.why) for waiting in gang.waiting])
            return
        count, taken = len(self._turn.placed), self._turn.taken.copy()
        kept = {one.order: i for one in gang.waiting if (i := self._nominations.release(one.order)) is not None}
        places, failed, commands = self._places(gang.waiting, kept)
        why = failed[0][1] if failed and gang.missing(len(places)) else ""
        if why:
            self._later = self._later or self._waits_for_others
            self._take_back(count, taken, kept)
            failed = sorted([*failed, *((one.waiting, WAITS) for one in places)], key=lambda one: one[0].order)
            self._make_room_for(gang, failed)
        else:
            if commands:
                self._commands += commands  # they are bound when their claims are
            else:
                for one in places:
                    self._bind(one.waiting.pod, self._turn.nodes.order[one.node].name)
            self._tell_gang(failed)
        if (why or not commands) and (update := update_of(gang.group, why, self._now)) is not None:
            self._commands.append(update)

    def _places(
        self, members: Sequence[Waiting], kept: Mapping[Order, int]
    ) -> tuple[list[Place], list[tuple[Waiting, str]], list[AnyObjectCommand]]:
        """(who goes where, who goes nowhere and why, what is to be done for their claims before they are bound). `kept`: the
        nodes that were kept free for some."""
        found: list[Place] = []
        failed: list[tuple[Waiting, str]] = []
        commands: list[AnyObjectCommand] = []
        self._left, self._weighed_new = self._left - self._nodes, True
        for waiting in members:
            key = key_of(waiting, self._asked)
            candidates = self._shapes.get(key)
            if candidates is None:
                candidates = self._shapes[key] = Candidates(self._shape_of(waiting), self._turn)
            best = kept.get(waiting.order)
            if best is None or not candidates.fits(best):
                best = self._best(waiting.order, candidates)
            if best is None:
                failed.append((waiting, candidates.why()))
                continue
            if candidates.volumes is not None and candidates.volumes.open:
                commands += candidates.volumes.commands(best)
            elif candidates.volumes is not None:
                candidates.volumes.take()
            if candidates.volumes is not None:
                del self._shapes[key]  # they have to be looked at again for the next
            self._turn.place(candidates.shape, best)
            self._left -= 8
            found.append(Place(waiting, candidates.shape, best))
        return found, failed, commands

    def _take_back(self, count: int, taken: Taken, kept: Iterable[Order]) -> None:
        """All is as when so many were placed, and nodes are kept free as they were."""
        self._turn.rewind(count, taken.copy())
        self._shapes = {}
        self._nominations.take_back(kept)

    def _make_room_for(self, gang: Gang, failed: Sequence[tuple[Waiting, str]]) -> None:
        """Have those give way in whose places the gang could run together, and say so; if nobody can, why the gang waits."""
        assert gang.group is not None
        if waits_for_ends(self._turn, gang.group, gang.waiting):
            self._tell_gang(failed, {one.order: one.pod.status.nominated_node_name for one in gang.waiting})
            return
        for waiting in gang.waiting:
            self._nominations.give_up(waiting.order)
        room = self._room_for(gang)
        names = {one.waiting.order: self._turn.nodes.order[one.node].name for one in room.places} if room else {}
        self._tell_gang(failed, names)
        if room is None:
            return
        last = max(waiting.order for waiting in gang.waiting)
        for one in room.places:
            self._nominations.nominate(one.waiting.order, one.shape, one.node)
        for name in sorted(set(names.values())):
            for passed in self._nominations.passed_by(last, name):
                self._commands.append(Update(object=_without_node(passed.pod), subresource="status"))
        victims = [(one, self._turn.nodes.order[i].name) for unit in room.victims for i, one in unit.pods]
        self._evictions.evict_for_group(gang.group, gang.waiting[0].pod.spec.scheduler_name, victims)

    def _room_for(self, gang: Gang) -> Room | None:
        """The places that the gang would have if some gave way, and who; None when that does not help, or may not be."""
        first, turn, group = gang.waiting[0], self._turn, gang.group
        assert group is not None
        if not self._profiles[first.pod.spec.scheduler_name or NAME].preempts or not may_preempt(group, gang.waiting):
            return None
        if self._thought >= MOST * GANGS:
            self._later = True
            return None
        units = units_below(self._view, turn, group, priority_of(group, first.ask.priority), self._now)
        if not units:
            return None
        count, taken = len(turn.placed), turn.taken.copy()
        for i, one in (pod for unit in units for pod in unit.pods):
            turn.move(one, i, -1)
            self._thought += 1
        places, _, _ = self._places(gang.waiting, {})
        victims: list[Unit] = []
        if enough := not gang.missing(len(places)):
            turn.taken = taken.copy()
            shapes = {one.shape.key: Candidates(one.shape, turn) for one in places}
            found = Places(turn, [(shapes[one.shape.key], one.node) for one in places])
            victims = found.victims(units, self._evictions.budgets, self._evictions.victims)
        self._take_back(count, taken, ())
        return Room(places, victims) if enough else None

    def _tell_gang(self, failed: Sequence[tuple[Waiting, str]], nodes: Mapping[Order, str] = NOWHERE) -> None:
        """`nodes`: those that are kept free for some."""
        for waiting, why in failed:
            node = nodes.get(waiting.order, "")
            if waiting.message != why or waiting.pod.status.nominated_node_name != node:
                self._tell(waiting.pod, "Unschedulable", why, node)

    # --- the nodes of one ---

    def _candidates(self, first: Waiting) -> Candidates | None:
        """The nodes for pods of its shape; None when they are to be weighed another time."""
        shape = key_of(first, self._asked)
        candidates = self._shapes.get(shape)
        if candidates is not None:
            return candidates
        nominated = first.order in self._queue.nominated
        if first.message is None or nominated:
            if self._left < self._nodes and self._weighed_new:
                self._cut = True
                self._floor = self._floor if nominated else first.order[0]
                return None
            self._left, self._weighed_new = self._left - self._nodes, True
        candidates = self._shapes[shape] = Candidates(self._shape_of(first), self._turn)
        return candidates

    def _shape_of(self, waiting: Waiting) -> Shape:
        return shape_of(self._view, waiting, self._profiles[waiting.pod.spec.scheduler_name or NAME])

    def _best(self, order: Order, candidates: Candidates) -> int | None:
        """Where the pod goes: to the node that is kept free for it, if it can, else to the best."""
        nominated = self._nominations.release(order)
        if nominated is not None and candidates.fits(nominated):
            return nominated
        return None if candidates.known_to_fit_nowhere else candidates.best()

    def _make_room(self, order: Order, candidates: Candidates) -> bool:
        """Have less important pods give way to one that fits nowhere. False when nobody can."""
        waiting = self._queue.pods[order]
        victims = self._evictions.for_(waiting, candidates)
        if victims is None:
            return False
        node = self._turn.nodes.order[victims.node].name
        self._nominations.nominate(order, candidates.shape, victims.node)
        self._tell(waiting.pod, "Unschedulable", candidates.why(), node)
        for passed in self._nominations.passed_by(order, node):
            self._commands.append(Update(object=_without_node(passed.pod), subresource="status"))
        self._evictions.evict(waiting.pod, victims, node)
        return True

    def _put_off(self, waiting: Waiting) -> None:
        """Another decision looks for somebody to give way to it."""
        if waiting.message is None or self._evictions.victims:
            self._cut = True
        self._later = True
        if waiting.message is None:
            self._floor = waiting.order[0]

    def _fits_nowhere(self, members: list[Order], candidates: Candidates) -> None:
        first = self._queue.pods[members[0]]
        why, nominated = candidates.why(), first.pod.status.nominated_node_name
        preemption = self._evictions.why_not(first, candidates)
        if preemption:
            why += f" {preemption}"
        if nominated and self._evictions.waits(first, candidates):
            self._nominations.restore(first.order)
        elif nominated:
            self._nominations.give_up(first.order)
            nominated = ""
        if first.message == why and first.pod.status.nominated_node_name == nominated:  # and so all others of the class
            return
        for order in members[: max(BATCH - self._messages, 0)]:
            self._tell(self._queue.pods[order].pod, "Unschedulable", why, nominated)
        self._cut = self._cut or self._messages >= BATCH

    def _bind(self, pod: core_v1.Pod, node: str) -> None:
        meta = pod.metadata
        if pod.spec.resource_claims:
            self._commands += device_claims.reservations(device_claims.claims_of(self._view, pod), pod)
        bind = Bind(namespace=meta.namespace, name=meta.name, node=node, uid=meta.uid)
        self._commands.append(bind)
        assigned = f"Successfully assigned {meta.namespace}/{meta.name} to {node}"
        self._says.append(Say(about=reference(pod), reason="Scheduled", message=assigned, after=bind))
        self._bound += 1

    def _tell(self, pod: core_v1.Pod, reason: str, why: str, nominated: str = "") -> None:
        """Say it in the pod's status; of what does not fit, an Event too."""
        update = Update(object=_unscheduled(pod, reason, why, nominated, self._now), subresource="status")
        self._commands.append(update)
        self._messages += 1
        if reason == "Unschedulable":
            self._says.append(Say(about=reference(pod), type="Warning", reason="FailedScheduling", message=why, after=update))


def window(heads: list[tuple[Order, Class]], size: int, now: Instant) -> list[tuple[Order, Class]]:
    """The classes that are looked at now: the most important ones, and of the others a part, each in its turn.

    The turns go on each second, and slip by one each time round: who only ever looks at even seconds sees them all."""
    first = size // 2
    return heads[:first] + in_turn(heads[first:], size - first, now)


def in_turn(these: list[T], step: int, now: Instant) -> list[T]:
    """So many of them, each second others."""
    if len(these) <= step:
        return these
    turns, second = -(-len(these) // step), now // SECOND_NS
    begin = (second + second // turns) % turns * step
    return these[begin : begin + step]


def _unscheduled(pod: core_v1.Pod, reason: str, message: str, nominated: str, now: Instant) -> core_v1.Pod:
    condition = core_v1.PodCondition(
        type="PodScheduled", status="False", reason=reason, message=message, observed_generation=pod.metadata.generation
    )
    conditions = set_condition(pod.status.conditions, condition, api_time(now))
    return replace(pod, status=replace(pod.status, conditions=conditions, nominated_node_name=nominated))


def _without_node(pod: core_v1.Pod) -> core_v1.Pod:
    """One for whom no node is kept free any more: somebody more important has taken it."""
    return replace(pod, status=replace(pod.status, nominated_node_name=""))
