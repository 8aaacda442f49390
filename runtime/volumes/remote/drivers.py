"""CSI drivers of this node: they put a socket into a directory, and are registered as a kubelet does it.

    DATA/plugins_registry/*.sock    asked for the driver's name and where it listens
    PODS-shared/drivers/NAME        where, written down: what a driver has mounted outlives this daemon

A socket that is gone takes its driver with it, one that is made anew has it asked again, and of two with one name the last that
was registered counts, as when a driver is replaced. Each socket is asked by itself: one that hangs keeps no other waiting.

Source: the kubelet's plugin watcher and its csi plugin's registration.

Tests: tests/runtime/volumes/remote/test_drivers.py
"""

import asyncio
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from shipslog.runtime.machine.threads import OwnerThreads
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.facts import CsiDriver
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from .csi_client import Socket
from .tools import ToolMissing

LOOK_EVERY_S = 1.0
STEADY_NS = 3_000_000_000  # a directory that has not changed for so long is looked at only when it has
ASK_S = 10.0
AGAIN_MOST_S = 30.0  # until one that did not answer is asked again
SOCKETS, SEGMENTS = 100, 64  # that are looked at; of a driver's topology
ID_BYTES = 192  # of a node's id: more is refused by the API
MOST = 2**31 - 1  # volumes of a node
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
PREFIX = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

log = logger(__name__)


def endpoint(shared: Path, name: str) -> str:
    """Where the driver listens. Errors: ToolMissing for one that never was on this node."""
    try:
        if NAME.fullmatch(name) is None:
            raise FileNotFoundError(name)
        return (shared / "drivers" / name).read_text()
    except FileNotFoundError:
        raise ToolMissing(f"driver name {name[:80]} not found in the list of registered CSI drivers") from None


class _Asked(Struct):
    """One socket, as it was when it was made."""

    stamp: tuple[int, int]  # of its file
    failures: int = 0
    next_s: float = 0.0  # when it may be asked again, of the loop's clock
    asking: bool = False
    refused: bool = False  # it is not asked again before it is made anew
    driver: CsiDriver | None = None
    where: str = ""
    number: int = 0  # the order of registrations


