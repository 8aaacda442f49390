"""What the cluster adds to a new pod for its scheduling: priority, tolerations of a node that fails, conditions.

Source: the admission plugins Priority, DefaultTolerationSeconds and RuntimeClass, and the pod strategy.

Tests: tests/engine/kinds/core/pod/test_strategy.py
"""

from msgspec.structs import replace

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import forbidden
from shipslog.engine.kinds.pod_spec.defaults.spec import NODE_FAILURES
from shipslog.engine.kinds.scheduling.priority_class import PREEMPTS, SYSTEM
from shipslog.store.objects.core_v1 import Pod, PodCondition, PodSpec, PodStatus
from shipslog.store.objects.pods import qos_class
from shipslog.store.objects.scheduling_v1 import PriorityClass
from shipslog.store.objects.scheme import Kind

RUNTIMES = "runtimeclasses.node.k8s.io"
GATED = PodCondition(
    type="PodScheduled", status="False", reason="SchedulingGated",
    message="Scheduling is blocked due to non-empty scheduling gates",
)  # fmt: skip


def admit_priority(kind: Kind, pod: Pod, ctx: Admission) -> Pod:
    """The number that a priority class stands for. Errors: Forbidden for an unknown class, or a number of one's own."""
    spec = pod.spec
    name, value, policy = _priority_of(kind, pod, ctx)
    if spec.priority is not None and spec.priority != value:
        why = (
            f"the integer value of priority ({spec.priority}) must not be provided in pod spec; priority admission controller "
            f"computed {value} from the given PriorityClass name"
        )
        raise forbidden(kind, pod.metadata.name, why)
    if spec.preemption_policy is not None and spec.preemption_policy != policy and spec.preemption_policy:
        why = (
            f"the string value of PreemptionPolicy ({spec.preemption_policy}) must not be provided in pod spec; priority "
            f"admission controller computed {policy} from the given PriorityClass name"
        )
        raise forbidden(kind, pod.metadata.name, why)
    return replace(pod, spec=replace(spec, priority_class_name=name, priority=value, preemption_policy=policy))


def _priority_of(kind: Kind, pod: Pod, ctx: Admission) -> tuple[str, int, str]:
    name = pod.spec.priority_class_name
    found: PriorityClass | None
    if not name:
        defaults = [c for c in ctx.view.list(PriorityClass) if c.global_default]
        if not defaults:
            return "", 0, PREEMPTS
        found = min(defaults, key=lambda c: c.value)
    else:
        system = (c for c in SYSTEM if c.metadata.name == name)  # also in a cluster whose start has not made them yet
        found = ctx.view.get(PriorityClass, name) or next(system, None)
    if found is None:
        raise forbidden(kind, pod.metadata.name, f"no PriorityClass with name {name} was found")
    return found.metadata.name, found.value, found.preemption_policy or PREEMPTS


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
