"""Volumes as real containers see them: of a CSI driver, as devices, and parts of them."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shipslog.runtime.commands import Device, ExpandVolume, Mount, RemoteVolume, RemovePodSandbox, VolumeSource
from shipslog.runtime.machine import linux
from shipslog.store.facts import ContainerStarted, ContainerStartFailed, NodeObserved, VolumeExpanded
from tests.runtime.volumes.remote.conftest import disk  # noqa: F401
from tests.runtime.volumes.remote.csi_driver import NAME, Driver

from .test_contract import UID, Bench, Make, cri_node, real_node

pytestmark = pytest.mark.root
CLAIM = RemoteVolume(
    plugin="csi", source={"driver": NAME, "fsType": "ext4"}, volume="pv", handle="h", access_mode="ReadWriteOnce"
)


@pytest.fixture(params=["oci", "cri"])
async def real(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A node in a directory whose name leaves room for those of sockets."""
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    place = Path(tempfile.mkdtemp(prefix="vol-"))
    make: Make = cri_node(place, request.getfixturevalue("containerd")) if request.param == "cri" else real_node(place)
    bench = Bench(request.param, make, place)
    try:
        await bench.start()
        yield bench
    finally:
        await bench.node.close(end_pods=True)
        shutil.rmtree(place)


def data_of(bench: Bench) -> Path:
    return bench.place / ("node" if bench.kind == "oci" else "cri")


async def says(bench: Bench, *lines: str) -> None:
    """Its log becomes these lines."""
    wanted = "".join(f"{line}\n" for line in lines).encode()
    async with asyncio.timeout(30):
        while (said := await bench.log()) != wanted:
            assert len(said) < len(wanted) or said == wanted, said
            await asyncio.sleep(0.02)


async def listening(bench: Bench) -> Driver:
    """A driver that is registered."""
    inside = bench.node._life.layout.pinned / "mnt" if bench.kind == "oci" else None  # type: ignore[attr-defined]
    driver = Driver(bench.place, data_of(bench) / "plugins_registry", inside=inside)
    async with asyncio.timeout(30):
        while not any(isinstance(fact, NodeObserved) and fact.drivers for fact in bench.facts):
            await asyncio.sleep(0.02)
    return driver


async def test_a_driver_brings_a_volume_that_grows_and_goes(real: Bench) -> None:
    driver = await listening(real)
    try:
        await real.pod(volumes=(VolumeSource(name="v", kind="remote", remote=CLAIM),))
        await real.run(
            "echo kept > /data/file; cat /data/file; exec sleep 60", mounts=(Mount(volume="v", path="/data", sub_path="a/b"),)
        )
        await says(real, "kept")
        grown = await real.node.execute(ExpandVolume(node="n", volume="pv", driver=NAME, handle="h", size_bytes=1 << 30))
        assert grown == (VolumeExpanded(node="n", volume="pv", size_bytes=1 << 30),)
        await real.again()
        await real.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    finally:
        driver.stop()
    names = ["NodeStageVolume", "NodePublishVolume", "NodeExpandVolume", "NodeUnpublishVolume", "NodeUnstageVolume"]
    assert driver.names() == names


@pytest.mark.parametrize("plugin", ["local", "csi"])
async def test_a_container_sees_a_device_and_no_other(real: Bench, disk: str, plugin: str) -> None:  # noqa: F811
    Path(disk).write_bytes(b"before")
    driver = await listening(real) if plugin == "csi" else None
    try:
        if driver is not None:
            driver.device, driver.mounts = disk, False
            volume = VolumeSource(name="v", kind="remote", remote=CLAIM, block=True)
        else:
            volume = VolumeSource(name="v", kind="local", host_path=disk, block=True)
        await real.pod(volumes=(volume,))
        seen = "busybox dd if=/dev/xvda bs=6 count=1 2>/dev/null; echo; echo after! | busybox dd of=/dev/xvda 2>/dev/null"
        (started,) = await real.run(f"{seen}; exec sleep 60", devices=(Device(volume="v", path="/dev/xvda"),))
        assert isinstance(started, ContainerStarted), started
        await says(real, "before")
        async with asyncio.timeout(30):
            while Path(disk).read_bytes()[:6] != b"after!":
                await asyncio.sleep(0.02)
        await real.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    finally:
        if driver is not None:
            driver.stop()
    assert Path(disk).is_block_device()


