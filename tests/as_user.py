"""`python -m tests.as_user [--no-ids] COMMAND...`: as root, run a command as an ordinary user.

In a mount namespace of its own: there the user, who is not otherwise on this machine, has a name and subordinate ids (unless
--no-ids), and may read this project and its Python wherever they are.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from shipslog.runtime.machine import linux

ROOT = Path(__file__).parents[1]
UID, FIRST_ID = 4711, 1_471_100_000


def prefix(*options: str) -> list[str]:
    """What goes before a command that an ordinary user is to run: nothing, if that is who runs the tests."""
    return [sys.executable, "-m", "tests.as_user", *options] if os.geteuid() == 0 else []


def hindrance() -> str:
    """Why there can be no rootless node on this machine; "" if there can."""
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "--net", "true"], capture_output=True, check=False
    )
    return "" if done.returncode == 0 else "this machine gives no user namespaces"


def give(directory: Path) -> None:
    """Make the directory that user's."""
    if os.geteuid() == 0:
        os.chown(directory, UID, UID)


def _opened(paths: list[Path]) -> None:
    """Make the paths reachable for everybody: what stands in the way is covered, and they are put back there."""
    held = {path: os.open(path, os.O_PATH) for path in paths}
    barriers = {next((up for up in reversed(path.parents) if not up.stat().st_mode & 1), None) for path in paths}
    for barrier in barriers - {None}:
        linux.mount("none", str(barrier), "tmpfs", data="mode=755")
        for path, descriptor in held.items():
            if path.is_relative_to(str(barrier)):
                path.mkdir(parents=True, exist_ok=True)
                linux.mount(f"/proc/self/fd/{descriptor}", str(path), flags=linux.MS_BIND | linux.MS_REC)


def main(arguments: list[str]) -> None:
    command = arguments[1:] if arguments[0] == "--no-ids" else arguments
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    _opened([Path(path).resolve() for path in {sys.base_prefix, sys.prefix, str(ROOT)}])
    ids = "" if command is not arguments else f"captain:{FIRST_ID}:65536\n"
    with tempfile.TemporaryDirectory() as directory:
        for name, more in (("passwd", f"captain:x:{UID}:{UID}::/tmp:/bin/sh\n"), ("subuid", ids), ("subgid", ids)):
            place, made = Path("/etc", name), Path(directory, name)
            made.write_text((place.read_text() if name == "passwd" else "") + more)
            if place.exists():
                linux.mount(str(made), str(place), flags=linux.MS_BIND)
    os.setgroups([])
    os.setgid(UID)
    os.setuid(UID)
    os.chdir(ROOT)
    os.environ |= {"HOME": "/tmp", "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
