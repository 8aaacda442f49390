"""Nodes: what they have, what keeps pods away from them.

Tests: tests/engine/kinds/test_small_kinds.py, tests/engine/kinds/test_tables.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, NONE, UNKNOWN, Column, age, flag, wide
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.checks.placement import TAINT_EFFECTS
from shipslog.engine.kinds.pod_spec.checks.resources import check_amount
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.subresources import Proxy
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Node, NodeConfigSource, Taint

NOT_READY = Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule")
ROLE_PREFIX, ROLE_LABEL = "node-role.kubernetes.io/", "kubernetes.io/role"
POD_CIDR_WORDS = 'node updates may not change podCIDR except from "" to valid'


class NodeStrategy(Strategy):
    about = "A machine that runs pods."
    columns = (
        NAME,
        Column("Status", "Whether the node is ready, and whether pods are scheduled to it."),
        Column("Roles", "The roles of the node, from its labels."),
        AGE,
        Column("Version", "The version of the node's kubelet."),
        wide("Internal-IP", "The node's address inside the cluster."),
        wide("External-IP", "The node's address outside the cluster."),
        wide("OS-Image", "The operating system, as the node reports it."),
        wide("Kernel-Version", "The kernel, as the node reports it."),
        wide("Container-Runtime", "The container runtime and its version."),
    )
    subresources = {"proxy": Proxy(kind="NodeProxyOptions")}
    selectable = {"spec.unschedulable": lambda o: flag(o.spec.unschedulable)}

    def cells(self, obj: Node, now_ns: int) -> list[Any]:
        return cells(obj, now_ns)

    def default(self, obj: Node) -> Node:
        return default_node(obj)

    def create(self, kind: Kind, obj: Node, ctx: Admission) -> Node:
        """A new node takes no pods before its lifecycle has found it ready."""
        if any(t.key == NOT_READY.key and t.effect == NOT_READY.effect for t in obj.spec.taints):
            return obj
        return replace(obj, spec=replace(obj.spec, taints=(*obj.spec.taints, NOT_READY)))

    def update(self, kind: Kind, old: Node, new: Node, subresource: str, ctx: Admission) -> Node:
        return replace(new, spec=old.spec) if subresource == "status" else replace(new, status=old.status)

    def check(self, faults: Faults, obj: Node) -> None:
        check_node(faults, obj)

    def check_update(self, faults: Faults, old: Node, new: Node, subresource: str) -> None:
        check_node_update(faults, old, new)


def default_node(node: Node) -> Node:
    """What can be allocated is all there is, unless told; podCIDR and the first of podCIDRs say the same."""
    status, spec = node.status, node.spec
    if status.capacity and not status.allocatable:
        node = replace(node, status=replace(status, allocatable=dict(status.capacity)))
    if spec.pod_cidr and (not spec.pod_cidrs or spec.pod_cidrs[0] != spec.pod_cidr):
        node = replace(node, spec=replace(spec, pod_cidrs=(spec.pod_cidr,)))
    elif spec.pod_cidrs and not spec.pod_cidr:
        node = replace(node, spec=replace(spec, pod_cidr=spec.pod_cidrs[0]))
    return node


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
        ("namespace", config.namespace, names.label),
        ("name", config.name, names.subdomain),
        ("kubeletConfigKey", config.kubelet_config_key, names.config_key),
    ):
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


def cells(node: Node, now_ns: int) -> list[Any]:
    info = node.status.node_info
    return [
        node.metadata.name,
        _status(node),
        ",".join(_roles(node)) or NONE,
        age(node.metadata.creation_timestamp, now_ns),
        info.kubelet_version,
        _address(node, "InternalIP"),
        _address(node, "ExternalIP"),
        info.os_image or UNKNOWN,
        info.kernel_version or UNKNOWN,
        info.container_runtime_version or UNKNOWN,
    ]


def _status(node: Node) -> str:
    ready = next((c for c in node.status.conditions if c.type == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"]
    if node.spec.unschedulable:
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(node: Node) -> list[str]:
    labels = node.metadata.labels
    roles = {k.removeprefix(ROLE_PREFIX) for k in labels if k.startswith(ROLE_PREFIX)} | {labels.get(ROLE_LABEL, "")}
    return sorted(r for r in roles if r)


def _address(node: Node, kind: str) -> str:
    return next((a.address for a in node.status.addresses if a.type == kind), NONE)


STRATEGY = NodeStrategy()
