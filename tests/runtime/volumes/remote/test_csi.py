"""CSI drivers: found by their sockets, and asked to stage, publish and take back, over real gRPC."""

import asyncio
import base64
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.commands import ExpandVolume
from shipslog.runtime.machine import linux, trees
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.runtime.volumes.remote import expansion, mounter
from shipslog.runtime.volumes.remote.csi import STAGED
from shipslog.runtime.volumes.remote.csi_client import Socket, messages_of
from shipslog.runtime.volumes.remote.drivers import Drivers
from shipslog.runtime.volumes.remote.mounter import shared_beside
from shipslog.store.facts import CsiDriver, VolumeExpanded, VolumeExpansionFailed

from .conftest import Pods
from .csi_driver import NAME, Driver

pytestmark = pytest.mark.root
SOURCE = {"driver": NAME, "fsType": "ext4", "volumeAttributes": {"tier": "fast"}}


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    made = Driver(tmp_path, tmp_path / "registry")
    yield made
    made.stop()


async def registered(
    tmp_path: Path,
    pods: Path,
) -> tuple[CsiDriver, ...]:
    """What a node finds."""
    told: asyncio.Queue[tuple[CsiDriver, ...]] = asyncio.Queue()
    drivers = Drivers(tmp_path / "registry", shared_beside(pods), told.put_nowait)
    drivers.start()
    try:
        async with asyncio.timeout(10):
            return await told.get()
    finally:
        await drivers.close()


def mounted(pods: Pods, of: str = "p", **more: Any) -> Path:
    about = {"volume": "pv", "handle": "h/../1", "access_mode": "ReadWriteOnce", "mount_options": ("noatime",), **more}
    return pods.mount("csi", of, source=SOURCE, **about)


def test_the_messages_are_those_of_the_specification() -> None:
    publish = messages_of()["NodePublishVolume"](volume_id="v", readonly=True, volume_context={"a": "b"})
    assert publish.SerializeToString() == b"\n\x01v0\x01B\x06\n\x01a\x12\x01b"
    capability = messages_of()["VolumeCapability"](mount={"fs_type": "x"}, access_mode={"mode": 5})
    assert capability.SerializeToString() == b"\x12\x03\n\x01x\x1a\x02\x08\x05"


