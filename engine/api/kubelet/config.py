"""/configz and /spec: how the node is set up."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from shipslog.engine.api.response import replies
from shipslog.engine.served import Served
from shipslog.runtime.node import NodeRuntime
from shipslog.runtime.stats import sampler
from shipslog.store.objects.values.times import api_time

if TYPE_CHECKING:
    from .kubelet import Asked


async def answer(asked: "Asked") -> web.StreamResponse:
    """What of a KubeletConfiguration means something here, as it is."""
    config, observed = asked.cluster.config, asked.cluster.view.node_observed(asked.node)
    capacity = observed.capacity if observed is not None else {}
    effective: dict[str, Any] = {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "authentication": {"x509": {}, "webhook": {"enabled": True}, "anonymous": {"enabled": False}},
        "authorization": {"mode": "Webhook"},
        "clusterDomain": config.dns_domain,
        "maxPods": int(capacity.get("pods", "110")),
        "podCIDR": observed.pod_cidr if observed is not None else "",
        "volumeStatsAggPeriod": f"{sampler.DISKS_EVERY_S:g}s",
        "cgroupDriver": "cgroupfs",
        "nodeLeaseDurationSeconds": 40,
        "registerNode": True,
    }
    return replies.of_value({"kubeletconfig": effective})


async def spec(asked: "Asked") -> web.StreamResponse:
    """The machine, in cAdvisor's words."""
    return replies.of_value(machine(asked.cluster, asked.runtime))


def machine(cluster: Served, runtime: NodeRuntime) -> dict[str, Any]:
    """A MachineInfo of cAdvisor (info/v1/machine.go)."""
    stats, observed = runtime.stats(), cluster.view.node_observed(runtime.node)
    info = observed.info if observed is not None else {}
    disks = (
        []
        if stats.disk is None
        else [
            {
                "device": "data",
                "capacity": stats.disk.capacity_bytes,
                "type": "vfs",
                "inodes": stats.disk.inodes,
                "has_inodes": True,
            }
        ]
    )
    return {
        "timestamp": api_time(cluster.clock.now_ns()),
        "num_cores": stats.cores,
        "memory_capacity": stats.memory_capacity_bytes,
        "machine_id": info.get("machineID", ""),
        "system_uuid": info.get("systemUUID", ""),
        "boot_id": info.get("bootID", ""),
        "filesystems": disks,
        "network_devices": [{"name": i.name} for i in stats.measured.latest.interfaces],
    }
