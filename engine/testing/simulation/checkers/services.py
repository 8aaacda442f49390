"""Endpoints, slices and packet rules name the pods that run, on every node.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from collections.abc import Sequence

from shipslog.engine.cluster import Cluster
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.objects.types import core_v1, discovery_v1

from .broken_promise import require


def check(cluster: Cluster, nodes: Sequence[SimulatedNode]) -> None:
    for service in cluster.list(core_v1.Service):
        if service.spec.selector:
            _check_service(cluster, nodes, service)
    known = {f"{s.metadata.namespace}/{s.metadata.name}" for s in cluster.list(core_v1.Service)}
    for node in nodes:
        require(node.ruleset.services.keys() <= known, __name__, f"{node.node} has rules of services that are gone")


def _check_service(cluster: Cluster, nodes: Sequence[SimulatedNode], service: core_v1.Service) -> None:
    name, namespace = service.metadata.name, service.metadata.namespace
    wanted = sorted(
        p.status.pod_ip
        for p in cluster.list(core_v1.Pod, namespace)
        if service.spec.selector.items() <= p.metadata.labels.items()
    )
    endpoints = cluster.view.get(core_v1.Endpoints, name, namespace)
    require(endpoints is not None, __name__, f"service {name} has no Endpoints")
    assert endpoints is not None
    named = sorted(a.ip for subset in endpoints.subsets for a in subset.addresses)
    require(named == wanted, __name__, f"Endpoints of {name}: {named}, pods: {wanted}")
    slices = cluster.view.select(discovery_v1.EndpointSlice, namespace, {"kubernetes.io/service-name": name})
    sliced = sorted(a for s in slices for e in s.endpoints for a in e.addresses)
    require(sliced == wanted, __name__, f"slices of {name}: {sliced}, pods: {wanted}")
    for node in nodes:
        rules = node.ruleset.services.get(f"{namespace}/{name}", ())
        ruled = sorted({address for rule in rules for address, _ in rule.endpoints})
        require(ruled == wanted, __name__, f"rules of {name} on {node.node}: {ruled}, pods: {wanted}")
