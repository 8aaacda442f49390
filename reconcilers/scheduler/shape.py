"""What makes pods alike for the scheduler: whatever holds of one of a shape holds of all.

Tests: tests/reconcilers/scheduler/test_queue.py
"""

from collections.abc import Collection

from msgspec import Struct

from shipslog.store.objects.selector import Selector, of_label_selector, of_labels
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

from .fit import Ask
from .profile import Profile
from .queue import SERVICES_BY_LABEL, Waiting
from .terms import Constraint, constraints, defaults, depends_on_others

SPREAD_BY_SELECTOR = ("replicasets.apps", "statefulsets.apps")  # the controllers with whose pods a pod is spread

ShapeKey = tuple[str, bytes, str, tuple[tuple[str, str], ...]]


class Shape(Struct, frozen=True):
    """Pods that ask for the same, in one namespace, of one controller, with the same labels as far as anybody asks for them."""

    key: bytes  # of what they ask
    pod: core_v1.Pod  # one of them
    ask: Ask
    profile: Profile
    alike: tuple[Selector, ...]  # of the Services and the controller that they are of: those with whom they are spread
    hard: tuple[Constraint, ...]  # spreads that must be kept
    soft: tuple[Constraint, ...]  # and those that may be missed
    system_constraints: bool  # whether the latter are nobody's wish
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


def shape_of(view: View, waiting: Waiting, profile: Profile) -> Shape:
    pod, spec = waiting.pod, waiting.ask.spec
    labels = pod.metadata.labels
    alike = tuple(dict.fromkeys(s for s in _selectors(view, waiting) if s.requirements and s.matches(labels)))
    own = bool(spec.topology_spread_constraints)
    hard, soft = constraints(spec, labels, "DoNotSchedule"), constraints(spec, labels, "ScheduleAnyway")
    if not own and alike:
        together = Selector(tuple(dict.fromkeys(r for selector in alike for r in selector.requirements)))
        hard, soft = (defaults(profile.constraints, together, when) for when in ("DoNotSchedule", "ScheduleAnyway"))
    return Shape(
        waiting.key, pod, waiting.ask, profile, alike, hard, soft, not own and profile.system_constraints,
        depends_on_others(spec) or bool(hard) or bool(profile.service_affinity),
    )  # fmt: skip


def _selectors(view: View, waiting: Waiting) -> list[Selector]:
    """Of the services that may be the pod's, and of its controller."""
    meta = waiting.pod.metadata
    services = [
        e.object for label in sorted(meta.labels.items()) for e in view.find(SERVICES_BY_LABEL, (meta.namespace, *label))
    ]
    found = [of_labels(service.spec.selector) for service in services]
    owner = view.by_uid(waiting.owner) if waiting.owner else None
    if owner is None or owner.object.metadata.namespace != meta.namespace:
        return found
    controller = owner.object
    if isinstance(controller, core_v1.ReplicationController):
        found += [of_labels(controller.spec.selector)] if controller.spec.selector else []
    elif owner.resource in SPREAD_BY_SELECTOR and controller.spec.selector is not None:
        found.append(of_label_selector(controller.spec.selector))
    return found
