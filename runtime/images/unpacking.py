"""A layer's blob as the plain tar that it holds: as it is, or from gzip or zstd. A piece at a time, whatever it grows to.

Tests: tests/runtime/images/test_hostile_images.py
"""

import gzip
import subprocess
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, cast

from .bounds import ImageBroken

_CHUNK = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def plain(blob: Path, media_type: str) -> Generator[bytes, None, None]:
    """Pieces of at most a MiB. Errors: ImageBroken, OSError."""
    with blob.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic[:2] == _GZIP:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield from _unzipped(cast(IO[bytes], stream))
        elif magic == _ZSTD or media_type.endswith("zstd"):
            yield from _zstd(raw)
        else:
            yield from _chunks(raw)


def _unzipped(stream: IO[bytes]) -> Iterator[bytes]:
    try:
        yield from _chunks(stream)
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ImageBroken(f"its gzip is broken: {error}") from error


def _zstd(raw: IO[bytes]) -> Iterator[bytes]:
    try:
        process = subprocess.Popen(["zstd", "-dc", "-q"], stdin=raw, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise ImageBroken("it is compressed with zstd, and there is no such program here; install zstd") from error
    assert process.stdout is not None
    try:
        with process.stdout as stream:
            yield from _chunks(stream)
        if process.wait():
            raise ImageBroken("its zstd is broken")
    finally:
        process.kill()  # nothing, if it has ended: but who stops reading must not leave it
        process.wait()


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk
