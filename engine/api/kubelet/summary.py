"""/stats/summary: what a node and its pods use. Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from shipslog.engine.api.request.routes import flag
from shipslog.engine.api.response import replies
from shipslog.runtime.stats.usage import ContainerStats, Disk, Measured, NodeStats, PodStats, Pressure, Usage
from shipslog.store.objects.values.times import api_time

if TYPE_CHECKING:
    from .kubelet import Asked


async def answer(asked: "Asked") -> web.StreamResponse:
    little = flag(asked.params, "only_cpu_and_memory")
    stats = asked.runtime.stats()
    pods = [of_pod(pod, stats.disk, little) for pod in stats.pods.values()]
    return replies.of_value({"node": of_node(stats, little), "pods": [pod for pod in pods if pod]})


def of_node(stats: NodeStats, little: bool = False) -> dict[str, Any]:
    measured = stats.measured
    system = [{"name": name, **_basics(found)} for name, found in stats.system.items()]
    node = {"nodeName": stats.node, "systemContainers": system, **_basics(measured, stats.memory_capacity_bytes)}
    if little:
        return node
    usage = measured.latest
    node |= _network(usage) | _io(usage) | _swap(usage)
    if stats.disk is not None:
        node["fs"] = _disk(stats.disk)
    images = stats.images or stats.disk
    if images is not None and stats.disk is not None:
        node["runtime"] = {"imageFs": _disk(images), "containerFs": _disk(stats.disk)}
    node["rlimit"] = {"time": api_time(usage.at_ns), "maxpid": stats.most_processes, "curproc": usage.processes}
    return node


def of_pod(pod: PodStats, disk: Disk | None, little: bool = False) -> dict[str, Any]:
    usage = pod.measured.latest
    measures: dict[str, Any] = {
        "podRef": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        **_basics(pod.measured),
        "containers": [_container(one, little) for one in pod.containers],
    }
    if little:
        return measures
    measures |= _network(usage) | _io(usage) | _swap(usage)
    measures["process_stats"] = {"process_count": usage.processes}
    measures["volume"] = [{**_disk(found), "name": name} for name, found in pod.volumes]
    parts = [d for one in pod.containers for d in (one.root, one.logs) if d is not None] + [d for _, d in pod.volumes]
    if parts and disk is not None:
        whole = _disk(disk) | {"usedBytes": sum(p.used_bytes for p in parts), "inodesUsed": sum(p.used_inodes for p in parts)}
        measures["ephemeral-storage"] = whole
    return measures


def _container(one: ContainerStats, little: bool) -> dict[str, Any]:
    measures = {"name": one.name, **_basics(one.measured)}
    if little:
        return measures
    usage = one.measured.latest
    measures |= _io(usage) | _swap(usage)
    for name, disk in (("rootfs", one.root), ("logs", one.logs)):
        if disk is not None:
            measures[name] = _disk(disk)
    return measures


def _basics(measured: Measured, capacity: int = 0) -> dict[str, Any]:
    usage = measured.latest
    time = api_time(usage.at_ns)
    limit = capacity or usage.memory_limit_bytes
    memory: dict[str, Any] = {"time": time}
    if limit:
        memory["availableBytes"] = max(limit - usage.working_set_bytes, 0)
    memory |= {
        "usageBytes": usage.memory_bytes,
        "workingSetBytes": usage.working_set_bytes,
        "rssBytes": usage.rss_bytes,
        "pageFaults": usage.page_faults,
        "majorPageFaults": usage.major_page_faults,
        **_pressure(usage, "memory"),
    }
    cpu = {
        "time": time,
        "usageNanoCores": measured.cpu_nanocores,
        "usageCoreNanoSeconds": usage.cpu_ns,
        **_pressure(usage, "cpu"),
    }
    return {"startTime": api_time(measured.began_ns), "cpu": cpu, "memory": memory}


def _pressure(usage: Usage, resource: str) -> dict[str, Any]:
    found = usage.pressure.get(resource)
    return {"psi": _psi(found)} if found is not None else {}


def _psi(found: Pressure) -> dict[str, Any]:
    def averaged(total: int, averages: tuple[float, float, float]) -> dict[str, float]:
        return {"total": total * 1000, "avg10": averages[0], "avg60": averages[1], "avg300": averages[2]}

    return {"full": averaged(found.full_us, found.full_avg), "some": averaged(found.some_us, found.some_avg)}


def _io(usage: Usage) -> dict[str, Any]:
    found = usage.pressure.get("io")
    return {"io": {"time": api_time(usage.at_ns), "psi": _psi(found)}} if found is not None else {}


def _swap(usage: Usage) -> dict[str, Any]:
    return {"swap": {"time": api_time(usage.at_ns), "swapUsageBytes": usage.swap_bytes}}


def _network(usage: Usage) -> dict[str, Any]:
    if not usage.interfaces:
        return {}
    interfaces = [
        {"name": i.name, "rxBytes": i.rx_bytes, "rxErrors": i.rx_errors, "txBytes": i.tx_bytes, "txErrors": i.tx_errors}
        for i in usage.interfaces
    ]
    first = next((i for i in interfaces if i["name"] == "eth0"), interfaces[0])
    return {"network": {"time": api_time(usage.at_ns), **first, "interfaces": interfaces}}


def _disk(disk: Disk) -> dict[str, Any]:
    return {
        "time": api_time(disk.at_ns),
        "availableBytes": disk.available_bytes,
        "capacityBytes": disk.capacity_bytes,
        "usedBytes": disk.used_bytes,
        "inodesFree": disk.free_inodes,
        "inodes": disk.inodes,
        "inodesUsed": disk.used_inodes,
    }
