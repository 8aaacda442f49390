"""A cluster of both families on simulated nodes: nodes, pods and slices have addresses of each, in the cluster's order."""

import asyncio
import time

import pytest

from shipslog import Cluster
from shipslog.reconcilers.services.endpoint_targets import SERVICE_NAME
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.facts import ClusterConfig
from shipslog.store.families import Family
from shipslog.store.objects.types import core_v1, discovery_v1

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ipFamilyPolicy: PreferDualStack, selector: {app: web}, ports: [{port: 80}]}
"""
RANGES = {"IPv4": ("10.244.0.0/16", "10.96.0.0/16"), "IPv6": ("fd00:10:244::/56", "fd00:10:96::/112")}


@pytest.mark.parametrize("families", [("IPv4", "IPv6"), ("IPv6", "IPv4"), ("IPv6",), ("IPv4",)], ids="-".join)
async def test_everything_has_an_address_of_each(families: tuple[Family, ...]) -> None:
    pods, services = (",".join(RANGES[family][i] for family in families) for i in (0, 1))
    node = SimulatedNode("n1", now_ns=time.time_ns, families=families)
    config = ClusterConfig(pod_cidr=pods, service_cidr=services)
    async with Cluster.open(runtime=[node], config=config) as cluster:
        await cluster.apply(POD)
        pod = await cluster.wait(core_v1.Pod, "web", until=lambda pod: bool(pod.status.pod_ip))
        found = [one.ip for one in pod.status.pod_ips]
        assert ["IPv6" if ":" in ip else "IPv4" for ip in found] == list(families) and pod.status.pod_ip == found[0]
        assert len(pod.status.host_ips) == len(families)
        made = cluster.view.get(core_v1.Node, "n1")
        assert made is not None and len(made.spec.pod_cidrs) == len(families) and made.spec.pod_cidr == made.spec.pod_cidrs[0]
        async with asyncio.timeout(30):
            while slices(cluster) != dict(zip(families, ((ip,) for ip in found), strict=True)):
                await asyncio.sleep(0.01)
        primary = await cluster.wait(core_v1.Endpoints, "web", until=lambda one: bool(one.subsets))
        assert [a.ip for a in (*primary.subsets[0].addresses, *primary.subsets[0].not_ready_addresses)] == found[:1]


def slices(cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """Addresses of the Service's endpoints, by family."""
    there = cluster.view.select(discovery_v1.EndpointSlice, "default", {SERVICE_NAME: "web"})
    return {one.address_type: tuple(a for e in one.endpoints for a in e.addresses) for one in there}
