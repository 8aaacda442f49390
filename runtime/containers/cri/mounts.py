"""What a container over the CRI sees of its pod's volumes, as far as its runtime can: a runtime passes over what it does not
know of, so what it cannot is refused here.

Source: kubelet's makeMounts, KEP-3857 (recursively read only), KEP-4639 (images as volumes), and the runtimes' release notes.

Tests: tests/runtime/containers/cri/test_mounts.py, tests/runtime/containers/cri/test_containerd.py
"""

import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from shipslog.runtime.commands import Mount, RunPodSandbox, StartContainer, VolumeSource
from shipslog.runtime.volumes.pod_volumes import pin_sub_path, source_path

PROPAGATION = {"HostToContainer": 1, "Bidirectional": 2}
IMAGES = {"containerd": (2, 1), "cri-o": (1, 31)}  # the first versions that mount images
PARTS_OF_IMAGES = {"containerd": (2, 2), "cri-o": (1, 33)}


class Abilities(Struct, frozen=True, kw_only=True):
    """Of a runtime, with one of its handlers."""

    images: bool = False
    parts_of_images: bool = False
    recursive: bool = False  # read only, with all that is mounted below


def abilities(name: str, version: str, features: Any = None) -> Abilities:
    """`name` and `version` as the runtime says them; `features` of the handler, if it says any. One that is not known here is
    taken for new."""
    numbers = tuple(int(one) for one in re.findall(r"\d+", version)[:2])
    return Abilities(
        images=numbers >= IMAGES.get(name, ()),
        parts_of_images=numbers >= PARTS_OF_IMAGES.get(name, ()),
        recursive=bool(features is not None and features.recursive_read_only_mounts),
    )


def mount(
    api: Any, asked: Mount, request: StartContainer, pod: RunPodSandbox, directory: Path, pinned: Path, can: Abilities
) -> Any:
    """Mount, without ids. `directory` is the pod's; `pinned`: where a part of a volume may be bound. Errors: OSError,
    VolumeFailed for what cannot be mounted."""
    volume = next(one for one in pod.volumes if one.name == asked.volume)
    if volume.kind == "image":
        return _image(api, asked, volume, can)
    source = source_path(directory / "volumes", volume)
    if asked.sub_path:
        pin_sub_path(source, asked, request.container, pinned)
        source = pinned
    if asked.recursive == "Enabled" and not can.recursive:
        why = "is to be recursively read only, which is not supported by the runtime"
        raise OSError(f'the mount of volume "{asked.volume}" {why}')
    return api.Mount(
        container_path=asked.path, host_path=str(source), readonly=asked.read_only or volume.read_only,
        propagation=PROPAGATION.get(asked.propagation, 0),
        recursive_read_only=asked.read_only and can.recursive and asked.recursive in ("Enabled", "IfPossible"),
    )  # fmt: skip


def _image(api: Any, asked: Mount, volume: VolumeSource, can: Abilities) -> Any:
    if not can.images:
        raise OSError(f'volume "{asked.volume}" is an image, which the runtime is too old to mount')
    if asked.sub_path and not can.parts_of_images:
        raise OSError(
            f'subPath {asked.sub_path!r} of volume "{asked.volume}": the runtime is too old to mount a part of an image'
        )
    image = api.ImageSpec(image=volume.image, user_specified_image=volume.image)
    return api.Mount(container_path=asked.path, image=image, image_sub_path=asked.sub_path, readonly=True)
