"""The table of nodes."""

from typing import Any

from shipslog.store.objects import core_v1

from .columns import AGE, NAME, NONE, UNKNOWN, Column, age, wide

COLUMNS = (
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
ROLE_PREFIX, ROLE_LABEL = "node-role.kubernetes.io/", "kubernetes.io/role"


def cells(node: core_v1.Node, now_ns: int) -> list[Any]:
    info = node.status.node_info
    return [
        node.metadata.name, _status(node), ",".join(_roles(node)) or NONE, age(node.metadata.creation_timestamp, now_ns),
        info.kubelet_version, _address(node, "InternalIP"), _address(node, "ExternalIP"), info.os_image or UNKNOWN,
        info.kernel_version or UNKNOWN, info.container_runtime_version or UNKNOWN,
    ]  # fmt: skip


def _status(node: core_v1.Node) -> str:
    ready = next((c for c in node.status.conditions if c.type == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"]
    if node.spec.unschedulable:
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(node: core_v1.Node) -> list[str]:
    labels = node.metadata.labels
    roles = {k.removeprefix(ROLE_PREFIX) for k in labels if k.startswith(ROLE_PREFIX)} | {labels.get(ROLE_LABEL, "")}
    return sorted(r for r in roles if r)


def _address(node: core_v1.Node, kind: str) -> str:
    return next((a.address for a in node.status.addresses if a.type == kind), NONE)
