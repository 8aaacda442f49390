"""Drivers that come, go, come back, hang and talk nonsense: what a node has of them."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.volumes.remote import drivers as module
from shipslog.runtime.volumes.remote.drivers import MOST, Drivers, endpoint
from shipslog.store.facts import CsiDriver

from .csi_driver import NAME, Driver

ONE = CsiDriver(name=NAME, node_id="id-1", most=7, topology={"example.com/rack": "r1"})


class Node:
    """What a node knows of drivers."""

    def __init__(self, place: Path) -> None:
        self.registry, self.shared = place / "registry", place / "pods-shared"
        self.told: list[tuple[CsiDriver, ...]] = []
        self.drivers = Drivers(self.registry, self.shared, self.told.append)

    async def until(self, *wanted: CsiDriver) -> None:
        async with asyncio.timeout(30):
            while not self.told or self.told[-1] != wanted:
                await asyncio.sleep(0.02)


@pytest.fixture
async def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.05)
    made = Node(tmp_path)
    made.drivers.start()
    yield made
    await made.drivers.close()


async def test_it_is_registered_as_it_describes_itself_and_goes_with_its_socket(node: Node, tmp_path: Path) -> None:
    driver = Driver(tmp_path, node.registry)
    try:
        await node.until(ONE)
        assert endpoint(node.shared, NAME) == str(tmp_path / "csi.sock")
        assert [told.plugin_registered for told in driver.told] == [True]
    finally:
        driver.stop()
    await node.until()
    assert endpoint(node.shared, NAME), "what it has mounted is to be taken back by who comes next"


async def test_one_that_comes_back_is_asked_again(node: Node, tmp_path: Path) -> None:
    """Its socket was made anew before anybody looked."""
    first = Driver(tmp_path, node.registry)
    await node.until(ONE)
    registration = node.registry / "csi-reg.sock"
    registration.rename(tmp_path / "old")
    second = Driver(tmp_path, node.registry, answers={"NodeGetInfo": {"max_volumes_per_node": 2**40}})
    try:
        await node.until(CsiDriver(name=NAME, node_id="id-1", most=MOST, topology=ONE.topology))
        assert [told.plugin_registered for told in second.told] == [True]
    finally:
        first.stop()
        second.stop()


async def test_of_two_with_one_name_the_last_counts_and_the_other_when_it_goes(node: Node, tmp_path: Path) -> None:
    old = Driver(tmp_path, node.registry)
    await node.until(ONE)
    new = Driver(tmp_path, node.registry, socket="new", answers={"NodeGetInfo": {"max_volumes_per_node": 8}})
    try:
        await node.until(CsiDriver(name=NAME, node_id="id-1", most=8, topology=ONE.topology))
        assert endpoint(node.shared, NAME) == str(tmp_path / "new.sock")
        new.stop()
        await node.until(ONE)
        assert endpoint(node.shared, NAME) == str(tmp_path / "csi.sock")
    finally:
        old.stop()


async def test_one_that_hangs_keeps_no_other_waiting(node: Node, tmp_path: Path) -> None:
    late = Driver(tmp_path, node.registry, socket="a", name="late.example.com")
    late.hangs, late.waits = {"NodeGetInfo"}, threading.Event()
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(node.registry / "b-reg.sock"))
    silent.listen()
    driver = Driver(tmp_path, node.registry)
    try:
        await node.until(ONE)
        late.waits.set()
        await node.until(CsiDriver(name="late.example.com", node_id="id-1", most=7, topology=ONE.topology), ONE)
    finally:
        late.waits.set()
        late.stop()
        driver.stop()
        silent.close()


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"GetInfo": {"name": "../../etc/passwd"}}, "'../../etc/passwd' is no name of a driver"),
        ({"GetInfo": {"type": "DRAPlugin"}}, "a plugin of type 'DRAPlugin' is no CSIPlugin"),
        ({"GetInfo": {"supported_versions": ["0.3.0"]}}, f"the driver {NAME} speaks no version 1 of CSI, but 0.3.0"),
        ({"NodeGetInfo": {"node_id": ""}}, f"the driver {NAME} calls this node '': 1 to 192 bytes are a node's id"),
        (
            {"NodeGetInfo": {"accessible_topology": {"segments": {"a b": "c"}}}},
            f"the driver {NAME} has the topology segment 'a b': 'c', which is no label",
        ),
        (
            {"NodeGetInfo": {"accessible_topology": {"segments": {"example.com/zone": "x" * 64}}}},
            f"the driver {NAME} has the topology segment 'example.com/zone': '{'x' * 64}', which is no label",
        ),
        (
            {"NodeGetInfo": {"accessible_topology": {"segments": {f"k{n}": "" for n in range(65)}}}},
            f"the driver {NAME} has 65 topology segments: 64 are allowed",
        ),
    ],
    ids=["a path", "another sort", "another version", "no id", "a bad key", "a long value", "many"],
)
async def test_what_is_no_driver_is_told_so_once(
    node: Node, tmp_path: Path, answers: Mapping[str, Mapping[str, Any]], why: str
) -> None:
    stranger = Driver(tmp_path, node.registry, socket="stranger", answers=answers)
    driver = Driver(tmp_path, node.registry, name="other.example.com")
    try:
        await node.until(CsiDriver(name="other.example.com", node_id="id-1", most=7, topology=ONE.topology))
        async with asyncio.timeout(30):
            while not stranger.told:
                await asyncio.sleep(0.02)
        assert [(told.plugin_registered, told.error) for told in stranger.told] == [(False, why)]
    finally:
        stranger.stop()
        driver.stop()


async def test_what_speaks_another_language_is_no_driver(node: Node, tmp_path: Path) -> None:
    """Bytes that are no gRPC, and a socket where nobody listens any more."""
    node.registry.mkdir(parents=True, exist_ok=True)
    babble, dead = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    babble.bind(str(node.registry / "babble.sock"))
    babble.listen()
    dead.bind(str(node.registry / "dead.sock"))
    dead.close()
    (node.registry / "loop.sock").symlink_to("loop.sock")
    (node.registry / "file.sock").write_text("not a socket")

    def speak() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = babble.accept()
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"\xff" * 100)
                connection.close()

    threading.Thread(target=speak, daemon=True).start()
    driver = Driver(tmp_path, node.registry)
    try:
        await node.until(ONE)
    finally:
        driver.stop()
        babble.shutdown(socket.SHUT_RDWR)
        babble.close()
