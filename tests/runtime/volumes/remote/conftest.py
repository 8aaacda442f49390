"""Tools that write down how they were called, and a disk that is a file."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import UNSET

from shipslog.runtime.commands import RemoteVolume, VolumeSource
from shipslog.runtime.machine import linux
from shipslog.runtime.volumes import pod_volumes
from shipslog.runtime.volumes.remote import disks, nfs


class Tools:
    """Programs that come before the machine's own, and what they were called with."""

    def __init__(self, place: Path) -> None:
        self.place, self._calls = place, place / "calls"
        place.mkdir()

    def add(self, name: str, script: str = "") -> None:
        """A program that writes down its arguments and then does what the script says."""
        path = self.place / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self._calls}\n{script}\n')
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []

    def forget(self) -> None:
        self._calls.unlink(missing_ok=True)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    made = Tools(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.place}:{os.environ['PATH']}")
    return made


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says which file system the kernel knows besides tmpfs."""

    def knows(kind: str) -> None:
        listed = tmp_path / "filesystems"
        listed.write_text(f"nodev\ttmpfs\nnodev\t{kind}\n")
        monkeypatch.setattr(nfs, "FILE_SYSTEMS", listed)

    return knows


class Pods:
    """Directories of pods, as a runtime has them."""

    def __init__(self, place: Path) -> None:
        self.place = place / "pods"

    def volumes(self, pod: str) -> Path:
        return self.place / pod / "volumes"

    def mount(
        self,
        plugin: str,
        of: str = "p",
        /,
        *,
        name: str = "v",
        group: int | None = None,
        read_only: bool = False,
        block: bool = False,
        **remote: object,
    ) -> Path:
        """-> where it is."""
        about = RemoteVolume(plugin=plugin, **remote)  # type: ignore[arg-type]
        volume = VolumeSource(
            name=name, kind="remote", remote=about, read_only=read_only, block=True if block else UNSET
        )  # fmt: skip
        pod_volumes.prepare(self.volumes(of), (volume,), group)
        return self.volumes(of) / name

    def remove(self, pod: str = "p") -> None:
        pod_volumes.remove(self.volumes(pod))

    def clear(self) -> None:
        for point in linux.mounts_below(self.place.parent):
            linux.unmount(point)


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    if os.geteuid() != 0:
        pytest.skip("mounts: needs root")
    made = Pods(tmp_path)
    yield made
    made.clear()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[str]:
    """A device of 16 MiB that holds nothing."""
    file = tmp_path / "disk"
    with file.open("wb") as handle:
        handle.truncate(16 << 20)
    done = subprocess.run(["losetup", "--find", "--show", str(file)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no loop device: {done.stderr.strip()}")
    yield done.stdout.strip()
    subprocess.run(["losetup", "--detach", done.stdout.strip()], check=False)


@pytest.fixture
def by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where udev would name disks."""
    place = tmp_path / "by-path"
    place.mkdir()
    for name in ("BY_PATH", "BY_ID"):
        monkeypatch.setattr(disks, name, place)
    monkeypatch.setattr("shipslog.runtime.volumes.remote.cloud.BY_ID", place)
    monkeypatch.setattr(disks, "APPEARS_S", 0.2)
    return place


Mount = Callable[..., Path]
