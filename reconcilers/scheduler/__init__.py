"""Binds pods to nodes: those that wait are looked at together, most important first.

A decision walks neither all pods nor all that wait: what the nodes run and what waits are projections (nodes.py, queue.py).
Pods that are alike (shape.py) are weighed against the nodes once, and then node by node as the decision places others.
The work of one decision is bounded, by what it would cost if nothing were remembered, so that a replay decides the same: pods
that nobody has told yet why they wait come first, as many as LOOKS allows; of the classes of those that were told, a window
is looked at: half of it always the most important ones, the other half all others in turn, one part each second. So everyone
that waits is looked at again, and nobody who is new waits for those that do not fit.

Source: the default scheduler of Kubernetes 1.5: predicates (fit.py), then priorities (priorities.py).
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Bind, Update
from shipslog.store.objects import core_v1
from shipslog.store.objects.conditions import set_condition
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.times import SECOND_NS, api_time
from shipslog.store.view import View

from .candidates import Candidates, Turn
from .nodes import NODES_STATE
from .queue import ASKED_LABELS, GATED, QUEUE, SERVICES_BY_LABEL, Class, Order, Queue, Waiting
from .shape import ShapeKey, key_of, shape_of

KEY = "pending"
LOOK_AGAIN_S = 1.0  # while a pod waits for what others do: to ask at each of their changes would cost too much
AT_ONCE_S = 0.001
BATCH = 256  # pods bound by one decision, and pods told why they wait; the next follows when they are on the log
LOOKS = 10_000  # what one decision may cost, besides the window: a node that is weighed costs one, some 2 µs
WINDOW = 6_000  # what the window may cost
FRESH = 1024  # new pods that one decision looks at


def _makes_work(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    """Whether a pod waits for a node and there is news of it, or it leaves a node and makes room."""
    if after is None or after.spec.node_name:
        return after is None or after.status.phase in TERMINAL
    if before is None or before.metadata.labels != after.metadata.labels or before.spec != after.spec:
        return True
    return bool(before.metadata.deletion_timestamp) != bool(after.metadata.deletion_timestamp)


def _all_that_wait(view: View, obj: core_v1.Pod | core_v1.Node) -> Iterable[str]:
    if isinstance(obj, core_v1.Pod) and not obj.spec.node_name:
        return (KEY,)
    return (KEY,) if view.projected(QUEUE).pods else ()


# One key for all that wait: they are looked at together, most important first.
WAKES = rule(always=(KEY,)).watches(core_v1.Pod, to=_all_that_wait, when=_makes_work).watches(core_v1.Node, to=_all_that_wait)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Bind what fits; say of the rest why it does not."""
    queue = view.projected(QUEUE)
    if not (queue.pods or queue.gated):
        return Decision(reason="no pod waits for a node")
    return _Round(view, queue, now).decided()


