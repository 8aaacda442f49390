"""Layers unpacked once each, under the digest of their content, ready to be the lower directories of an overlay."""

import gzip
import hashlib
import os
import shutil
import stat
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from shipslog.runtime.volumes.pod_volumes import remove_tree

_CHUNK = 1 << 20
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


class LayerBroken(Exception):
    """A layer cannot be unpacked, or is not what its image says."""


class Layers:
    """The unpacked layers of one node. Threads may unpack at the same time; each layer is unpacked by one of them.

    `ids`: how many user ids there are to own files, in a user namespace; with only one, all files are its. None for all."""

    def __init__(self, directory: Path, *, ids: int | None = None) -> None:
        self.directory = directory
        self._rootless = ids is not None
        self._owners = ids is None or ids > 1
        self._opaque = "user.overlay.opaque" if self._rootless else "trusted.overlay.opaque"
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def name(self, diff_id: str) -> str:
        """Of the directory: short, since all of an image's must fit into one page of mount options."""
        return diff_id.removeprefix("sha256:")[:24]

    def has(self, diff_id: str) -> bool:
        return (self.directory / self.name(diff_id)).is_dir()

    def unpack(self, diff_id: str, blob: Path, media_type: str) -> Path:
        """The directory of the layer, unpacked from `blob` if it is not there. Errors: LayerBroken, nothing is left then."""
        with self._lock:
            lock = self._locks.setdefault(diff_id, threading.Lock())
        with lock:
            target = self.directory / self.name(diff_id)
            if target.is_dir():
                return target
            self.directory.mkdir(parents=True, exist_ok=True)
            partial = self.directory / f"partial-{uuid.uuid4().hex[:12]}"
            partial.mkdir()
            try:
                self._extract(partial, diff_id, blob, media_type)
                self._turn_whiteouts(partial)
                partial.rename(target)
            except BaseException:
                remove_tree(partial)
                raise
            return target

    def keep_only(self, diff_ids: set[str]) -> None:
        """Remove every other layer, and what a crash left half unpacked."""
        wanted = {self.name(diff_id) for diff_id in diff_ids}
        for entry in os.scandir(self.directory) if self.directory.is_dir() else []:
            if entry.name not in wanted:
                remove_tree(Path(entry.path))

    def _extract(self, target: Path, diff_id: str, blob: Path, media_type: str) -> None:
        command = ["tar", "-x", "-f", "-", "-C", str(target), "--numeric-owner", "--same-permissions"]
        command += ["--xattrs", "--xattrs-include=*", "--delay-directory-restore", "--warning=no-timestamp"]
        command += [] if self._owners else ["--no-same-owner"]
        digest = hashlib.sha256()
        tar = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert tar.stdin is not None
        assert tar.stderr is not None
        try:
            for chunk in _plain(blob, media_type):
                digest.update(chunk)
                tar.stdin.write(chunk)
        except (OSError, EOFError) as error:
            tar.kill()
            raise LayerBroken(
                f"layer {diff_id} cannot be unpacked: {tar.stderr.read().decode(errors='replace') or error}"
            ) from error
        finally:
            with _quietly():
                tar.stdin.close()
            message = tar.stderr.read().decode(errors="replace").strip()
            tar.stderr.close()
            code = tar.wait()
        if code and not (self._rootless and _only_devices(message)):
            raise LayerBroken(f"layer {diff_id} cannot be unpacked: {message}")
        if f"sha256:{digest.hexdigest()}" != diff_id:
            raise LayerBroken(
                f"layer {diff_id} holds sha256:{digest.hexdigest()}: the image was changed on its way; it is not used"
            )

    def _turn_whiteouts(self, top: Path) -> None:
        for directory, names, files in os.walk(top):
            for name in [*files, *names]:
                if not name.startswith(WHITEOUT):
                    continue
                path = os.path.join(directory, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)
                if name == OPAQUE:
                    os.setxattr(directory, self._opaque, b"y")
                elif not name.startswith(".wh..wh."):
                    os.mknod(os.path.join(directory, name.removeprefix(WHITEOUT)), stat.S_IFCHR, os.makedev(0, 0))


def _only_devices(message: str) -> bool:
    """Whether tar complains of nothing but devices, which a user may not make: containers get theirs from the runtime."""
    lines = [line for line in message.splitlines() if "Exiting with failure status" not in line]
    return bool(lines) and all("Cannot mknod: Operation not permitted" in line for line in lines)


class _quietly:
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, OSError)


def _plain(blob: Path, media_type: str) -> Iterator[bytes]:
    with blob.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as stream:
                yield from _chunks(cast(IO[bytes], stream))
        elif magic == b"\x28\xb5\x2f\xfd" or media_type.endswith("zstd"):
            zstd = subprocess.Popen(["zstd", "-dc"], stdin=raw, stdout=subprocess.PIPE)
            assert zstd.stdout is not None
            with zstd.stdout as stream:
                yield from _chunks(stream)
            if zstd.wait():
                raise OSError("zstd failed")
        else:
            yield from _chunks(raw)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk
