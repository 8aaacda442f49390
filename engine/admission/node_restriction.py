"""What a node may make: itself, its lease, and mirrors of the pods that it runs from files.

Source: the NodeRestriction admission plugin. What it may read and change is `auth.node_authority`'s.

Tests: tests/engine/auth/test_node_authority.py
"""

from typing import Any

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import forbidden
from shipslog.engine.kinds.pod_spec.referred import referred
from shipslog.store.objects.scheme import Kind

MIRROR = "kubernetes.io/config.mirror"
PREFIX = "system:node:"


def check_node(kind: Kind, obj: Any, ctx: Admission) -> None:
    """Errors: Forbidden, for a node's identity alone."""
    if "system:nodes" not in ctx.groups or not ctx.actor.startswith(PREFIX):
        return
    node, why = ctx.actor.removeprefix(PREFIX), ""
    if kind.resource == "nodes" and obj.metadata.name != node:
        why = f'node "{node}" is not allowed to create node "{obj.metadata.name}"'
    elif kind.resource == "leases.coordination.k8s.io" and obj.metadata.name != node:
        why = f"can only access node lease with the same name as the requesting node {node}"
    elif kind.resource == "pods":
        why = _pod(node, obj)
    if why:
        raise forbidden(kind, obj.metadata.name, why)


def _pod(node: str, pod: Any) -> str:
    """What is wrong with a pod that a node makes."""
    if MIRROR not in pod.metadata.annotations:
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if pod.spec.node_name != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    if pod.spec.service_account_name:
        return f'node "{node}" can not create pods that reference a service account'
    if kinds := sorted({resource for resource, _ in referred(pod.spec)}):
        return f'node "{node}" can not create pods that reference {" and ".join(kinds)}'
    return ""
