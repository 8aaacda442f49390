"""The paths of the resources and what can be done there, in terms that both versions of OpenAPI share.

Tests: tests/engine/api/test_custom.py, tests/engine/api/unstored/test_pod_and_node_metrics.py, tests/e2e/test_guestbook.py
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from shipslog.engine.api.server_info.discovery import REVIEW_VERSIONS, REVIEWS, kinds_of
from shipslog.engine.kinds.catalogue import subresource_of
from shipslog.store.objects.patch import PATCH_TYPES, STRATEGIC_PATCH
from shipslog.store.objects.scheme import Kind, Scheme

from .schemas import META, name_of_kind, package_of

WRITE_OPTIONS = ("dryRun", "fieldManager", "fieldValidation")
LIST_OPTIONS = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
GROUPS = {
    "authentication.k8s.io": "authentication_v1",
    "authorization.k8s.io": "authorization_v1",
}
OF_THEIR_OWN = {  # types of reviews that differ from those of v1
    ("v1beta1", "LocalSubjectAccessReview"): "authorization_v1beta1",
    ("v1beta1", "SubjectAccessReview"): "authorization_v1beta1",
}


class Operation(Struct, frozen=True, kw_only=True):
    """One method on one path. `body` and `answer` are the names of types; `options` are query parameters."""

    method: str
    action: str  # as x-kubernetes-action names it
    gvk: dict[str, str]
    body: str = ""
    answer: str
    options: tuple[str, ...] = ()
    patches: tuple[str, ...] = PATCH_TYPES  # the media types of a patch


def paths(scheme: Scheme, group: str | None, version: str | None) -> dict[str, list[Operation]]:
    """The operations by path, of one group or of all."""
    found: dict[str, list[Operation]] = {}
    for kind in kinds_of(scheme):
        if group in (None, kind.group) and version in (None, kind.version):
            for path, operation in _of_kind(kind):
                found.setdefault(path, []).append(operation)
    for of_group, plural, _, kind_name, namespaced in REVIEWS:
        for served in REVIEW_VERSIONS:
            if group not in (None, of_group) or version not in (None, served):
                continue
            where = f"/apis/{of_group}/{served}/{'namespaces/{namespace}/' if namespaced else ''}{plural}"
            module = OF_THEIR_OWN.get((served, kind_name), GROUPS[of_group])
            type_ = f"{package_of(module)}.{kind_name}"
            gvk = {"group": of_group, "version": served, "kind": kind_name}
            found[where] = [Operation(method="post", action="post", gvk=gvk, body=type_, answer=type_, options=WRITE_OPTIONS)]
    return dict(sorted(found.items()))


def _of_kind(kind: Kind) -> Iterator[tuple[str, Operation]]:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    within = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    type_, many, verbs = name_of_kind(kind), f"{name_of_kind(kind)}List", kind.verbs
    if kind.namespaced and "list" in verbs:
        yield f"{root}/{kind.plural}", Operation(method="get", action="list", gvk=gvk, answer=many, options=LIST_OPTIONS)
    if "list" in verbs:
        yield within, Operation(method="get", action="list", gvk=gvk, answer=many, options=LIST_OPTIONS)
    if "create" in verbs:
        yield within, Operation(method="post", action="post", gvk=gvk, body=type_, answer=type_, options=WRITE_OPTIONS)
    status, options = f"{META}.Status", f"{META}.DeleteOptions"
    if "deletecollection" in verbs:
        yield within, Operation(method="delete", action="deletecollection", gvk=gvk, body=options, answer=status)
    one = f"{within}/{{name}}"
    if "get" in verbs:
        yield one, Operation(method="get", action="get", gvk=gvk, answer=type_)
    if "update" in verbs:
        yield one, Operation(method="put", action="put", gvk=gvk, body=type_, answer=type_, options=WRITE_OPTIONS)
    if "patch" in verbs:
        yield (
            one,
            Operation(
                method="patch",
                action="patch",
                gvk=gvk,
                answer=type_,
                options=(*WRITE_OPTIONS, "force"),
                patches=patches_of(kind),
            ),
        )
    if "delete" in verbs:
        yield one, Operation(method="delete", action="delete", gvk=gvk, body=options, answer=status, options=("dryRun",))
    for name in kind.subresources:
        yield from _of_subresource(kind, f"{one}/{name}", name, type_)


def _of_subresource(kind: Kind, path: str, name: str, type_: str) -> Iterator[tuple[str, Operation]]:
    sub = subresource_of(kind, name)
    if sub is None or not sub.described:
        return
    if sub.type:
        module, _, type_name = sub.type.partition(":")
        type_ = f"{package_of(module)}.{type_name}"
    group = kind.group if sub.group is None else sub.group
    gvk = {"group": group, "version": sub.version or kind.version, "kind": sub.kind or kind.kind}
    for verb, method in (("get", "get"), ("update", "put"), ("patch", "patch"), ("create", "post")):
        if verb in sub.verbs:
            body = type_ if verb in ("update", "create") else ""
            action = {"create": "post", "update": "put"}.get(verb, verb)
            options = () if verb == "get" else WRITE_OPTIONS
            yield (
                path,
                Operation(
                    method=method, action=action, gvk=gvk, body=body, answer=type_, options=options, patches=patches_of(kind)
                ),
            )


def patches_of(kind: Kind) -> tuple[str, ...]:
    """The patches that a kind takes: of what a definition makes nobody knows how its lists are merged."""
    return PATCH_TYPES if kind.definition is None else tuple(media for media in PATCH_TYPES if media != STRATEGIC_PATCH)


def parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    """The parameters in the path and in the query, without their types."""
    inside: list[dict[str, Any]] = [
        {"name": part[1:-1], "in": "path", "required": True} for part in path.split("/") if part.startswith("{")
    ]
    return inside + [{"name": name, "in": "query"} for name in operation.options]


def parameter_type(name: str) -> str:
    if name in ("limit", "timeoutSeconds"):
        return "integer"
    return "boolean" if name in ("watch", "allowWatchBookmarks", "sendInitialEvents", "force") else "string"
