"""Where a pod may go, by looking at every pod and node each time: the scheduler is held to it. It knows what the tests use."""

from collections.abc import Container
from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types import core_v1

HERE = ("Succeeded", "Failed")


def chosen(selector: Any, pod: core_v1.Pod) -> bool:
    assert not selector.match_expressions
    return all(pod.metadata.labels.get(key) == value for key, value in selector.match_labels.items())


def terms(pod: core_v1.Pod, half: str) -> Any:
    found = getattr(pod.spec.affinity, half) if pod.spec.affinity is not None else None
    return found.required_during_scheduling_ignored_during_execution if found is not None else ()


class World:
    def __init__(self, nodes: list[core_v1.Node], pods: list[core_v1.Pod]) -> None:
        self.nodes = {node.metadata.name: node for node in nodes}
        self.pods = [pod for pod in pods if pod.spec.node_name and pod.status.phase not in HERE]
        self.kept_free = {
            pod.metadata.name: (pod, pod.status.nominated_node_name)
            for pod in pods
            if pod.status.nominated_node_name
            and not pod.spec.node_name
            and not pod.metadata.deletion_timestamp
            and pod.status.phase not in HERE
        }

    def told(self, pod: core_v1.Pod) -> None:
        """The status of a pod that waits says so now."""
        self.kept_free.pop(pod.metadata.name, None)
        if pod.status.nominated_node_name:
            self.kept_free[pod.metadata.name] = pod, pod.status.nominated_node_name

    def fits_beside(self, pod: core_v1.Pod, name: str, without: Container[str] = ()) -> bool:
        """Whether it fits, with those for whom nodes are kept free and who are as important, and without them as well."""
        more = World([], [])
        more.nodes, more.pods = self.nodes, [other for other in self.pods if other.metadata.name not in without]
        if not more.fits(pod, name):
            return False
        for other, node in self.kept_free.values():
            if other.metadata.name != pod.metadata.name and priority(other) >= priority(pod) and node in self.nodes:
                more.place(other, node)
        return more.fits(pod, name)

    def place(self, pod: core_v1.Pod, node: str) -> None:
        self.pods.append(replace(pod, spec=replace(pod.spec, node_name=node)))
        self.kept_free.pop(pod.metadata.name, None)

    def fits(self, pod: core_v1.Pod, name: str) -> bool:
        node = self.nodes[name]
        there = [other for other in self.pods if other.spec.node_name == name]
        labels = node.metadata.labels
        if not any(c.type == "Ready" and c.status == "True" for c in node.status.conditions) or node.spec.unschedulable:
            return False
        if any(labels.get(key) != value for key, value in pod.spec.node_selector.items()):
            return False
        if pod.spec.host_network and any(other.spec.host_network for other in there):
            return False
        room = 1000 * int(node.status.allocatable["cpu"])
        if sum(map(cpu, [*there, pod])) > room and cpu(pod):
            return False
        return self._with_others(pod, labels) and self._even(pod, labels)

    def _with_others(self, pod: core_v1.Pod, labels: Any) -> bool:
        for other, where in self._placed():
            for term in terms(other, "pod_anti_affinity"):
                key = term.topology_key
                if chosen(term.label_selector, pod) and key in where and labels.get(key) == where[key]:
                    return False
            for term in terms(pod, "pod_anti_affinity"):
                key = term.topology_key
                if chosen(term.label_selector, other) and key in where and labels.get(key) == where[key]:
                    return False
        for term in terms(pod, "pod_affinity"):
            key = term.topology_key
            wanted = [where[key] for other, where in self._placed() if chosen(term.label_selector, other) and key in where]
            first = not wanted and chosen(term.label_selector, pod)
            if key not in labels or not (first or labels[key] in wanted):
                return False
        return True

    def _even(self, pod: core_v1.Pod, labels: Any) -> bool:
        for constraint in pod.spec.topology_spread_constraints:
            if constraint.when_unsatisfiable != "DoNotSchedule":
                continue
            key = constraint.topology_key
            counts = {node.metadata.labels[key]: 0 for node in self.nodes.values() if key in node.metadata.labels}
            for other, where in self._placed():
                if chosen(constraint.label_selector, other) and not other.metadata.deletion_timestamp and key in where:
                    counts[where[key]] += 1
            if key not in labels:
                return False
            least = min(counts.values()) if len(counts) >= (constraint.min_domains or 1) else 0
            more = 1 if chosen(constraint.label_selector, pod) else 0
            if counts[labels[key]] + more - least > constraint.max_skew:
                return False
        return True

    def _placed(self) -> list[tuple[core_v1.Pod, Any]]:
        nodes = self.nodes
        return [(pod, nodes[pod.spec.node_name].metadata.labels) for pod in self.pods if pod.spec.node_name in nodes]


def priority(pod: core_v1.Pod) -> int:
    return pod.spec.priority or 0


def cpu(pod: core_v1.Pod) -> int:
    asked = pod.spec.containers[0].resources.requests.get("cpu", "0")
    return int(asked.removesuffix("m")) if asked.endswith("m") else 1000 * int(asked)