async def test_it_is_staged_once_and_published_to_each_pod(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    first = mounted(pods, "a", secret={"s": b"1"}, stage_secret={"t": b"2"}, attached={"disk": "/dev/x"}, group=4711)
    (first / "kept").write_text("here")
    second = mounted(pods, "b")
    assert (second / "kept").read_text() == "here" and first.stat().st_gid == 4711
    assert driver.names() == ["NodeStageVolume", "NodePublishVolume", "NodePublishVolume"]
    stage, publish = driver.calls[0][1], driver.calls[1][1]
    assert (stage.volume_id, dict(stage.publish_context), dict(stage.secrets)) == ("h/../1", {"disk": "/dev/x"}, {"t": "2"})
    assert Path(stage.staging_target_path).is_relative_to(shared_beside(pods.place) / "csi")
    assert (publish.target_path, publish.staging_target_path) == (str(first), stage.staging_target_path)
    assert publish.volume_capability.mount.fs_type == "ext4" and publish.volume_capability.access_mode.mode == 1
    assert list(publish.volume_capability.mount.mount_flags) == ["noatime"] and dict(publish.secrets) == {"s": "1"}
    assert dict(publish.volume_context) == {"tier": "fast"}
    driver.calls.clear()
    pods.remove("a")
    assert driver.names() == ["NodeUnpublishVolume"]
    pods.remove("b")
    assert driver.names()[1:] == ["NodeUnpublishVolume", "NodeUnstageVolume"]
    assert not linux.mounts_below(tmp_path) and not Path(stage.staging_target_path).exists()


@pytest.mark.parametrize(
    ("about", "can", "given"),
    [
        ({}, (), True),
        ({"access_mode": "ReadWriteMany"}, (), False),
        ({"access_mode": "ReadWriteMany", "group_policy": "File"}, (), True),
        ({"group_policy": "None"}, (), False),
        ({"volume": "", "access_mode": ""}, (), True),
        ({}, (6,), False),
    ],
    ids=["one writer", "several", "File", "None", "inline", "its driver does it"],
)
async def test_it_belongs_to_the_pods_group(
    driver: Driver, pods: Pods, tmp_path: Path, about: dict[str, Any], can: tuple[int, ...], given: bool
) -> None:
    await registered(tmp_path, pods.place)
    driver.can += can
    target = mounted(pods, group=4711, **about)
    assert (target.stat().st_gid == 4711) is given
    asked = {request.volume_capability.mount.volume_mount_group for _, request in driver.calls}
    assert asked == ({"4711"} if can else {""})


async def test_a_volume_that_the_pod_names_is_published_alone(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    target = mounted(pods, volume="", handle="csi-1", pod={"pod.name": "p", "ephemeral": "true"})
    assert linux.mounts_below(target) and driver.names() == ["NodePublishVolume"]
    context = dict(driver.calls[0][1].volume_context)
    assert context["csi.storage.k8s.io/pod.name"] == "p" and context["csi.storage.k8s.io/ephemeral"] == "true"
    pods.remove()
    assert driver.names()[1:] == ["NodeUnpublishVolume"]


@pytest.mark.parametrize("secret", [False, True])
async def test_tokens_are_handed_over_and_anew(driver: Driver, pods: Pods, tmp_path: Path, secret: bool) -> None:
    await registered(tmp_path, pods.place)
    about = {"secret": {"s": b"1"}, "pod": {"pod.name": "p"}, "tokens_are_secret": secret, "again": True}
    target = mounted(pods, tokens=b"first", **about)
    (target / "kept").write_text("here")
    mounted(pods, tokens=b"second", published=1, group=4711, **about)
    assert driver.names() == ["NodeStageVolume", "NodePublishVolume", "NodePublishVolume"] and (target / "kept").exists()
    stage, first, second = (request for _, request in driver.calls)
    assert dict(stage.volume_context) == {"tier": "fast"}  # of the pod only who publishes to it is told
    key, named = "csi.storage.k8s.io/serviceAccount.tokens", {"tier": "fast", "csi.storage.k8s.io/pod.name": "p"}
    for request, token in ((first, "first"), (second, "second")):
        assert dict(request.volume_context) == (named if secret else {**named, key: token})
        assert dict(request.secrets) == ({"s": "1", key: token} if secret else {"s": "1"})
        assert (request.target_path, request.staging_target_path) == (str(target), stage.staging_target_path)
    written = [path.read_bytes() for path in tmp_path.rglob("*.json")]
    assert written and not any(b"first" in content or b"second" in content for content in written)


async def test_one_that_refuses_to_publish_again_takes_nothing_away(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    target = mounted(pods)
    driver.fails["NodePublishVolume"] = "no such secret"
    with pytest.raises(VolumeFailed, match=r'SetUp failed for volume "pv" : rpc error: code = INTERNAL desc = no such secret'):
        mounted(pods, published=1)
    assert linux.mounts_below(target)
    driver.fails.clear()
    pods.remove()
    driver.calls.clear()
    mounted(pods, "q", published=1)  # its pod has gone meanwhile
    assert driver.names() == []


async def test_what_it_says_is_said(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    driver.fails["NodeStageVolume"] = "no such disk"
    with pytest.raises(VolumeFailed, match="rpc error: code = INTERNAL desc = no such disk"):
        mounted(pods)
    driver.fails.clear()
    mounted(pods)
    driver.fails["NodeUnpublishVolume"] = "busy"
    with pytest.raises(VolumeFailed, match=r'TearDown failed for volume "pv" : rpc error: code = INTERNAL desc = busy'):
        pods.remove()
    driver.fails.clear()
    pods.remove()


def test_one_that_was_never_there_lets_the_pod_go(pods: Pods) -> None:
    with pytest.raises(VolumeFailed, match=f"driver name {NAME} not found in the list of registered CSI drivers"):
        mounted(pods)
    pods.remove()


async def test_one_that_is_gone_keeps_what_it_mounted(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    target = mounted(pods)
    driver.stop()
    with pytest.raises(VolumeFailed, match="there is no driver at"):
        pods.remove()
    assert linux.mounts_below(target)
    back = Driver(tmp_path, tmp_path / "registry")
    try:
        pods.remove()
    finally:
        back.stop()
    assert not linux.mounts_below(tmp_path)


class Killed(BaseException):
    """As when the daemon is killed there."""


class Calls:
    """What is asked of drivers; the daemon dies before or after one of them. In a retry all is as it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dies: tuple[str, str] = ("", "")
        real = Socket.call

        def call(socket: Socket, name: str, timeout_s: float | None = None, **fields: Any) -> Any:
            if self.dies == (name, "before"):
                raise Killed
            answer = real(socket, name, timeout_s, **fields)
            if self.dies == (name, "after"):
                raise Killed
            return answer

        monkeypatch.setattr(Socket, "call", call)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_between_any_two_calls_nothing_leaks_and_nothing_is_staged_twice(
    driver: Driver, pods: Pods, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    await registered(tmp_path, pods.place)
    calls = Calls(monkeypatch)
    for call in ("NodeStageVolume", "NodePublishVolume"):
        calls.dies = (call, when)
        with pytest.raises(Killed):
            mounted(pods)
        calls.dies = ("", "")
        target = mounted(pods)
        assert linux.mounts_below(target) == [str(target)], "mounted once"
        assert len(linux.mounts_below(shared_beside(pods.place))) == 1, "staged once"
        pods.remove()
        assert not linux.mounts_below(tmp_path)
    for call in ("NodeUnpublishVolume", "NodeUnstageVolume"):
        mounted(pods)
        calls.dies = (call, when)
        with pytest.raises(Killed):
            pods.remove()
        calls.dies = ("", "")
        pods.remove()
        assert not linux.mounts_below(tmp_path) and not list(shared_beside(pods.place).glob("csi/*"))


async def test_one_that_mounts_nothing_is_staged_once_too(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    driver.mounts = False
    mounted(pods, "a")
    mounted(pods, "b")
    assert driver.names().count("NodeStageVolume") == 1
    (said,) = shared_beside(pods.place).glob(f"csi/*/{STAGED}")
    said.write_text('{"boot_id":"another","mounted":false}')
    mounted(pods, "c")
    assert driver.names().count("NodeStageVolume") == 2, "since the machine was started anew"


async def test_one_that_is_gone_when_it_is_to_unstage_keeps_the_pod(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    mounted(pods)
    driver.fails["NodeUnstageVolume"] = "busy"
    with pytest.raises(VolumeFailed, match="busy"):
        pods.remove()
    driver.stop()
    with pytest.raises(VolumeFailed, match="it is still staged: there is no driver at"):
        pods.remove()
    back = Driver(tmp_path, tmp_path / "registry")
    try:
        pods.remove()
    finally:
        back.stop()
    assert not linux.mounts_below(tmp_path)


async def test_what_is_staged_for_nobody_is_taken_back(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    mounted(pods, "a", handle="used")
    mounted(pods, "b", handle="left", stage_secret={"t": b"hidden"})
    kept = [path.read_bytes() for path in shared_beside(pods.place).rglob("*.json")]
    assert kept and not any(b"hidden" in text or base64.b64encode(b"hidden") in text for text in kept)
    linux.unmount(str(pods.volumes("b") / "v"))
    trees.remove(pods.place / "b")  # somebody has
    driver.fails["NodeUnstageVolume"] = "busy"
    assert mounter.take_back_staged(pods.place) == [f"csi {NAME} left: rpc error: code = INTERNAL desc = busy"]
    driver.fails.clear()
    assert mounter.take_back_staged(pods.place) == []
    (asked,) = [request for name, request in driver.calls if name == "NodeUnstageVolume"]
    assert asked.volume_id == "left"
    (still,) = shared_beside(pods.place).glob("csi/*")
    assert linux.mounts_below(still), "a pod has the other"


async def test_of_two_pods_that_go_at_once_one_unstages(
    driver: Driver, pods: Pods, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has looked, found the second, and let the lock go; before it goes on the second looks."""
    await registered(tmp_path, pods.place)
    mounted(pods, "a")
    mounted(pods, "b")
    alone, other_is_done, first = mounter._alone, threading.Event(), threading.Lock()

    @contextlib.contextmanager
    def slowly(key: str) -> Iterator[None]:
        with alone(key):
            yield
        if first.acquire(blocking=False):
            assert other_is_done.wait(30)
        else:
            other_is_done.set()

    monkeypatch.setattr(mounter, "_alone", slowly)
    await asyncio.gather(asyncio.to_thread(pods.remove, "a"), asyncio.to_thread(pods.remove, "b"))
    assert driver.names().count("NodeUnstageVolume") == 1 and not linux.mounts_below(tmp_path)


async def test_a_block_device_is_published_as_a_file(driver: Driver, pods: Pods, tmp_path: Path, disk: str) -> None:
    await registered(tmp_path, pods.place)
    driver.device, driver.mounts = disk, False
    about = {"volume": "pv", "handle": "h", "access_mode": "ReadWriteOnce"}
    target = pods.mount("csi", "p", source=SOURCE, block=True, group=4711, **about)
    assert target.is_block_device() and target.stat().st_rdev == Path(disk).stat().st_rdev
    assert pods.mount("csi", "p", source=SOURCE, block=True, **about) == target
    for _, request in driver.calls:
        assert request.volume_capability.HasField("block") and not request.volume_capability.HasField("mount")
    pods.remove()
    assert not linux.mounts_below(tmp_path) and Path(disk).stat().st_gid != 4711
    assert driver.names()[2:] == ["NodeUnpublishVolume", "NodeUnstageVolume"]


def grown(pods: Pods, size_bytes: int = 2 << 30, handle: str = "h/../1") -> object:
    command = ExpandVolume(node="n", volume="pv", driver=NAME, handle=handle, size_bytes=size_bytes)
    return expansion.expand(pods.place, command)


async def test_what_grows_grows_for_each_pod(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    first, second = mounted(pods, "a"), mounted(pods, "b")
    mounted(pods, "c", handle="another")
    assert grown(pods) == VolumeExpanded(node="n", volume="pv", size_bytes=2 << 30)
    asked = [request for name, request in driver.calls if name == "NodeExpandVolume"]
    assert [request.volume_path for request in asked] == [str(first), str(second)]
    assert asked[0].capacity_range.required_bytes == 2 << 30 and asked[0].staging_target_path == asked[1].staging_target_path
    assert linux.mounts_below(Path(asked[0].staging_target_path)) and asked[0].volume_capability.mount.fs_type == "ext4"


async def test_a_driver_that_needs_no_node_is_not_asked(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)
    driver.can.remove(3)
    mounted(pods)
    assert isinstance(grown(pods), VolumeExpanded) and "NodeExpandVolume" not in driver.names()


async def test_why_it_did_not_grow_is_told(driver: Driver, pods: Pods, tmp_path: Path) -> None:
    await registered(tmp_path, pods.place)

    def why() -> str:
        answer = grown(pods)
        assert isinstance(answer, VolumeExpansionFailed) and answer.at_ns
        return answer.message

    assert why() == "no pod of this node has the volume pv"
    mounted(pods)
    driver.fails["NodeExpandVolume"] = "no room"
    assert why() == "rpc error: code = INTERNAL desc = no room"
    driver.fails.clear()
    driver.reaches = 5
    assert why() == f"the driver {NAME} made it 5 bytes large, and 2147483648 were asked for"
    driver.stop()
    assert "there is no driver at" in why()


async def test_a_driver_that_hangs_is_left(driver: Driver, pods: Pods, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await registered(tmp_path, pods.place)
    driver.waits = threading.Event()
    monkeypatch.setattr("shipslog.runtime.volumes.remote.csi_client.CALL_S", 0.3)
    try:
        with pytest.raises(VolumeFailed, match="rpc error: code = DEADLINE_EXCEEDED"):
            mounted(pods)
    finally:
        driver.waits.set()
    monkeypatch.undo()
    pods.remove()
