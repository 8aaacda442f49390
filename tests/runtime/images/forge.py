"""Makes images as their makers would not: an OCI layout of which every document and every layer can be forged."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shipslog.runtime.images.documents import CONFIG, LAYER, MANIFEST


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def member(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.type, found.size = kind, len(content)
    for key, value in more.items():
        setattr(found, key, value)
    return found, content


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def plain(text: str = "sound") -> bytes:
    """A layer that nothing is wrong with."""
    return layer(member("file", content=text.encode()))


class Layout:
    """An OCI layout directory. What is given is written as it is; what is not is made to fit the layers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "blobs/sha256").mkdir(parents=True)
        (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data: bytes) -> dict[str, Any]:
        (self.directory / "blobs/sha256" / hashlib.sha256(data).hexdigest()).write_bytes(data)
        return {"digest": digest(data), "size": len(data)}

    def write(
        self,
        layers: Sequence[bytes] = (),
        *,
        blobs: Sequence[bytes] | None = None,
        diff_ids: Sequence[Any] | None = None,
        config: bytes | None = None,
        manifest: bytes | None = None,
        index: bytes | None = None,
        sizes: Any = None,
    ) -> Path:
        """`layers` uncompressed; `blobs` what stands for them."""
        packed = [{"mediaType": LAYER, **self.blob(data)} for data in (layers if blobs is None else blobs)]
        for each in packed if sizes is not None else ():
            each["size"] = sizes
        ids = [digest(data) for data in layers] if diff_ids is None else list(diff_ids)
        described = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}}
        configured = self.blob(json.dumps(described).encode() if config is None else config)
        whole = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG, **configured}, "layers": packed}
        written = self.blob(json.dumps(whole).encode() if manifest is None else manifest)
        named = {"schemaVersion": 2, "manifests": [{"mediaType": MANIFEST, **written}]}
        (self.directory / "index.json").write_bytes(json.dumps(named).encode() if index is None else index)
        return self.directory


def header(name: bytes, kind: bytes, size: bytes) -> bytes:
    """A tar header with a size field as it is given, and a right checksum."""
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:108], block[124 : 124 + len(size)] = b"0000644\0", size
    block[156:157], block[257:265] = kind, b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)
