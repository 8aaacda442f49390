"""cAdvisor's REST API and its page, where its port is asked for: what the node and its pods used in the last two minutes.

Containers are named as the metrics name them: `/` is the machine, `/kubelet` the daemon, `/pods/UID` a pod, `/pods/UID/ID` a
container. Source: cAdvisor's api/versions.go and info/v1/container.go. Whoever reaches the port may read: it is off unless
it is asked for."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from msgspec import Struct

from shipslog.engine.api.request.routes import Params, first
from shipslog.engine.api.response import replies
from shipslog.engine.served import Served
from shipslog.runtime.node import NodeRuntime
from shipslog.runtime.stats.usage import Disk, Measured, NodeStats, Usage
from shipslog.store.objects.values.times import api_time

from .config import machine

VERSIONS = ("v1.0", "v1.1", "v1.2", "v1.3", "v2.0", "v2.1")
TYPES = {"v1": "containers,docker,events,machine,subcontainers", "v2": "attributes,machine,spec,stats,storage,summary,version"}
MOST_STATS = 64
NOTHING_HERE = "404 page not found\n"


class Subject(Struct, frozen=True, kw_only=True):
    """One of cAdvisor's containers."""

    name: str
    measured: Measured
    alias: str = ""
    image: str = ""
    labels: dict[str, str] = {}
    disk: Disk | None = None


def subjects(stats: NodeStats) -> Iterator[Subject]:
    """All of a node, the machine first."""
    yield Subject(name="/", measured=stats.measured, disk=stats.disk)
    for name, measured in sorted(stats.system.items()):
        if name != "pods":
            yield Subject(name=f"/{name}", measured=measured)
    if (together := stats.system.get("pods")) is not None:
        yield Subject(name="/pods", measured=together)
    for pod in stats.pods.values():
        labels = {
            "io.kubernetes.pod.name": pod.name,
            "io.kubernetes.pod.namespace": pod.namespace,
            "io.kubernetes.pod.uid": pod.uid,
        }
        alias = f"{pod.namespace}/{pod.name}"
        yield Subject(name=f"/pods/{pod.uid}", measured=pod.measured, alias=alias, labels=labels)
        for one in pod.containers:
            yield Subject(
                name=f"/pods/{pod.uid}/{one.container_id}", measured=one.measured, alias=f"{alias}/{one.name}", image=one.image,
                labels={**labels, "io.kubernetes.container.name": one.name}, disk=one.root,
            )  # fmt: skip


async def answer(
    request: web.BaseRequest, cluster: Served, runtime: NodeRuntime, raw_path: str, params: Params
) -> web.StreamResponse:
    """A GET of the API or of the page."""
    if request.method not in ("GET", "HEAD", "POST"):
        return replies.text(NOTHING_HERE, 404)
    path = unquote(raw_path)
    if path == "/":
        return replies.Reply(b"", 307, "text/html; charset=utf-8", [("Location", "/containers/")])
    if path.rstrip("/") == "/healthz":
        return replies.text("ok")
    if path.startswith("/containers"):
        from . import page

        return page.shown(list(subjects(runtime.stats())), path.removeprefix("/containers").rstrip("/") or "/", runtime.node)
    parts = path.split("/", 4)
    if parts[1] != "api":
        return replies.text(NOTHING_HERE, 404)
    version, kind, rest = (*parts[2:], "", "", "")[:3]
    if not version:
        return replies.text(f"Supported API versions: {','.join(VERSIONS)}\n", 400)
    if version not in VERSIONS:
        return replies.text(f"unsupported API version: {version!r}\n", 400)
    if not kind:
        return replies.text(f"Supported request types: {TYPES[version[:2]]!r}\n", 400)
    found = (_of_version_2 if version.startswith("v2") else _of_version_1)(
        cluster, runtime, kind, f"/{rest}".rstrip("/") or "/", params
    )
    return replies.of_value(found) if found is not None else replies.text(f"unknown container or request: {path!r}\n", 404)


def _of_version_1(cluster: Served, runtime: NodeRuntime, kind: str, name: str, params: Params) -> Any:
    every = list(subjects(runtime.stats()))
    match kind:
        case "machine":
            return machine(cluster, runtime)
        case "containers":
            return next((_info(one, every) for one in every if one.name == name), None)
        case "subcontainers":
            return [_info(one, every) for one in every if one.name == name or _is_below(one.name, name)]
        case "docker":
            only = [one for one in every if "io.kubernetes.container.name" in one.labels]
            wanted = [one for one in only if name in ("/", f"/{one.name.rpartition('/')[2]}", f"/{one.alias}")]
            return {one.name: _info(one, every) for one in wanted} if wanted or name == "/" else None
        case "events":
            return []
    return None


