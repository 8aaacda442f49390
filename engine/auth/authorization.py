"""Who may do what: one question, `authorize`, asked before every request and by the access reviews.

Administrators may do everything. Nodes may do what a kubelet and a proxy do. Everybody who is known may find out what the API
offers and who they are; nobody else gets anything.
"""

from msgspec import Struct

from shipslog.store.refusals import Forbidden

from .authentication import User

PUBLIC = frozenset({"/healthz", "/readyz", "/livez", "/version"})  # also for nobody
DISCOVERY = (
    "/api",
    "/apis",
    "/openapi",
    "/healthz",
    "/readyz",
    "/livez",
    "/version",
    "/.well-known/openid-configuration",
    "/openid/v1/jwks",
)
SELF_REVIEWS = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})

# resource (with "/subresource") -> verbs of a node. Source: the bootstrap policy of system:node
READ = frozenset({"get", "list", "watch"})
NODE_RULES: dict[str, frozenset[str]] = {
    "services": READ, "endpoints": READ, "endpointslices.discovery.k8s.io": READ, "namespaces": READ, "configmaps": READ,
    "secrets": READ, "serviceaccounts": frozenset({"get"}), "serviceaccounts/token": frozenset({"create"}),
    "nodes": READ | {"create", "update", "patch"}, "nodes/status": frozenset({"get", "update", "patch"}),
    "pods": READ | {"create", "delete"}, "pods/status": frozenset({"get", "update", "patch"}),
    "pods/eviction": frozenset({"create"}),
    "events": frozenset({"create", "update", "patch"}), "leases.coordination.k8s.io": READ | {"create", "update",
    "patch", "delete"},
    "tokenreviews.authentication.k8s.io": frozenset({"create"}),
    "subjectaccessreviews.authorization.k8s.io": frozenset({"create"}),
}  # fmt: skip


class Attributes(Struct, frozen=True):
    """What is asked for. Either a path, or a resource."""

    verb: str
    path: str = ""  # for what is no resource
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class Verdict(Struct, frozen=True):
    allowed: bool
    reason: str = ""


def authorize(user: User, wanted: Attributes) -> Verdict:
    """Whether the user may do it, and why."""
    groups = user.groups
    if "system:masters" in groups:
        return Verdict(True)
    if not wanted.resource:
        return _path(user, wanted)
    if "system:authenticated" in groups and wanted.verb == "create" and wanted.resource in SELF_REVIEWS:
        return Verdict(True, "everybody may ask about themselves")
    if "system:nodes" in groups and user.name.startswith("system:node:"):
        return _node(user.name.removeprefix("system:node:"), wanted)
    return Verdict(False)


def require(user: User, wanted: Attributes) -> None:
    """Errors: Forbidden, in Kubernetes' words."""
    verdict = authorize(user, wanted)
    if not verdict.allowed:
        raise forbidden(user, wanted, verdict.reason)


def forbidden(user: User, wanted: Attributes, reason: str = "") -> Forbidden:
    tail = f": {reason}" if reason else ""
    if not wanted.resource:
        return Forbidden(f'forbidden: User "{user.name}" cannot {wanted.verb} path "{wanted.path}"{tail}')
    resource = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
    full = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    scope = f' in the namespace "{wanted.namespace}"' if wanted.namespace else " at the cluster scope"
    named = f' "{wanted.name}"' if wanted.name else ""
    message = f'{full}{named} is forbidden: User "{user.name}" cannot {wanted.verb} resource "{resource}" '
    message += f'in API group "{wanted.group}"'
    return Forbidden(message + scope + tail, name=wanted.name, group=wanted.group, kind=wanted.resource)


def _path(user: User, wanted: Attributes) -> Verdict:
    if wanted.verb != "get":
        return Verdict(False)
    path = wanted.path.rstrip("/")
    if any(path == p or path.startswith(p + "/") for p in PUBLIC):
        return Verdict(True)
    known = "system:authenticated" in user.groups
    return Verdict(known and any(path == p or path.startswith(p + "/") for p in DISCOVERY))


def _node(node: str, wanted: Attributes) -> Verdict:
    key = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    if wanted.subresource:
        key += f"/{wanted.subresource}"
    if wanted.verb not in NODE_RULES.get(key, ()):
        return Verdict(False, "a node has no business with it")
    writes = wanted.verb not in READ
    if writes and wanted.resource == "nodes" and wanted.name not in ("", node):
        return Verdict(False, f"node {node} is not allowed to modify node {wanted.name}")
    return Verdict(True)
