"""Runs the tools that mount, format and attach. A tool that hangs is ended; one that is missing is named.

Tests: tests/runtime/volumes/remote/test_shares.py
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.failed import VolumeFailed

TIMEOUT_S = 120.0
OUTPUT_BYTES = 4096  # of what a tool says, in an event
PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # where tools for root are, whatever the daemon's PATH is
PACKAGES = {
    "iscsiadm": "open-iscsi",
    "rbd": "ceph-common",
    "mount.nfs": "nfs-common",
    "mount.glusterfs": "glusterfs-client",
    "mount.ceph": "ceph-common",
    "mount.cifs": "cifs-utils",
    "git": "git",
    "blkid": "util-linux",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
}


class ToolMissing(VolumeFailed):
    """This node does not have it, so nothing was done with it either."""


class ToolFailed(VolumeFailed):
    """It ended with another code than 0; `code` is -1 for one that was ended after its time."""

    def __init__(self, message: str, code: int, output: str) -> None:
        super().__init__(message)
        self.code, self.output = code, output


def found(tool: str) -> str:
    """Its path. Errors: ToolMissing."""
    path = shutil.which(tool, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *PLACES)))
    if path is None:
        package = f"; Debian's package {PACKAGES[tool]} has it" if tool in PACKAGES else ""
        raise ToolMissing(f"{tool} is not installed on this node{package}")
    return path


def run(
    tool: str,
    *arguments: str,
    ok: Sequence[int] = (0,),
    timeout_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Its code and what it printed. Errors: ToolFailed for a code that is not among `ok`, ToolMissing."""
    command, timeout_s = [found(tool), *arguments], timeout_s or TIMEOUT_S
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            cwd="/", env={**os.environ, "LC_ALL": "C", **(environment or {})},
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise VolumeFailed(f"{tool} cannot be run: {error}") from error
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        raise ToolFailed(f"{tool} did not end within {timeout_s:g} s", -1, "") from None
    text = output[-OUTPUT_BYTES:].decode(errors="replace").strip()
    if process.returncode not in ok:
        code = process.returncode
        how = f"exit status {code}" if code >= 0 else f"signal: {signal.Signals(-code).name}"
        raise ToolFailed(f"{tool} failed: {how}: {text or 'it says nothing'}", code, text)
    return process.returncode, text


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started. What hangs in the kernel is not waited for."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(1.0)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    assert process.stdout is not None
    process.stdout.close()


def mount(source: str, target: Path, kind: str, options: Sequence[str]) -> None:
    """mount(8), with the helper of that kind. Errors: VolumeFailed, in the kubelet's words."""
    given = ("-o", ",".join(options)) if options else ()
    arguments = ("-t", kind, *given, plain("source", source), str(target))
    try:
        run("mount", *arguments)
    except ToolFailed as error:
        why = f"exit status {error.code}" if error.code >= 0 else f"timed out after {TIMEOUT_S:g} s"
        needs = f"mount.{kind}"
        hint = ""
        if needs in PACKAGES and shutil.which(needs, path=os.pathsep.join(PLACES)) is None:
            hint = f"{needs} is not installed on this node; Debian's package {PACKAGES[needs]} has it\n"
        message = f"Mounting command: mount\nMounting arguments: {' '.join(arguments)}\nOutput: {error.output}\n{hint}"
        raise VolumeFailed(f"mount failed: {why}\n{message}") from error


def mounted(target: Path) -> bool:
    """Whether something is mounted there, without asking what is mounted: a server that is gone does not answer."""
    return str(target) in linux.mounts_below(target)


def plain(what: str, value: str) -> str:
    """A value from outside, as an argument. Errors: VolumeFailed for one that a tool would take for an option."""
    if not value or value.startswith("-") or any(character in value for character in "\0\n"):
        raise VolumeFailed(f"the {what} {value[:80]!r} is none")
    return value


def option(what: str, value: str) -> str:
    """A value from outside, in a list of options. Errors: VolumeFailed for one that would begin another option."""
    if "," in value or "\n" in value or "\0" in value:
        raise VolumeFailed(f"the {what} {value[:80]!r} has a comma or a line's end")
    return value


def bracketed(server: str) -> str:
    """An IPv6 address stands in brackets."""
    return f"[{server}]" if ":" in server and not server.startswith("[") else server
