"""Whose the files of a volume are, and who may read them."""

import os
from pathlib import Path

import pytest

from shipslog.runtime.commands import FileContent, VolumeSource
from shipslog.runtime.volumes import pod_volumes

USER, GROUP = (1234, 5678) if os.geteuid() == 0 else (os.getuid(), os.getgid())
FILES = (FileContent(path="token", data=b"t", mode=0o600, user=USER), FileContent(path="deep/ca.crt", data=b"c", mode=0o644))
VOLUME = VolumeSource(name="v", kind="files", files=FILES, read_only=True)


def modes(directory: Path) -> dict[str, tuple[int, int, int]]:
    found = {file.path: (directory / "v" / file.path).stat() for file in FILES}
    return {path: (s.st_uid, s.st_gid, s.st_mode & 0o7777) for path, s in found.items()}


def test_a_token_belongs_to_the_user(tmp_path: Path) -> None:
    pod_volumes.prepare(tmp_path, (VOLUME,), None)
    assert modes(tmp_path) == {"token": (USER, os.getgid(), 0o600), "deep/ca.crt": (os.getuid(), os.getgid(), 0o644)}


def test_the_group_of_the_pod_may_read_and_not_write(tmp_path: Path) -> None:
    pod_volumes.prepare(tmp_path, (VOLUME,), GROUP)
    assert modes(tmp_path) == {"token": (USER, GROUP, 0o640), "deep/ca.crt": (os.getuid(), GROUP, 0o644)}
    assert (tmp_path / "v").stat().st_gid == GROUP


def test_files_that_are_as_they_should_be_are_left_alone(tmp_path: Path) -> None:
    for group in (None, GROUP):
        pod_volumes.prepare(tmp_path, (VOLUME,), group)
        before = os.readlink(tmp_path / "v/..data")
        pod_volumes.prepare(tmp_path, (VOLUME,), group)
        assert os.readlink(tmp_path / "v/..data") == before


@pytest.mark.parametrize(("group", "mode"), [(None, 0o777), (GROUP, 0o2777)])
def test_everybody_may_write_to_an_empty_volume_and_remove_what_is_in_it(tmp_path: Path, group: int | None, mode: int) -> None:
    volume = VolumeSource(name="v", kind="emptyDir")
    (tmp_path / "..v").mkdir(mode=0o700)  # a crash while it was made
    pod_volumes.prepare(tmp_path, (volume,), group)
    assert (tmp_path / "v").stat().st_mode & 0o7777 == mode
    (tmp_path / "v" / "kept").touch()
    (tmp_path / "v").chmod(0o750)  # what a container makes of it stays
    pod_volumes.prepare(tmp_path, (volume,), None)
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o750 and (tmp_path / "v" / "kept").exists()
