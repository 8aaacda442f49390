"""The images of one node: an OCI layout whose index names them, and their layers unpacked.

What is not named in the index is not there: a pull that is cut off leaves blobs, which the next one uses. An image that a
person put here (`add`, `import_archive`) is this node's own: `Always` does not ask a registry for it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import threading
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from . import reference, skopeo
from .layers import LayerBroken, Layers
from .reference import InvalidImageName

_REF = "org.opencontainers.image.ref.name"
_LOCAL = "shipslog.local"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"

Index = list[dict[str, Any]]
Names = list[str]


class PullFailed(Exception):
    """`reason` is the one of a waiting container: ErrImagePull, ErrImageNeverPull, InvalidImageName."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ImageConfig(Struct, frozen=True, kw_only=True):
    """The part of an image's config that a process is made from."""

    entrypoint: tuple[str, ...] | None = msgspec.field(name="Entrypoint", default=None)
    cmd: tuple[str, ...] | None = msgspec.field(name="Cmd", default=None)
    env: tuple[str, ...] | None = msgspec.field(name="Env", default=None)
    working_dir: str = msgspec.field(name="WorkingDir", default="")
    user: str = msgspec.field(name="User", default="")
    stop_signal: str = msgspec.field(name="StopSignal", default="")
    volumes: dict[str, Any] | None = msgspec.field(name="Volumes", default=None)
    exposed_ports: dict[str, Any] | None = msgspec.field(name="ExposedPorts", default=None)


class Image(Struct, frozen=True, kw_only=True):
    """One image that is here."""

    name: str  # complete: host/path:tag
    image_id: str  # sha256 of the config
    digest: str  # sha256 of the manifest
    size_bytes: int
    local: bool
    config: ImageConfig
    layers: tuple[tuple[str, str, str], ...]  # (diff id, blob digest, media type), lowest first