class Drivers:
    """Those that are registered; `changed` hears of each change, in the loop."""

    def __init__(self, registry: Path, shared: Path, changed: Callable[[tuple[CsiDriver, ...]], None]) -> None:
        self._registry, self._shared, self._changed = registry, shared, changed
        self._sockets: dict[str, _Asked] = {}
        self._told: tuple[CsiDriver, ...] = ()
        self._registrations = 0
        self._threads = OwnerThreads(1)
        self._tasks, self._askings = Tasks("CSI drivers"), Tasks("registrations of CSI drivers")

    def start(self) -> None:
        self._tasks.keep("looking for drivers", self._look)

    async def close(self) -> None:
        await self._tasks.close()
        await self._askings.close()

    def troubles(self) -> list[str]:
        return self._tasks.troubles()

    async def _look(self) -> None:
        loop, looked_at = asyncio.get_running_loop(), 0
        while True:
            changed_at = self._changed_at()
            if changed_at and changed_at == looked_at and all(held.driver is not None for held in self._sockets.values()):
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            there = await self._threads.run("", self._there)
            looked_at = changed_at
            self._sockets = {
                name: held if (held := self._sockets.get(name)) is not None and held.stamp == stamp else _Asked(stamp)
                for name, stamp in there.items()
            }
            for name, held in self._sockets.items():
                if held.driver is None and not (held.refused or held.asking) and held.next_s <= loop.time():
                    held.asking = True
                    self._askings.start(f"registration of {name}", self._ask(name, held))
            await self._tell()
            await asyncio.sleep(LOOK_EVERY_S)

    def _changed_at(self) -> int:
        """When a name came into the registry or left it, ns; 0 while it is not there, or may have changed since the last look
        without another time: the kernel's clock of files goes in steps."""
        try:
            changed_ns = os.stat(self._registry).st_mtime_ns
        except OSError:
            return 0
        return changed_ns if abs(time.time_ns() - changed_ns) > STEADY_NS else 0

    def _there(self) -> Mapping[str, tuple[int, int]]:
        self._registry.mkdir(parents=True, exist_ok=True, mode=0o750)
        found = {}
        for path in sorted(self._registry.glob("*.sock"))[:SOCKETS]:
            try:
                status = path.stat()
            except OSError:
                continue  # it has just gone, or is a link to nowhere
            found[path.name] = (status.st_ino, status.st_ctime_ns)
        return found

    async def _ask(self, name: str, held: _Asked) -> None:
        try:
            driver, held.where = await self._threads.run(name, self._registered, self._registry / name)
        except _Refused as error:
            held.refused = True
            log.warning("csi_driver_refused", socket=name, why=str(error))
        except (VolumeFailed, OSError) as error:  # it does not listen yet, or no more
            held.failures += 1
            held.next_s = asyncio.get_running_loop().time() + min(LOOK_EVERY_S * 2**held.failures, AGAIN_MOST_S)
            log.info("csi_driver_did_not_answer", socket=name, why=str(error))
        else:
            self._registrations += 1
            held.driver, held.number = driver, self._registrations
            if self._sockets.get(name) is held:
                await self._tell()
        finally:
            held.asking = False

    async def _tell(self) -> None:
        """What is registered now, if that is news. Of one name the last counts."""
        names: dict[str, _Asked] = {}
        for held in sorted(self._sockets.values(), key=lambda one: one.number):
            if held.driver is not None:
                names[held.driver.name] = held
        await self._threads.run("places", self._write_places, {name: held.where for name, held in names.items()})
        told = tuple(held.driver for _, held in sorted(names.items()) if held.driver is not None)
        if told != self._told:
            self._told = told
            self._changed(told)

    def _write_places(self, places: Mapping[str, str]) -> None:
        directory = self._shared / "drivers"
        for name, where in places.items():
            kept = directory / name
            if kept.exists() and kept.read_text() == where:
                continue
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = directory / f".{name}"
            draft.write_text(where)
            draft.rename(kept)

    def _registered(self, path: Path) -> tuple[CsiDriver, str]:
        """Ask who it is, and tell it. Errors: VolumeFailed, OSError while it does not answer; _Refused."""
        registration = Socket(str(path))
        info = registration.call("GetInfo", ASK_S)
        try:
            _check(info)
            where = str(info.endpoint)
            driver = _described(str(info.name), Socket(where).call("NodeGetInfo", ASK_S))
        except _Refused as error:
            _answer(registration, error=str(error))
            raise
        _answer(registration, plugin_registered=True)
        log.info("csi_driver", driver=driver.name, node_id=driver.node_id)
        return driver, where


class _Refused(VolumeFailed):
    """It is no driver that this node can have."""


def _check(info: Any) -> None:
    kind, name, versions = str(info.type), str(info.name), list(info.supported_versions)
    if kind != "CSIPlugin":
        raise _Refused(f"a plugin of type {kind[:40]!r} is no CSIPlugin")
    if NAME.fullmatch(name) is None:
        raise _Refused(f"{name[:80]!r} is no name of a driver")
    if not any(re.match(r"v?1(\.|$)", version) for version in versions):
        raise _Refused(f"the driver {name} speaks no version 1 of CSI, but {', '.join(versions)[:80] or 'none at all'}")


def _described(name: str, node: Any) -> CsiDriver:
    """What it says becomes labels and a CSINode: so what the API would not take is refused here, where its driver hears it."""
    segments = dict(node.accessible_topology.segments)
    if not node.node_id or len(node.node_id.encode()) > ID_BYTES:
        raise _Refused(f"the driver {name} calls this node {node.node_id[:40]!r}: 1 to {ID_BYTES} bytes are a node's id")
    if len(segments) > SEGMENTS:
        raise _Refused(f"the driver {name} has {len(segments)} topology segments: {SEGMENTS} are allowed")
    for key, value in segments.items():
        if not _is_label(key, value):
            raise _Refused(f"the driver {name} has the topology segment {key[:80]!r}: {value[:80]!r}, which is no label")
    most = min(max(int(node.max_volumes_per_node), 0), MOST)
    return CsiDriver(name=name, node_id=node.node_id, most=most, topology=segments)


def _is_label(key: str, value: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    named = LABEL.fullmatch(name) is not None and (not slash or PREFIX.fullmatch(prefix) is not None)
    return named and (not value or LABEL.fullmatch(value) is not None)


def _answer(registration: Socket, **status: object) -> None:
    try:
        registration.call("NotifyRegistrationStatus", ASK_S, **status)
    except (VolumeFailed, OSError) as error:
        log.warning("csi_driver_not_told", why=str(error))
