"""The metrics of a node in Prometheus' words: the kubelet's own, what is for autoscalers, cAdvisor's, and of probes.

Names and labels are those of Kubernetes (pkg/kubelet/metrics/collectors) and of cAdvisor (metrics/prometheus.go), which
dashboards know. `prometheus-client` is imported by the first who asks; texts are made in a thread."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web
from msgspec import Struct

from shipslog.engine.api.response import replies
from shipslog.engine.api.server_info.release import GIT_VERSION
from shipslog.runtime.stats.usage import SECOND_NS, Disk, Measured, NodeStats, Usage

if TYPE_CHECKING:
    from .kubelet import Asked

Row = tuple[Sequence[str], float, int]  # values of the labels, value, when it was measured


class Family(Struct, frozen=True):
    name: str
    help_text: str
    kind: str  # counter, gauge
    labels: tuple[str, ...]
    rows: list[Row]


def _seconds(nanoseconds: int) -> float:
    return nanoseconds / SECOND_NS


# --- for autoscalers: /metrics/resource ---


async def resource(asked: "Asked") -> web.StreamResponse:
    return await _reply(asked, list(of_resources(asked.runtime.stats())))


def of_resources(stats: NodeStats) -> Iterator[Family]:
    node, pods = stats.measured, list(stats.pods.values())
    containers = [(pod, one) for pod in pods for one in pod.containers]
    of_container, of_pod = ("container", "namespace", "pod"), ("namespace", "pod")

    def container(name: str, help_text: str, kind: str, value: Callable[[Measured], float]) -> Family:
        rows: list[Row] = [
            ((one.name, pod.namespace, pod.name), value(one.measured), one.measured.latest.at_ns) for pod, one in containers
        ]
        return Family(name, help_text, kind, of_container, rows)

    def whole(name: str, help_text: str, kind: str, value: Callable[[Usage], float]) -> Iterator[Family]:
        rows: list[Row] = [((p.namespace, p.name), value(p.measured.latest), p.measured.latest.at_ns) for p in pods]
        yield Family(f"pod_{name}", f"{help_text} of the pod.", kind, of_pod, rows)
        row: Row = ((), value(node.latest), node.latest.at_ns)
        yield Family(f"node_{name}", f"{help_text} of the node.", kind, (), [row])

    cpu, memory, swap = "CPU time in core-seconds", "Bytes of the working set", "Bytes that are swapped out"
    yield container("container_cpu_usage_seconds", f"{cpu} of the container.", "counter", lambda m: _seconds(m.latest.cpu_ns))
    yield container(
        "container_memory_working_set_bytes", f"{memory} of the container.", "gauge", lambda m: m.latest.working_set_bytes
    )
    yield container("container_swap_usage_bytes", f"{swap} of the container.", "gauge", lambda m: m.latest.swap_bytes)
    yield container(
        "container_start_time_seconds",
        "When the container started, in seconds of Unix.",
        "gauge",
        lambda m: _seconds(m.began_ns),
    )
    yield from whole("cpu_usage_seconds", cpu, "counter", lambda u: _seconds(u.cpu_ns))
    yield from whole("memory_working_set_bytes", memory, "gauge", lambda u: u.working_set_bytes)
    yield from whole("swap_usage_bytes", swap, "gauge", lambda u: u.swap_bytes)
    yield Family("resource_scrape_error", "1 if there was an error while measuring.", "gauge", (), [((), 0.0, 0)])
    yield Family("scrape_error", "1 if there was an error while measuring.", "gauge", (), [((), 0.0, 0)])


# --- cAdvisor's ---

CONTAINER = ("container", "id", "image", "name", "namespace", "pod")


class Subject(Struct, frozen=True):
    """What cAdvisor calls a container: one, a pod as a whole, or the machine."""

    labels: tuple[str, ...]
    measured: Measured
    root: Disk | None = None

    @property
    def usage(self) -> Usage:
        return self.measured.latest


COUNTERS: tuple[tuple[str, str, Callable[[Usage], float]], ...] = (
    ("cpu_user_seconds", "CPU time in user mode.", lambda u: _seconds(u.cpu_user_ns)),
    ("cpu_system_seconds", "CPU time in the kernel.", lambda u: _seconds(u.cpu_system_ns)),
    ("cpu_cfs_periods", "Periods of the CPU limit.", lambda u: u.periods),
    ("cpu_cfs_throttled_periods", "Periods in which the limit was reached.", lambda u: u.throttled_periods),
    ("cpu_cfs_throttled_seconds", "Time in which the limit held it back.", lambda u: _seconds(u.throttled_ns)),
    ("pressure_cpu_waiting_seconds", "Time in which some waited for the CPU.", lambda u: _psi(u, "cpu", False)),
    ("pressure_cpu_stalled_seconds", "Time in which all waited for the CPU.", lambda u: _psi(u, "cpu", True)),
    ("pressure_memory_waiting_seconds", "Time in which some waited for memory.", lambda u: _psi(u, "memory", False)),
    ("pressure_memory_stalled_seconds", "Time in which all waited for memory.", lambda u: _psi(u, "memory", True)),
    ("pressure_io_waiting_seconds", "Time in which some waited for a disk.", lambda u: _psi(u, "io", False)),
    ("pressure_io_stalled_seconds", "Time in which all waited for a disk.", lambda u: _psi(u, "io", True)),
    ("fs_reads_bytes", "Bytes that were read from disks.", lambda u: u.read_bytes),
    ("fs_writes_bytes", "Bytes that were written to disks.", lambda u: u.written_bytes),
)
GAUGES: tuple[tuple[str, str, Callable[[Usage], float]], ...] = (
    ("memory_usage_bytes", "Memory in use, caches with it.", lambda u: u.memory_bytes),
    ("memory_working_set_bytes", "The working set.", lambda u: u.working_set_bytes),
    ("memory_rss", "Memory that is no file's.", lambda u: u.rss_bytes),
    ("memory_cache", "Files in memory.", lambda u: u.cache_bytes),
    ("memory_mapped_file", "Files that are mapped.", lambda u: u.mapped_bytes),
    ("memory_swap", "Bytes that are swapped out.", lambda u: u.swap_bytes),
    ("memory_failcnt", "How often the memory limit was reached.", lambda u: u.memory_failures),
    ("processes", "Processes.", lambda u: u.processes),
    ("spec_memory_limit_bytes", "The memory limit; 0 for none.", lambda u: u.memory_limit_bytes),
    ("last_seen", "When it was measured last.", lambda u: _seconds(u.at_ns)),
)
DISKS: tuple[tuple[str, str, Callable[[Disk], float]], ...] = (
    ("usage_bytes", "Bytes that its writable layer takes.", lambda d: d.used_bytes),
    ("limit_bytes", "Bytes of the file system.", lambda d: d.capacity_bytes),
    ("inodes_free", "Inodes that are free.", lambda d: d.free_inodes),
    ("inodes_total", "Inodes of the file system.", lambda d: d.inodes),
)
NETWORK = ("receive_bytes", "receive_packets", "receive_errors", "receive_packets_dropped")
FIELDS = ("rx_bytes", "rx_packets", "rx_errors", "rx_dropped")


async def cadvisor(asked: "Asked") -> web.StreamResponse:
    return await _reply(asked, list(of_cadvisor(asked.runtime.stats())))


def of_cadvisor(stats: NodeStats) -> Iterator[Family]:
    subjects = list(_subjects(stats))
    rows: list[Row] = [((*s.labels, "total"), _seconds(s.usage.cpu_ns), s.usage.at_ns) for s in subjects]
    yield Family("container_cpu_usage_seconds", "CPU time.", "counter", (*CONTAINER, "cpu"), rows)
    for kind, entries in (("counter", COUNTERS), ("gauge", GAUGES)):
        for name, help_text, value in entries:
            rows = [(s.labels, value(s.usage), s.usage.at_ns) for s in subjects]
            yield Family(f"container_{name}", help_text, kind, CONTAINER, rows)
    rows = [(s.labels, _seconds(s.measured.began_ns), s.usage.at_ns) for s in subjects]
    yield Family("container_start_time_seconds", "When it began, in seconds of Unix.", "gauge", CONTAINER, rows)
    faults: list[Row] = []
    for s in subjects:
        for kind, count in (("pgfault", s.usage.page_faults), ("pgmajfault", s.usage.major_page_faults)):
            faults.append(((*s.labels, kind, "container"), count, s.usage.at_ns))
    yield Family("container_memory_failures", "Page faults.", "counter", (*CONTAINER, "failure_type", "scope"), faults)
    yield from _of_network(subjects)
    yield from _of_disks(subjects)
    yield Family("machine_cpu_cores", "Cores of the machine.", "gauge", (), [((), stats.cores, 0)])
    yield Family("machine_memory_bytes", "Memory of the machine.", "gauge", (), [((), stats.memory_capacity_bytes, 0)])
    yield Family("container_scrape_error", "1 if there was an error while measuring.", "gauge", (), [((), 0.0, 0)])


def _subjects(stats: NodeStats) -> Iterator[Subject]:
    yield Subject(("", "/", "", "", "", ""), stats.measured)
    for name, measured in stats.system.items():
        yield Subject(("", f"/{name}", "", "", "", ""), measured)
    for pod in stats.pods.values():
        yield Subject(("", f"/pods/{pod.uid}", "", "", pod.namespace, pod.name), pod.measured)
        for one in pod.containers:
            identity = f"/pods/{pod.uid}/{one.container_id}"
            yield Subject((one.name, identity, one.image, one.container_id, pod.namespace, pod.name), one.measured, one.root)


def _of_network(subjects: Sequence[Subject]) -> Iterator[Family]:
    labels = (*CONTAINER, "interface")
    with_network = [s for s in subjects if s.usage.interfaces]
    for way, prefix in (("receive", "rx"), ("transmit", "tx")):
        for name, field in zip(NETWORK, FIELDS, strict=True):
            attribute = field.replace("rx", prefix)
            rows: list[Row] = [
                ((*s.labels, i.name), getattr(i, attribute), s.usage.at_ns) for s in with_network for i in s.usage.interfaces
            ]
            named = f"container_network_{name.replace('receive', way)}"
            yield Family(named, f"What came over the network ({attribute}).", "counter", labels, rows)


def _of_disks(subjects: Sequence[Subject]) -> Iterator[Family]:
    labels = (*CONTAINER, "device")
    found = [(s, s.root) for s in subjects if s.root is not None]
    for name, help_text, value in DISKS:
        rows: list[Row] = [((*s.labels, "overlay"), value(disk), disk.at_ns) for s, disk in found]
        yield Family(f"container_fs_{name}", help_text, "gauge", labels, rows)


def _psi(usage: Usage, resource: str, full: bool) -> float:
    found = usage.pressure.get(resource)
    return (found.full_us if full else found.some_us) / 1e6 if found is not None else 0.0


# --- the kubelet's own, and probes ---


async def own(asked: "Asked") -> web.StreamResponse:
    stats, view = asked.runtime.stats(), asked.cluster.view
    containers = sum(len(pod.containers) for pod in stats.pods.values())
    families = [
        Family("kubelet_node_name", "The name of the node; always 1.", "gauge", ("node",), [((asked.node,), 1, 0)]),
        Family("kubelet_running_pods", "Pods that run.", "gauge", (), [((), len(stats.pods), 0)]),
        Family(
            "kubelet_running_containers",
            "Containers, by state.",
            "gauge",
            ("container_state",),
            [(("running",), containers, 0)],
        ),
        Family(
            "kubelet_desired_pods", "Pods that are bound to the node.", "gauge", (), [((), len(view.pods_on(asked.node)), 0)]
        ),
        Family("kubernetes_build_info", "The Kubernetes that this is.", "gauge", ("git_version",), [((GIT_VERSION,), 1, 0)]),
    ]
    return await _reply(asked, families, process=True)


async def probes(asked: "Asked") -> web.StreamResponse:
    """How often each probe came out how."""
    rows: list[Row] = []
    named = {pod.metadata.uid: pod.metadata for pod in asked.cluster.view.pods_on(asked.node)}
    for (uid, container, probe, result), count in sorted(asked.runtime.stats().probes.items()):
        if (pod := named.get(uid)) is not None:
            rows.append(((container, pod.namespace, pod.name, uid, probe.capitalize(), result), count, 0))
    labels = ("container", "namespace", "pod", "pod_uid", "probe_type", "result")
    help_text = "Cumulative number of a liveness, readiness or startup probe for a container by result."
    return await _reply(asked, [Family("prober_probe", help_text, "counter", labels, rows)])


# --- putting it into words ---


async def _reply(asked: "Asked", families: Sequence[Family], *, process: bool = False) -> web.StreamResponse:
    accept = asked.request.headers.get("Accept", "")
    body, media = await asyncio.to_thread(_rendered, families, accept, process)
    return replies.Reply(body, 200, media)


def _rendered(families: Sequence[Family], accept: str, process: bool) -> tuple[bytes, str]:
    from prometheus_client import CollectorRegistry, ProcessCollector, exposition

    registry = CollectorRegistry()
    registry.register(_Collector(families))
    if process:
        ProcessCollector(registry=registry)
    chosen: Any = exposition.choose_encoder(accept)
    encode, media = chosen
    return encode(registry), media


class _Collector:
    """A Collector of prometheus-client."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        from prometheus_client import core

        for family in self._families:
            kinds: Any = {"counter": core.CounterMetricFamily, "gauge": core.GaugeMetricFamily}
            made = kinds[family.kind](family.name, family.help_text, labels=family.labels)
            for labels, value, at_ns in family.rows:
                made.add_metric(labels, value, timestamp=at_ns / SECOND_NS if at_ns else None)
            yield made
