"""The images of one node: an OCI layout whose index names them, and their layers unpacked.

What is not named in the index is not there. What is fetched is put into a directory of its own first: an image that is refused
leaves nothing behind. An image that a person put here (`add`, `import_archive`) is this node's own: `Always` does not ask a
registry for it.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec

from shipslog.runtime.machine import trees

from . import documents, reference, skopeo
from .archives import source_of
from .bounds import Bounds, ImageBroken
from .documents import CONFIG, LAYER, MANIFEST, REF, Descriptor, Image, Index
from .layers import Layers
from .reference import InvalidImageName, Reference

_LOCAL = "shipslog.local"

Names = list[str]
IndexEdit = Callable[[tuple[Descriptor, ...]], list[Descriptor]]


class PullFailed(Exception):
    """`reason` is the one of a waiting container: ErrImagePull, ErrImageNeverPull, InvalidImageName."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ImageStore:
    """Synchronous, safe to call from several threads, and from several processes on one directory.

    `used`: ids of the images that containers are of, whatever their names are now; their layers are left alone."""

    def __init__(
        self,
        directory: Path,
        *,
        skopeo_path: str = "skopeo",
        ids: int | None = None,
        bounds: Bounds | None = None,
        used: Callable[[], Collection[str]] = lambda: (),
    ) -> None:
        self.directory = directory
        self.bounds = bounds or Bounds()
        self.layers = Layers(directory / "layers", ids=ids, bounds=self.bounds)
        self.broken: dict[str, str] = {}  # what the index names and cannot be used -> why
        self._skopeo, self._used_ids = skopeo_path, used
        self._blobs = directory / "blobs"
        self._lock = threading.Lock()
        self._pulls: dict[str, Future[Image]] = {}
        self._images: dict[str, Image] = {}
        self._stamp: tuple[int, int, int] | None = None

    def open(self) -> None:
        """Make the layout if there is none; drop what a crash left half done."""
        self.open_for_guests()
        with self._alone("fetching", wait=False) as alone:
            if alone:
                trees.remove(self.directory / "tmp")
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
        if not all(self.layers.has(diff_id, digest) for diff_id, digest, _ in image.layers):
            with self._together():
                self._unpack(image, self._blobs)
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
            found = self._fetch(f"docker://{wanted}", wanted, local=False, credentials=credentials)
            mine.set_result(found)
            return found, False
        except (skopeo.CopyFailed, OSError, ValueError) as error:
            failure = PullFailed("ErrImagePull", f'failed to pull and unpack image "{wanted}": {error}')
            mine.set_exception(failure)
            raise failure from error
        finally:
            with self._lock:
                del self._pulls[image]
            if not mine.done():  # a bug of ours is no reason to let the others wait for ever
                mine.set_exception(PullFailed("ErrImagePull", f'failed to pull image "{wanted}"'))

    def import_archive(self, path: Path, name: str = "") -> Image:
        """From an oci-archive, a docker-archive or an OCI layout directory; under the name that is in it, unless one is given.
        Errors: PullFailed."""
        try:
            source, inside = source_of(path, self.bounds)
            wanted = name or inside
            if not wanted:
                raise PullFailed("InvalidImageName", f"{path} does not say what its image is called; give it a name")
            link = self.directory / "tmp" / uuid.uuid4().hex  # skopeo takes what follows a colon for a tag
            link.symlink_to(path.resolve())
            try:
                return self._fetch(f"{source}:{link}", reference.parse(wanted), local=True)
            finally:
                link.unlink()
        except InvalidImageName as error:
            raise PullFailed("InvalidImageName", str(error)) from error
        except (skopeo.CopyFailed, OSError, ValueError) as error:
            raise PullFailed("ErrImagePull", f"failed to import {path}: {error}") from error

    def add(self, name: str, rootfs: Path, config: dict[str, Any]) -> Image:
        """An image of one layer: a directory or a tar, and the members of an OCI image config (Cmd, Env, ...).
        Errors: OSError, ValueError."""
        wanted = str(reference.parse(name))
        with self._staging() as staging:
            tar = staging / "layer"
            if rootfs.is_dir():
                flags = ["--sort=name", "--numeric-owner", "--mtime=@0", "--format=posix"]
                flags += ["--pax-option=delete=atime,delete=ctime"]
                command = ["tar", "-c", *flags, "-f", str(tar), "-C", str(rootfs), "."]
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
                if done.returncode:
                    raise OSError(f"{rootfs} cannot be read: {done.stderr[-500:].decode(errors='replace').strip()}")
            else:
                shutil.copyfile(rootfs, tar)
            layer = self._take_blob(tar)
            machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
            described = {
                "architecture": machine,
                "os": "linux",
                "config": config,
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
            }
            configured = self._take_bytes(staging, json.dumps(described, sort_keys=True).encode())
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, **configured},
                "layers": [{"mediaType": LAYER, **layer}],
            }
            written = self._take_bytes(staging, json.dumps(manifest, sort_keys=True).encode())
            return self._record(wanted, msgspec.convert({"mediaType": MANIFEST, **written}, Descriptor), local=True)

    # --- out ---

    def remove(self, image: str) -> bool:
        """Forget the name; blobs and layers that no other image and no container uses go too. False if there was none."""
        found = self.get(image)
        if found is None:
            return False
        self._change_index(lambda index: [entry for entry in index if entry.name != found.name])
        self.collect()
        return True

    def collect(self) -> None:
        """Delete what no image and no container uses; nothing while something is being fetched: it is not named yet."""
        with self._alone("fetching", wait=False) as alone:
            if not alone:
                return
            images = self.list()
            held = set(self._used_ids())
            mounted = {diff_id for image_id in held for diff_id in self._layers_of(image_id)}
            self.layers.keep_only(mounted | {diff_id for image in images for diff_id, _, _ in image.layers})
            used = held | {digest for image in images for _, digest, _ in image.layers}
            used |= {image.image_id for image in images} | {image.digest for image in images}
            for entry in list(os.scandir(self._blobs / "sha256")):
                if f"sha256:{entry.name}" not in used:
                    trees.remove(Path(entry.path))

    def _layers_of(self, image_id: str) -> tuple[str, ...]:
        """Of an image that may have no name any more. Errors: ImageBroken."""
        with contextlib.suppress(FileNotFoundError):
            return documents.read(
                documents.blob(self._blobs, image_id), documents.Config, f"the config {image_id}", self.bounds
            ).rootfs.diff_ids
        return ()

    # --- fetching ---

    def _fetch(
        self, source: str, wanted: Reference, *, local: bool, credentials: tuple[tuple[str, str, str], ...] = ()
    ) -> Image:
        with self._staging() as staging:
            if not local:
                self._lend(wanted, staging / "blobs")
            insecure = not local and wanted.loopback
            skopeo.copy(self._skopeo, source, staging, insecure=insecure, credentials=credentials, bounds=self.bounds)
            index = documents.read(staging / "layout" / "index.json", Index, "its index", self.bounds)
            if not index.manifests:
                raise ImageBroken("its index names no image")
            described = index.manifests[0]
            image = documents.read_image(staging / "blobs", described, str(wanted), local=local, bounds=self.bounds)
            self._unpack(image, staging / "blobs")  # strictly before it is named: named means usable
            for digest in {digest for _, digest, _ in image.layers} | {image.image_id, image.digest}:
                documents.blob(staging / "blobs", digest).replace(documents.blob(self._blobs, digest))
            return self._record(str(wanted), described, local=local)

    def _lend(self, wanted: Reference, blobs: Path) -> None:
        """Put there what came from the same repository before: it is not asked for again. What came from another is, since who
        may read the one need not be allowed to read the other."""
        (blobs / "sha256").mkdir(parents=True)
        repository = f"{wanted.host}/{wanted.path}"
        for image in self.list():
            known = reference.parse(image.name)
            if not image.local and f"{known.host}/{known.path}" == repository:
                for digest in {digest for _, digest, _ in image.layers} | {image.image_id}:
                    with contextlib.suppress(FileExistsError):
                        os.link(documents.blob(self._blobs, digest), documents.blob(blobs, digest))

    def _unpack(self, image: Image, blobs: Path) -> None:
        """Have all layers of an image here, each seen to be what its blob holds; those that are new are gone if one is not.
        Errors: LayerBroken."""
        fresh: Names = []
        try:
            for diff_id, digest, media_type in image.layers:
                if self.layers.hold(diff_id, digest, documents.blob(blobs, digest), media_type):
                    fresh.append(diff_id)
        except BaseException:
            used = {diff_id for other in self.list() for diff_id, _, _ in other.layers}
            for diff_id in fresh:
                if diff_id not in used:
                    self.layers.drop(diff_id)
            raise

    @contextlib.contextmanager
    def _staging(self) -> Iterator[Path]:
        """A directory for what is fetched; gone afterwards, whatever came of it."""
        directory = self.directory / "tmp" / uuid.uuid4().hex
        with self._together():
            directory.mkdir(mode=0o700)
            try:
                yield directory
            finally:
                trees.remove(directory)

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        """While somebody is in here nobody collects, in whatever process."""
        with (self.directory / "fetching.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    @contextlib.contextmanager
    def _alone(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Whether nobody else is there."""
        with (self.directory / f"{name}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    # --- the layout ---

    def _record(self, name: str, described: Descriptor, *, local: bool) -> Image:
        annotations = {REF: name, _LOCAL: "true" if local else "false"}
        entry = msgspec.structs.replace(described, annotations=annotations)
        self._change_index(lambda index: [*(other for other in index if other.name != name), entry])
        self._refresh()
        return self._images[name]

    def _index(self) -> tuple[Descriptor, ...]:
        """What the layout names. Errors: ImageBroken."""
        try:
            return documents.read(self.directory / "index.json", Index, "the index of the images", self.bounds).manifests
        except FileNotFoundError:
            return ()

    def _change_index(self, change: IndexEdit) -> None:
        path, partial = self.directory / "index.json", self.directory / "tmp" / f"index-{uuid.uuid4().hex}"
        with self._lock, self._alone("index", wait=True):
            try:
                before = self._index()
            except ImageBroken:  # kept for who wants to look at it; what it named is built or pulled again
                path.replace(path.with_suffix(".broken"))
                before = ()
            content = {"schemaVersion": 2, "manifests": change(before)}
            with partial.open("wb") as file:
                file.write(msgspec.json.encode(content))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            self._stamp = None

    def _refresh(self) -> None:
        """Read the index again when another process (`shipslog image`) has written it. What is broken is not here."""
        try:
            now = os.stat(self.directory / "index.json")
        except FileNotFoundError:
            self._images = {}
            return
        stamp = (now.st_mtime_ns, now.st_ino, now.st_size)
        if stamp == self._stamp:
            return
        with self._lock:
            images, broken = {}, {}
            try:
                named = self._index()
            except ImageBroken as error:
                named, broken = (), {"index.json": str(error)}
            for entry in named:
                try:
                    local = (entry.annotations or {}).get(_LOCAL) == "true"
                    images[entry.name] = documents.read_image(self._blobs, entry, entry.name, local=local, bounds=self.bounds)
                except (ImageBroken, OSError) as error:
                    broken[entry.name] = str(error)
            self._images, self.broken, self._stamp = images, broken, stamp

    def _take_bytes(self, staging: Path, data: bytes) -> dict[str, Any]:
        partial = staging / uuid.uuid4().hex
        partial.write_bytes(data)
        return self._take_blob(partial)

    def _take_blob(self, path: Path) -> dict[str, Any]:
        digest, size = documents.digest_of(path), path.stat().st_size
        path.replace(documents.blob(self._blobs, digest))
        return {"digest": digest, "size": size}
