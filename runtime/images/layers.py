"""Layers unpacked once each, under the digest of their content, ready to be the lower directories of an overlay.

A digest in an image's config is a claim. A layer is given to an image when the blob that this image brought was read to its end
and hashes to it; beside each layer is kept which blobs did.

Tests: tests/runtime/images/test_hostile_images.py
"""

import contextlib
import hashlib
import os
import re
import stat
import subprocess
import threading
import uuid
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec
from msgspec import Struct

from shipslog.runtime.machine import linux, trees

from .bounds import Bounds, ImageBroken, check_disk
from .entries import Entries
from .unpacking import plain

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_DIFF_ID = re.compile(r"sha256:[0-9a-f]{64}")
_CHECK_EVERY = 64 << 20  # bytes between two looks at the disk
_BLOBS = 64  # remembered for one layer
_SAID = 8192  # bytes kept of what tar says


class Kept(Struct, frozen=True, kw_only=True):
    """Beside a layer, NAME.json: which it is, and the blobs that were seen to hold it."""

    diff_id: str
    blobs: tuple[str, ...] = ()


class LayerBroken(ImageBroken):
    """A layer cannot be unpacked, or is not what its image says."""


class Layers:
    """The unpacked layers of one node. Threads may unpack at the same time; each layer is unpacked by one of them.

    `ids`: how many user ids there are to own files, in a user namespace; with only one, all files are its. None for all."""

    def __init__(self, directory: Path, *, ids: int | None = None, bounds: Bounds | None = None) -> None:
        self.directory = directory
        self._bounds = bounds or Bounds()
        self._rootless = ids is not None
        self._owners = ids is None or ids > 1
        self._opaque = "user.overlay.opaque" if self._rootless else "trusted.overlay.opaque"
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def name(self, diff_id: str) -> str:
        """Of the directory: short, since all of an image's must fit into one page of mount options. Errors: LayerBroken."""
        if not _DIFF_ID.fullmatch(diff_id):
            raise LayerBroken(f"{diff_id[:100]!r} is no digest of a layer: sha256: and 64 hexadecimal digits are")
        return diff_id.removeprefix("sha256:")[:24]

    def has(self, diff_id: str, digest: str) -> bool:
        """Whether the layer is here, and this blob was seen to hold it."""
        kept = self._kept(diff_id)
        return kept is not None and kept.diff_id == diff_id and digest in kept.blobs

    def hold(self, diff_id: str, digest: str, blob: Path, media_type: str) -> bool:
        """Have the layer here, unpacked from `blob` if it is not; the blob is read, unless it was before. -> whether the layer
        is new. Errors: LayerBroken, nothing is left then."""
        target = self.directory / self.name(diff_id)
        with self._lock:
            lock = self._locks.setdefault(target.name, threading.Lock())
        with lock:
            if self.has(diff_id, digest):
                return False
            kept = self._kept(diff_id)
            if kept is not None and kept.diff_id != diff_id:
                raise LayerBroken(
                    f"the layer {kept.diff_id} is here and begins as {diff_id} does; the two cannot be told apart"
                )
            here = target.is_dir()
            if here:
                self._read(None, diff_id, blob, media_type)
            else:
                self._unpack(target, diff_id, blob, media_type)
            blobs = (digest, *(kept.blobs if kept is not None else ()))[:_BLOBS]
            self._keep(target.name, Kept(diff_id=diff_id, blobs=blobs))
            return not here

    def keep_only(self, diff_ids: set[str]) -> None:
        """Remove every other layer, and what a crash left half unpacked."""
        wanted = {self.name(diff_id) for diff_id in diff_ids}
        for entry in list(os.scandir(self.directory)) if self.directory.is_dir() else []:
            if entry.name.removesuffix(".json") not in wanted:
                trees.remove(Path(entry.path))

    def drop(self, diff_id: str) -> None:
        """Remove one layer."""
        (self.directory / f"{self.name(diff_id)}.json").unlink(missing_ok=True)  # strictly first: half a layer is none
        trees.remove(self.directory / self.name(diff_id))

    def _kept(self, diff_id: str) -> Kept | None:
        name = self.name(diff_id)
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            kept = msgspec.json.decode((self.directory / f"{name}.json").read_bytes(), type=Kept)
            return kept if (self.directory / name).is_dir() else None
        return None

    def _keep(self, name: str, kept: Kept) -> None:
        partial = self.directory / f"partial-{uuid.uuid4().hex[:12]}"
        partial.write_bytes(msgspec.json.encode(kept))
        partial.rename(self.directory / f"{name}.json")

    def _unpack(self, target: Path, diff_id: str, blob: Path, media_type: str) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        partial = self.directory / f"partial-{uuid.uuid4().hex[:12]}"
        partial.mkdir()
        try:
            self._read(partial, diff_id, blob, media_type)
            self._turn_whiteouts(partial)
            partial.rename(target)
        except BaseException:
            trees.remove(partial)
            raise

    def _read(self, target: Path | None, diff_id: str, blob: Path, media_type: str) -> None:
        """Read the blob to its end and see that it is the layer; unpack it on the way, if there is a target."""
        digest, entries, read, looked, ended = hashlib.sha256(), Entries(self._bounds), 0, 0, False
        try:
            unpacking = _Tar(self._tar(target), self._rootless) if target is not None else contextlib.nullcontext()
            with unpacking as tar, contextlib.closing(plain(blob, media_type)) as chunks:
                for chunk in chunks:
                    read += len(chunk)
                    if read > self._bounds.layer_bytes:
                        raise ImageBroken(f"it is larger than {self._bounds.layer_bytes} bytes when it is unpacked")
                    digest.update(chunk)
                    entries.feed(chunk)
                    if tar is not None and not ended:
                        tar.write(chunk, last=entries.ended)
                    ended = entries.ended  # what comes after the end is part of the digest, and no business of tar's
                    if tar is not None and read - looked >= _CHECK_EVERY:
                        looked = read
                        check_disk(self.directory, self._bounds)
        except (OSError, EOFError, ImageBroken) as error:
            raise LayerBroken(f"layer {diff_id} cannot be unpacked: {error}") from error
        if f"sha256:{digest.hexdigest()}" != diff_id:
            raise LayerBroken(
                f"layer {diff_id} holds sha256:{digest.hexdigest()}: the image was changed on its way; it is not used"
            )

    def _tar(self, target: Path) -> list[str]:
        check_disk(self.directory, self._bounds)
        command = ["tar", "-x", "-f", "-", "-C", str(target), "--numeric-owner", "--same-permissions"]
        # a file's capabilities and what users wrote; nothing by which an overlay is told what to show
        command += ["--xattrs", "--xattrs-include=security.capability", "--xattrs-include=user.*"]
        command += ["--xattrs-exclude=user.overlay.*", "--delay-directory-restore", "--warning=no-timestamp"]
        return command + ([] if self._owners else ["--no-same-owner"])

    def _turn_whiteouts(self, top: Path) -> None:
        try:
            for directory, name in trees.walk(top):
                if name.startswith(WHITEOUT):
                    self._white_out(directory, name)
        except OSError as error:
            raise LayerBroken(f"a layer hides files in a way that cannot be followed: {error}") from error

    def _white_out(self, directory: int, name: str) -> None:
        trees.remove_at(directory, name)
        hidden = name.removeprefix(WHITEOUT)
        if name == OPAQUE:
            os.setxattr(directory, self._opaque, b"y")
        elif hidden in ("", ".", ".."):
            raise LayerBroken(f"a layer hides {hidden!r}, which is no file")
        elif not hidden.startswith(WHITEOUT):
            try:
                os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0), dir_fd=directory)
            except FileExistsError:
                self._make_opaque(directory, hidden)  # the layer has one of that name itself: only what is below is hidden

    def _make_opaque(self, directory: int, name: str) -> None:
        inside = linux.RESOLVE_BENEATH | linux.RESOLVE_NO_SYMLINKS
        with contextlib.suppress(NotADirectoryError):
            descriptor = linux.open_inside(directory, name, os.O_RDONLY | os.O_DIRECTORY, inside)
            try:
                os.setxattr(descriptor, self._opaque, b"y")
            finally:
                os.close(descriptor)


