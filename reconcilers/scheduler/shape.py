"""What makes pods alike for the scheduler: whatever holds of one of a shape holds of all.

Tests: tests/reconcilers/scheduler/test_queue.py
"""

from collections.abc import Collection

from msgspec import Struct

from shipslog.store.objects import core_v1
from shipslog.store.objects.selector import Selector, of_labels
from shipslog.store.view import View

from .fit import Ask
from .queue import SERVICES_BY_LABEL, Waiting
from .terms import depends_on_others

ShapeKey = tuple[str, bytes, str, tuple[tuple[str, str], ...]]


class Shape(Struct, frozen=True):
    """Pods that ask for the same, in one namespace, of one controller, with the same labels as far as anybody asks for them."""

    key: bytes  # of what they ask
    pod: core_v1.Pod  # one of them
    ask: Ask
    alike: tuple[Selector, ...]  # of the Services and the controller that they are of: those with whom they are spread
    depends_on_others: bool

    def is_alike(self, pod: core_v1.Pod) -> bool:
        meta = pod.metadata
        same = meta.namespace == self.pod.metadata.namespace and not meta.deletion_timestamp
        return same and any(selector.matches(meta.labels) for selector in self.alike)


def key_of(waiting: Waiting, asked: Collection[str]) -> ShapeKey:
    """`asked`: the keys of labels that somebody asks for."""
    meta = waiting.pod.metadata
    labels = tuple(sorted(label for label in meta.labels.items() if label[0] in asked))
    return meta.namespace, waiting.key, waiting.owner, labels


def shape_of(view: View, waiting: Waiting) -> Shape:
    pod = waiting.pod
    namespace, labels = pod.metadata.namespace, pod.metadata.labels
    found = [of_labels(service.spec.selector) for service in _services(view, pod)]
    if waiting.owner:
        owner = view.by_uid(waiting.owner)
        controller = owner.object if owner is not None else None
        if isinstance(controller, core_v1.ReplicationController) and controller.metadata.namespace == namespace:
            found += [of_labels(controller.spec.selector)] if controller.spec.selector else []
    alike = tuple(dict.fromkeys(selector for selector in found if selector.matches(labels)))
    if pod.spec.topology_spread_constraints:  # who says how to be spread is spread so, and not by default
        alike = ()
    return Shape(waiting.key, pod, waiting.ask, alike, depends_on_others(waiting.ask.spec))


def _services(view: View, pod: core_v1.Pod) -> list[core_v1.Service]:
    namespace, labels = pod.metadata.namespace, pod.metadata.labels
    return [e.object for label in sorted(labels.items()) for e in view.find(SERVICES_BY_LABEL, (namespace, *label))]
