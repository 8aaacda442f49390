"""Documents that list what this server has, with what those behind it have.

Tests: tests/engine/api/aggregation/test_aggregation.py
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shipslog.engine.api.server_info.discovery import by_preference
from shipslog.reconcilers.cluster.api_services import OF_DEFINITIONS


class Version(Struct, frozen=True):
    """A version of a group that another server answers for."""

    group: str
    version: str
    group_priority: int
    version_priority: int
    available: bool
    resources: tuple[Mapping[str, Any], ...] = ()  # as an APIResourceList has them
    paths: Mapping[str, Any] = {}  # of its Swagger document, where that has been asked for
    definitions: Mapping[str, Any] = {}


def groups(document: dict[str, Any], others: Sequence[Version]) -> dict[str, Any]:
    """/apis: the more important a group behind, the sooner it comes; ours are in front of those that are like definitions'."""
    local = {one["name"]: one for one in document["groups"]}
    found = [group(local.get(name), name, others) or one for name, one in local.items()]
    more = [made for name in _names(others) if name not in local and (made := group(None, name, others)) is not None]
    return {**document, "groups": _placed(found, more, others, lambda one: one["name"])}


def group(local: dict[str, Any] | None, name: str, others: Sequence[Version]) -> dict[str, Any] | None:
    """/apis/GROUP; None for a group that nobody has."""
    versions = [v["version"] for v in local["versions"]] if local is not None else []
    ranked = _ranked(name, versions, others)
    if not ranked:
        return local
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in ranked]
    return {**(local or {}), "name": name, "versions": listed, "preferredVersion": listed[0]}


def aggregated(document: dict[str, Any], others: Sequence[Version]) -> dict[str, Any]:
    """All resources in one document."""
    local = {one["metadata"].get("name", ""): one for one in document["items"]}
    found = [_item(local[name], name, others) for name in local]
    more = [_item(None, name, others) for name in _names(others) if name not in local]
    return {**document, "items": _placed(found, more, others, lambda one: one["metadata"].get("name", ""))}


def _item(local: dict[str, Any] | None, name: str, others: Sequence[Version]) -> dict[str, Any]:
    mine = {one["version"]: one for one in local["versions"]} if local is not None else {}
    theirs = {one.version: one for one in others if one.group == name}
    versions = []
    for version in _ranked(name, list(mine), others) or list(mine):
        if (one := theirs.get(version)) is None:
            versions.append(mine[version])
            continue
        fresh = "Current" if one.available else "Stale"
        versions.append({"version": version, "resources": discovered(one), "freshness": fresh})
    return {**(local or {}), "metadata": {"name": name}, "versions": versions}


def discovered(one: Version) -> list[dict[str, Any]]:
    """The resources of an APIResourceList as aggregated documents have them."""
    whole: dict[str, dict[str, Any]] = {}
    for resource in one.resources:
        name, _, part = resource["name"].partition("/")
        kind = {
            "group": resource.get("group") or one.group,
            "version": resource.get("version") or one.version,
            "kind": resource.get("kind", ""),
        }
        if part:
            subresource = {"subresource": part, "responseKind": kind, "verbs": resource.get("verbs") or []}
            if name in whole:
                whole[name].setdefault("subresources", []).append(subresource)
            continue
        made = {
            "resource": name,
            "responseKind": kind,
            "scope": "Namespaced" if resource.get("namespaced") else "Cluster",
            "singularResource": resource.get("singularName", ""),
            "verbs": resource.get("verbs") or [],
        }
        whole[name] = made | {key: resource[key] for key in ("shortNames", "categories") if resource.get(key)}
    return list(whole.values())


def _names(others: Sequence[Version]) -> list[str]:
    """The groups of others, the most important first."""
    priority = {one.group: max(o.group_priority for o in others if o.group == one.group) for one in others}
    return sorted(priority, key=lambda name: (-priority[name], name))


def _ranked(name: str, local: Sequence[str], others: Sequence[Version]) -> list[str]:
    """The versions of a group, the preferred one first; [] where others have none of it."""
    theirs = {one.version: one.version_priority for one in others if one.group == name}
    if not theirs:
        return []
    priority = dict.fromkeys(local, OF_DEFINITIONS[1]) | theirs
    order = by_preference(priority)
    return sorted(order, key=lambda version: (-priority[version], order.index(version)))


def _placed(local: list[Any], more: list[Any], others: Sequence[Version], name: Any) -> list[Any]:
    """Those that are more important than what definitions make come first of these, behind what every cluster has."""
    priority = {one.group: one.group_priority for one in others}
    above = [one for one in more if priority[name(one)] > OF_DEFINITIONS[0]]
    return [*local, *above, *(one for one in more if one not in above)]


def swagger(document: dict[str, Any], others: Sequence[Version]) -> dict[str, Any]:
    """/openapi/v2 with what others have. Of two definitions of one name ours counts."""
    paths_, definitions = dict(document["paths"]), dict(document["definitions"])
    for one in others:
        paths_.update((path, item) for path, item in one.paths.items() if path not in paths_)
        definitions.update((name, schema) for name, schema in one.definitions.items() if name not in definitions)
    return {**document, "paths": paths_, "definitions": dict(sorted(definitions.items()))}


def openapi_index(index: bytes, others: Sequence[Version]) -> bytes:
    """/openapi/v3: the documents of others are had of them, through here."""
    found: dict[str, Any] = msgspec.json.decode(index)
    for one in others:
        if one.available:
            path = f"apis/{one.group}/{one.version}"
            found["paths"].setdefault(path, {"serverRelativeURL": f"/openapi/v3/{path}"})
    return msgspec.json.encode(found)


def paths(others: Iterable[Version]) -> list[str]:
    """The paths of their discovery."""
    return sorted({path for one in others for path in (f"/apis/{one.group}", f"/apis/{one.group}/{one.version}")})
