"""What of a pod's volumes a runtime is told to mount, and what it is too old for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cri_api.v1 import api_pb2 as api

from shipslog.runtime.commands import Mount, RunPodSandbox, StartContainer, VolumeSource
from shipslog.runtime.containers.cri import config
from shipslog.runtime.containers.cri.mounts import Abilities, abilities

VOLUMES = VolumeSource(name="i", kind="image", image="example/model:1"), VolumeSource(name="e", kind="emptyDir")
POD = RunPodSandbox(node="n", pod_uid="u", namespace="s", name="p", hostname="p", volumes=VOLUMES)
NEWEST = Abilities(images=True, parts_of_images=True, recursive=True)


def told(directory: Path, can: Abilities, **about: Any) -> Any:
    (directory / "volumes/e").mkdir(parents=True, exist_ok=True)
    start = StartContainer(
        node="n", pod_uid="u", namespace="s", name="p", container="c", attempt=0, image="i", mounts=(Mount(path="/m", **about),)
    )  # fmt: skip
    _, made = config.container(api, start, POD, directory, "", can).mounts
    return made


@pytest.mark.parametrize(
    ("name", "version", "can"),
    [
        ("containerd", "1.6.20~ds1", Abilities()),
        ("containerd", "v2.1.0-beta.0-18-g8237c496", Abilities(images=True)),
        ("containerd", "v2.2.0", Abilities(images=True, parts_of_images=True)),
        ("cri-o", "1.30.9", Abilities()),
        ("cri-o", "1.31.0", Abilities(images=True)),
        ("cri-o", "1.40.0", Abilities(images=True, parts_of_images=True)),
        ("another", "0.1", Abilities(images=True, parts_of_images=True)),
    ],
)
def test_what_a_runtime_can(name: str, version: str, can: Abilities) -> None:
    assert abilities(name, version) == can
    features = SimpleNamespace(recursive_read_only_mounts=True)
    assert abilities(name, version, features).recursive and not can.recursive


def test_an_image_is_mounted_by_the_runtime(tmp_path: Path) -> None:
    image = api.ImageSpec(image="example/model:1", user_specified_image="example/model:1")
    assert told(tmp_path, NEWEST, volume="i", sub_path="a/b") == api.Mount(
        container_path="/m", image=image, image_sub_path="a/b", readonly=True
    )
    with pytest.raises(OSError, match="too old to mount a part of an image"):
        told(tmp_path, Abilities(images=True), volume="i", sub_path="a/b")
    with pytest.raises(OSError, match='volume "i" is an image, which the runtime is too old to mount'):
        told(tmp_path, Abilities(), volume="i")


@pytest.mark.parametrize(
    ("asked", "can", "recursive"),
    [("Enabled", True, True), ("IfPossible", True, True), ("IfPossible", False, False), (None, True, False)],
)
def test_what_is_mounted_below_is_read_only_too_where_the_runtime_can(
    tmp_path: Path, asked: Any, can: bool, recursive: bool
) -> None:
    about = {"recursive": asked} if asked else {}
    made = told(tmp_path, Abilities(recursive=can), volume="e", read_only=True, **about)
    assert made.readonly and made.recursive_read_only is recursive and made.host_path == str(tmp_path / "volumes/e")


def test_a_runtime_that_cannot_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="recursively read only, which is not supported by the runtime"):
        told(tmp_path, Abilities(), volume="e", read_only=True, recursive="Enabled")
