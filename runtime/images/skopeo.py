"""skopeo, as a subprocess: copies an image from anywhere to an OCI layout."""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path


class CopyFailed(Exception):
    """skopeo's own words."""


def copy(
    skopeo: str,
    source: str,
    layout: Path,
    blobs: Path,
    *,
    insecure: bool = False,
    credentials: tuple[tuple[str, str, str], ...] = (),
) -> None:
    """Copy `source` (docker://..., oci-archive:...) to a layout whose blobs are in `blobs`. Errors: CopyFailed."""
    command = [skopeo, "--insecure-policy", "copy", "--quiet", "--retry-times", "1", "--dest-shared-blob-dir", str(blobs)]
    if insecure:
        command.append("--src-tls-verify=false")
    blobs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shipslog-pull-") as private:
        # always a file of ours: without one, skopeo reads what the user happens to be logged in to
        auth = Path(private) / "auth.json"
        auths = {
            host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()} for host, user, password in credentials
        }
        auth.touch(mode=0o600)
        auth.write_text(json.dumps({"auths": auths}))
        if source.startswith("docker://"):
            command += ["--src-authfile", str(auth)]
        environment = {**os.environ, "TMPDIR": private}
        done = subprocess.run([*command, source, f"oci:{layout}:image"], capture_output=True, env=environment, check=False)
    if done.returncode:
        raise CopyFailed(_words(done.stderr.decode(errors="replace")))


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