class _Tar:
    """tar, unpacking what is written to it. Errors: ImageBroken, with what it says."""

    def __init__(self, command: list[str], rootless: bool) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self._rootless = rootless
        self._messages: list[str] = []
        self._room = _SAID
        # heard while it is fed: a pipe that nobody reads would stop it, and us
        self._listener = threading.Thread(target=self._listen, name="shipslog-tar", daemon=True)
        self._listener.start()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def write(self, chunk: bytes, *, last: bool) -> None:
        """`last`: the archive ends in this piece, so tar may have gone before it has read all of it."""
        with contextlib.suppress(*([BrokenPipeError] if last else [])):
            self._stdin.write(chunk)

    def __enter__(self) -> "_Tar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not isinstance(error, BrokenPipeError):
            self._process.kill()
        with contextlib.suppress(OSError):
            self._stdin.close()
        code = self._process.wait()
        self._listener.join()
        if code and (error is None or isinstance(error, BrokenPipeError)) and (self._messages or not self._rootless):
            raise ImageBroken("; ".join(self._messages) or f"tar ended with code {code}") from error

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for raw in iter(lambda: stream.readline(_SAID), b""):
                line = raw.decode(errors="replace").strip()
                # a user may not make devices, and need not: containers get theirs from the runtime
                expected = self._rootless and "Cannot mknod: Operation not permitted" in line
                if line and self._room > 0 and not expected and "Exiting with failure status" not in line:
                    self._messages.append(line)
                    self._room -= len(line)
