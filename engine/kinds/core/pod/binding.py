"""Binding: a pod is given its node, once.

Tests: tests/engine/api/subresource/test_subresources.py, tests/engine/kinds/core/pod/test_strategy.py
"""

from msgspec import UNSET
from msgspec.structs import replace

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.subresources import Posted
from shipslog.store.commands import Bind
from shipslog.store.objects.conditions import set_condition
from shipslog.store.objects.types.core_v1 import Binding, Pod, PodCondition
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import BadRequest, Cause, Invalid, conflict


def bound(pod: Pod, command: Bind, ctx: Admission) -> Pod:
    """The pod on its node, with the annotations that the binding brings; none is kept free for it any more.

    Errors: Invalid without a node, Conflict for a pod that is bound or goes."""
    if not command.node:
        raise Invalid('Binding "" is invalid: target.name: Required value', name=command.name, kind="Binding")
    if pod.metadata.deletion_timestamp:
        raise conflict("pods/binding", "", command.name, f"pod {command.name} is being deleted, cannot be assigned to a host")
    if pod.spec.node_name:
        why = f'pod {command.name} is already assigned to node "{pod.spec.node_name}"'
        raise conflict("pods/binding", "", command.name, why)
    scheduled = PodCondition(type="PodScheduled", status="True", observed_generation=pod.metadata.generation)
    conditions = set_condition(pod.status.conditions, scheduled, api_time(ctx.now_ns))
    spec, status = replace(pod.spec, node_name=command.node), replace(pod.status, conditions=conditions, nominated_node_name="")
    meta = replace(pod.metadata, annotations={**pod.metadata.annotations, **(command.annotations or {})})
    return replace(pod, metadata=meta, spec=spec, status=status)


def command(binding: Binding, namespace: str, name: str) -> Bind:
    """What a posted Binding asks for; `name` is that of the path, "" where it has none. Errors: BadRequest, Invalid."""
    meta, target = binding.metadata, binding.target
    name = name or meta.name
    if meta.name not in ("", name):
        raise BadRequest(f"the name of the object ({meta.name}) does not match the name on the URL ({name})")
    if target.kind not in ("", "Node"):
        message = f'Unsupported value: "{target.kind}": supported values: "Node", ""'
        raise _invalid(name, "target.kind", "FieldValueNotSupported", message)
    if not target.name:
        raise _invalid(name, "target.name", "FieldValueRequired", "Required value")
    return Bind(
        namespace=namespace, name=name, node=target.name, uid=meta.uid, resource_version=meta.resource_version,
        annotations=meta.annotations or UNSET,
    )  # fmt: skip


def _invalid(name: str, field: str, reason: str, message: str) -> Invalid:
    return Invalid(
        f'Binding "{name}" is invalid: {field}: {message}', name=name, kind="Binding",
        causes=(Cause(reason, message, field),),
    )  # fmt: skip


POSTED = Posted(kind="Binding", type="core_v1:Binding", accepts=("v1",), command=command)
