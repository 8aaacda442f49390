"""What kind of archive a file is, and what it calls its image: read before skopeo is asked to copy from it.

Tests: tests/runtime/images/test_hostile_images.py
"""

import contextlib
import subprocess
from pathlib import Path

from . import documents
from .bounds import Bounds, ImageBroken
from .documents import DockerArchive, Index


def source_of(path: Path, bounds: Bounds) -> tuple[str, str]:
    """(skopeo's transport, the name that its image has there). Errors: ImageBroken, OSError."""
    if path.is_dir():
        index = documents.read(path / "index.json", Index, "its index.json", bounds)
        return "oci", _only(index)
    if not path.is_file():
        raise ImageBroken("it is neither a file nor a directory")
    saved = _member(path, "manifest.json", bounds)
    if saved is not None:
        images = documents.decode(saved, tuple[DockerArchive, ...], "its manifest.json")
        if len(images) != 1:
            raise ImageBroken(f"its manifest.json names {len(images)} images; there must be one")
        return "docker-archive", (images[0].tags or ("",))[0]
    found = _member(path, "index.json", bounds)
    if found is None:
        found = _member(path, "./index.json", bounds)
    if found is None:
        raise ImageBroken("it is neither a docker-archive nor an oci-archive")
    return "oci-archive", _only(documents.decode(found, Index, "its index.json"))


def _only(index: Index) -> str:
    if len(index.manifests) != 1:
        raise ImageBroken(f"its index names {len(index.manifests)} images; there must be one")
    return index.manifests[0].name


def _member(path: Path, name: str, bounds: Bounds) -> bytes | None:
    """The first file of that name in a tar; None if there is none. Errors: ImageBroken, when it is too large."""
    command = ["tar", "-xO", "--occurrence=1", "-f", str(path.resolve()), name]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        data = process.stdout.read(bounds.document_bytes + 1)
        if len(data) > bounds.document_bytes:
            raise ImageBroken(f"its {name} is larger than {bounds.document_bytes} bytes, which no image needs")
        return data if process.wait() == 0 else None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.stdout.close()
        process.wait()
