"""Volumes that are images: what is in one, mounted read-only into the containers that want it, and never executed from there.

Runs in the node's mount namespace, in its threads.

Tests: tests/runtime/containers/oci/test_image_volumes.py
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import UNSET

from shipslog.runtime.commands import RunPodSandbox, StartContainer
from shipslog.runtime.images.documents import Image
from shipslog.runtime.images.store import ImageStore
from shipslog.runtime.machine import linux

DIRECTORY = "images"  # of a container's bundle
OPTIONS = ("nosuid", "nodev", "noexec")  # of the container's own mount of it
MS_FLAGS = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC


def wanted(pod: RunPodSandbox, container: StartContainer) -> Iterator[tuple[str, str]]:
    """(volume, image) for each that the container mounts."""
    mounted = {mount.volume for mount in container.mounts}
    for volume in pod.volumes:
        if volume.kind == "image" and volume.name in mounted and volume.image is not UNSET:
            yield volume.name, volume.image


def place(bundle: Path, volume: str) -> Path:
    """Where the image of a volume is mounted for one container."""
    return bundle / DIRECTORY / volume


def mount(store: ImageStore, images: Mapping[str, Image], bundle: Path, layers: Callable[[], Path]) -> None:
    """Each under its volume's name. `layers`: where the unpacked layers are seen. Errors: OSError, ImageBroken."""
    for volume, image in images.items():
        target = place(bundle, volume)
        target.mkdir(parents=True, exist_ok=True)
        if os.path.ismount(target):
            continue
        names = store.lower_directories(image)
        os.chdir(layers())  # the options of all layers of an image must fit into one page
        if len(names) > 1:
            linux.mount("overlay", str(target), "overlay", flags=MS_FLAGS, data=f"lowerdir={':'.join(names)}")
        elif names:  # the kernel wants two of them, or one to write to
            linux.mount(names[0], str(target), flags=linux.MS_BIND)
            linux.mount("", str(target), flags=linux.MS_BIND | linux.MS_REMOUNT | MS_FLAGS)
