"""What a node that pretends holds of its pods, and what it pretends that they use: the same for the same pods and time.

A container uses, all the time, what it was told to (`SimulatedNode.use`), else what its pod's labels `sim.shipslog/cpu` and
`sim.shipslog/memory` say, else half of what it requests of a core and of what it may have of memory, else a little.

Tests: tests/runtime/containers/test_contract.py
"""

from collections.abc import Mapping

from msgspec import Struct

from shipslog.runtime.commands import StartContainer
from shipslog.runtime.stats.usage import SECOND_NS, ContainerStats, Disk, Interface, Measured, NodeStats, PodStats, Usage
from shipslog.store.facts import ContainerExited, ContainerLimits
from shipslog.store.objects.values import quantity

CPU, MEMORY = "sim.shipslog/cpu", "sim.shipslog/memory"
WINDOW_NS = 10 * SECOND_NS  # between two samples
SAMPLES = 12  # two minutes
SYSTEM_CPU_MILLI, SYSTEM_MEMORY = 50, 256 << 20  # of what is no pod
LAYER_BYTES, LOG_BYTES = 4096, 1024


class SimUse(Struct, frozen=True):
    """What a container is pretended to use, all the time."""

    cpu_milli: int
    memory_bytes: int


IDLE = SimUse(cpu_milli=10, memory_bytes=16 << 20)  # of a container that says nothing of its resources


class SimContainer(Struct):
    """One attempt of a container."""

    attempt: int
    id: str
    started_at_ns: int
    exit: ContainerExited | None = None
    image: str = ""
    limits: ContainerLimits | None = None
    uses: SimUse | None = None  # what it was told
    expected: SimUse = IDLE  # what its requests and limits make one expect
    used_ns: int = 0  # of CPU, up to `counted_ns`
    counted_ns: int = 0


class SimPod(Struct):
    """A sandbox and what runs in it."""

    sandbox_id: str
    ips: tuple[str, ...]  # one of each family; () with the host's network
    labels: dict[str, str]
    containers: dict[str, SimContainer]
    namespace: str = ""
    name: str = ""
    began_ns: int = 0

    @property
    def ip(self) -> str:
        return self.ips[0] if self.ips else ""


