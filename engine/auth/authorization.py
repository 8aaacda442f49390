"""Who may do what: one question, `authorize`, asked before every request and by the access reviews.

Administrators may do everything. Nodes may do what a kubelet and a proxy do (`node_authority`). Everybody who is known may find
out what the API offers and who they are; nobody else gets anything.

Tests: tests/engine/auth/test_authentication.py
"""

from shipslog.engine.state.view import MemoryView
from shipslog.store.refusals import Forbidden

from .attributes import Attributes, Verdict
from .node_authority import node_may, node_of
from .users import User

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
MONITORING = "system:monitoring"  # a group that Kubernetes lets read metrics
SELF_REVIEWS = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})


def authorize(user: User, wanted: Attributes, view: MemoryView) -> Verdict:
    """Whether the user may do it, as things are in the view, and why."""
    groups = user.groups
    if "system:masters" in groups:
        return Verdict(True)
    if not wanted.resource:
        return _path(user, wanted)
    if "system:authenticated" in groups and wanted.verb == "create" and wanted.resource in SELF_REVIEWS:
        return Verdict(True, "everybody may ask about themselves")
    if node := node_of(user):
        return node_may(node, wanted, view)
    return Verdict(False)


def require(user: User, wanted: Attributes, view: MemoryView) -> None:
    """Errors: Forbidden, in Kubernetes' words."""
    verdict = authorize(user, wanted, view)
    if not verdict.allowed:
        raise forbidden(user, wanted, verdict.reason)


def forbidden(user: User, wanted: Attributes, reason: str = "") -> Forbidden:
    tail = f": {reason}" if reason else ""
    if not wanted.resource:
        return Forbidden(f'forbidden: User "{user.name}" cannot {wanted.verb} path "{wanted.path}"{tail}')
    resource = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
    scope = f' in the namespace "{wanted.namespace}"' if wanted.namespace else " at the cluster scope"
    named = f' "{wanted.name}"' if wanted.name else ""
    message = f'{wanted.group_resource}{named} is forbidden: User "{user.name}" cannot {wanted.verb} resource "{resource}" '
    message += f'in API group "{wanted.group}"'
    return Forbidden(message + scope + tail, name=wanted.name, group=wanted.group, kind=wanted.resource)


def _path(user: User, wanted: Attributes) -> Verdict:
    if wanted.verb != "get":
        return Verdict(False)
    path = wanted.path.rstrip("/")
    if any(path == p or path.startswith(p + "/") for p in PUBLIC):
        return Verdict(True)
    if MONITORING in user.groups and path == "/metrics":
        return Verdict(True)
    known = "system:authenticated" in user.groups
    return Verdict(known and any(path == p or path.startswith(p + "/") for p in DISCOVERY))
