"""What pods name and fill volumes with: deep paths, links in the way of the daemon, trees as deep as they like."""

import contextlib
import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from shipslog.runtime.commands import FileContent, Mount, VolumeSource
from shipslog.runtime.machine import linux, trees
from shipslog.runtime.volumes import pod_volumes
from shipslog.runtime.volumes.failed import SubPathFailed, VolumeFailed
from tests.runtime.machine.test_trees import deep_tree

GROUP = 4711
pytestmark = pytest.mark.root


@pytest.fixture(autouse=True)
def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip("files are given to groups: needs root")


def test_a_deep_sub_path_is_refused(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    with pytest.raises(VolumeFailed, match="1500 directories deep; 256 are allowed"):
        pod_volumes.pin_sub_path(volume, Mount(volume="v", path="/", sub_path="/".join("d" * 1500)), "c", tmp_path / "pinned")
    assert not any(volume.iterdir())


def test_whoever_changes_a_sub_path_while_it_is_bound_leads_nobody_out(tmp_path: Path) -> None:
    """A container of the pod makes a link of a directory, and a directory of the link, as fast as it can."""
    volume, outside, pinned = tmp_path / "volume", tmp_path / "outside", tmp_path / "pinned"
    for place in (volume / "real", outside):
        place.mkdir(parents=True)
    (outside / "precious").touch()
    (volume / "real" / "own").touch()
    over = threading.Event()

    def change() -> None:
        while not over.is_set():
            for make in (lambda at: at.symlink_to(outside), lambda at: at.symlink_to("real"), lambda at: at.mkdir()):
                fresh = volume / "fresh"
                make(fresh)
                if (volume / "a").is_dir() and not (volume / "a").is_symlink():
                    with contextlib.suppress(OSError):
                        trees.remove(volume / "a")
                with contextlib.suppress(OSError):
                    fresh.rename(volume / "a")
                fresh.unlink() if fresh.is_symlink() else trees.remove(fresh)

    changing = threading.Thread(target=change)
    changing.start()
    seen = set[str]()
    try:
        for number in range(400):
            target = pinned / str(number)
            path = ("a", "a/b")[number % 2]
            try:
                pod_volumes.pin_sub_path(volume, Mount(volume="v", path="/", sub_path=path), "c", target)
            except SubPathFailed:
                seen.add("refused")
            else:
                seen.add("bound")
                assert not (target / "precious").exists()
                linux.unmount(str(target))
            assert sorted(entry.name for entry in outside.iterdir()) == ["precious"]
    finally:
        over.set()
        changing.join(30)
        for point in linux.mounts_below(tmp_path):
            linux.unmount(point)
    assert not changing.is_alive() and "bound" in seen


@pytest.mark.parametrize("kind", ["files", "hostPath"])
def test_deep_paths_of_volumes_are_refused(kind: str, tmp_path: Path) -> None:
    deep = "/".join("d" * 1500)
    files = (FileContent(path=deep, data=b"x"),)
    volume = VolumeSource(name="v", kind=kind, files=files, host_path=f"{tmp_path}/{deep}")  # type: ignore[arg-type]
    with pytest.raises(VolumeFailed, match="directories deep"):
        pod_volumes.prepare(tmp_path / "volumes", (volume,), None)


def test_a_deep_volume_is_given_to_a_group_and_removed(tmp_path: Path) -> None:
    volume = VolumeSource(name="v", kind="emptyDir")
    volumes = tmp_path / "volumes"
    pod_volumes.prepare(volumes, (volume,), None)
    try:
        deep_tree(volumes / "v")
        pod_volumes.prepare(volumes, (volume,), GROUP)
        found = os.stat(volumes / "v" / "/".join("d" * 500) / "file")
        assert (found.st_gid, stat.S_IMODE(found.st_mode)) == (GROUP, 0o660)
        pod_volumes.remove_tree(volumes)
        assert not volumes.exists()
    finally:
        subprocess.run(["rm", "-rf", str(volumes)], check=False)


def test_a_link_does_not_give_a_file_of_the_machine_to_a_group(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.touch(mode=0o600)
    volume = VolumeSource(name="v", kind="emptyDir")
    pod_volumes.prepare(tmp_path / "volumes", (volume,), None)
    (tmp_path / "volumes/v/link").symlink_to(precious)
    (tmp_path / "volumes/v/directory").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "volumes/v/pipe")
    pod_volumes.prepare(tmp_path / "volumes", (volume,), GROUP)
    assert (precious.stat().st_gid, stat.S_IMODE(precious.stat().st_mode)) == (0, 0o600)
    assert os.lstat(tmp_path / "volumes/v/link").st_gid == GROUP


def test_a_file_that_becomes_a_link_under_our_hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container swaps a file for a link right after it was looked at: what was opened is changed, not what is there now."""
    precious = tmp_path / "precious"
    precious.touch(mode=0o600)
    volume = VolumeSource(name="v", kind="emptyDir")
    pod_volumes.prepare(tmp_path / "volumes", (volume,), None)
    file = tmp_path / "volumes/v/file"
    file.touch()
    chown = os.chown

    def swap_first(path: object, *arguments: object, **options: object) -> None:
        looked_at = os.readlink(str(path)) if str(path).startswith("/proc/self/fd/") else str(path)
        if looked_at == str(file) and not file.is_symlink():
            file.rename(file.with_name("aside"))
            file.symlink_to(precious)
        chown(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "chown", swap_first)
    pod_volumes.prepare(tmp_path / "volumes", (volume,), GROUP)
    assert file.is_symlink(), "it was swapped"
    assert (precious.stat().st_gid, stat.S_IMODE(precious.stat().st_mode)) == (0, 0o600)


def test_files_of_a_volume_are_compared_however_deep(tmp_path: Path) -> None:
    files = tuple(FileContent(path="/".join("d" * depth) + "/file", data=b"x") for depth in (1, 200))
    pod_volumes.write_files(tmp_path, files)
    before = os.readlink(tmp_path / "..data")
    pod_volumes.write_files(tmp_path, files)
    assert os.readlink(tmp_path / "..data") == before, "nothing has changed"
    pod_volumes.write_files(tmp_path, files[:1])
    assert not (tmp_path / "..data" / files[1].path).exists() and (tmp_path / "..data" / files[0].path).exists()
