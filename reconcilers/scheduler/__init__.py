"""Binds pods to nodes: those that wait are looked at together, most important first.

A decision walks neither all pods nor all that wait: what the nodes run and what waits are projections (nodes.py, queue.py).
Pods that are alike (shape.py) are weighed against the nodes once, and then node by node as the decision places others.
The work of one decision is bounded, by what it would cost if nothing were remembered, so that a replay decides the same: pods
that nobody has told yet why they wait come first, as many as LOOKS allows; of the classes of those that were told, a window
is looked at: half of it always the most important ones, the other half all others in turn, one part each second. So everyone
that waits is looked at again, and nobody who is new waits for those that do not fit.

How is a profile's matter (profile.py): which filters hold (fit.py, topology.py, volumes.py, devices.py), what is worth how much
(priorities.py, columns.py, preferences.py), and who gives way where nothing fits (preemption.py). Which pods go together or
not at all is their group's (gangs.py, gang_preemption.py).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from shipslog.reconcilers.cluster.device_claims import CLAIMS
from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, storage_v1
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget
from shipslog.store.view import View

from . import volumes
from .devices import CLASSES
from .gangs import GROUPS, MEMBERS
from .nodes import NODES_STATE
from .queue import ASKED_LABELS, QUEUE, SERVICES_BY_LABEL
from .rounds import Round, config_of, profiles_of
from .rounds import window as window

if TYPE_CHECKING:  # most clusters have no groups of pods
    from shipslog.store.objects.types.scheduling_v1beta1 import PodGroup

KEY = "pending"


def _makes_work(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    """Whether a pod waits for a node and there is news of it, or it leaves a node and makes room."""
    if after is None or after.spec.node_name:
        return after is None or after.status.phase in TERMINAL
    if before is not None and before.status.resource_claim_statuses != after.status.resource_claim_statuses:
        return True
    if before is None or before.metadata.labels != after.metadata.labels or before.spec != after.spec:
        return True
    return bool(before.metadata.deletion_timestamp) != bool(after.metadata.deletion_timestamp)


def _is_another(before: "PodGroup | None", after: "PodGroup | None") -> bool:
    """Whether a group came, or asks for something else."""
    return after is not None and (before is None or before.spec != after.spec)


def _all_that_wait(view: View, obj: Any) -> Iterable[str]:
    if isinstance(obj, core_v1.Pod) and not obj.spec.node_name:
        return (KEY,)
    queues = view.projected(QUEUE).of
    return (KEY,) if any(name in queues and queues[name].pods for name in profiles_of(config_of(view))) else ()


# One key for all that wait: they are looked at together, most important first.
WAKES = (
    rule(always=(KEY,))
    .watches(core_v1.Pod, to=_all_that_wait, when=_makes_work)
    .watches(core_v1.Node, to=_all_that_wait)
    .watches(GROUPS, to=_all_that_wait, when=_is_another)
    .watches(core_v1.PersistentVolumeClaim, core_v1.PersistentVolume, to=_all_that_wait)
    .watches(storage_v1.StorageClass, storage_v1.CSINode, to=_all_that_wait)
    .watches(storage_v1.CSIDriver, storage_v1.CSIStorageCapacity, to=_all_that_wait)
    .watches(CLAIMS, CLASSES, to=_all_that_wait)
    .reads(core_v1.Namespace, core_v1.Service, PodDisruptionBudget)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Bind what fits; say of the rest why it does not."""
    profiles = profiles_of(config_of(view))
    queue = view.projected(QUEUE).together(profiles)
    if not (queue.pods or queue.gated):
        return Decision(reason="no pod waits for a node")
    return Round(view, queue, profiles, now).decided()


RECONCILER = Reconciler(
    name="scheduler", actor="system:kube-scheduler", wakes=WAKES, decide=decide, component="default-scheduler", version=8,
    projections=(NODES_STATE, QUEUE, ASKED_LABELS, SERVICES_BY_LABEL, MEMBERS, *volumes.PROJECTIONS),
)  # fmt: skip
