"""Priority classes: names for numbers that say whose pods go first. Two of them belong to the system.

Source: pkg/apis/scheduling/validation and the admission plugin Priority of Kubernetes 1.32.
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age, flag
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults, forbidden
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.types.scheduling_v1 import PriorityClass

RESOURCE = "priorityclasses.scheduling.k8s.io"
HIGHEST = 1_000_000_000  # that people may define
PREEMPTS = "PreemptLowerPriority"
POLICIES = (PREEMPTS, "Never")
SYSTEM_PREFIX = "system-"
SYSTEM = (
    PriorityClass(
        metadata=ObjectMeta(name="system-cluster-critical"),
        value=2 * HIGHEST,
        description="For pods that the cluster needs, wherever they run.",
    ),
    PriorityClass(
        metadata=ObjectMeta(name="system-node-critical"),
        value=2 * HIGHEST + 1000,
        description="For pods that their node needs, and that cannot run anywhere else.",
    ),
)


class PriorityClassStrategy(Strategy):
    about = "A name for a number: pods with a higher one go first, and may take the place of pods with a lower one."
    columns = (
        NAME,
        Column("Value", "The number that the class stands for.", "integer"),
        Column("Global-Default", "Whether pods that name no class are of this one.", "boolean"),
        AGE,
        Column("PreemptionPolicy", "Whether its pods may take the place of others: PreemptLowerPriority or Never."),
    )

    first = SYSTEM

    def cells(self, obj: PriorityClass, now_ns: int) -> list[Any]:
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, obj.value, bool(obj.global_default), created, obj.preemption_policy or PREEMPTS]

    def default(self, obj: PriorityClass) -> PriorityClass:
        return obj if obj.preemption_policy is not None else replace(obj, preemption_policy=PREEMPTS)

    def create(self, kind: Kind, obj: PriorityClass, ctx: Admission) -> PriorityClass:
        check_only_default(kind, obj, ctx)
        return replace(obj, metadata=replace(obj.metadata, generation=1))

    def update(self, kind: Kind, old: PriorityClass, new: PriorityClass, subresource: str, ctx: Admission) -> PriorityClass:
        if new.global_default and not old.global_default:
            check_only_default(kind, new, ctx)
        return new

    def check(self, faults: Faults, obj: PriorityClass) -> None:
        name = obj.metadata.name
        if name.startswith(SYSTEM_PREFIX):
            if why := system_fault(obj):
                words = f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {why}"
                faults.forbidden("metadata.name", words)
        elif obj.value > HIGHEST:
            faults.forbidden("value", f"maximum allowed value of a user defined priority is {HIGHEST}")
        if obj.preemption_policy not in POLICIES:
            faults.not_supported("preemptionPolicy", obj.preemption_policy or "", POLICIES)

    def check_update(self, faults: Faults, old: PriorityClass, new: PriorityClass, subresource: str) -> None:
        if new.value != old.value:
            faults.forbidden("Value", "may not be changed in an update.")
        if new.preemption_policy != old.preemption_policy:
            faults.invalid("preemptionPolicy", new.preemption_policy, IMMUTABLE)

    def admit_delete(self, kind: Kind, old: PriorityClass, ctx: Admission) -> None:
        if any(old.metadata.name == held.metadata.name for held in SYSTEM):
            raise forbidden(kind, old.metadata.name, "this is a system priority class and cannot be deleted")


def system_fault(obj: PriorityClass) -> str:
    """What keeps a class from being one of the system's; "" for one that is."""
    name = obj.metadata.name
    for held in SYSTEM:
        if held.metadata.name == name:
            if obj.value != held.value:
                return f"value of {name} PriorityClass must be {held.value}"
            return f"globalDefault of {name} PriorityClass must be {flag(False)}" if obj.global_default else ""
    return f"{name} is not a known system priority class"


def check_only_default(kind: Kind, obj: PriorityClass, ctx: Admission) -> None:
    """Errors: Forbidden for a second class that would be everybody's default."""
    if not obj.global_default:
        return
    for entry in ctx.view.entries(RESOURCE):
        if entry.object.global_default and entry.object.metadata.name != obj.metadata.name:
            why = f"PriorityClass {entry.object.metadata.name} is already marked as globalDefault"
            raise forbidden(kind, obj.metadata.name, why)


STRATEGY = PriorityClassStrategy()


def admit_priority(kind: Kind, obj: Any, ctx: Admission) -> Any:
    """A pod, or a group of pods, with the number that its priority class stands for. Errors: Forbidden for an unknown class, or
    a number of one's own."""
    spec, whose = obj.spec, kind.kind.lower()
    name, value, policy = _priority_of(kind, obj, ctx)
    if spec.priority is not None and spec.priority != value:
        why = (
            f"the integer value of priority ({spec.priority}) must not be provided in {whose} spec; priority admission "
            f"controller computed {value} from the given PriorityClass name"
        )
        raise forbidden(kind, obj.metadata.name, why)
    if spec.preemption_policy is not None and spec.preemption_policy != policy and spec.preemption_policy:
        why = (
            f"the string value of PreemptionPolicy ({spec.preemption_policy}) must not be provided in {whose} spec; priority "
            f"admission controller computed {policy} from the given PriorityClass name"
        )
        raise forbidden(kind, obj.metadata.name, why)
    return replace(obj, spec=replace(spec, priority_class_name=name, priority=value, preemption_policy=policy))


def _priority_of(kind: Kind, obj: Any, ctx: Admission) -> tuple[str, int, str]:
    name = obj.spec.priority_class_name
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
        raise forbidden(kind, obj.metadata.name, f"no PriorityClass with name {name} was found")
    return found.metadata.name, found.value, found.preemption_policy or PREEMPTS
