"""Binding: a pod is given its node, once."""

from msgspec.structs import replace

from shipslog.engine.kinds.context import Admission
from shipslog.store.commands import Bind
from shipslog.store.objects.conditions import set_condition
from shipslog.store.objects.core_v1 import Pod, PodCondition
from shipslog.store.objects.times import api_time
from shipslog.store.refusals import Invalid, conflict


def bound(pod: Pod, command: Bind, ctx: Admission) -> Pod:
    """The pod on its node, with the annotations that the binding brings.

    Errors: Invalid without a node, Conflict for a pod that is bound or goes."""
    if not command.node:
        raise Invalid('Binding "" is invalid: target.name: Required value', name=command.name, kind="Binding")
    if pod.metadata.deletion_timestamp:
        raise conflict("pods/binding", "", command.name, f"pod {command.name} is being deleted, cannot be assigned to a host")
    if pod.spec.node_name:
        why = f'pod {command.name} is already assigned to node "{pod.spec.node_name}"'
        raise conflict("pods/binding", "", command.name, why)
    scheduled = PodCondition(type="PodScheduled", status="True")
    conditions = set_condition(pod.status.conditions, scheduled, api_time(ctx.now_ns))
    spec, status = replace(pod.spec, node_name=command.node), replace(pod.status, conditions=conditions)
    meta = replace(pod.metadata, annotations={**pod.metadata.annotations, **(command.annotations or {})})
    return replace(pod, metadata=meta, spec=spec, status=status)