class _Round:
    """One decision while it is being made."""

    def __init__(self, view: View, queue: Queue, now: Instant) -> None:
        self._view, self._queue, self._now = view, queue, now
        self._asked = view.projected(ASKED_LABELS)
        self._turn = Turn(view, view.projected(NODES_STATE))
        self._shapes: dict[ShapeKey, Candidates] = {}
        self._nodes, self._left = len(self._turn.nodes.order), LOOKS
        self._commands: list[AnyObjectCommand] = []
        self._says: list[Say] = []
        self._bound = self._told = 0
        self._weighed_new = False
        self._cut = False  # whether there is more that could be done at once
        self._floor: int | None = None  # of the order of a pod that was put off: nobody less important goes before it

    def decided(self) -> Decision:
        queue = self._queue
        for _, pod in sorted(queue.gated.items())[:BATCH]:
            self._tell(pod, *GATED)
        classes = window(queue.heads, max(WINDOW // max(self._nodes, 1), 2), self._now)
        for waiting, others in self._in_order(classes):
            late = self._floor is not None and waiting.order[0] > self._floor
            if late or self._spent or self._told >= BATCH:
                self._cut = True
                break
            self._look(waiting, others)
        waits_for_others = any(c.shape.depends_on_others and c.fitted_nowhere for c in self._shapes.values())
        again = AT_ONCE_S if self._cut else LOOK_AGAIN_S if waits_for_others or len(classes) < len(queue.heads) else None
        reason = f"{self._bound} pods bound, {len(queue.pods) + len(queue.gated) - self._bound} left waiting"
        return Decision(reason=reason, commands=tuple(self._commands), requeue_after=again, says=tuple(self._says))

    @property
    def _spent(self) -> bool:
        return self._bound == BATCH or (self._bound > 0 and self._left <= 0)

    def _in_order(self, classes: list[tuple[Order, Class]]) -> Iterator[tuple[Waiting, list[Order]]]:
        """Pods that are new, each alone, and classes, each at its most important pod with all that it has."""
        queue = self._queue
        fresh = queue.fresh[:FRESH]
        self._cut = len(fresh) < len(queue.fresh)
        for order, class_ in sorted([*((order, None) for order in fresh), *classes], key=lambda found: found[0]):
            yield queue.pods[order], [order] if class_ is None else queue.classes[class_]

    def _look(self, first: Waiting, members: list[Order]) -> None:
        """Bind the pods, which are alike, until one does not fit; then say why to those to whom it is news."""
        shape = key_of(first, self._asked)
        candidates = self._shapes.get(shape)
        if candidates is None:
            if first.said is None:
                if self._left < self._nodes and self._weighed_new:
                    self._cut, self._floor = True, first.order[0]
                    return
                self._left, self._weighed_new = self._left - self._nodes, True
            candidates = self._shapes[shape] = Candidates(shape_of(self._view, first), self._turn)
        for at, order in enumerate(members):
            if self._spent:
                self._cut = True
                return
            best = None if candidates.known_to_fit_nowhere else candidates.best()
            if best is None:
                self._fits_nowhere(members[at:], candidates.why())
                return
            self._bind(self._queue.pods[order].pod, self._turn.place(candidates.shape, best))
            share = 2 if candidates.compares_all else 16 if candidates.shape.depends_on_others else 200
            self._left -= 8 + self._nodes // share

    def _fits_nowhere(self, members: list[Order], why: str) -> None:
        if self._queue.pods[members[0]].said == why:  # and so all others of the class
            return
        for order in members[: max(BATCH - self._told, 0)]:
            self._tell(self._queue.pods[order].pod, "Unschedulable", why)
        self._cut = self._cut or self._told >= BATCH

    def _bind(self, pod: core_v1.Pod, node: str) -> None:
        meta = pod.metadata
        bind = Bind(namespace=meta.namespace, name=meta.name, node=node, uid=meta.uid)
        self._commands.append(bind)
        assigned = f"Successfully assigned {meta.namespace}/{meta.name} to {node}"
        self._says.append(Say(about=reference(pod), reason="Scheduled", message=assigned, after=bind))
        self._bound += 1

    def _tell(self, pod: core_v1.Pod, reason: str, why: str) -> None:
        """Say it in the pod's status; of what does not fit, an Event too."""
        update = Update(object=_unscheduled(pod, reason, why, self._now), subresource="status")
        self._commands.append(update)
        self._told += 1
        if reason == "Unschedulable":
            self._says.append(Say(about=reference(pod), type="Warning", reason="FailedScheduling", message=why, after=update))


def window(heads: list[tuple[Order, Class]], size: int, now: Instant) -> list[tuple[Order, Class]]:
    """The classes that are looked at now: the most important ones, and of the others a part, each in its turn.

    The turns go on each second, and slip by one each time round: who only ever looks at even seconds sees them all."""
    first = size // 2
    step, rest = size - first, len(heads) - first
    if rest <= step:
        return heads
    turns, second = -(-rest // step), now // SECOND_NS
    begin = first + (second + second // turns) % turns * step
    return heads[:first] + heads[begin : begin + step]


def _unscheduled(pod: core_v1.Pod, reason: str, message: str, now: Instant) -> core_v1.Pod:
    condition = core_v1.PodCondition(type="PodScheduled", status="False", reason=reason, message=message)
    return replace(pod, status=replace(pod.status, conditions=set_condition(pod.status.conditions, condition, api_time(now))))


RECONCILER = Reconciler(
    name="scheduler", actor="system:kube-scheduler", wakes=WAKES, decide=decide, component="default-scheduler", version=2,
    projections=(NODES_STATE, QUEUE, ASKED_LABELS, SERVICES_BY_LABEL),
)  # fmt: skip
