"""The index, the manifest and the config of an image, read as what they must be. A name from one of them becomes a path, so it
is a digest or it is refused. Source: OCI image specification 1.1.

Tests: tests/runtime/images/test_hostile_images.py
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from .bounds import Bounds, ImageBroken

REF = "org.opencontainers.image.ref.name"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"

Digest = Annotated[str, Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Size = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
T = TypeVar("T")


class Descriptor(Struct, frozen=True, kw_only=True, rename="camel"):
    """What one document says of another, or of a blob."""

    digest: Digest
    size: Size
    media_type: Annotated[str, Meta(max_length=256)] = ""
    annotations: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """What the image is called; "" if nothing is said."""
        return (self.annotations or {}).get(REF, "")


class Index(Struct, frozen=True, kw_only=True, rename="camel"):
    manifests: tuple[Descriptor, ...]


class Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    config: Descriptor
    layers: tuple[Descriptor, ...]


class ImageConfig(Struct, frozen=True, kw_only=True):
    """The part of an image's config that a process is made from."""

    entrypoint: tuple[str, ...] | None = field(name="Entrypoint", default=None)
    cmd: tuple[str, ...] | None = field(name="Cmd", default=None)
    env: tuple[str, ...] | None = field(name="Env", default=None)
    working_dir: str = field(name="WorkingDir", default="")
    user: str = field(name="User", default="")
    stop_signal: str = field(name="StopSignal", default="")
    volumes: dict[str, Any] | None = field(name="Volumes", default=None)
    exposed_ports: dict[str, Any] | None = field(name="ExposedPorts", default=None)


class RootFs(Struct, frozen=True, kw_only=True):
    diff_ids: tuple[Digest, ...]


class Config(Struct, frozen=True, kw_only=True):
    rootfs: RootFs
    config: ImageConfig | None = None


class DockerArchive(Struct, frozen=True, kw_only=True):
    """An entry of the manifest.json of `docker save`."""

    tags: tuple[str, ...] | None = field(name="RepoTags", default=None)


class Image(Struct, frozen=True, kw_only=True):
    """One image that is here."""

    name: str  # complete: host/path:tag
    image_id: str  # sha256 of the config
    digest: str  # sha256 of the manifest
    size_bytes: int
    local: bool
    config: ImageConfig
    layers: tuple[tuple[str, str, str], ...]  # (diff id, blob digest, media type), lowest first


def decode(data: bytes, kind: type[T], what: str) -> T:
    """Errors: ImageBroken."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ImageBroken(f"{what} is broken: {error or 'it is nested too deep'}") from error


def read(path: Path, kind: type[T], what: str, bounds: Bounds, digest: str = "") -> T:
    """A document from a file, which must have that digest if one is given. Errors: ImageBroken, FileNotFoundError."""
    try:
        with path.open("rb") as file:
            data = file.read(bounds.document_bytes + 1)
    except (IsADirectoryError, NotADirectoryError) as error:
        raise ImageBroken(f"{what} is not a file") from error
    if len(data) > bounds.document_bytes:
        raise ImageBroken(f"{what} is larger than {bounds.document_bytes} bytes, which no image needs")
    if digest and f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise ImageBroken(f"{what} is not what its digest {digest} says")
    return decode(data, kind, what)


def blob(blobs: Path, digest: str) -> Path:
    """Where it is in a layout's directory of blobs."""
    return blobs / "sha256" / digest.removeprefix("sha256:")


def digest_of(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def read_image(blobs: Path, described: Descriptor, name: str, *, local: bool, bounds: Bounds) -> Image:
    """The image of a manifest, all that it names being there. Errors: ImageBroken."""
    try:
        manifest = read(blob(blobs, described.digest), Manifest, "its manifest", bounds, described.digest)
        config = read(blob(blobs, manifest.config.digest), Config, "its config", bounds, manifest.config.digest)
        ids, layers = config.rootfs.diff_ids, manifest.layers
        if len(ids) != len(layers):
            raise ImageBroken(f"its manifest has {len(layers)} layers and its config names {len(ids)}")
        if len(layers) > bounds.layers:
            raise ImageBroken(f"it has {len(layers)} layers; {bounds.layers} are allowed")
        for layer in layers:
            here = blob(blobs, layer.digest).stat().st_size
            if here != layer.size:
                raise ImageBroken(f"the layer {layer.digest} has {here} bytes, and its manifest says {layer.size}")
    except FileNotFoundError as error:
        raise ImageBroken(f"a part of it is missing: {Path(error.filename).name}") from error
    return Image(
        name=name,
        image_id=manifest.config.digest,
        digest=described.digest,
        size_bytes=sum(layer.size for layer in layers),
        local=local,
        config=config.config or ImageConfig(),
        layers=tuple((diff_id, layer.digest, layer.media_type) for diff_id, layer in zip(ids, layers, strict=True)),
    )
