"""Discovery: which groups, versions and kinds there are. Legacy lists for old clients, aggregated documents for new ones.

Source: the API server's discovery endpoints and KEP-3352 (apidiscovery.k8s.io v2 and v2beta1).

Tests: tests/engine/api/test_paths.py, tests/engine/api/test_custom.py
"""

import re
from collections.abc import Iterable
from typing import Any

from shipslog.engine.kinds.catalogue import subresource_of
from shipslog.engine.kinds.subresources import Subresource
from shipslog.store.objects import group_order
from shipslog.store.objects.measured import MEASURED
from shipslog.store.objects.scheme import Kind, Scheme

# What is posted and answered, and never stored: (group, plural, singular, kind, namespaced).
REVIEWS = (
    ("authentication.k8s.io", "selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview", False),
    ("authentication.k8s.io", "tokenreviews", "tokenreview", "TokenReview", False),
    ("authorization.k8s.io", "localsubjectaccessreviews", "localsubjectaccessreview", "LocalSubjectAccessReview", True),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview", False),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "selfsubjectrulesreview", "SelfSubjectRulesReview", False),
    ("authorization.k8s.io", "subjectaccessreviews", "subjectaccessreview", "SubjectAccessReview", False),
)
REVIEW_RESOURCES = frozenset(review[1] for review in REVIEWS)
REVIEW_VERSIONS = ("v1", "v1beta1")


def kinds_of(scheme: Scheme) -> tuple[Kind, ...]:
    """What is served, in every version: what is stored, and what is measured when it is asked for."""
    return (*scheme.served(), *MEASURED)


def groups(scheme: Scheme) -> list[str]:
    """All groups but the core one, in the order in which clients look for a kind that several have."""
    found = {*(kind.group for kind in kinds_of(scheme) if kind.group), *(review[0] for review in REVIEWS)}
    return sorted(found, key=group_order.rank)


def versions_of(scheme: Scheme, group: str) -> list[str]:
    """The versions of a group, the preferred one first."""
    reviews = REVIEW_VERSIONS if any(review[0] == group for review in REVIEWS) else ()
    measured = (kind.version for kind in MEASURED if kind.group == group)
    return by_preference({*scheme.versions(group), *measured, *reviews})


def by_preference(versions: Iterable[str]) -> list[str]:
    """Stable ones before beta before alpha, newer before older: v2, v1, v1beta2, v1alpha1; others last, by name."""

    def rank(version: str) -> tuple[int, int, int, str]:
        parts = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
        if parts is None:
            return (3, 0, 0, version)
        stage = {None: 0, "beta": 1, "alpha": 2}[parts[2]]
        return (stage, -int(parts[1]), -int(parts[3] or 0), "")

    return sorted(versions, key=rank)


def paths(scheme: Scheme) -> Iterable[str]:
    """The paths of discovery itself."""
    yield from (f"/api/{version}" for version in versions_of(scheme, ""))
    for group in groups(scheme):
        yield f"/apis/{group}"
        yield from (f"/apis/{group}/{version}" for version in versions_of(scheme, group))


def versions(scheme: Scheme, host: str) -> dict[str, Any]:
    """/api"""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": versions_of(scheme, ""), "serverAddressByClientCIDRs": where}


def group_list(scheme: Scheme) -> dict[str, Any]:
    """/apis"""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(scheme, g) for g in groups(scheme)]}


def group(scheme: Scheme, name: str) -> dict[str, Any] | None:
    """/apis/GROUP"""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(scheme, name)} if name in groups(scheme) else None


def _group(scheme: Scheme, name: str) -> dict[str, Any]:
    found = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions_of(scheme, name)]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def resource_list(scheme: Scheme, name: str, version: str) -> dict[str, Any] | None:
    """/api/VERSION and /apis/GROUP/VERSION"""
    if version not in versions_of(scheme, name):
        return None
    resources: list[dict[str, Any]] = []
    for kind in _kinds(scheme, name, version):
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
        if of_group == name and version in REVIEW_VERSIONS:
            resources.append(
                {"name": plural, "singularName": singular, "namespaced": namespaced, "kind": kind_name, "verbs": ["create"]}
            )
    full = f"{name}/{version}" if name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": full, "resources": resources}


def _kinds(scheme: Scheme, group_name: str, version: str) -> list[Kind]:
    found = (k for k in kinds_of(scheme) if k.group == group_name and k.version == version)
    return sorted(found, key=lambda k: k.plural)


def _subresources(kind: Kind) -> list[tuple[str, Subresource]]:
    return [(name, sub) for name in kind.subresources if (sub := subresource_of(kind, name)) is not None]


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


def aggregated(scheme: Scheme, version: str, *, core: bool) -> dict[str, Any]:
    """All resources in one document: of the core group for /api, of the others for /apis."""
    items = [_discovered(scheme, "")] if core else [_discovered(scheme, g) for g in groups(scheme)]
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}}
    return {**head, "items": items}


def _discovered(scheme: Scheme, name: str) -> dict[str, Any]:
    versions_ = [
        {"version": version, "resources": _resources(scheme, name, version), "freshness": "Current"}
        for version in versions_of(scheme, name)
    ]
    return {"metadata": {"name": name} if name else {}, "versions": versions_}


def _resources(scheme: Scheme, name: str, version: str) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = []
    for kind in _kinds(scheme, name, version):
        subresources = [
            {
                "subresource": name_,
                "verbs": list(sub.verbs),
                "responseKind": _answer(kind, sub),
            }
            for name_, sub in _subresources(kind)
        ]
        resources.append(
            {
                "resource": kind.plural,
                "responseKind": _gvk(name, version, kind.kind),
                "scope": _scope(kind.namespaced),
                "singularResource": kind.singular,
                "verbs": list(kind.verbs),
                **_optional(shortNames=kind.short_names, categories=kind.categories),
                **({"subresources": subresources} if subresources else {}),
            }
        )
    for of_group, plural, singular, kind_name, namespaced in REVIEWS:
        if of_group == name and version in REVIEW_VERSIONS:
            resources.append(
                {
                    "resource": plural, "responseKind": _gvk(name, version, kind_name), "scope": _scope(namespaced),
                    "singularResource": singular, "verbs": ["create"],
                }
            )  # fmt: skip
    return resources


def _answer(kind: Kind, sub: Subresource) -> dict[str, str]:
    """What goes over a subresource."""
    if sub.group is None:
        return _gvk(kind.group, kind.version, sub.kind or kind.kind)
    return _gvk(sub.group, sub.version, sub.kind)


def _scope(namespaced: bool) -> str:
    return "Namespaced" if namespaced else "Cluster"


def _gvk(group_name: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group_name, "version": version, "kind": kind}