def _of_version_2(cluster: Served, runtime: NodeRuntime, kind: str, name: str, params: Params) -> Any:
    every = list(subjects(runtime.stats()))
    recursive = first(params, "recursive").lower() in ("1", "true")
    chosen = [one for one in every if one.name == name or (recursive and _is_below(one.name, name))]
    match kind:
        case "version":
            return "shipslog"
        case "machine" | "attributes":
            return machine(cluster, runtime)
        case "storage":
            return [_filesystem(one.disk) for one in every[:1] if one.disk is not None]
        case "stats":
            count = first(params, "count")
            most = min(int(count), MOST_STATS) if count.isascii() and count[:9].isdigit() else MOST_STATS
            return {one.name: [_stats(u, one.disk) for u in one.measured.samples[-most:]] for one in chosen} or None
        case "spec":
            return {one.name: _spec(one) for one in chosen} or None
        case "summary":
            return {one.name: _summary(one) for one in chosen} or None
    return None


def _is_below(name: str, top: str) -> bool:
    return name != top and name.startswith(top if top == "/" else f"{top}/")


def _info(one: Subject, every: list[Subject]) -> dict[str, Any]:
    below = [other.name for other in every if _is_below(other.name, one.name)]
    direct = [name for name in below if not any(_is_below(name, other) for other in below)]
    document: dict[str, Any] = {"name": one.name}
    if one.alias:
        document |= {"id": one.name.rpartition("/")[2], "aliases": [one.alias], "namespace": "shipslog"}
    samples = one.measured.samples[-MOST_STATS:]
    return document | {
        "subcontainers": [{"name": name} for name in direct],
        "spec": _spec(one),
        "stats": [_stats(usage, one.disk) for usage in samples],
    }


def _spec(one: Subject) -> dict[str, Any]:
    usage = one.measured.latest
    return {
        "creation_time": api_time(one.measured.began_ns),
        "labels": one.labels,
        "image": one.image,
        "has_cpu": True,
        "cpu": {"limit": 1024, "max_limit": 0},
        "has_memory": True,
        "memory": {"limit": usage.memory_limit_bytes},
        "has_network": bool(usage.interfaces),
        "has_filesystem": one.disk is not None,
        "has_diskio": False,
        "has_processes": True,
    }


def _stats(usage: Usage, disk: Disk | None) -> dict[str, Any]:
    cpu = {"total": usage.cpu_ns, "user": usage.cpu_user_ns, "system": usage.cpu_system_ns}
    faults = {"pgfault": usage.page_faults, "pgmajfault": usage.major_page_faults}
    document: dict[str, Any] = {
        "timestamp": api_time(usage.at_ns),
        "cpu": {
            "usage": cpu,
            "cfs": {
                "periods": usage.periods,
                "throttled_periods": usage.throttled_periods,
                "throttled_time": usage.throttled_ns,
            },
            "load_average": 0,
        },
        "memory": {
            "usage": usage.memory_bytes,
            "working_set": usage.working_set_bytes,
            "rss": usage.rss_bytes,
            "cache": usage.cache_bytes,
            "swap": usage.swap_bytes,
            "mapped_file": usage.mapped_bytes,
            "failcnt": usage.memory_failures,
            "container_data": faults,
            "hierarchical_data": faults,
        },
        "processes": {"process_count": usage.processes},
    }
    if usage.interfaces:
        interfaces = [{name: getattr(i, name) for name in i.__struct_fields__} for i in usage.interfaces]
        document["network"] = {**interfaces[0], "interfaces": interfaces}
    if disk is not None:
        document["filesystem"] = [_filesystem(disk)]
    return document


def _filesystem(disk: Disk) -> dict[str, Any]:
    return {
        "device": "data",
        "type": "vfs",
        "capacity": disk.capacity_bytes,
        "usage": disk.used_bytes,
        "available": disk.available_bytes,
        "has_inodes": True,
        "inodes": disk.inodes,
        "inodes_free": disk.free_inodes,
    }


def _summary(one: Subject) -> dict[str, Any]:
    latest = one.measured.latest
    now = {"cpu": one.measured.cpu_nanocores // 1_000_000, "memory": latest.working_set_bytes}
    return {"timestamp": api_time(latest.at_ns), "latest_usage": now}