def expected(command: StartContainer) -> SimUse:
    """What a container uses that is told nothing."""
    return SimUse(command.cpu_request_milli // 2 or IDLE.cpu_milli, command.memory_limit_bytes // 2 or IDLE.memory_bytes)


def use_of(container: SimContainer, pod: SimPod) -> SimUse:
    """What it uses at present."""
    if container.uses is not None:
        return container.uses
    cpu, memory = container.expected.cpu_milli, container.expected.memory_bytes
    try:
        cpu = quantity.milli(pod.labels[CPU]) if CPU in pod.labels else cpu
        memory = quantity.value(pod.labels[MEMORY]) if MEMORY in pod.labels else memory
    except quantity.QuantityError:
        pass  # a label may say anything
    return SimUse(cpu, memory)


def is_told(container: SimContainer, pod: SimPod) -> bool:
    """Whether somebody said how much memory it uses."""
    return container.uses is not None or MEMORY in pod.labels


def count(container: SimContainer, pod: SimPod, now_ns: int) -> None:
    """Add up what it has used until now."""
    grown = max(now_ns - container.counted_ns, 0) * use_of(container, pod).cpu_milli // 1000
    container.used_ns, container.counted_ns = container.used_ns + grown, max(now_ns, container.counted_ns)


def use(container: SimContainer, pod: SimPod, wanted: SimUse, now_ns: int) -> None:
    """From now on it uses so much; it has never used less than its samples say."""
    count(container, pod, now_ns)
    container.uses = wanted
    shown_ns = _samples(container.started_at_ns, now_ns) * WINDOW_NS * wanted.cpu_milli // 1000
    container.used_ns = max(container.used_ns, shown_ns)


def _samples(began_ns: int, now_ns: int) -> int:
    """How many there are before the newest."""
    return int(min(SAMPLES, max(now_ns - began_ns, 0) // WINDOW_NS))


def of_node(
    node: str,
    pods: Mapping[str, SimPod],
    capacity: Mapping[str, str],
    now_ns: int,
    disk_used_bytes: int | None = None,
    with_pods: bool = True,
) -> NodeStats:
    """All that a node is pretended to have measured. By what its pods are only expected to use it never runs short."""
    found = {uid: _of_pod(uid, pod, now_ns) for uid, pod in sorted(pods.items())} if with_pods else {}
    running = [(c, p) for p in pods.values() for c in p.containers.values() if c.exit is None]
    cpu = SYSTEM_CPU_MILLI + sum(use_of(c, p).cpu_milli for c, p in running)
    memory = SYSTEM_MEMORY + sum(use_of(c, p).memory_bytes for c, p in running if is_told(c, p))
    expected_bytes = sum(use_of(c, p).memory_bytes for c, p in running if not is_told(c, p))
    memory += max(min(expected_bytes, quantity.value(capacity["memory"]) * 3 // 4 - memory), 0)
    began_ns = min((pod.began_ns for pod in pods.values()), default=now_ns - 2 * WINDOW_NS)
    used_ns = max(now_ns - began_ns, 0) * cpu // 1000
    total = quantity.value(capacity["memory"])
    disk = quantity.value(capacity["ephemeral-storage"])
    taken = disk // 10 if disk_used_bytes is None else disk_used_bytes
    return NodeStats(
        node=node,
        measured=_measured(began_ns, now_ns, used_ns, cpu, memory),
        pods=found,
        system={"kubelet": _measured(began_ns, now_ns, used_ns // 10, 5, SYSTEM_MEMORY // 4)},
        disk=Disk(now_ns, taken, 1000, disk - taken, disk, 1_000_000, 1_001_000),
        images=Disk(now_ns, disk // 20, 500, disk - taken, disk, 1_000_000, 1_001_000),
        cores=quantity.value(capacity["cpu"]),
        memory_capacity_bytes=total,
        most_processes=32768,
    )


def _of_pod(uid: str, pod: SimPod, now_ns: int) -> PodStats:
    containers = []
    cpu = memory = used_ns = 0
    for name, one in sorted(pod.containers.items()):
        if one.exit is not None:
            continue
        count(one, pod, now_ns)
        use = use_of(one, pod)
        cpu, memory, used_ns = cpu + use.cpu_milli, memory + use.memory_bytes, used_ns + one.used_ns
        containers.append(
            ContainerStats(
                name=name,
                attempt=one.attempt,
                container_id=one.id.partition("://")[2],
                image=one.image,
                measured=_measured(one.started_at_ns, now_ns, one.used_ns, use.cpu_milli, use.memory_bytes),
                root=Disk(now_ns, LAYER_BYTES, 1, 1 << 40, 1 << 40, 1000, 1001),
                logs=Disk(now_ns, LOG_BYTES, 1, 1 << 40, 1 << 40, 1000, 1001),
            )
        )
    seconds = max(now_ns - pod.began_ns, 0) // SECOND_NS
    network = (
        Interface("eth0", rx_bytes=1000 * seconds, rx_packets=10 * seconds, tx_bytes=500 * seconds, tx_packets=5 * seconds),
    )
    whole = _measured(pod.began_ns, now_ns, used_ns, cpu, memory, network)
    return PodStats(uid=uid, namespace=pod.namespace, name=pod.name, measured=whole, containers=tuple(containers))


def _measured(
    began_ns: int, now_ns: int, used_ns: int, cpu_milli: int, memory: int, network: tuple[Interface, ...] = ()
) -> Measured:
    """Samples of the last two minutes, as far as it is there, with the CPU of the present."""
    samples = []
    for back in range(_samples(began_ns, now_ns), -1, -1):
        at_ns = now_ns - back * WINDOW_NS
        samples.append(
            Usage(
                at_ns=at_ns,
                cpu_ns=used_ns - back * WINDOW_NS * cpu_milli // 1000,
                memory_bytes=memory,
                working_set_bytes=memory,
                rss_bytes=memory,
                processes=1,
                interfaces=network,
            )
        )
    return Measured(began_ns=began_ns, samples=tuple(samples))
