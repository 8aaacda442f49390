"""As many pods as asked for, ready, each on its node with one live process a container, and nothing else there.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from collections.abc import Sequence
from typing import Any

from shipslog.engine.cluster import Cluster
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import Deployment, ReplicaSet

from .broken_promise import require


def check(cluster: Cluster, nodes: Sequence[SimulatedNode]) -> None:
    pods = {p.metadata.uid: p for p in cluster.list(core_v1.Pod)}
    controllers: list[Any] = [*cluster.list(core_v1.ReplicationController), *cluster.list(ReplicaSet)]
    for rc in controllers:
        meta = rc.metadata
        if _is_going(cluster, rc):
            continue
        mine = [p for p in pods.values() if any(o.uid == meta.uid for o in p.metadata.owner_references)]
        require(len(mine) == rc.spec.replicas, __name__, f"{meta.name}: {len(mine)} pods of {rc.spec.replicas}")
        for pod in mine:
            require(pod.status.phase == "Running", __name__, f"{pod.metadata.name} is {pod.status.phase}: {pod.status}")
        require(rc.status.ready_replicas == rc.spec.replicas, __name__, f"{meta.name}: status {rc.status}")
    for deployment in cluster.list(Deployment):
        if not _is_going(cluster, deployment):
            _is_rolled_out(cluster, deployment)
    running = {uid: node.node for node in nodes for uid in node.pods}
    bound = {uid: pod.spec.node_name for uid, pod in pods.items() if pod.spec.node_name}  # who waits: see `preemption`
    ended = {uid: where for uid, where in bound.items() if pods[uid].status.phase in TERMINAL}  # a node may keep what is left
    require(running | ended == bound, __name__, f"on the nodes: {sorted(running)}; in the API: {sorted(bound)}")
    for node in nodes:
        for uid, sim in node.pods.items():
            live = [name for name, container in sim.containers.items() if container.exit is None]
            wanted = [] if uid in ended else [c.name for c in pods[uid].spec.containers]
            require(live == wanted, __name__, f"pod {uid} on {node.node} runs {live} of {wanted}")


def _is_going(cluster: Cluster, obj: Any) -> bool:
    """Nothing is made for it any more; that it ends is `deletion`'s matter."""
    namespace = cluster.view.get(core_v1.Namespace, obj.metadata.namespace)
    return bool(obj.metadata.deletion_timestamp) or namespace is None or bool(namespace.metadata.deletion_timestamp)


def _is_rolled_out(cluster: Cluster, deployment: Deployment) -> None:
    """All its pods are of its template, and its status says so."""
    meta, wanted, status = deployment.metadata, deployment.spec.replicas or 0, deployment.status
    sets = [s for s in cluster.list(ReplicaSet) if any(o.uid == meta.uid for o in s.metadata.owner_references)]
    image = deployment.spec.template.spec.containers[0].image
    sizes = {s.metadata.name: (s.spec.replicas, s.spec.template.spec.containers[0].image) for s in sets}
    used = [size for size in sizes.values() if size[0]]
    require(used == ([(wanted, image)] if wanted else []), __name__, f"{meta.name} of {wanted} {image} has {sizes}")
    counts = (status.replicas, status.updated_replicas, status.ready_replicas, status.available_replicas)
    seen = status.observed_generation == meta.generation
    require(counts == (wanted,) * 4 and seen, __name__, f"{meta.name}: status {status}, generation {meta.generation}")
    reasons = {c.type: (c.status, c.reason) for c in status.conditions}
    progress = reasons.get("Progressing")
    require(progress == ("True", "NewReplicaSetAvailable"), __name__, f"{meta.name}: {status.conditions}")
    require(len(sets) <= 1 + (deployment.spec.revision_history_limit or 0), __name__, f"{meta.name} keeps {sizes}")
