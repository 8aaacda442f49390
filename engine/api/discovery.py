"""Discovery: which groups, versions and kinds there are. Legacy lists for old clients, aggregated documents for new ones.

Source: the API server's discovery endpoints and KEP-3352 (apidiscovery.k8s.io v2 and v2beta1).
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from shipslog.store.objects import registry

# What is posted and answered, and never stored: (group, plural, singular, kind, namespaced).
REVIEWS = (
    ("authentication.k8s.io", "selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview", False),
    ("authentication.k8s.io", "tokenreviews", "tokenreview", "TokenReview", False),
    ("authorization.k8s.io", "localsubjectaccessreviews", "localsubjectaccessreview", "LocalSubjectAccessReview", True),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview", False),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "selfsubjectrulesreview", "SelfSubjectRulesReview", False),
    ("authorization.k8s.io", "subjectaccessreviews", "subjectaccessreview", "SubjectAccessReview", False),
)
CHANGE = ("get", "patch", "update")
STREAM = ("create", "get")


class Sub(Struct, frozen=True):
    """A subresource: the kind that goes over it (and that kind's group and version), and its verbs."""

    kind: str
    verbs: tuple[str, ...]
    group: str | None = None
    version: str = ""


SUBRESOURCES = {
    "attach": Sub("PodAttachOptions", STREAM),
    "binding": Sub("Binding", ("create",)),
    "ephemeralcontainers": Sub("Pod", CHANGE),
    "eviction": Sub("Eviction", ("create",), "policy", "v1"),
    "exec": Sub("PodExecOptions", STREAM),
    "finalize": Sub("Namespace", ("update",)),
    "log": Sub("Pod", ("get",)),
    "portforward": Sub("PodPortForwardOptions", STREAM),
    "scale": Sub("Scale", CHANGE, "autoscaling", "v1"),
    "status": Sub("", CHANGE),
    "token": Sub("TokenRequest", ("create",), "authentication.k8s.io", "v1"),
}


def groups() -> list[str]:
    """All groups but the core one, in the order of names."""
    named = {k.group for k in registry.kinds() if k.group} | {review[0] for review in REVIEWS}
    return sorted(named)


def paths() -> Iterable[str]:
    """The paths of discovery itself."""
    yield "/api/v1"
    for group in groups():
        yield f"/apis/{group}"
        yield f"/apis/{group}/v1"


def versions(host: str) -> dict[str, Any]:
    """/api"""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def group_list() -> dict[str, Any]:
    """/apis"""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(g) for g in groups()]}


def group(name: str) -> dict[str, Any] | None:
    """/apis/GROUP"""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)} if name in groups() else None


def _group(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def resource_list(name: str) -> dict[str, Any] | None:
    """/api/v1 and /apis/GROUP/v1"""
    if name and name not in groups():
        return None
    resources: list[dict[str, Any]] = []
    for kind in _kinds(name):
        resources.append(
            {
                "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
                "verbs": list(kind.verbs), **_optional(shortNames=kind.short_names, categories=kind.categories),
            }
        )  # fmt: skip
        for name_, sub in _subresources(kind):
            foreign = {"group": sub.group, "version": sub.version} if sub.group else {}
            resources.append(
                {
                    "name": f"{kind.plural}/{name_}", "singularName": "", "namespaced": kind.namespaced, **foreign,
                    "kind": sub.kind or kind.kind, "verbs": list(sub.verbs),
                }
            )  # fmt: skip
    for of_group, plural, singular, kind_name, namespaced in REVIEWS:
        if of_group == name:
            resources.append(
                {"name": plural, "singularName": singular, "namespaced": namespaced, "kind": kind_name, "verbs": ["create"]}
            )
    version = f"{name}/v1" if name else "v1"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


def _kinds(group_name: str) -> list[registry.Kind]:
    return sorted((k for k in registry.kinds() if k.group == group_name), key=lambda k: k.plural)


def _subresources(kind: registry.Kind) -> list[tuple[str, Sub]]:
    return [(name, SUBRESOURCES[name]) for name in kind.subresources]


def _optional(**values: tuple[str, ...]) -> dict[str, list[str]]:
    return {name: list(value) for name, value in values.items() if value}


# --- aggregated ---


def asked_for(accept: str) -> str:
    """The version of the aggregated document that a client prefers; "" if it wants the legacy lists."""
    for clause in accept.split(","):
        options = dict(o.strip().split("=", 1) for o in clause.split(";")[1:] if "=" in o)
        if not options:
            return ""
        if options.get("g") == "apidiscovery.k8s.io" and options.get("v") in ("v2", "v2beta1"):
            return options["v"]
    return ""


def media_type(version: str) -> str:
    return f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"


def aggregated(version: str, *, core: bool) -> dict[str, Any]:
    """All resources in one document: of the core group for /api, of the others for /apis."""
    items = [_discovered("")] if core else [_discovered(g) for g in groups()]
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}}
    return {**head, "items": items}


def _discovered(name: str) -> dict[str, Any]:
    resources: list[dict[str, Any]] = []
    for kind in _kinds(name):
        subresources = [
            {
                "subresource": name_, "verbs": list(sub.verbs),
                "responseKind": _gvk(name if sub.group is None else sub.group, sub.kind or kind.kind),
            }
            for name_, sub in _subresources(kind)
        ]  # fmt: skip
        resources.append(
            {
                "resource": kind.plural, "responseKind": _gvk(name, kind.kind), "scope": _scope(kind.namespaced),
                "singularResource": kind.singular, "verbs": list(kind.verbs),
                **_optional(shortNames=kind.short_names, categories=kind.categories),
                **({"subresources": subresources} if subresources else {}),
            }
        )  # fmt: skip
    for of_group, plural, singular, kind_name, namespaced in REVIEWS:
        if of_group == name:
            resources.append(
                {
                    "resource": plural, "responseKind": _gvk(name, kind_name), "scope": _scope(namespaced),
                    "singularResource": singular, "verbs": ["create"],
                }
            )  # fmt: skip
    versions_ = [{"version": "v1", "resources": resources, "freshness": "Current"}]
    return {"metadata": {"name": name} if name else {}, "versions": versions_}


def _scope(namespaced: bool) -> str:
    return "Namespaced" if namespaced else "Cluster"


def _gvk(group_name: str, kind: str) -> dict[str, str]:
    return {"group": group_name, "version": "v1", "kind": kind}
