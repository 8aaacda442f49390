"""As many pods as asked for, ready, each on its node with one live process a container, and nothing else there."""

from collections.abc import Sequence

from shipslog.engine.cluster import Cluster
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.objects import core_v1

from .verdict import require


def check(cluster: Cluster, nodes: Sequence[SimulatedNode]) -> None:
    pods = {p.metadata.uid: p for p in cluster.list(core_v1.Pod)}
    for rc in cluster.list(core_v1.ReplicationController):
        meta = rc.metadata
        namespace = cluster.view.get(core_v1.Namespace, meta.namespace)
        if meta.deletion_timestamp or namespace is None or namespace.metadata.deletion_timestamp:
            continue  # nothing is made for it any more; that it ends is `deletion`'s matter
        mine = [p for p in pods.values() if any(o.uid == meta.uid for o in p.metadata.owner_references)]
        require(len(mine) == rc.spec.replicas, __name__, f"{meta.name}: {len(mine)} pods of {rc.spec.replicas}")
        for pod in mine:
            require(pod.status.phase == "Running", __name__, f"{pod.metadata.name} is {pod.status.phase}: {pod.status}")
        require(rc.status.ready_replicas == rc.spec.replicas, __name__, f"{meta.name}: status {rc.status}")
    running = {uid: node.node for node in nodes for uid in node.pods}
    bound = {uid: pod.spec.node_name for uid, pod in pods.items()}
    require(running == bound, __name__, f"on the nodes: {sorted(running)}; in the API: {sorted(bound)}")
    for node in nodes:
        for uid, sim in node.pods.items():
            live = [name for name, container in sim.containers.items() if container.exit is None]
            wanted = [c.name for c in pods[uid].spec.containers]
            require(live == wanted, __name__, f"pod {uid} on {node.node} runs {live} of {wanted}")
