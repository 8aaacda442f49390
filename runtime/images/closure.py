"""Copies programs of this machine, or of Debian packages that are not installed, with the libraries that they need.

Tests: tests/runtime/images/test_store.py
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

LIBRARIES = (
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib",
)


class ProgramMissing(Exception):
    """A program is neither installed nor to be had; the message says which package has it."""


@contextmanager
def programs(wanted: dict[str, str]) -> Iterator[dict[str, Path]]:
    """Where each program is, by its path on a Debian machine; `wanted` says which package has it.

    What is not installed is fetched as a package and unpacked in a temporary directory: nothing is installed, no service is
    started. Errors: ProgramMissing."""
    with tempfile.TemporaryDirectory(prefix="shipslog-packages-") as directory:
        absent = sorted({package for path, package in wanted.items() if not Path(path).exists()})
        if absent:
            _unpack(absent, Path(directory))
        found = {}
        for path, package in wanted.items():
            inside = Path(directory, "root", path.lstrip("/"))
            if inside.exists():
                found[path] = inside
            elif Path(path).exists():
                found[path] = Path(path)
            else:
                raise ProgramMissing(f"{path} is not on this machine; on Debian: apt-get install {package}")
        yield found


def _unpack(packages: list[str], directory: Path) -> None:
    archives, root = directory / "archives", directory / "root"
    (archives / "partial").mkdir(parents=True)
    root.mkdir()
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "--download-only", "--reinstall"]
    command += ["-o", f"Dir::Cache::archives={archives}", "-o", "APT::Sandbox::User=root", *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ProgramMissing(f"the packages {' '.join(packages)} are needed, and there is no apt-get here") from error
    if done.returncode:
        output = (done.stderr or done.stdout).strip().splitlines()
        raise ProgramMissing(f"apt-get could not fetch {' '.join(packages)}: {output[-1] if output else 'it did not say why'}")
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True, capture_output=True)


def copy(binaries: Iterable[tuple[Path, str]], root: Path) -> None:
    """Copy each program to its place below `root`, and every library that one of them is linked with."""
    libraries: dict[str, Path] = {}
    for source, place in binaries:
        target = root / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755)
        libraries |= _linked(source)
    for name, source in sorted(libraries.items()):
        target = root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755)


def _linked(program: Path) -> dict[str, Path]:
    """Where each library has to be -> where it is now."""
    top = next((p for p in program.parents if p.name == "root" and (p.parent / "archives").is_dir()), None)
    environment = dict(os.environ)
    if top is not None:
        environment["LD_LIBRARY_PATH"] = ":".join(str(top / path) for path in LIBRARIES)
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, env=environment, check=False)
    found: dict[str, Path] = {}
    for line in done.stdout.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        path = (rest if arrow else name).split(" (")[0]
        if not path.startswith("/"):
            if "not found" in rest:
                raise ProgramMissing(f"{program.name} needs {name}, which is not on this machine")
            continue
        place = path if top is None or not path.startswith(str(top)) else path.removeprefix(str(top))
        found[place] = Path(path)
    return found
