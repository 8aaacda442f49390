"""What the cluster adds to a new pod for its scheduling: tolerations of a node that fails, conditions.

Source: the admission plugins DefaultTolerationSeconds and RuntimeClass, and the pod strategy.

Tests: tests/engine/kinds/core/pod/test_strategy.py
"""

from msgspec.structs import replace

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import forbidden
from shipslog.engine.kinds.pod_spec.defaults.spec import NODE_FAILURES
from shipslog.store.objects.pods import qos_class
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Pod, PodCondition, PodSpec, PodStatus

RUNTIMES = "runtimeclasses.node.k8s.io"
GATED = PodCondition(
    type="PodScheduled", status="False", reason="SchedulingGated", observed_generation=1,
    message="Scheduling is blocked due to non-empty scheduling gates",
)  # fmt: skip


def admit_runtime_class(kind: Kind, pod: Pod, ctx: Admission) -> None:
    """Errors: Forbidden for a runtime class that does not exist, or an overhead that none names."""
    name = pod.spec.runtime_class_name
    if pod.spec.overhead and not name:
        why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        raise forbidden(kind, pod.metadata.name, why)
    if name and ctx.view.entry(RUNTIMES, name) is None:
        raise forbidden(kind, pod.metadata.name, f'pod rejected: RuntimeClass "{name}" not found')


def tolerate_failing_nodes(spec: PodSpec) -> PodSpec:
    """Five minutes on a node that is not ready or not reachable, unless the pod says otherwise."""
    if not spec.tolerations:
        return replace(spec, tolerations=NODE_FAILURES)
    missing = tuple(
        failure for failure in NODE_FAILURES
        if not any(t.key in ("", failure.key) and t.effect in ("", "NoExecute") for t in spec.tolerations)
    )  # fmt: skip
    return replace(spec, tolerations=(*spec.tolerations, *missing)) if missing else spec


def first_status(spec: PodSpec) -> PodStatus:
    """The status of a pod that nobody has looked at yet."""
    return PodStatus(phase="Pending", qos_class=qos_class(spec), conditions=(GATED,) if spec.scheduling_gates else ())
