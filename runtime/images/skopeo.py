"""skopeo, as a subprocess: copies an image from anywhere to an OCI layout, under watch."""

import base64
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from shipslog.runtime.machine import trees

from .bounds import Bounds, ImageBroken, check_disk

_LOOK_S = 1.0
_SAID = 64 << 10  # bytes of its log that are looked at
_WORDS = 2000  # characters of its message: what a registry answers may be in it


class CopyFailed(Exception):
    """skopeo's own words."""


def copy(
    skopeo: str,
    source: str,
    staging: Path,
    *,
    insecure: bool = False,
    credentials: Sequence[tuple[str, str, str]] = (),
    bounds: Bounds,
) -> None:
    """Copy `source` (docker://..., oci-archive:...) to a layout in `staging`/layout whose blobs are in `staging`/blobs; a blob
    that is there already is not asked for. Errors: CopyFailed, ImageBroken, OSError."""
    blobs, private, auth = staging / "blobs", staging / "private", staging / "auth.json"
    command = [skopeo, "--insecure-policy", "copy", "--quiet", "--retry-times", "1", "--dest-shared-blob-dir", str(blobs)]
    if insecure:
        command.append("--src-tls-verify=false")
    blobs.mkdir(parents=True, exist_ok=True)
    private.mkdir()
    # always a file of ours: without one, skopeo reads what the user happens to be logged in to
    auths = {host: {"auth": base64.b64encode(f"{user}:{word}".encode()).decode()} for host, user, word in credentials}
    auth.touch(mode=0o600)
    auth.write_text(json.dumps({"auths": auths}))
    if source.startswith("docker://"):
        command += ["--src-authfile", str(auth)]
    output = staging / "said"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*command, source, f"oci:{staging / 'layout'}:image"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=log, env={**os.environ, "TMPDIR": str(private)}, start_new_session=True,
        )  # fmt: skip
    try:
        _watch(process, staging, bounds)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        with output.open("rb") as log:
            log.seek(max(0, output.stat().st_size - _SAID))
            raise CopyFailed(_words(log.read().decode(errors="replace"))[:_WORDS])


def _watch(process: "subprocess.Popen[bytes]", staging: Path, bounds: Bounds) -> None:
    """Returns when it has ended. Errors: ImageBroken, when it brings too much, nothing more, or takes too long."""
    descriptor = os.pidfd_open(process.pid)
    try:
        size, begun = 0, time.monotonic()
        grew = begun
        while not select.select([descriptor], [], [], _LOOK_S)[0]:
            before, size = size, _size(staging)
            if size != before:
                grew = time.monotonic()
            if size > bounds.image_bytes:
                raise ImageBroken(f"it is larger than {bounds.image_bytes} bytes")
            if time.monotonic() - grew > bounds.quiet_s:
                raise ImageBroken(f"nothing came for {bounds.quiet_s:g} s")
            if time.monotonic() - begun > bounds.pull_s:
                raise ImageBroken(f"it had not come whole after {bounds.pull_s:g} s")
            check_disk(staging, bounds)
        process.wait()
        if _size(staging) > bounds.image_bytes:
            raise ImageBroken(f"it is larger than {bounds.image_bytes} bytes")
    finally:
        os.close(descriptor)


def _size(directory: Path) -> int:
    """What is on the disk below a directory, in bytes."""
    size = 0
    for at, name in trees.walk(directory):
        try:
            size += os.stat(name, dir_fd=at, follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return size


def _words(text: str) -> str:
    """The message of the last error line of skopeo's log, without its frame."""
    lines = [line for line in text.splitlines() if "msg=" in line] or text.splitlines() or ["skopeo failed"]
    last = lines[-1]
    if "msg=" not in last:
        return last.strip()
    raw = last[last.index("msg=") + 4 :].strip()
    try:
        return str(json.loads(raw))
    except ValueError:
        return raw.strip('"')
