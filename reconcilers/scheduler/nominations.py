"""Nodes that are kept free for pods in whose place others end: nobody as important, or less so, gets them.

Tests: tests/reconcilers/scheduler/test_preemption.py
"""

from collections.abc import Callable, Iterable, Iterator

from .candidates import Turn
from .queue import Order, Queue, Waiting
from .shape import Shape


class Nominations:
    """Those of one decision. A nomination counts for pods of the same priority and less, and not for the pod itself."""

    def __init__(self, queue: Queue, turn: Turn, shape_of: Callable[[Waiting], Shape]) -> None:
        self._queue, self._turn, self._shape_of = queue, turn, shape_of
        self._ahead = sorted(queue.nominated, reverse=True)  # whose nodes are not kept free yet; the most important last
        self._kept: dict[Order, tuple[Shape, int]] = {}
        self._released: dict[Order, tuple[Shape, int]] = {}
        self._gone: set[Order] = set()

    def reserve_for_all_above(self, priority: int) -> None:
        """Pods of this priority are looked at now (`priority` as in an Order, below zero for important ones)."""
        while self._ahead and self._ahead[-1][0] <= priority:
            order = self._ahead.pop()
            i = self._turn.nodes.index.get(self._queue.nominated[order])
            if i is not None and order not in self._gone:
                self._keep(order, self._shape_of(self._queue.pods[order]), i)

    def _keep(self, order: Order, shape: Shape, i: int) -> None:
        self._kept[order] = shape, i
        self._turn.reserve(shape, i)

    def release(self, order: Order) -> int | None:
        """The pod itself is looked at. -> the node that was kept free for it"""
        held = self._kept.pop(order, None)
        if held is None:
            return None
        self._turn.release(*held)
        self._released[order] = held
        return held[1]

    def restore(self, order: Order) -> None:
        """It did not fit."""
        held = self._released.pop(order, None)
        if held is not None:
            self._keep(order, *held)

    def take_back(self, orders: Iterable[Order]) -> None:
        """What was released of these was never so: the turn has been rewound to before it."""
        for order in orders:
            if (held := self._released.pop(order, None)) is not None:
                self._kept[order] = held

    def nominate(self, order: Order, shape: Shape, i: int) -> None:
        """Keep another node free for it."""
        self.give_up(order)
        self._keep(order, shape, i)

    def give_up(self, order: Order) -> None:
        self.release(order)
        self._released.pop(order, None)

    def passed_by(self, order: Order, node: str) -> Iterator[Waiting]:
        """The less important pods for which the node was kept free, now that it is for this one; each once."""
        for other in sorted(self._queue.nominated):
            if other[0] > order[0] and self._queue.nominated[other] == node and other not in self._gone:
                self._gone.add(other)
                yield self._queue.pods[other]

    def is_passed(self, order: Order) -> bool:
        """Whether the decision has taken the pod's node from it: what it has is not what the view says any more."""
        return order in self._gone
