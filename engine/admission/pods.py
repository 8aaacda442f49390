"""Pods: what a creator may set, what the cluster adds, what may change later."""

from msgspec.structs import replace

from shipslog.store.objects.core_v1 import Affinity, Pod, PodAffinity, PodAffinityTerm, PodAntiAffinity
from shipslog.store.objects.meta_v1 import LabelSelectorRequirement
from shipslog.store.objects.registry import Kind

from .context import Admission
from .defaults.pods import default_pod, sync_pod_ips
from .fields import Faults
from .scheduling import admit_priority, admit_runtime_class, first_status, tolerate_failing_nodes
from .service_account import admit_service_account
from .strategy import Strategy
from .validation import pod as rules
from .validation.pod_update import check_ephemeral_update, check_pod_status, check_pod_update
from .warnings import warn_of_pod_spec

MIRROR = rules.MIRROR


class PodStrategy(Strategy):
    def default(self, obj: Pod) -> Pod:
        return default_pod(obj)

    def default_status(self, obj: Pod) -> Pod:
        return replace(obj, status=sync_pod_ips(obj.status))

    def create(self, kind: Kind, obj: Pod, ctx: Admission) -> Pod:
        if MIRROR not in obj.metadata.annotations:
            obj = admit_service_account(kind, obj, ctx)
        obj = admit_priority(kind, obj, ctx)
        admit_runtime_class(kind, obj, ctx)
        spec = tolerate_failing_nodes(obj.spec)
        if spec.affinity is not None:
            spec = replace(spec, affinity=with_label_keys(spec.affinity, obj.metadata.labels))
        warn_of_pod_spec(ctx.warnings, spec, "spec")
        return replace(obj, spec=spec, status=first_status(spec))

    def update(self, kind: Kind, old: Pod, new: Pod, subresource: str, ctx: Admission) -> Pod:
        if subresource == "status":
            meta = replace(new.metadata, owner_references=old.metadata.owner_references)
            status = new.status
            if not status.qos_class:
                status = replace(status, qos_class=old.status.qos_class)
            return replace(new, metadata=meta, spec=old.spec, status=status)
        if subresource == "ephemeralcontainers":
            return replace(old, spec=replace(old.spec, ephemeral_containers=new.spec.ephemeral_containers))
        spec = tolerate_failing_nodes(new.spec)
        if spec.priority is None or spec.preemption_policy is None:
            spec = replace(
                spec, priority=old.spec.priority if spec.priority is None else spec.priority,
                preemption_policy=spec.preemption_policy or old.spec.preemption_policy,
            )  # fmt: skip
        return replace(new, spec=spec, status=old.status)

    def check(self, faults: Faults, obj: Pod) -> None:
        rules.check_new_pod(faults, obj)

    def check_update(self, faults: Faults, old: Pod, new: Pod, subresource: str) -> None:
        if subresource == "status":
            check_pod_status(faults, old, new)
        elif subresource == "ephemeralcontainers":
            check_ephemeral_update(faults, old, new)
        else:
            check_pod_update(faults, old, new)


def with_label_keys(affinity: Affinity, labels: dict[str, str]) -> Affinity:
    """Keys to match (or not) become expressions with the pod's own values, as since 1.31."""

    def term(t: PodAffinityTerm) -> PodAffinityTerm:
        if t.label_selector is None or not (t.match_label_keys or t.mismatch_label_keys):
            return t
        added = [
            LabelSelectorRequirement(key=key, operator=operator, values=(labels[key],))
            for operator, keys in (("In", t.match_label_keys), ("NotIn", t.mismatch_label_keys))
            for key in keys if key in labels
        ]  # fmt: skip
        expressions = (*t.label_selector.match_expressions, *added)
        return replace(t, label_selector=replace(t.label_selector, match_expressions=expressions))

    def each(a: PodAffinity | PodAntiAffinity) -> PodAffinity | PodAntiAffinity:
        return replace(
            a, required_during_scheduling_ignored_during_execution=tuple(
                term(t) for t in a.required_during_scheduling_ignored_during_execution
            ),
            preferred_during_scheduling_ignored_during_execution=tuple(
                replace(w, pod_affinity_term=term(w.pod_affinity_term))
                for w in a.preferred_during_scheduling_ignored_during_execution
            ),
        )  # fmt: skip

    return replace(
        affinity, pod_affinity=each(affinity.pod_affinity) if affinity.pod_affinity is not None else None,
        pod_anti_affinity=each(affinity.pod_anti_affinity) if affinity.pod_anti_affinity is not None else None,
    )  # fmt: skip
