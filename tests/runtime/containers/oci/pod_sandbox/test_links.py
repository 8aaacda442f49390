"""What somebody deletes of a pod's way into the network comes back, with its address, and is told."""

import asyncio
import contextlib
import subprocess
from typing import Any

import pytest

from shipslog.runtime.containers.oci.node import OciNode
from shipslog.runtime.containers.oci.pod_sandbox.links import Links
from shipslog.runtime.containers.oci.recovery.records import SandboxRecord
from shipslog.runtime.network import pod_network
from shipslog.runtime.node import StreamRefused
from shipslog.store.facts import PodNetworkLost, PodNetworkMended
from tests.runtime.containers.test_contract import UID, Bench

pytestmark = pytest.mark.root


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def node_of(bench: Bench) -> OciNode:
    assert isinstance(bench.node, OciNode)
    return bench.node


def record(bench: Bench) -> SandboxRecord:
    pod = node_of(bench)._life.pods.get(UID)
    assert pod is not None and pod.sandbox is not None
    return pod.sandbox


async def reaches(address: str) -> bool:
    """Whether a pod answers: it refuses, since nothing listens there."""
    try:
        async with asyncio.timeout(2):
            await asyncio.open_connection(address, 9)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


async def mended(bench: Bench, count: int) -> list[PodNetworkMended]:
    async with asyncio.timeout(10):
        while len(found := [f for f in bench.facts if isinstance(f, PodNetworkMended)]) < count:
            await asyncio.sleep(0.01)
    return found


async def test_link_and_bridge_come_back_under_a_running_pod(bench: Bench) -> None:
    sandbox = await bench.pod()
    await bench.run("exec sleep 60")
    assert await reaches(sandbox.ip)
    ip("link", "delete", record(bench).link)
    (first,) = await mended(bench, 1)
    assert first.pod_uid == UID and sandbox.ip in first.message and await reaches(sandbox.ip)
    ip("link", "set", record(bench).link, "nomaster")
    assert "joined it again" in (await mended(bench, 2))[1].message and await reaches(sandbox.ip)
    ip("link", "delete", node_of(bench).bridge)
    assert len(await mended(bench, 3)) == 3 and await reaches(sandbox.ip)
    assert not node_of(bench).troubles()


async def test_a_name_that_somebody_takes_away_is_missed_by_nobody(bench: Bench) -> None:
    sandbox = await bench.pod()
    await bench.run("echo hello | busybox nc -l -p 80; exec sleep 60")
    ip("netns", "delete", record(bench).netns)
    stream = None
    async with asyncio.timeout(30):
        while stream is None:
            with contextlib.suppress(StreamRefused):  # it does not listen yet
                stream = await node_of(bench).port_forward(UID, 80)
            await asyncio.sleep(0.02)
        assert await stream.read() == b"hello\n"
    await stream.close()
    ip("link", "delete", record(bench).link)
    (first,) = await mended(bench, 1)
    assert sandbox.ip in first.message and await reaches(sandbox.ip)


class Led:
    """Rules with routes to the bridge."""

    def __init__(self) -> None:
        self.again = asyncio.Event()

    async def bridge_made(self) -> None:
        self.again.set()

    async def close(self, *, remove: bool) -> None:
        pass


async def test_who_has_routes_to_the_bridge_hears_of_a_new_one(bench: Bench) -> None:
    rules: Any = Led()
    node_of(bench)._rules = rules
    ip("link", "delete", node_of(bench).bridge)
    async with asyncio.timeout(30):
        await rules.again.wait()
    assert pod_network.is_up(node_of(bench).bridge)


async def test_what_went_while_nobody_listened_comes_back_at_the_next_start(bench: Bench) -> None:
    sandbox = await bench.pod()
    await bench.run("exec sleep 60")
    link = record(bench).link
    await bench.node.close()
    ip("link", "delete", link)
    await bench.again()
    await mended(bench, 1)
    assert await reaches(sandbox.ip)


async def test_what_cannot_be_mended_is_told_once_and_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = await bench.pod()
    await bench.run("exec sleep 60")
    whole = pod_network.connect_pod

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(pod_network, "connect_pod", refused)
    ip("link", "delete", record(bench).link)
    lost = await bench.told(PodNetworkLost)
    assert "Operation not permitted" in lost.message and node_of(bench).troubles()
    links = node_of(bench)._links
    assert isinstance(links, Links)
    await links.look()
    assert sum(isinstance(fact, PodNetworkLost) for fact in bench.facts) == 1
    monkeypatch.setattr(pod_network, "connect_pod", whole)
    await mended(bench, 1)
    assert await reaches(sandbox.ip) and not node_of(bench).troubles()
