"""CSI drivers of this node: they put a socket into a directory, and are registered as a kubelet does it.

    DATA/plugins_registry/*.sock    asked for the driver's name and where it listens
    PODS-shared/drivers/NAME        where, written down: what a driver has mounted outlives this daemon

Source: the kubelet's plugin watcher. A socket that is gone takes its driver with it.

Tests: tests/runtime/volumes/remote/test_csi.py
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.facts import CsiDriver
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .csi_client import Socket
from .tools import ToolMissing

LOOK_EVERY_S = 1.0
ASK_S = 10.0
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")

log = logger(__name__)


def endpoint(shared: Path, name: str) -> str:
    """Where the driver listens. Errors: ToolMissing for one that never was on this node."""
    try:
        if NAME.fullmatch(name) is None:
            raise FileNotFoundError(name)
        return (shared / "drivers" / name).read_text()
    except FileNotFoundError:
        raise ToolMissing(f"driver name {name[:80]} not found in the list of registered CSI drivers") from None


class Drivers:
    """Those that are registered; `changed` hears of each change, in the loop."""

    def __init__(self, registry: Path, shared: Path, changed: Callable[[tuple[CsiDriver, ...]], None]) -> None:
        self._registry, self._shared, self._changed = registry, shared, changed
        self._known: dict[str, CsiDriver] = {}  # by socket
        self._refused: dict[str, int] = {}  # when the socket was made that was last refused, ns
        self._tasks = Tasks("CSI drivers")

    def start(self) -> None:
        self._tasks.keep("looking for drivers", self._look)

    async def close(self) -> None:
        await self._tasks.close()

    def troubles(self) -> list[str]:
        return self._tasks.troubles()

    async def _look(self) -> None:
        while True:
            found = await asyncio.to_thread(self._found)
            if found != self._known:
                self._known = dict(found)
                self._changed(tuple(sorted(found.values(), key=lambda driver: driver.name)))
            await asyncio.sleep(LOOK_EVERY_S)

    def _found(self) -> Mapping[str, CsiDriver]:
        self._registry.mkdir(parents=True, exist_ok=True, mode=0o750)
        found: dict[str, CsiDriver] = {}
        for path in sorted(self._registry.glob("*.sock")):
            driver = self._known.get(path.name) or self._registered(path)
            if driver is not None:
                found[path.name] = driver
        return found

    def _registered(self, path: Path) -> CsiDriver | None:
        """Ask who it is. One that is refused is asked again when its socket is another."""
        try:
            made_ns = path.stat().st_ctime_ns
            if self._refused.get(path.name) == made_ns:
                return None
            registration = Socket(str(path))
            info = registration.call("GetInfo", ASK_S)
        except (VolumeFailed, OSError):
            return None  # it does not listen yet, or no more
        try:
            driver = self._described(info)
        except VolumeFailed as error:
            self._refused[path.name] = made_ns
            log.warning("csi_driver_refused", socket=path.name, why=str(error))
            self._answer(registration, error=str(error))
            return None
        self._answer(registration, plugin_registered=True)
        log.info("csi_driver", driver=driver.name, node_id=driver.node_id)
        return driver

    def _described(self, info: object) -> CsiDriver:
        kind, name = getattr(info, "type", ""), getattr(info, "name", "")
        if kind != "CSIPlugin":
            raise VolumeFailed(f"a plugin of type {kind[:40]!r} is no CSIPlugin")
        if NAME.fullmatch(name) is None:
            raise VolumeFailed(f"{name[:80]!r} is no name of a driver")
        where = str(getattr(info, "endpoint", ""))
        node = Socket(where).call("NodeGetInfo", ASK_S)
        places = self._shared / "drivers"
        places.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = places / f".{name}"
        draft.write_text(where)
        draft.rename(places / name)
        segments = dict(node.accessible_topology.segments)
        return CsiDriver(name=name, node_id=node.node_id, most=max(int(node.max_volumes_per_node), 0), topology=segments)

    def _answer(self, registration: Socket, **status: object) -> None:
        try:
            registration.call("NotifyRegistrationStatus", ASK_S, **status)
        except (VolumeFailed, OSError) as error:
            log.warning("csi_driver_not_told", why=str(error))
