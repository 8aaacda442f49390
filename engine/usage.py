"""The one place where it is asked what nodes and pods use: for metrics.k8s.io, and for who scales by it.

Answers are those of Kubernetes' metrics-server: CPU as an average over a window, memory as the working set, and nothing of what
has not been measured yet.

Tests: tests/engine/api/unstored/test_pod_and_node_metrics.py
"""

from collections.abc import Iterable, Iterator, Mapping

from shipslog.runtime.node import NodeRuntime
from shipslog.runtime.stats.usage import Measured, NodeStats
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.types.metrics_v1beta1 import ContainerMetrics, NodeMetrics, PodMetrics
from shipslog.store.objects.values import durations, quantity
from shipslog.store.objects.values.times import api_time

STALE_NS = 90_000_000_000  # what a node has not measured for so long says nothing of the present


class Usage:
    """What the nodes say at one moment; each is asked once, when it is first needed."""

    def __init__(self, runtimes: Mapping[str, NodeRuntime], now_ns: int) -> None:
        self._runtimes, self._now_ns = runtimes, now_ns
        self._asked: dict[str, NodeStats] = {}

    def stats(self, node: str) -> NodeStats | None:
        """All that a node has measured; None of one that nobody here can ask."""
        runtime = self._runtimes.get(node)
        if runtime is None:
            return None
        if node not in self._asked:
            self._asked[node] = runtime.stats()
        return self._asked[node]

    def of_node(self, node: core_v1.Node) -> NodeMetrics | None:
        """What a node uses; None while that is not known."""
        stats = self.stats(node.metadata.name)
        if stats is None or not self._is_fresh(stats.measured):
            return None
        measured = stats.measured
        return NodeMetrics(
            metadata=self._metadata(node.metadata), timestamp=api_time(measured.latest.at_ns),
            window=durations.printed(measured.window_ns), usage=_usage(measured),
        )  # fmt: skip

    def of_pod(self, pod: core_v1.Pod) -> PodMetrics | None:
        """What each container of a pod uses; None while that is not known of one that runs, and of pods that do not run."""
        stats = self.stats(pod.spec.node_name)
        found = stats.pods.get(pod.metadata.uid) if stats is not None else None
        if found is None or pod.status.phase != "Running":
            return None
        by_name = {one.name: one.measured for one in found.containers if self._is_fresh(one.measured)}
        running = [name for name in _running(pod) if name in by_name]
        if not running or len(running) < sum(1 for _ in _running(pod)):
            return None
        oldest = min((by_name[name] for name in running), key=lambda measured: measured.latest.at_ns)
        containers = tuple(ContainerMetrics(name=name, usage=_usage(by_name[name])) for name in running)
        return PodMetrics(
            metadata=self._metadata(pod.metadata), timestamp=api_time(oldest.latest.at_ns),
            window=durations.printed(oldest.window_ns), containers=containers,
        )  # fmt: skip

    def _is_fresh(self, measured: Measured) -> bool:
        return 0 < self._now_ns - STALE_NS < measured.latest.at_ns

    def _metadata(self, of: ObjectMeta) -> ObjectMeta:
        now = api_time(self._now_ns)
        return ObjectMeta(name=of.name, namespace=of.namespace, labels=of.labels, creation_timestamp=now)


def _running(pod: core_v1.Pod) -> Iterator[str]:
    """The containers that run, sidecars among them, in the order of their names."""
    statuses: Iterable[core_v1.ContainerStatus] = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    return iter(sorted(status.name for status in statuses if status.state.running is not None))


def _usage(measured: Measured) -> dict[str, str | int | float]:
    memory = measured.latest.working_set_bytes // 1024
    return {"cpu": quantity.canonical(f"{measured.cpu_nanocores}n"), "memory": quantity.canonical(f"{memory}Ki")}
