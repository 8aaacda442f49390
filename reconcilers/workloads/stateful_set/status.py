"""The status of a StatefulSet: how many of its pods there are, ready, available, of the old and of the new revision."""

from collections.abc import Mapping

from msgspec.structs import replace

from shipslog.reconcilers.rule.pods import available_in_ns, is_ready
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import StatefulSet, StatefulSetStatus
from shipslog.store.objects.values.times import SECOND_NS

from .identity import REVISION


def is_available(stateful: StatefulSet, pod: core_v1.Pod, now: int) -> bool:
    """It runs, and has been ready for long enough."""
    return runs(pod) and available_in_ns(pod, stateful.spec.min_ready_seconds, now) <= 0


def runs(pod: core_v1.Pod) -> bool:
    return pod.status.phase == "Running" and is_ready(pod)


def status_of(
    stateful: StatefulSet, pods: Mapping[int, core_v1.Pod], current: str, update: str, now: int
) -> tuple[StatefulSetStatus, float | None]:
    """The status, and in how many seconds a pod becomes available that is only ready now."""
    there = list(pods.values())
    ready = [pod for pod in there if runs(pod)]
    staying = [pod.metadata.labels.get(REVISION) for pod in there if not pod.metadata.deletion_timestamp]
    status = replace(
        stateful.status, observed_generation=stateful.metadata.generation, replicas=len(there),
        ready_replicas=len(ready), available_replicas=sum(is_available(stateful, pod, now) for pod in ready),
        current_replicas=staying.count(current), updated_replicas=staying.count(update),
        current_revision=current, update_revision=update, collision_count=stateful.status.collision_count or 0,
    )  # fmt: skip
    done = status.updated_replicas == status.replicas == status.ready_replicas
    if done and stateful.spec.update_strategy.type == "RollingUpdate":
        status = replace(status, current_revision=update, current_replicas=status.updated_replicas)
    waits = [available_in_ns(pod, stateful.spec.min_ready_seconds, now) / SECOND_NS for pod in ready]
    return status, min((wait for wait in waits if wait > 0), default=None)
