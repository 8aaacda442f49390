"""The seed's chapter on the scheduler, and what its operators do with nodes: pods of its own manifest where predicates and
priorities of its time say, nodes that are isolated, labelled and picked."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.settings import Settings
from shipslog.engine.settings.scheduling import configuration
from shipslog.engine.testing import cluster as testing
from shipslog.store.facts import ClusterConfig
from shipslog.store.objects.types import core_v1
from shipslog.testing import TestCluster

from .test_controllers import COUNT, OLD, SERVICE, Served, kubectl, running

PREDICATES = ("NoDiskConflict", "PodFitsResources", "PodSelectorMatches", "PodFitsHost", "PodFitsPorts")
RETIRING = {"name": "retiring", "argument": {"labelsPresence": {"labels": ["retiring"], "presence": False}}}
RACK = {"name": "rack", "argument": {"serviceAffinity": {"labels": ["rack"]}}}
QUICK = {"name": "ssd", "weight": 9, "argument": {"labelPreference": {"label": "ssd", "presence": True}}}
NODES = {
    "node-0": {"rack": "a"},
    "node-1": {"rack": "a", "ssd": "yes"},
    "node-2": {"rack": "b", "ssd": "yes"},
    "node-3": {"rack": "a", "retiring": "soon"},
}


def policy(
    folder: Path, *predicates: Any, priorities: Any = ({"name": "LeastRequestedPriority", "weight": 1},)
) -> ClusterConfig:
    """As `--policy-config-file` puts it on the log: the default predicates of the seed's time, with others."""
    file = folder / "policy.json"
    asked = [*({"name": name} for name in PREDICATES), *predicates]
    document = {"kind": "Policy", "apiVersion": "v1", "predicates": asked, "priorities": list(priorities)}
    file.write_text(json.dumps(document))
    return ClusterConfig(scheduler=configuration(Settings(data=folder, policy_config_file=file)))


async def placed(config: ClusterConfig, seed: Path) -> Counter[str]:
    """How many of the demonstration's pods each node has."""
    async with testing.cluster(nodes=len(NODES), config=config) as cluster:
        for name, labels in NODES.items():
            held = cluster.get(core_v1.Node, name)
            await cluster.update(replace(held, metadata=replace(held.metadata, labels={**held.metadata.labels, **labels})))
        for file in ("rc-demo-svc", "rc-demo-v0.1"):
            await cluster.apply((seed / "manifests" / "rolling-update" / f"{file}.yaml").read_text())
        await cluster.wait(core_v1.ReplicationController, OLD, until=lambda rc: rc.status.ready_replicas == COUNT)
        assert cluster.get(core_v1.Service, SERVICE).spec.selector
        return Counter(pod.spec.node_name for pod in cluster.list(core_v1.Pod))


async def test_its_predicates_and_priorities_place_its_pods(tmp_path: Path, seed: Path) -> None:
    assert set(await placed(policy(tmp_path), seed)) == set(NODES), "the least requested first: one each"
    assert set(await placed(policy(tmp_path, RETIRING), seed)) == {"node-0", "node-1", "node-2"}
    together = await placed(policy(tmp_path, RACK), seed)
    assert len({NODES[name]["rack"] for name in together}) == 1, "the pods of a service in one rack"
    assert set(await placed(policy(tmp_path, priorities=(QUICK,)), seed)) <= {"node-1", "node-2"}


@pytest.mark.kubectl
@pytest.mark.shipslog(nodes=2)
def test_a_node_is_isolated_put_back_and_picked(served: Served, seed: Path) -> None:
    kubectl(served, "patch", "node", "node-0", "-p", '{"spec":{"unschedulable":true}}')
    kubectl(served, "create", "-f", str(seed / "manifests" / "rolling-update" / "rc-demo-v0.1.yaml"))
    assert {pod.spec.node_name for pod in running(served, OLD, COUNT)} == {"node-1"}
    assert "SchedulingDisabled" in kubectl(served, "get", "nodes", "--no-headers").splitlines()[0]
    kubectl(served, "patch", "node", "node-0", "-p", '{"spec":{"unschedulable":false}}')
    kubectl(served, "scale", "rc", OLD, "--replicas=8")
    assert {pod.spec.node_name for pod in running(served, OLD, 8)} == {"node-0", "node-1"}
    kubectl(served, "label", "nodes", "node-0", "disk=ssd")
    pick = '{"spec":{"template":{"spec":{"nodeSelector":{"disk":"ssd"}}}}}'
    kubectl(served, "patch", "rc", OLD, "-p", pick)
    kubectl(served, "scale", "rc", OLD, "--replicas=0")
    assert not running(served, OLD, 0)
    kubectl(served, "scale", "rc", OLD, "--replicas=3")
    assert {pod.spec.node_name for pod in running(served, OLD, 3)} == {"node-0"}
    kubectl(served, "label", "nodes", "node-0", "disk-")
    kubectl(served, "scale", "rc", OLD, "--replicas=4")

    async def waits(cluster: TestCluster) -> str:
        await cluster.settled()
        (pod,) = [pod for pod in cluster.list(core_v1.Pod) if not pod.spec.node_name]
        return pod.status.conditions[0].message

    assert "2 node(s) didn't match Pod's node affinity/selector" in served.run(waits)
