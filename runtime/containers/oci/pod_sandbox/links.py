"""Keeps the pods of a node on its bridge: what somebody deletes of bridge or links under a running pod is made again.

A bridge that is gone comes back with its address, a link that lost it joins it again, and a pod whose link is gone is connected
anew, under its old address. What cannot be mended is told, and tried again, later each time.

Tests: tests/runtime/containers/oci/pod_sandbox/test_links.py
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from shipslog.runtime.containers.oci.pods import PodState
from shipslog.runtime.network import pod_network
from shipslog.runtime.network.link_monitor import LinkMonitor
from shipslog.runtime.node import Report
from shipslog.store.facts import PodNetworkLost, PodNetworkMended
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from . import sandbox
from .sandbox import SandboxPlace

SETTLE_S = 0.05  # who deletes a bridge is told of each of its ports
AGAIN_FIRST_S, AGAIN_MAX_S = 0.5, 30.0

log = logger(__name__)
Fresh = Callable[..., Awaitable[Any]]  # (pod uid, function, arguments): in a thread that may enter other namespaces


class Links:
    """Of one node. `make_bridge` has the bridge as it should be; `made` is told when one that was gone is there again."""

    def __init__(
        self,
        node: str,
        pods: Iterable[PodState],
        place: SandboxPlace,
        make_bridge: Callable[[], None],
        fresh: Fresh,
        made: Callable[[], Awaitable[None]],
    ) -> None:
        self._made = made
        self._node, self._pods, self._place, self._make_bridge, self._fresh = node, pods, place, make_bridge, fresh
        self._report: Report = lambda fact: None
        self._lost: set[str] = set()  # uids of pods that could not be mended
        self._wake = asyncio.Event()
        self.tasks = Tasks("links")

    @property
    def lost(self) -> int:
        """How many pods could not be mended."""
        return len(self._lost)

    def begin(self, report: Report) -> None:
        self._report = report
        self._wake.set()  # what went while nobody listened
        self.tasks.keep("links of pods", self._keep)

    async def close(self) -> None:
        await self.tasks.close()

    async def _keep(self) -> None:
        monitor, loop = LinkMonitor(), asyncio.get_running_loop()

        def heard() -> None:
            if monitor.lost():
                self._wake.set()

        loop.add_reader(monitor.fileno(), heard)
        pause_s = AGAIN_FIRST_S
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause_s if self._lost else None)
                await asyncio.sleep(SETTLE_S)
                self._wake.clear()
                await self.look()
                pause_s = min(pause_s * 2, AGAIN_MAX_S) if self._lost else AGAIN_FIRST_S
        finally:
            loop.remove_reader(monitor.fileno())
            monitor.close()

    async def look(self) -> None:
        """Mend what is not as it should be."""
        bridge = self._place.bridge
        if not pod_network.is_up(bridge):
            log.warning("bridge_gone", bridge=bridge)
            try:
                await self._fresh("", self._make_bridge)
                await self._made()
            except OSError as error:
                log.warning("bridge_not_made", bridge=bridge, why=str(error))
        there = set(pod_network.ports_up(bridge))
        apart = [pod for pod in self._pods if pod.sandbox is not None and pod.sandbox.link and pod.sandbox.link not in there]
        await asyncio.gather(*map(self._mend, apart))
        self._lost.intersection_update(pod.uid for pod in apart)

    async def _mend(self, pod: PodState) -> None:
        async with pod.lock:  # one that is made or removed now has none yet, or no more
            record = pod.sandbox
            if record is None or not record.ready or record.link in pod_network.ports_up(self._place.bridge):
                return
            try:
                how = await self._fresh(pod.uid, partial(sandbox.reconnect, self._place, record))
            except OSError as error:
                if pod.uid not in self._lost:
                    self._lost.add(pod.uid)
                    self._report(PodNetworkLost(node=self._node, pod_uid=pod.uid, message=str(error), at_ns=time.time_ns()))
                return
            self._lost.discard(pod.uid)
            self._report(PodNetworkMended(node=self._node, pod_uid=pod.uid, message=how, at_ns=time.time_ns()))
