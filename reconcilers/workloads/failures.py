"""Why a controller could not make a pod: the Event FailedCreate, which is on the log as all else.

Tests: tests/reconcilers/workloads/test_faults.py
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from shipslog.store.objects.conditions import find_condition, set_condition
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import api_time, parse_time
from shipslog.store.projections import index
from shipslog.store.view import View

from .replicas import ERROR_CREATING

REPLICA_FAILURE = "ReplicaFailure"
SPEAKERS = {"ReplicaSet": "replicaset-controller", "ReplicationController": "replication-controller"}


def _failed_for(event: core_v1.Event) -> tuple[Hashable, ...]:
    """The uid of the controller whose pod could not be made, if it is that which an Event says."""
    about = event.involved_object
    says_so = event.reason == "FailedCreate" and event.source.component == SPEAKERS.get(about.kind)
    return (about.uid,) if says_so else ()


FAILURES = index("failures to create pods by controller", ("events",), _failed_for)


def failing(kind: str) -> Any:
    """For `watches`: the controller of a kind that an Event says could not make a pod."""

    def to(view: View, event: core_v1.Event) -> Iterable[str]:
        about = event.involved_object
        return (f"{about.namespace}/{about.name}",) if about.kind == kind and _failed_for(event) else ()

    return to


def is_new(before: Any, after: Any) -> bool:
    """Said for the first time: that it is said again changes nothing, and each attempt says it."""
    return before is None


def failure(view: View, owner: Any, active: Sequence[core_v1.Pod], mine: Sequence[core_v1.Pod]) -> str:
    """Why no pod could be made since the last that was; "" if none is missing, or nobody said so."""
    if len(active) >= (1 if owner.spec.replicas is None else owner.spec.replicas):
        return ""
    last_ns = max((parse_time(pod.metadata.creation_timestamp) for pod in mine), default=0)
    failures = [entry.object for entry in view.find(FAILURES, owner.metadata.uid)]
    since = [event for event in failures if parse_time(event.last_timestamp) >= last_ns]  # of one second: the missing tell
    return since[-1].message.partition(ERROR_CREATING)[2] if since else ""


def conditions(held: tuple[Any, ...], why: str, kind: type[Any], now: int) -> tuple[Any, ...]:
    """The conditions with ReplicaFailure while there is one. `kind`: the type of a condition."""
    if not why:
        return tuple(c for c in held if c.type != REPLICA_FAILURE)
    if find_condition(held, REPLICA_FAILURE) is not None:
        return held
    failed = kind(type=REPLICA_FAILURE, status="True", reason="FailedCreate", message=why)
    return set_condition(held, failed, api_time(now))
