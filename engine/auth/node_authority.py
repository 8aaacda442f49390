"""What a node may do: read what its own pods refer to, and write about itself and them.

Fixed rules on the view; nothing is granted or kept. Source: the Node authorizer of Kubernetes (with selectors), and the
bootstrap policy of system:node and system:node-proxier. What a node *makes* is looked at in `admission.node_restriction`.
"""

from shipslog.engine.kinds.pod_spec.referred import referred
from shipslog.engine.state.view import MemoryView
from shipslog.store.objects.types import core_v1

from .attributes import Attributes, Verdict
from .users import User

LEASES = "kube-node-lease"
READ = frozenset({"get", "list", "watch"})
WRITE = frozenset({"create", "update", "patch"})

# resource (with "/subresource") -> verbs that a node has some business with
NODE_RULES: dict[str, frozenset[str]] = {
    "services": READ,
    "endpoints": READ,
    "endpointslices.discovery.k8s.io": READ,
    "namespaces": READ,
    "configmaps": READ,
    "secrets": READ,
    "serviceaccounts": frozenset({"get"}),
    "serviceaccounts/token": frozenset({"create"}),
    "nodes": READ | WRITE,
    "nodes/status": frozenset({"get", "update", "patch"}),
    "pods": READ | {"create", "delete"},
    "pods/status": frozenset({"get", "update", "patch"}),
    "pods/eviction": frozenset({"create"}),
    "events": WRITE,
    "leases.coordination.k8s.io": frozenset({"get", "delete"}) | WRITE,
    "tokenreviews.authentication.k8s.io": frozenset({"create"}),
    "subjectaccessreviews.authorization.k8s.io": frozenset({"create"}),
}


def node_of(user: User) -> str:
    """The node whose identity that is; "" for everybody else."""
    prefix, _, name = user.name.partition("system:node:")
    return name if "system:nodes" in user.groups and not prefix else ""


def node_may(node: str, wanted: Attributes, view: MemoryView) -> Verdict:
    """Whether the node may do it, and why not."""
    key = wanted.group_resource
    door = f"{key}/{wanted.subresource}" if wanted.subresource else key
    if wanted.verb not in NODE_RULES.get(door, ()):
        return Verdict(False, "a node has no business with it")
    why = ""
    if key in ("secrets", "configmaps"):
        if not wanted.name:
            why = f"node {node} may only read single {key} that its pods refer to"
        elif not any((key, wanted.name) in referred(pod.spec) for pod in _pods(node, wanted, view)):
            why = f"no pod on node {node} refers to it"
    elif key == "serviceaccounts":
        if not any((pod.spec.service_account_name or "default") == wanted.name for pod in _pods(node, wanted, view)):
            why = f"no pod on node {node} runs as it"
    elif key == "nodes" and not _is_self(node, wanted):
        why = f"node {node} may only {wanted.verb} itself"
    elif key == "pods":
        why = _pod(node, wanted, view)
    elif key.startswith("leases.") and (wanted.namespace != LEASES or not _is_self(node, wanted)):
        why = f"node {node} may only use its own lease in {LEASES}"
    return Verdict(not why, why)


def _pods(node: str, wanted: Attributes, view: MemoryView) -> list[core_v1.Pod]:
    """Those on the node, in the namespace that is asked about."""
    return [pod for pod in view.pods_on(node) if pod.metadata.namespace == wanted.namespace]


def _is_self(node: str, wanted: Attributes) -> bool:
    """Whether the node's own name is asked about, or is to come with what is made."""
    return wanted.name == node or (wanted.verb == "create" and not wanted.name)


def _pod(node: str, wanted: Attributes, view: MemoryView) -> str:
    if wanted.name:
        entry = view.entry("pods", wanted.name, wanted.namespace)
        if entry is not None and entry.object.spec.node_name == node:
            return ""
        if entry is None and wanted.verb != "get":  # then it hears that it is not there; read it may be in the past
            return ""
        return f"the pod is not on node {node}"
    if wanted.verb in ("list", "watch") and ("spec.nodeName", node) not in wanted.fields:
        return f"node {node} may only {wanted.verb} its own pods: select them by the field spec.nodeName={node}"
    return ""
