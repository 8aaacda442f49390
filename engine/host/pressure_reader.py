"""Looks every ten seconds at what nodes have left, and records it when it matters.

A sample is no fact. What is observed becomes one when another threshold is met than by the one before, or one no more; and when
something has to go by it: then the decision needs what each pod uses (ADR 37, ADR 61).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from shipslog.engine.commit.committer import Committer
from shipslog.engine.state.node_pressure import pressure_after
from shipslog.reconcilers.kubelet.eviction.limits import LIMITED, excess
from shipslog.reconcilers.kubelet.eviction.rule import course_of
from shipslog.reconcilers.kubelet.eviction.thresholds import Reading, Threshold, met, parse
from shipslog.runtime.node import NodeRuntime
from shipslog.runtime.stats.usage import Disk, NodeStats, PodStats
from shipslog.store.facts import PodUse, PressureObserved, ThresholdMet
from shipslog.store.logger import logger
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Refusal
from shipslog.store.state import PressureState

EVERY_S = 10.0
IMAGES_EVERY_NS = 300 * 1_000_000_000  # while images take more room than they should

log = logger(__name__)


class PressureSettings(Struct, frozen=True, kw_only=True):
    """What a node should have left, and what becomes of it where it has less."""

    thresholds: tuple[Threshold, ...] = parse()
    transition_s: float = 300.0
    max_grace_s: int = 0  # of a pod that has to go for a soft threshold
    image_high: int = 85  # per cent of the disk that images are on: beyond it those that nothing uses go...
    image_low: int = 80  # ...until so much of it is used
    image_age_s: float = 120.0  # of those that do not go for that


class PressureReader:
    """Runs for as long as the engine does."""

    def __init__(self, committer: Committer, runtimes: Mapping[str, NodeRuntime]) -> None:
        self._committer, self._runtimes = committer, runtimes
        self.settings = PressureSettings()

    async def run(self) -> None:
        """Look at all nodes, again and again."""
        while True:
            await self._committer.clock.sleep(EVERY_S)
            for node in self._runtimes:
                try:
                    await self.look(node)
                except Refusal as refusal:
                    log.warning("pressure_not_recorded", node=node, why=refusal.message)
                await asyncio.sleep(0)

    async def look(self, node: str) -> None:
        """Record what a node has left, if it matters. Errors: Refusal while the log takes nothing."""
        view, now = self._committer.view, self._committer.clock.now_ns()
        if view.node_observed(node) is None:
            return
        runtime, held = self._runtimes[node], view.pressure(node) or PressureState()
        limited = [entry.object for entry in view.find(LIMITED, node)]
        stats = runtime.stats(pods=bool(limited))
        if thresholds := met(self.settings.thresholds, readings(stats), held.observed.thresholds):
            uses = {uid: use_of(pod) for uid, pod in runtime.stats().pods.items()}
        else:
            uses = {uid: use for uid, use in _uses(stats, limited) if use is not None}
        image_bytes = self._images(stats, held, now)
        if not (thresholds or uses or image_bytes or held.observed.thresholds):
            return
        fact = self._fact(stats, thresholds, uses, image_bytes, now)
        changed = {one.name for one in held.observed.thresholds} != {one.name for one in thresholds}
        course = course_of(view, node, pressure_after(held, fact), now)
        if changed or course.verdicts or course.collect is not None:
            await self._committer.submit_facts((fact,), actor=f"system:node:{node}")

    def _fact(
        self,
        stats: NodeStats,
        thresholds: tuple[ThresholdMet, ...],
        uses: dict[str, PodUse],
        image_bytes: int,
        now: int,
    ) -> PressureObserved:
        hard = any(not one.soft for one in thresholds)
        return PressureObserved(
            node=stats.node,
            thresholds=thresholds,
            pods=uses,
            transition_s=self.settings.transition_s,
            grace_period_s=1 if hard or not thresholds else max(self.settings.max_grace_s, 1),
            image_bytes=image_bytes,
            image_age_s=self.settings.image_age_s,
            at_ns=now,
        )

    def _images(self, stats: NodeStats, held: PressureState, now: int) -> int:
        """By how much images should be reduced; 0 also while that was tried lately."""
        disk = stats.disk
        if disk is None or not disk.capacity_bytes or now - held.collected_ns < IMAGES_EVERY_NS:
            return 0
        used = 100 - disk.available_bytes * 100 // disk.capacity_bytes
        if used < self.settings.image_high:
            return 0
        return max(disk.capacity_bytes * (100 - self.settings.image_low) // 100 - disk.available_bytes, 0)


def _uses(stats: NodeStats, limited: Sequence[core_v1.Pod]) -> Iterator[tuple[str, PodUse | None]]:
    """What those use that go beyond their limits."""
    for pod in limited:
        found = stats.pods.get(pod.metadata.uid)
        use = use_of(found) if found is not None else None
        yield pod.metadata.uid, use if use is not None and excess(pod, use) else None


def readings(stats: NodeStats) -> dict[str, Reading]:
    """What is left of each thing that may run short."""
    total, machine = stats.memory_capacity_bytes, stats.measured.latest
    found = {
        "memory.available": Reading(max(total - machine.working_set_bytes, 0), total),
        "pid.available": Reading(max(stats.most_processes - machine.processes, 0), stats.most_processes),
    }
    if not machine.working_set_bytes:  # nothing was measured yet
        del found["memory.available"]
    for name, disk in (("nodefs", stats.disk), ("imagefs", stats.images and stats.disk)):
        if disk is not None:
            found[f"{name}.available"] = Reading(disk.available_bytes, disk.capacity_bytes)
            found[f"{name}.inodesFree"] = Reading(disk.free_inodes, disk.inodes)
    return found


def use_of(pod: PodStats) -> PodUse:
    """What a pod uses, as a fact has it."""
    own = {one.name: (one.root, one.logs) for one in pod.containers}
    disks = [disk for pair in own.values() for disk in pair if disk is not None] + [disk for _, disk in pod.volumes]
    latest = pod.measured.latest
    return PodUse(
        memory_bytes=latest.working_set_bytes,
        disk_bytes=sum(d.used_bytes for d in disks),
        inodes=sum(d.used_inodes for d in disks),
        processes=latest.processes,
        memory={one.name: one.measured.latest.working_set_bytes for one in pod.containers},
        disk={name: sum(_bytes(disk) for disk in pair) for name, pair in own.items()},
        volumes={name: disk.used_bytes for name, disk in pod.volumes},
    )


def _bytes(disk: Disk | None) -> int:
    return disk.used_bytes if disk is not None else 0
