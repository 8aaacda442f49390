"""Namespaces, nodes and leases."""

from shipslog.store.objects.coordination_v1 import Lease
from shipslog.store.objects.core_v1 import Namespace, Node, NodeConfigSource, Taint

from .. import names
from ..fields import Faults
from .metadata import check_namespace_finalizer
from .resources import check_amount

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
POD_CIDR_WORDS = 'node updates may not change podCIDR except from "" to valid'


def check_namespace(faults: Faults, namespace: Namespace) -> None:
    for finalizer in namespace.spec.finalizers:
        check_namespace_finalizer(faults, finalizer, "spec.finalizers")


def check_namespace_update(faults: Faults, new: Namespace, subresource: str) -> None:
    if subresource == "finalize":
        for i, finalizer in enumerate(new.spec.finalizers):
            check_namespace_finalizer(faults, finalizer, f"spec.finalizers[{i}]")
    elif subresource == "status":
        wanted = "Terminating" if new.metadata.deletion_timestamp else "Active"
        if new.status.phase != wanted:
            state = "not empty" if new.metadata.deletion_timestamp else "empty"
            faults.invalid("status.Phase", new.status.phase, f"may only be '{wanted}' if `deletionTimestamp` is {state}")


def check_node(faults: Faults, node: Node) -> None:
    check_taints(faults, node.spec.taints, "metadata.taints")
    _check_amounts(faults, node)
    cidrs = node.spec.pod_cidrs
    for i, cidr in enumerate(cidrs):
        faults.invalid_each(f"spec.podCIDRs[{i}]", cidr, names.cidr(cidr))
    if len(cidrs) > 1:
        families = {":" in cidr for cidr in cidrs}
        if len(families) != 2 or len(cidrs) > 2:
            faults.invalid("spec.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family")
        for i, cidr in enumerate(cidrs):
            if cidr in cidrs[:i]:
                faults.duplicate(f"spec.podCIDRs[{i}]", cidr)


def check_node_update(faults: Faults, old: Node, new: Node) -> None:
    _check_amounts(faults, new)
    seen = set()
    for i, address in enumerate(new.status.addresses):
        if (address.type, address.address) in seen:
            faults.duplicate(f"status.addresses[{i}]", address)
        seen.add((address.type, address.address))
    if old.spec.pod_cidrs and old.spec.pod_cidrs != new.spec.pod_cidrs:
        faults.forbidden("spec.podCIDRs", POD_CIDR_WORDS)
    if old.spec.provider_id and old.spec.provider_id != new.spec.provider_id:
        faults.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid')
    if new.spec.config_source is not None:
        _check_config_source(faults, new.spec.config_source)
    check_taints(faults, new.spec.taints, "metadata.taints")  # Kubernetes' own path
    if new.spec.external_id != old.spec.external_id:
        faults.forbidden("spec.externalID", "may not be updated")


def _check_amounts(faults: Faults, node: Node) -> None:
    for where, amounts in (("capacity", node.status.capacity), ("allocatable", node.status.allocatable)):
        for name, amount in amounts.items():
            check_amount(faults, name, amount, f"status.{where}.{name}")


def _check_config_source(faults: Faults, source: NodeConfigSource) -> None:
    path, config = "spec.configSource", source.config_map
    if config is None:
        faults.invalid(path, source, "exactly one reference subfield must be non-nil")
        return
    path = f"{path}.configMap"
    if config.uid:
        faults.forbidden(f"{path}.uid", "uid must not be set in spec")
    if config.resource_version:
        faults.forbidden(f"{path}.resourceVersion", "resourceVersion must not be set in spec")
    for field, value, check in (
        ("namespace", config.namespace, names.label), ("name", config.name, names.subdomain),
        ("kubeletConfigKey", config.kubelet_config_key, names.config_key),
    ):  # fmt: skip
        if not value:
            faults.required(f"{path}.{field}", f"{field} must be set")
        else:
            faults.invalid_each(f"{path}.{field}", value, check(value))


def check_taints(faults: Faults, taints: tuple[Taint, ...], path: str) -> None:
    seen = set()
    for i, taint in enumerate(taints):
        at = f"{path}[{i}]"
        faults.invalid_each(f"{at}.key", taint.key, names.qualified(taint.key))
        if messages := names.label_value(taint.value):
            faults.invalid(f"{at}.value", taint.value, ";".join(messages))
        if not taint.effect:
            faults.required(f"{at}.effect")
        elif taint.effect not in TAINT_EFFECTS:
            faults.not_supported(f"{at}.effect", taint.effect, TAINT_EFFECTS)
        if (taint.key, taint.effect) in seen:
            faults.duplicate(at, taint)
        seen.add((taint.key, taint.effect))


def check_lease(faults: Faults, lease: Lease) -> None:
    spec = lease.spec
    if spec.lease_duration_seconds is not None and spec.lease_duration_seconds <= 0:
        faults.invalid("spec.leaseDurationSeconds", spec.lease_duration_seconds, "must be greater than 0")
    if spec.lease_transitions is not None and spec.lease_transitions < 0:
        faults.invalid("spec.leaseTransitions", spec.lease_transitions, "must be greater than or equal to 0")
    if spec.strategy is not None and spec.strategy != "OldestEmulationVersion":
        if "/" in spec.strategy:
            faults.invalid_each("spec.strategy.strategy", spec.strategy, names.qualified(spec.strategy))
        else:
            faults.not_supported("spec.strategy.strategy", spec.strategy, ("OldestEmulationVersion",))
    if spec.preferred_holder and not spec.strategy:
        faults.forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined")
