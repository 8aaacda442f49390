"""Pods: what a creator may set, what the cluster adds, what may change later."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import flag
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.checks import spec as rules
from shipslog.engine.kinds.pod_spec.defaults.spec import GRACE_PERIOD_S, default_pod_spec
from shipslog.engine.kinds.pod_spec.warnings import warn_of_pod_spec
from shipslog.engine.kinds.scheduling.priority_class import admit_priority
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Affinity, Pod, PodAffinity, PodAffinityTerm, PodAntiAffinity, PodIP, PodStatus
from shipslog.store.objects.types.meta_v1 import LabelSelectorRequirement

from . import old_clients, table
from .resize import check_resize, only_resized
from .scheduling import admit_runtime_class, first_status, tolerate_failing_nodes
from .service_account import admit_service_account
from .subresources import SUBRESOURCES
from .update import check_ephemeral_update, check_pod_status, check_pod_update

MIRROR = rules.MIRROR


class PodStrategy(Strategy):
    about = "Containers that run together on one node, with one network address and common volumes."
    columns = table.COLUMNS
    subresources = SUBRESOURCES
    returns_deleted = True
    selectable = {
        "spec.nodeName": lambda o: o.spec.node_name,
        "spec.restartPolicy": lambda o: o.spec.restart_policy,
        "spec.schedulerName": lambda o: o.spec.scheduler_name,
        "spec.serviceAccountName": lambda o: o.spec.service_account_name,
        "spec.hostNetwork": lambda o: flag(o.spec.host_network),
        "status.phase": lambda o: o.status.phase,
        "status.podIP": lambda o: o.status.pod_ip,
        "status.podIPs": lambda o: ",".join(i.ip for i in o.status.pod_ips),
        "status.nominatedNodeName": lambda o: o.status.nominated_node_name,
    }

    def cells(self, obj: Pod, now_ns: int) -> list[Any]:
        return table.cells(obj, now_ns)

    def row_conditions(self, obj: Pod) -> list[dict[str, str]]:
        return table.row_conditions(obj)

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
        return replace(obj, metadata=replace(obj.metadata, generation=1), spec=spec, status=first_status(spec))

    def update(self, kind: Kind, old: Pod, new: Pod, subresource: str, ctx: Admission) -> Pod:
        if subresource == "status":
            meta = replace(new.metadata, owner_references=old.metadata.owner_references)
            status = new.status
            if not status.qos_class:
                status = replace(status, qos_class=old.status.qos_class)
            return replace(new, metadata=meta, spec=old.spec, status=status)
        if subresource == "ephemeralcontainers":
            return counted(old, replace(old, spec=replace(old.spec, ephemeral_containers=new.spec.ephemeral_containers)))
        if subresource == "resize":
            return counted(old, only_resized(old, new))
        if ctx.config.old_clients is True:
            new = old_clients.restored(old, new)
        spec = tolerate_failing_nodes(new.spec)
        if spec.priority is None or spec.preemption_policy is None:
            spec = replace(
                spec, priority=old.spec.priority if spec.priority is None else spec.priority,
                preemption_policy=spec.preemption_policy or old.spec.preemption_policy,
            )  # fmt: skip
        return counted(old, replace(new, spec=spec, status=old.status))

    def check(self, faults: Faults, obj: Pod) -> None:
        rules.check_new_pod(faults, obj)

    def check_update(self, faults: Faults, old: Pod, new: Pod, subresource: str) -> None:
        if subresource == "status":
            check_pod_status(faults, old, new)
        elif subresource == "ephemeralcontainers":
            check_ephemeral_update(faults, old, new)
        elif subresource == "resize":
            check_resize(faults, old, new)
        else:
            check_pod_update(faults, old, new)

    def grace_period_s(self, old: Pod, asked_s: int | None) -> int:
        """What a node runs is marked, and goes when its node deletes it with a grace period of 0."""
        if not old.spec.node_name or old.status.phase in TERMINAL:
            return 0
        if asked_s is None:
            own = old.spec.termination_grace_period_seconds
            return GRACE_PERIOD_S if own is None else own
        return 1 if asked_s < 0 else asked_s


def counted(old: Pod, new: Pod) -> Pod:
    """The changed pod with its generation (KEP-5067): what is asked of a node is counted, that it is bound to one is not."""
    return replace(new, metadata=replace(new.metadata, generation=generation_after(old, old.spec != new.spec)))


def default_pod(pod: Pod) -> Pod:
    spec = default_pod_spec(pod.spec, pod=True)
    return replace(pod, spec=spec, status=sync_pod_ips(pod.status))


def sync_pod_ips(status: PodStatus) -> PodStatus:
    """podIP and the first of podIPs say the same; podIP wins."""
    if status.pod_ip and (not status.pod_ips or status.pod_ips[0].ip != status.pod_ip):
        return replace(status, pod_ips=(PodIP(ip=status.pod_ip),))
    if status.pod_ips and not status.pod_ip:
        return replace(status, pod_ip=status.pod_ips[0].ip)
    return status


def with_label_keys(affinity: Affinity, labels: dict[str, str]) -> Affinity:
    """Keys to match (or not) become expressions with the pod's own values, as since 1.31."""

    def term(t: PodAffinityTerm) -> PodAffinityTerm:
        if t.label_selector is None or not (t.match_label_keys or t.mismatch_label_keys):
            return t
        added = [
            LabelSelectorRequirement(key=key, operator=operator, values=(labels[key],))
            for operator, keys in (("In", t.match_label_keys), ("NotIn", t.mismatch_label_keys))
            for key in keys
            if key in labels
        ]
        expressions = (*t.label_selector.match_expressions, *added)
        return replace(t, label_selector=replace(t.label_selector, match_expressions=expressions))

    def each(a: PodAffinity | PodAntiAffinity) -> PodAffinity | PodAntiAffinity:
        return replace(
            a,
            required_during_scheduling_ignored_during_execution=tuple(
                term(t) for t in a.required_during_scheduling_ignored_during_execution
            ),
            preferred_during_scheduling_ignored_during_execution=tuple(
                replace(w, pod_affinity_term=term(w.pod_affinity_term))
                for w in a.preferred_during_scheduling_ignored_during_execution
            ),
        )

    return replace(
        affinity, pod_affinity=each(affinity.pod_affinity) if affinity.pod_affinity is not None else None,
        pod_anti_affinity=each(affinity.pod_anti_affinity) if affinity.pod_anti_affinity is not None else None,
    )  # fmt: skip