async def test_a_device_that_is_read_only_is_not_written(real: Bench, disk: str) -> None:  # noqa: F811
    Path(disk).write_bytes(b"before")
    await real.pod(volumes=(VolumeSource(name="v", kind="local", host_path=disk, block=True, read_only=True),))
    script = (
        "echo after! | busybox dd of=/dev/xvda 2>/dev/null || echo refused; busybox dd if=/dev/xvda bs=6 count=1 2>/dev/null"
    )
    await real.run(f"{script}; echo; exec sleep 60", devices=(Device(volume="v", path="/dev/xvda"),))
    await says(real, "refused", "before")


async def test_what_is_no_device_is_told(real: Bench, tmp_path: Path) -> None:
    await real.pod(volumes=(VolumeSource(name="v", kind="hostPath", host_path=str(tmp_path)),))
    (told,) = await real.run("exec sleep 60", devices=(Device(volume="v", path="/dev/xvda"),))
    assert isinstance(told, ContainerStartFailed) and "is no block device" in told.message


async def test_a_disk_with_a_file_system_is_a_local_volume(real: Bench, disk: str) -> None:  # noqa: F811
    """As a kubelet does it: formatted when it holds nothing, and mounted for the pod."""
    volume = VolumeSource(name="v", kind="local", host_path=disk)
    await real.pod(volumes=(volume,), fs_group=4711)
    script = "while read what where kind more; do [ $where != /data ] || echo $kind; done < /proc/mounts; exec sleep 60"
    await real.run(script, mounts=(Mount(volume="v", path="/data"),))
    await says(real, "ext4")


async def test_no_link_of_a_volume_leads_out_of_it(real: Bench, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "volume" / "out").symlink_to(tmp_path)
    (tmp_path / "volume" / "within").symlink_to("there")
    (tmp_path / "volume" / "there").mkdir()
    (tmp_path / "volume" / "there" / "file").write_text("file\n")
    await real.pod(volumes=(VolumeSource(name="v", kind="hostPath", host_path=str(tmp_path / "volume")),))
    for attempt, path in enumerate(("out/secret", "out")):
        mounts = (Mount(volume="v", path="/data", sub_path=path),)
        (told,) = await real.run("cat /data; exec sleep 60", attempt, mounts=mounts)
        assert isinstance(told, ContainerStartFailed) and told.reason == "CreateContainerConfigError"
        assert told.message.startswith('failed to prepare subPath for volumeMount "v" of container "c": out')
    mounts = (Mount(volume="v", path="/data", sub_path="within"), Mount(volume="v", path="/one", sub_path="there/file"))
    await real.run("cat /data/file /one; exec sleep 60", 2, mounts=mounts)
    async with asyncio.timeout(30):
        while await real.log_of(2) != b"file\nfile\n":
            await asyncio.sleep(0.02)


async def test_what_is_mounted_below_is_read_only_too(real: Bench) -> None:
    mounts = (
        Mount(volume="v", path="/all", read_only=True, recursive="Enabled"),
        Mount(volume="v", path="/top", read_only=True),
    )
    await real.pod(volumes=(VolumeSource(name="v", kind="emptyDir"),))
    if real.kind == "cri":
        (told,) = await real.run("exec sleep 60", mounts=mounts)
        assert isinstance(told, ContainerStartFailed) and "recursively read only" in told.message
        return
    below = data_of(real) / "pods" / UID / "volumes" / "v" / "below"
    below.mkdir()
    life = real.node._life  # type: ignore[attr-defined]
    await life.inside("", linux.mount, "tmpfs", str(below), "tmpfs")
    script = "for at in /all /all/below /top /top/below; do { echo > $at/file; } 2>/dev/null && echo $at; done"
    await real.run(f"{script}; exec sleep 60", mounts=mounts)
    await says(real, "/top/below")
