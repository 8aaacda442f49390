"""What the controllers ask of pods: whose they are, whether they live, are ready, are available; and how one is made.

Tests: tests/reconcilers/workloads/test_replica_set.py, tests/reconcilers/workloads/test_disruption.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.conditions import find_condition, set_condition
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import SECOND_NS, parse_time

DISRUPTION_TARGET = "DisruptionTarget"  # KEP-3329


def controller_of(obj: Any) -> meta_v1.OwnerReference | None:
    """The reference to the object that controls this one."""
    for owner in obj.metadata.owner_references:  # asked several times for each change of a pod: no generator
        if owner.controller:
            found: meta_v1.OwnerReference = owner
            return found
    return None


def owner_reference(obj: Any) -> meta_v1.OwnerReference:
    """What marks an object as controlled by `obj`."""
    return meta_v1.OwnerReference(
        api_version=obj.api_version, kind=obj.kind, name=obj.metadata.name, uid=obj.metadata.uid, controller=True,
        block_owner_deletion=True,
    )  # fmt: skip


def is_active(pod: core_v1.Pod) -> bool:
    """It runs or will run: neither ended nor being deleted."""
    return pod.status.phase not in TERMINAL and not pod.metadata.deletion_timestamp


def is_ready(pod: core_v1.Pod) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


def available_in_ns(pod: core_v1.Pod, min_ready_seconds: int, now: int) -> int:
    """For a ready pod: nanoseconds until it has been so for long enough; 0 or less when it has."""
    if not min_ready_seconds:
        return 0
    since = next((c.last_transition_time for c in pod.status.conditions if c.type == "Ready"), "")
    return parse_time(since) + min_ready_seconds * SECOND_NS - now


def disrupted(pod: core_v1.Pod, reason: str, message: str, at: str) -> core_v1.Pod:
    """The pod, saying that it ends for a reason that is not its own: `at` is an API time. A pod that says so already keeps its
    first reason."""
    held = find_condition(pod.status.conditions, DISRUPTION_TARGET)
    if held is not None and held.status == "True":
        return pod
    condition = core_v1.PodCondition(
        type=DISRUPTION_TARGET, status="True", reason=reason, message=message, observed_generation=pod.metadata.generation
    )
    return replace(pod, status=replace(pod.status, conditions=set_condition(pod.status.conditions, condition, at)))


def pod_from_template(owner: Any, template: core_v1.PodTemplateSpec, reference: meta_v1.OwnerReference) -> core_v1.Pod:
    """A pod with a generated name, owned and controlled by `owner`."""
    meta = template.metadata
    return core_v1.Pod(
        metadata=meta_v1.ObjectMeta(
            generate_name=f"{owner.metadata.name}-",
            namespace=owner.metadata.namespace,
            labels=meta.labels,
            annotations=meta.annotations,
            finalizers=meta.finalizers,
            owner_references=(reference,),
        ),
        spec=replace(template.spec),
    )