class ImageStore:
    """Synchronous, safe to call from several threads."""

    def __init__(self, directory: Path, *, skopeo_path: str = "skopeo", ids: int | None = None) -> None:
        self.directory = directory
        self.layers = Layers(directory / "layers", ids=ids)
        self._skopeo = skopeo_path
        self._blobs = directory / "blobs"
        self._lock = threading.Lock()
        self._pulls: dict[str, Future[Image]] = {}
        self._images: dict[str, Image] = {}
        self._stamp: tuple[int, int, int] | None = None

    def open(self) -> None:
        """Make the layout if there is none; drop what a crash left half done."""
        self.open_for_guests()
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)
        (self.directory / "tmp").mkdir()

    def open_for_guests(self) -> None:
        """The same, but leave alone what the daemon may be in the middle of."""
        (self._blobs / "sha256").mkdir(parents=True, exist_ok=True)
        (self.directory / "tmp").mkdir(exist_ok=True)
        layout = self.directory / "oci-layout"
        if not layout.exists():
            layout.write_text('{"imageLayoutVersion":"1.0.0"}')

    # --- what is here ---

    def list(self) -> tuple[Image, ...]:
        """By name."""
        self._refresh()
        return tuple(self._images[name] for name in sorted(self._images))

    def get(self, image: str) -> Image | None:
        """By name, complete or short, or by id (sha256:...). Errors: InvalidImageName."""
        self._refresh()
        if image.startswith("sha256:"):
            return next((found for found in self.list() if image in (found.image_id, found.digest)), None)
        wanted = reference.parse(image)
        if wanted.digest:
            return next((found for found in self.list() if found.digest == wanted.digest), None)
        return self._images.get(str(wanted))

    def lower_directories(self, image: Image) -> Names:
        """The names of its unpacked layers below `layers.directory`, topmost first, for overlay. Errors: LayerBroken."""
        for diff_id, digest, media_type in image.layers:
            if not self.layers.has(diff_id):
                self.layers.unpack(diff_id, self._blob(digest), media_type)
        return [self.layers.name(diff_id) for diff_id, _, _ in reversed(image.layers)]

    # --- in ---

    def pull(self, image: str, policy: str, credentials: tuple[tuple[str, str, str], ...] = ()) -> tuple[Image, bool]:
        """(the image, whether it was here already). One pull at a time for one name: the others wait for it and share what
        comes of it. Errors: PullFailed."""
        try:
            present = self.get(image)
            wanted = reference.parse(image)
        except InvalidImageName as error:
            raise PullFailed("InvalidImageName", str(error)) from error
        if present is not None and (policy != "Always" or present.local):
            return present, True
        if policy == "Never":
            raise PullFailed("ErrImageNeverPull", f'Container image "{image}" is not present with pull policy of Never')
        with self._lock:
            running = self._pulls.get(image)
            mine: Future[Image] = Future()
            if running is None:
                self._pulls[image] = mine
        if running is not None:
            return running.result(), False
        try:
            found = self._fetch(
                f"docker://{wanted}", str(wanted), local=False, insecure=wanted.loopback, credentials=credentials
            )
            mine.set_result(found)
            return found, False
        except (skopeo.CopyFailed, LayerBroken, OSError, ValueError) as error:
            failure = PullFailed("ErrImagePull", f'failed to pull and unpack image "{wanted}": {error}')
            mine.set_exception(failure)
            raise failure from error
        finally:
            with self._lock:
                del self._pulls[image]

    def import_archive(self, path: Path, name: str = "") -> Image:
        """From an oci-archive, a docker-archive or an OCI layout directory; under the name that is in it, unless one is given.
        Errors: PullFailed."""
        if path.is_dir():
            source, inside = f"oci:{path}", _layout_name(path)
        else:
            source, inside = _archive_source(path)
        wanted = name or inside
        if not wanted:
            raise PullFailed("InvalidImageName", f"{path} does not say what its image is called; give it a name")
        try:
            return self._fetch(source, str(reference.parse(wanted)), local=True)
        except InvalidImageName as error:
            raise PullFailed("InvalidImageName", str(error)) from error
        except (skopeo.CopyFailed, LayerBroken, OSError, ValueError) as error:
            raise PullFailed("ErrImagePull", f"failed to import {path}: {error}") from error

    def add(self, name: str, rootfs: Path, config: dict[str, Any]) -> Image:
        """An image of one layer: a directory or a tar, and the members of an OCI image config (Cmd, Env, ...)."""
        wanted = str(reference.parse(name))
        tar = self.directory / "tmp" / uuid.uuid4().hex
        if rootfs.is_dir():
            flags = ["--sort=name", "--numeric-owner", "--mtime=@0", "--format=posix", "--pax-option=delete=atime,delete=ctime"]
            subprocess.run(["tar", "-c", *flags, "-f", str(tar), "-C", str(rootfs), "."], check=True, capture_output=True)
        else:
            shutil.copyfile(rootfs, tar)
        layer = self._take_blob(tar)
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
        described = {
            "architecture": machine, "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        }  # fmt: skip
        configured = self._write_blob(json.dumps(described, sort_keys=True).encode())
        manifest = {
            "schemaVersion": 2, "mediaType": _MANIFEST, "config": {"mediaType": _CONFIG, **configured},
            "layers": [{"mediaType": _LAYER, **layer}],
        }  # fmt: skip
        written = self._write_blob(json.dumps(manifest, sort_keys=True).encode())
        return self._record(wanted, {"mediaType": _MANIFEST, **written}, local=True)

    # --- out ---

    def remove(self, image: str) -> bool:
        """Forget the name; blobs and layers that no other image uses go too. False if there was none."""
        found = self.get(image)
        if found is None:
            return False
        with self._lock:
            index = [entry for entry in self._index() if entry["annotations"][_REF] != found.name]
            self._write_index(index)
            self._stamp = None
        self.collect()
        return True

    def collect(self) -> None:
        """Delete what no image uses. Containers hold layers that they mount: remove images only between them."""
        images = self.list()
        self.layers.keep_only({diff_id for image in images for diff_id, _, _ in image.layers})
        used = {digest for image in images for _, digest, _ in image.layers}
        used |= {image.image_id for image in images} | {image.digest for image in images}
        for entry in os.scandir(self._blobs / "sha256"):
            if f"sha256:{entry.name}" not in used:
                os.unlink(entry.path)

    # --- the layout ---

    def _blob(self, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        return self._blobs / algorithm / value

    def _fetch(
        self, source: str, name: str, *, local: bool, insecure: bool = False, credentials: tuple[tuple[str, str, str], ...] = ()
    ) -> Image:
        layout = self.directory / "tmp" / uuid.uuid4().hex
        try:
            skopeo.copy(self._skopeo, source, layout, self._blobs, insecure=insecure, credentials=credentials)
            entry = json.loads((layout / "index.json").read_bytes())["manifests"][0]
        finally:
            shutil.rmtree(layout, ignore_errors=True)
        described = {key: entry[key] for key in ("mediaType", "digest", "size")}
        self.lower_directories(self._read(name, described, local))  # strictly before it is named: named means usable
        return self._record(name, described, local=local)

    def _record(self, name: str, described: dict[str, Any], *, local: bool) -> Image:
        with self._lock:
            index = [entry for entry in self._index() if entry["annotations"][_REF] != name]
            annotations = {_REF: name, _LOCAL: "true" if local else "false"}
            self._write_index([*index, {**described, "annotations": annotations}])
            self._stamp = None
        self._refresh()
        return self._images[name]

    def _index(self) -> Index:
        try:
            manifests: Index = json.loads((self.directory / "index.json").read_bytes())["manifests"]
        except FileNotFoundError:
            return []
        return manifests

    def _write_index(self, manifests: Index) -> None:
        partial = self.directory / "tmp" / f"index-{uuid.uuid4().hex}"
        with partial.open("wb") as file:
            file.write(json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self.directory / "index.json")

    def _refresh(self) -> None:
        """Read the index again when another process (`shipslog image`) has written it."""
        try:
            now = os.stat(self.directory / "index.json")
        except FileNotFoundError:
            self._images = {}
            return
        stamp = (now.st_mtime_ns, now.st_ino, now.st_size)
        if stamp == self._stamp:
            return
        with self._lock:
            self._images = {
                entry["annotations"][_REF]: self._read(
                    entry["annotations"][_REF], entry, entry["annotations"].get(_LOCAL) == "true"
                )
                for entry in self._index()
            }
            self._stamp = stamp

    def _read(self, name: str, described: dict[str, Any], local: bool) -> Image:
        manifest = json.loads(self._blob(described["digest"]).read_bytes())
        config = json.loads(self._blob(manifest["config"]["digest"]).read_bytes())
        layers = tuple(
            (diff_id, layer["digest"], layer["mediaType"])
            for diff_id, layer in zip(config["rootfs"]["diff_ids"], manifest["layers"], strict=True)
        )
        return Image(
            name=name,
            image_id=manifest["config"]["digest"],
            digest=described["digest"],
            size_bytes=sum(layer["size"] for layer in manifest["layers"]),
            local=local,
            config=msgspec.convert(config.get("config") or {}, ImageConfig),
            layers=layers,
        )

    def _write_blob(self, data: bytes) -> dict[str, Any]:
        partial = self.directory / "tmp" / uuid.uuid4().hex
        partial.write_bytes(data)
        return self._take_blob(partial)

    def _take_blob(self, path: Path) -> dict[str, Any]:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        size = path.stat().st_size
        path.rename(self._blobs / "sha256" / digest.hexdigest())
        return {"digest": f"sha256:{digest.hexdigest()}", "size": size}


def _layout_name(path: Path) -> str:
    manifests = json.loads((path / "index.json").read_bytes())["manifests"]
    return str(manifests[0].get("annotations", {}).get(_REF, "")) if manifests else ""


def _archive_source(path: Path) -> tuple[str, str]:
    """(skopeo's source, the name that the archive gives its image)."""

    def member(name: str) -> bytes | None:
        done = subprocess.run(["tar", "-xOf", str(path), name], capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None

    docker = member("manifest.json")
    if docker is not None:
        tags = json.loads(docker)[0].get("RepoTags") or [""]
        return f"docker-archive:{path}", tags[0]
    index = member("index.json") or member("./index.json")
    if index is None:
        raise PullFailed("ErrImagePull", f"{path} is neither a docker-archive nor an oci-archive")
    manifests = json.loads(index)["manifests"]
    return f"oci-archive:{path}", str(manifests[0].get("annotations", {}).get(_REF, ""))
