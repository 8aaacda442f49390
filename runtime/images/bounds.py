"""How much an image may be: what comes from a registry or an archive says of itself whatever it likes.

Tests: tests/runtime/images/test_hostile_images.py
"""

import os
from pathlib import Path

from msgspec import Struct

MEBI, GIBI = 1 << 20, 1 << 30


class ImageBroken(ValueError):
    """An image is not what it says, or more than is allowed; nothing of it is kept."""


class Bounds(Struct, frozen=True, kw_only=True):
    """The defaults are a few times what the largest images in use need."""

    document_bytes: int = 4 * MEBI  # an index, a manifest, a config: what registries take too
    layers: int = 127
    layer_bytes: int = 64 * GIBI  # one layer, unpacked
    image_bytes: int = 64 * GIBI  # what one pull or import may bring, packed
    entries: int = 2_000_000  # files in one layer
    header_bytes: int = MEBI  # names and attributes of one file
    spare_bytes: int = GIBI  # stay free on the disk, or a twentieth of it where that is less: the log lives there too
    quiet_s: float = 300.0  # without a byte more, and a pull is given up
    pull_s: float = 6 * 3600.0  # all of a pull or an import: a byte now and then does not keep it going for ever


def check_disk(directory: Path, bounds: Bounds) -> None:
    """Errors: ImageBroken, when too little would stay free."""
    disk = os.statvfs(directory)
    free, spare = disk.f_bavail * disk.f_frsize, min(bounds.spare_bytes, disk.f_blocks * disk.f_frsize // 20)
    if free < spare:
        raise ImageBroken(f"the disk of {directory} has {free // MEBI} MiB left, and {spare // MEBI} MiB must stay free")
    if disk.f_files and disk.f_favail < disk.f_files // 100:
        raise ImageBroken(f"the file system of {directory} has room for {disk.f_favail} more files only")
