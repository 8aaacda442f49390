"""What may change of a pod: images, a shorter deadline, more tolerations, its status; ephemeral containers are only added.

Tests: tests/engine/kinds/core/pod/test_strategy.py
"""

from collections.abc import Mapping

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import IMMUTABLE, Faults, shown
from shipslog.engine.kinds.pod_spec.checks.containers import check_image_space
from shipslog.engine.kinds.pod_spec.checks.placement import check_tolerations
from shipslog.engine.kinds.pod_spec.checks.spec import APP_ARMOR, MIRROR, MOST_SECONDS, check_pod
from shipslog.store.objects.types.core_v1 import Container, ContainerStatus, NodeSelectorTerm, Pod, PodSpec

MUTABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
    "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
SYSTEM_CONDITIONS = frozenset({"PodScheduled", "Ready", "Initialized"})


def check_pod_update(faults: Faults, old: Pod, new: Pod) -> None:
    check_pod(faults, new)
    _check_annotations(faults, old.metadata.annotations, new.metadata.annotations)
    if old.spec == new.spec:
        return
    for name, held, before in (
        ("containers", new.spec.containers, old.spec.containers),
        ("initContainers", new.spec.init_containers, old.spec.init_containers),
    ):
        if len(held) != len(before):
            faults.forbidden(f"spec.{name}", "pod updates may not add or remove containers")
            return
        for i, c in enumerate(held):
            if not c.image:
                faults.required(f"spec.{name}[{i}].image")
            check_image_space(faults, c.image, f"spec.{name}[{i}]")
    if not _check_deadline(faults, old.spec, new.spec):
        return
    _check_only_added(faults, old.spec, new.spec)
    known = {g.name for g in old.spec.scheduling_gates}
    for i, gate in enumerate(new.spec.scheduling_gates):
        if gate.name not in known:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.name}'"
            faults.forbidden(f"spec.schedulingGates[{i}].name", why)
    munged = _without_mutable(faults, old.spec, new.spec)
    if munged != old.spec:
        changed = _difference(old.spec, munged)
        faults.forbidden("spec", f"pod updates may not change fields other than {MUTABLE}\n{changed}")


def _check_deadline(faults: Faults, old: PodSpec, new: PodSpec) -> bool:
    """Set once, then only shorter."""
    path, deadline, before = "spec.activeDeadlineSeconds", new.active_deadline_seconds, old.active_deadline_seconds
    if deadline is not None:
        if not 0 <= deadline <= MOST_SECONDS:
            faults.invalid(path, deadline, f"must be between 0 and {MOST_SECONDS}, inclusive")
            return False
        if before is not None and before < deadline:
            faults.invalid(path, deadline, "must be less than or equal to previous value")
            return False
    elif before is not None:
        faults.invalid(path, None, "must not update from a positive integer to nil value")
    return True


def _check_only_added(faults: Faults, old: PodSpec, new: PodSpec) -> None:
    if old.tolerations == new.tolerations:
        return
    kept = {(t.key, t.operator, t.value, t.effect) for t in new.tolerations}
    if any((t.key, t.operator, t.value, t.effect) not in kept for t in old.tolerations):
        faults.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        return
    check_tolerations(faults, new.tolerations, "spec.tolerations")


def _images_of(containers: tuple[Container, ...], before: tuple[Container, ...]) -> tuple[Container, ...]:
    return tuple(replace(c, image=b.image) if c.image != b.image else c for c, b in zip(containers, before, strict=True))


def _without_mutable(faults: Faults, old: PodSpec, new: PodSpec) -> PodSpec:
    """The new spec with all that may change put back to what it was."""
    munged = replace(
        new, containers=_images_of(new.containers, old.containers),
        init_containers=_images_of(new.init_containers, old.init_containers),
        active_deadline_seconds=old.active_deadline_seconds, scheduling_gates=old.scheduling_gates,
        tolerations=old.tolerations,
    )  # fmt: skip
    grace = old.termination_grace_period_seconds
    if grace is not None and grace < 0 and munged.termination_grace_period_seconds == 1:
        munged = replace(munged, termination_grace_period_seconds=grace)
    return _ungated(faults, old, munged) if old.scheduling_gates else munged


