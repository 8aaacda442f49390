"""What must hold, checked from outside: on the log, on the nodes, and against what the clients were told."""

from collections.abc import Sequence

from shipslog.engine.cluster import Cluster
from shipslog.runtime.containers.simulated import SimulatedNode
from shipslog.store.events import Event
from shipslog.store.facts import ObjectCreated, ObjectDeleted, ObjectFact
from shipslog.store.objects import core_v1, discovery_v1

from .clients import Ledger


class Broken(AssertionError):
    """A promise was not kept."""


def require(holds: object, what: str) -> None:
    if not holds:
        raise Broken(what)


def log_is_whole(events: Sequence[Event]) -> None:
    """Revisions without gaps, times that do not go back."""
    for number, event in enumerate(events, 1):
        require(event.revision == number, f"revision {event.revision} stands where {number} belongs")
    times = [event.time_ns for event in events]
    require(times == sorted(times), "times go back")


def watch_saw_everything(seen: Sequence[tuple[int, str, str]], events: Sequence[Event], first: int, last: int) -> None:
    """Each change of ConfigMaps in a span of revisions, once, in order."""
    changes = {ObjectCreated: "ADDED", ObjectDeleted: "DELETED"}
    wanted = [
        (e.revision, changes.get(type(e.fact), "MODIFIED"), e.fact.name)
        for e in events[first:last]
        if isinstance(e.fact, ObjectFact) and e.fact.resource == "configmaps"
    ]
    require(list(seen) == wanted[: len(seen)], f"a watch saw {seen}, the log says {wanted}")


def nothing_acknowledged_is_lost(cluster: Cluster, ledger: Ledger) -> None:
    """Every object is as its client was told, or as one of the calls that were cut off may have left it."""
    for name, values in ledger.config_maps.items():
        found = cluster.view.get(core_v1.ConfigMap, name, "default")
        value = found.data["v"] if found is not None else None
        require(value in values, f"configmap {name} is {value}, may be {values}")
    for name, counts in ledger.replicas.items():
        rc = cluster.view.get(core_v1.ReplicationController, name, "default")
        count = rc.spec.replicas if rc is not None else None
        require(count in counts, f"rc {name} has {count} replicas, may have {counts}")
    for name, states in ledger.services.items():
        there = cluster.view.get(core_v1.Service, name, "default") is not None
        require(there in states, f"service {name} exists: {there}, may be {states}")


def no_pod_runs_twice(nodes: Sequence[SimulatedNode]) -> None:
    """A pod is on one node, and a container has one live process."""
    where: dict[str, str] = {}
    for node in nodes:
        for uid in node.pods:
            require(uid not in where, f"pod {uid} is on {where.get(uid)} and on {node.node}")
            where[uid] = node.node


def settled(cluster: Cluster, nodes: Sequence[SimulatedNode]) -> None:
    """As many pods as asked for, each on its node, and nothing else there."""
    pods = {p.metadata.uid: p for p in cluster.list(core_v1.Pod, "default")}
    for rc in cluster.list(core_v1.ReplicationController, "default"):
        mine = [p for p in pods.values() if p.metadata.labels.get("app") == rc.metadata.name]
        require(len(mine) == rc.spec.replicas, f"{rc.metadata.name}: {len(mine)} pods of {rc.spec.replicas}")
        for pod in mine:
            require(pod.status.phase == "Running", f"{pod.metadata.name} is {pod.status.phase}: {pod.status}")
        require(rc.status.ready_replicas == rc.spec.replicas, f"{rc.metadata.name}: status {rc.status}")
    running = {uid: node.node for node in nodes for uid in node.pods}
    bound = {uid: pod.spec.node_name for uid, pod in pods.items()}
    require(running == bound, f"on the nodes: {sorted(running)}; in the API: {sorted(bound)}")
    for node in nodes:
        for uid, sim in node.pods.items():
            live = [name for name, container in sim.containers.items() if container.exit is None]
            require(live == ["c"], f"pod {uid} on {node.node} runs {live}")


def rules_equal_what_runs(cluster: Cluster, nodes: Sequence[SimulatedNode]) -> None:
    """Endpoints, slices and packet rules name the pods that run, on every node."""
    for service in cluster.list(core_v1.Service, "default"):
        name = service.metadata.name
        if not service.spec.selector:
            continue
        wanted = sorted(
            p.status.pod_ip
            for p in cluster.list(core_v1.Pod, "default")
            if service.spec.selector.items() <= p.metadata.labels.items()
        )
        endpoints = cluster.view.get(core_v1.Endpoints, name, "default")
        require(endpoints is not None, f"service {name} has no Endpoints")
        assert endpoints is not None
        named = sorted(a.ip for subset in endpoints.subsets for a in subset.addresses)
        require(named == wanted, f"Endpoints of {name}: {named}, pods: {wanted}")
        slices = cluster.view.select(discovery_v1.EndpointSlice, "default", {"kubernetes.io/service-name": name})
        sliced = sorted(a for s in slices for e in s.endpoints for a in e.addresses)
        require(sliced == wanted, f"slices of {name}: {sliced}, pods: {wanted}")
        for node in nodes:
            rules = node.ruleset.services.get(f"default/{name}", ())
            ruled = sorted({address for rule in rules for address, _ in rule.endpoints})
            require(ruled == wanted, f"rules of {name} on {node.node}: {ruled}, pods: {wanted}")
    known = {f"{s.metadata.namespace}/{s.metadata.name}" for s in cluster.list(core_v1.Service)}
    for node in nodes:
        require(node.ruleset.services.keys() <= known, f"{node.node} has rules of services that are gone")
