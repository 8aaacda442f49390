"""What is measured: counters of one subject (the machine, a pod, a container) at one moment, and the newest two minutes of it.

Counters grow since the subject began; gauges are of the moment. Source of the terms: cgroups(7), and the kubelet's summary API
(k8s.io/kubelet/pkg/apis/stats/v1alpha1).

Tests: tests/runtime/stats/test_sampler.py
"""

from collections.abc import Mapping

from msgspec import Struct

SECOND_NS = 1_000_000_000


class Pressure(Struct, frozen=True):
    """Of one resource, as PSI has it: time in which some, or all, waited for it."""

    some_us: int = 0
    full_us: int = 0
    some_avg: tuple[float, float, float] = (0.0, 0.0, 0.0)  # per cent, over 10, 60 and 300 s
    full_avg: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Interface(Struct, frozen=True):
    """Counters of one network interface."""

    name: str
    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class Disk(Struct, frozen=True):
    """A file system, and what a subject takes of it."""

    at_ns: int = 0
    used_bytes: int = 0
    used_inodes: int = 0
    available_bytes: int = 0
    capacity_bytes: int = 0
    free_inodes: int = 0
    inodes: int = 0
    partial: bool = False  # there was more than is looked at in one round: at least so much is used


class Usage(Struct, frozen=True, kw_only=True):
    """One subject at one moment."""

    at_ns: int
    cpu_ns: int = 0
    cpu_user_ns: int = 0
    cpu_system_ns: int = 0
    periods: int = 0
    throttled_periods: int = 0
    throttled_ns: int = 0
    memory_bytes: int = 0
    working_set_bytes: int = 0  # without what the kernel would give up first: what counts against a limit
    rss_bytes: int = 0
    cache_bytes: int = 0
    mapped_bytes: int = 0
    swap_bytes: int = 0
    memory_limit_bytes: int = 0  # 0 for none
    memory_failures: int = 0  # how often it ran into the limit
    page_faults: int = 0
    major_page_faults: int = 0
    processes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    pressure: Mapping[str, Pressure] = {}  # by resource: cpu, memory, io; {} where the kernel has none
    interfaces: tuple[Interface, ...] = ()


class Measured(Struct, frozen=True, kw_only=True):
    """One subject lately: its samples, the oldest first, at least one."""

    began_ns: int
    samples: tuple[Usage, ...]

    @property
    def latest(self) -> Usage:
        return self.samples[-1]

    @property
    def window_ns(self) -> int:
        """Over which `cpu_nanocores` is measured: between the last two samples, or since it began."""
        before = self.samples[-2].at_ns if len(self.samples) > 1 else self.began_ns
        return max(self.latest.at_ns - before, 1)

    @property
    def cpu_nanocores(self) -> int:
        """Billionths of a core over the window. Counters that went back (a restart between) count from nothing."""
        before = self.samples[-2].cpu_ns if len(self.samples) > 1 else 0
        grown = self.latest.cpu_ns - before
        return max(grown if grown >= 0 else self.latest.cpu_ns, 0) * SECOND_NS // self.window_ns


class ContainerStats(Struct, frozen=True, kw_only=True):
    name: str
    attempt: int
    container_id: str = ""
    image: str = ""
    measured: Measured
    root: Disk | None = None  # its writable layer
    logs: Disk | None = None


class PodStats(Struct, frozen=True, kw_only=True):
    uid: str
    namespace: str = ""
    name: str = ""
    measured: Measured
    containers: tuple[ContainerStats, ...] = ()
    volumes: tuple[tuple[str, Disk], ...] = ()  # of those whose files are on the node's own disk


class NodeStats(Struct, frozen=True, kw_only=True):
    """All that a node has measured lately."""

    node: str
    measured: Measured
    pods: Mapping[str, PodStats] = {}  # by uid
    system: Mapping[str, Measured] = {}  # what else is watched: kubelet (this daemon), pods (all of them together)
    disk: Disk | None = None  # where the data directory is
    images: Disk | None = None
    cores: int = 1
    memory_capacity_bytes: int = 0
    most_processes: int = 0
    probes: Mapping[tuple[str, str, str, str], int] = {}  # by pod uid, container, probe and result: how often


NOTHING = Usage(at_ns=0)