def _ungated(faults: Faults, old: PodSpec, munged: PodSpec) -> PodSpec:
    """A pod that still waits behind a gate may be narrowed: more node selectors, more node affinity."""
    if munged.node_selector != old.node_selector:
        if any(munged.node_selector.get(k) != v for k, v in old.node_selector.items()):
            why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            faults.invalid("spec.nodeSelector", munged.node_selector, why)
        munged = replace(munged, node_selector=old.node_selector)
    before = old.affinity.node_affinity if old.affinity is not None else None
    after = munged.affinity.node_affinity if munged.affinity is not None else None
    if before == after:
        return munged
    path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    required = before.required_during_scheduling_ignored_during_execution if before is not None else None
    now = after.required_during_scheduling_ignored_during_execution if after is not None else None
    old_terms = required.node_selector_terms if required is not None else ()
    new_terms = now.node_selector_terms if now is not None else ()
    if old_terms and len(old_terms) != len(new_terms):
        faults.invalid(path, new_terms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
    elif old_terms:
        for i, (o, n) in enumerate(zip(old_terms, new_terms, strict=True)):
            if not _only_adds(o, n):
                faults.invalid(f"{path}[{i}]", n, "only additions are allowed (no mutations or deletions)")
    affinity = munged.affinity
    if affinity is not None:
        affinity = replace(affinity, node_affinity=before)
        if old.affinity is None and affinity.pod_affinity is None and affinity.pod_anti_affinity is None:
            affinity = None
    else:
        affinity = old.affinity
    return replace(munged, affinity=affinity)


def _only_adds(old: NodeSelectorTerm, new: NodeSelectorTerm) -> bool:
    if not old.match_expressions and not old.match_fields:
        return not new.match_expressions and not new.match_fields
    return (
        new.match_expressions[: len(old.match_expressions)] == old.match_expressions
        and new.match_fields[: len(old.match_fields)] == old.match_fields
    )


def _difference(old: PodSpec, new: PodSpec) -> str:
    """The fields that differ, one a line, before and after."""
    lines = []
    for attribute, name in zip(old.__struct_fields__, old.__struct_encode_fields__, strict=True):
        before, after = getattr(old, attribute), getattr(new, attribute)
        if before != after:
            lines += [f"- {name}: {shown(before)}", f"+ {name}: {shown(after)}"]
    return "\n".join(lines)


def _check_annotations(faults: Faults, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    if old == new:
        return
    for key in {**old, **new}:
        armor = key.startswith(APP_ARMOR)
        if (not armor and key != MIRROR) or old.get(key) == new.get(key):
            continue
        verb = "remove or update" if key in old else "add"
        what = "AppArmor annotations" if armor else "mirror pod annotation"
        faults.forbidden(f"metadata.annotations[{key}]", f"may not {verb} {what}")


def check_ephemeral_update(faults: Faults, old: Pod, new: Pod) -> None:
    """Through the ephemeralcontainers subresource."""
    check_pod(faults, new)
    if MIRROR in old.metadata.annotations:
        faults.causes.clear()
        faults.forbidden("", "static pods do not support ephemeral containers")
        return
    path = "spec.ephemeralContainers"
    held = {c.name: c for c in new.spec.ephemeral_containers}
    for c in old.spec.ephemeral_containers:
        if c.name not in held:
            faults.forbidden(path, f'existing ephemeral containers "{c.name}" may not be removed\n')
        elif held[c.name] != c:
            faults.forbidden(path, f'existing ephemeral containers "{c.name}" may not be changed\n')


def check_pod_status(faults: Faults, old: Pod, new: Pod) -> None:
    """Through the status subresource: what has ended stays ended."""
    _check_annotations(faults, old.metadata.annotations, new.metadata.annotations)
    status, before = new.status, old.status
    for i, condition in enumerate(status.conditions):
        if condition.type not in SYSTEM_CONDITIONS:
            faults.invalid_each(f"metadata.conditions[{i}].Type", condition.type, names.qualified(condition.type))
    nominated = status.nominated_node_name
    if nominated and nominated != before.nominated_node_name:
        faults.invalid_each("status.nominatedNodeName", nominated, names.subdomain(nominated))
    if status.qos_class != before.qos_class:
        faults.invalid("status.qosClass", status.qos_class, IMMUTABLE)
    policy = old.spec.restart_policy
    sidecars = frozenset(c.name for c in old.spec.init_containers if c.restart_policy == "Always")
    _check_ended(faults, before.container_statuses, status.container_statuses, "containerStatuses", policy)
    _check_ended(
        faults, before.init_container_statuses, status.init_container_statuses, "initContainerStatuses", policy, sidecars
    )
    ended = (before.ephemeral_container_statuses, status.ephemeral_container_statuses)
    _check_ended(faults, *ended, "ephemeralContainerStatuses", "Never")
    for name, addresses in (("podIPs", status.pod_ips), ("hostIPs", status.host_ips)):
        if addresses:
            _check_addresses(faults, tuple(a.ip for a in addresses), f"status.{name}")
    if status.host_ips and status.host_ips[0].ip != status.host_ip:
        faults.invalid("status.hostIPs[0].ip", status.host_ips[0].ip, "must be equal to `hostIP`")


def _check_ended(
    faults: Faults,
    old: tuple[ContainerStatus, ...],
    new: tuple[ContainerStatus, ...],
    field: str,
    policy: str,
    sidecars: frozenset[str] = frozenset(),
) -> None:
    if policy == "Always":
        return
    runs = {s.name for s in new if s.state.terminated is None}
    for i, status in enumerate(old):
        ended = status.state.terminated
        if ended is None or status.name in sidecars or (ended.exit_code and policy == "OnFailure"):
            continue
        if status.name in runs:
            faults.forbidden(f"status.{field}[{i}].state", "may not be transitioned to non-terminated state")


def _check_addresses(faults: Faults, addresses: tuple[str, ...], path: str) -> None:
    for i, address in enumerate(addresses):
        faults.invalid_each(f"{path}[{i}]", address, names.ip(address))
    if len(addresses) > 1:
        if len(addresses) > 2 or len({":" in a for a in addresses}) != 2:
            faults.invalid(path, addresses, "may specify no more than one IP for each IP family")
        for i, address in enumerate(addresses):
            if address in addresses[:i]:
                faults.duplicate(f"{path}[{i}]", address)
