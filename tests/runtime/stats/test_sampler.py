"""A node that is sampled: rates, two minutes and no more, what began anew, what is gone, and what it costs."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from shipslog.runtime.stats import sampler
from shipslog.runtime.stats.groups import Unified
from shipslog.runtime.stats.history import History
from shipslog.runtime.stats.sampler import ContainerSubject, PodSubject, Sampler
from shipslog.runtime.stats.usage import SECOND_NS, Measured, Usage

from .test_groups import UNIFIED, write

BEGAN_NS = 1_000 * SECOND_NS


class Clock:
    now = BEGAN_NS

    def __call__(self) -> int:
        return self.now


def subject(uid: str = "uid", *, began_ns: int = BEGAN_NS, pid: int = 0) -> PodSubject:
    one = ContainerSubject(name="web", attempt=0, began_ns=began_ns, group=f"top/{uid}/web", pid=pid)
    return PodSubject(uid=uid, namespace="default", name="p", began_ns=BEGAN_NS, group=f"top/{uid}", containers=(one,))


def burn(root: Path, uid: str, microseconds: int) -> None:
    for group in (root / "top" / uid, root / "top" / uid / "web"):
        (group / "cpu.stat").write_text(f"usage_usec {microseconds}\n")


async def test_rates_and_two_minutes(tmp_path: Path) -> None:
    clock, running = Clock(), [subject()]
    for group in ("top", "top/uid", "top/uid/web"):
        write(tmp_path / group, UNIFIED)
    node = Sampler("node", tmp_path, lambda: running, groups=Unified(tmp_path), top_group="/top", now_ns=clock)
    for second in range(0, 300, 10):
        clock.now = BEGAN_NS + second * SECOND_NS
        burn(tmp_path, "uid", second * 250_000)  # a quarter of a core
        await node.sample()
    pod = node.stats().pods["uid"]
    assert pod.containers[0].measured.cpu_nanocores == pod.measured.cpu_nanocores == 250_000_000
    assert pod.measured.window_ns == 10 * SECOND_NS
    assert len(pod.measured.samples) == 13
    assert pod.measured.latest.working_set_bytes == 800
    running[0] = subject(began_ns=clock.now)  # the container was started again
    burn(tmp_path, "uid", 5_000_000)
    clock.now += 10 * SECOND_NS
    await node.sample()
    again = node.stats().pods["uid"].containers[0].measured
    assert len(again.samples) == 1 and again.cpu_nanocores == 500_000_000
    running.clear()
    await node.sample()
    assert not node.stats().pods


async def test_a_pod_of_one_container_is_read_once(tmp_path: Path) -> None:
    running = [replace(subject(), alone=True), subject("other")]
    for group in ("top/uid/web", "top/other", "top/other/web"):  # none of the first pod itself
        write(tmp_path / group, UNIFIED)
    node = Sampler("node", tmp_path, lambda: running, groups=Unified(tmp_path), now_ns=Clock())
    await node.sample()
    pods = node.stats().pods
    assert pods["uid"].measured.latest.memory_bytes == pods["uid"].containers[0].measured.latest.memory_bytes > 0
    assert pods["other"].measured.latest == pods["uid"].measured.latest


async def test_without_groups_processes_are_counted(tmp_path: Path) -> None:
    node = Sampler("node", tmp_path, lambda: [subject(pid=os.getpid())], groups=None, now_ns=time.time_ns)
    await node.sample()
    pod = node.stats().pods["uid"]
    assert pod.measured.latest.memory_bytes == pod.containers[0].measured.latest.memory_bytes > 1 << 20


async def test_a_runtime_that_measures_is_asked(tmp_path: Path) -> None:
    async def asked() -> dict[str, Usage]:
        return {"": Usage(at_ns=5, cpu_ns=6, memory_bytes=7)}

    node = Sampler("node", tmp_path, lambda: [subject()], groups=None, ask=asked)
    await node.sample()
    assert node.stats().pods["uid"].containers[0].measured.latest.memory_bytes == 7


def test_counters_that_go_back() -> None:
    samples = (Usage(at_ns=0, cpu_ns=100), Usage(at_ns=SECOND_NS, cpu_ns=30))
    assert Measured(began_ns=0, samples=samples).cpu_nanocores == 30


def test_what_is_gone_is_forgotten() -> None:
    history = History()
    for name in ("a", "b"):
        history.add(name, Usage(at_ns=1), 0)
    history.keep({"b"})
    assert history.of("a") is None and history.of("b") is not None


async def test_thirty_pods_cost_next_to_nothing(tmp_path: Path) -> None:
    """Counted in this process's own CPU time, whatever else the machine does: under 0.3 % of a core."""
    pods: Sequence[PodSubject] = [subject(f"uid-{n}") for n in range(30)]
    write(tmp_path / "top", UNIFIED)
    for pod in pods:
        write(tmp_path / pod.group, UNIFIED)
        write(tmp_path / pod.group / "web", UNIFIED)
    node = Sampler("node", tmp_path, lambda: pods, groups=Unified(tmp_path), top_group="/top")
    await node.sample()
    begun, rounds = time.process_time(), 10
    for _ in range(rounds):
        await node.sample()
    assert (time.process_time() - begun) / rounds < 0.003 * sampler.EVERY_S


async def test_what_is_on_the_disk(tmp_path: Path) -> None:
    layer, log = tmp_path / "upper", tmp_path / "log"
    layer.mkdir()
    (layer / "file").write_bytes(b"x" * 50_000)
    log.write_bytes(b"y" * 5_000)
    one = ContainerSubject(name="web", attempt=0, began_ns=1, pid=os.getpid(), layer=layer, logs=(log,))
    pod = PodSubject(uid="uid", began_ns=1, containers=(one,), volumes=(("cache", layer),))
    node = Sampler("node", tmp_path, lambda: [pod], groups=None)
    await node.sample()
    node.look_at_disks([pod])
    found = node.stats().pods["uid"]
    root, logs = found.containers[0].root, found.containers[0].logs
    assert root is not None and logs is not None
    assert root.used_bytes >= 50_000 and 5_000 <= logs.used_bytes < 50_000
    assert [(name, disk.used_bytes) for name, disk in found.volumes] == [("cache", root.used_bytes)]
