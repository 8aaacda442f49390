"""All that a node does about volumes by itself: directories for claims, drivers that come and go, volumes that grow, and what
pods have left that nobody knows of.

Tests: tests/runtime/volumes/test_abandoned.py, tests/runtime/containers/test_contract.py
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shipslog.runtime.commands import ExpandVolume, VolumeCommand
from shipslog.runtime.node import Report
from shipslog.store.facts import CsiDriver, NodeObserved, RuntimeFact
from shipslog.store.state import PodRuntime

from .abandoned import Abandoned, pod_directories
from .directories import Directories
from .remote import expansion
from .remote.drivers import Drivers
from .remote.mounter import shared_beside

REGISTRY = "plugins_registry"  # of the node's data directory


class NodeVolumes:
    """Of one node. `pods` has a directory for each pod; `inside(owner, function, *arguments)` runs where volumes are mounted,
    `remove` takes a pod away (errors: VolumeFailed, OSError)."""

    def __init__(
        self,
        node: str,
        data: Path,
        pods: Path,
        inside: Callable[..., Awaitable[Any]],
        remove: Callable[[str], Awaitable[None]],
    ) -> None:
        self._registry, self._pods, self._inside = data / REGISTRY, pods, inside
        self._directories = Directories(node, data / "volumes")
        self._abandoned = Abandoned(pods, inside, remove)
        self._drivers: Drivers | None = None

    async def begin(
        self, report: Report, observed: NodeObserved, known: Sequence[PodRuntime], up: Collection[str]
    ) -> Sequence[RuntimeFact]:
        """Look for drivers from now on; -> the directories for claims that hold nothing. `known`: pods that the node may have;
        `up`: the uids of those that run."""

        def changed(drivers: tuple[CsiDriver, ...]) -> None:
            report(replace(observed, drivers=drivers))
            self._abandoned.look()

        self._drivers = Drivers(self._registry, shared_beside(self._pods), changed)
        self._drivers.start()
        there = {*up, *(pod.pod_uid for pod in known)}
        self._abandoned.begin(await self._inside("", pod_directories, self._pods, there))
        return await self._directories.empty()

    async def execute(self, command: VolumeCommand) -> RuntimeFact:
        if isinstance(command, ExpandVolume):
            fact: RuntimeFact = await self._inside(f"volume {command.volume}", expansion.expand, self._pods, command)
            return fact
        return await self._directories.execute(command)

    def troubles(self) -> Sequence[str]:
        return (*(self._drivers.troubles() if self._drivers is not None else ()), *self._abandoned.troubles())

    async def close(self) -> None:
        if self._drivers is not None:
            await self._drivers.close()
        await self._abandoned.close()
        await self._directories.close()
