"""Images as volumes, of one layer and of several: seen, not written to, not executed, kept while in use, and gone after."""

import asyncio
from pathlib import Path

import pytest

from shipslog.runtime.commands import Mount, RemovePodSandbox, VolumeSource
from shipslog.runtime.containers.oci.images_in_use import images_used
from shipslog.runtime.images.store import ImageStore
from shipslog.runtime.machine import linux
from shipslog.store.facts import ContainerStartFailed
from tests.runtime.containers.test_contract import UID, Bench
from tests.runtime.images.forge import Layout, layer, member

pytestmark = pytest.mark.root


def volumes(image: str = "data:1") -> tuple[VolumeSource, ...]:
    return (VolumeSource(name="v", kind="image", image=image, read_only=True),)


def give(bench: Bench, tmp_path: Path, *layers: dict[str, bytes]) -> None:
    """An image data:1 of these layers, each of files with their content."""
    Layout(tmp_path / "layout").write(
        [layer(*(member(name, content=data) for name, data in files.items())) for files in layers]
    )
    store = ImageStore(bench.place / "node/images")
    store.open_for_guests()
    store.import_archive(tmp_path / "layout", "data:1")


async def written(bench: Bench, attempt: int, wanted: bytes) -> None:
    async with asyncio.timeout(30):
        while wanted not in await bench.log_of(attempt):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_container_sees_what_is_in_an_image(count: int, bench: Bench, tmp_path: Path) -> None:
    give(bench, tmp_path, *({"sub/file": b"of layer %d\n" % number, f"only{number}": b""} for number in range(count)))
    await bench.pod(volumes=volumes())
    script = "cat /v/sub/file; touch /v/x 2>/dev/null || echo kept; cat /sub/file; grep ' /v ' /proc/mounts; sleep 1000"
    mounts = (Mount(volume="v", path="/v"), Mount(volume="v", path="/sub", sub_path="sub"))
    await bench.run(script, mounts=mounts)
    await written(bench, 0, b"noexec")
    lines = (await bench.log_of(0)).decode().splitlines()
    assert lines[:3] == [f"of layer {count - 1}", "kept", f"of layer {count - 1}"]
    options = lines[3].split()[3].split(",")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(options)
    assert "docker.io/library/data:1" in [use.image for use in images_used(bench.place / "node/pods")]
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    assert not [point for point in linux.mounts_below(bench.place) if "/images/v" in str(point)]


async def test_what_is_not_there_is_told(bench: Bench, tmp_path: Path) -> None:
    await bench.pod(volumes=volumes())
    (failed,) = await bench.run("true", mounts=(Mount(volume="v", path="/v"),))
    assert isinstance(failed, ContainerStartFailed) and failed.message == 'image "data:1" is not present'
    give(bench, tmp_path, {"file": b""})
    (failed,) = await bench.run("true", attempt=1, mounts=(Mount(volume="v", path="/v", sub_path="none"),))
    assert isinstance(failed, ContainerStartFailed) and 'subPath for volumeMount "v"' in failed.message
