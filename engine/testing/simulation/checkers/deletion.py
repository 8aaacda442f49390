"""What was deleted ends: no object is on its way out for ever, none is left without its namespace or its owner.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from shipslog.engine.cluster import Cluster
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.volume_claims import claims_of

from .broken_promise import require

CLAIMS = "persistentvolumeclaims"


def check(cluster: Cluster) -> None:
    view = cluster.view
    namespaces = {n.metadata.name for n in cluster.list(core_v1.Namespace)}
    for resource in view.resources():
        for entry in view.entries(resource):
            meta = entry.object.metadata
            what = f"{resource} {meta.namespace}/{meta.name}"
            ends = not meta.deletion_timestamp or (resource == CLAIMS and is_used(cluster, entry.object))
            require(ends, __name__, f"{what} is being deleted since {meta.deletion_timestamp}")
            require(not meta.namespace or meta.namespace in namespaces, __name__, f"{what} has outlived its namespace")
            owners = meta.owner_references
            alive = [o for o in owners if view.by_uid(o.uid) is not None]
            require(alive or not owners, __name__, f"{what} has outlived its owner {[o.name for o in owners]}")


def is_used(cluster: Cluster, claim: core_v1.PersistentVolumeClaim) -> bool:
    """Whether a pod on a node uses a claim: as long as it does, the claim stays."""
    pods = cluster.list(core_v1.Pod, claim.metadata.namespace)
    return any(pod.spec.node_name and claim.metadata.name in claims_of(pod) for pod in pods)
