"""Directories on the disk: made once, emptied once for a claim, removed whole, and never anywhere else."""

import os
from pathlib import Path

import pytest

from shipslog.runtime.commands import MakeVolume, RemoveVolume, ScrubVolume
from shipslog.runtime.volumes.directories import Directories
from shipslog.store.facts import VolumeMade, VolumeOperationFailed, VolumeRemoved, VolumeScrubbed

NAME = "pvc-0a1b2c3d-0000-4000-8000-00000000000a"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "volumes"


async def test_made_kept_and_removed(root: Path) -> None:
    disk = Directories("n", root)
    made = await disk.execute(MakeVolume(node="n", volume=NAME))
    assert made == VolumeMade(node="n", volume=NAME, path=str(root / NAME))
    assert (root / NAME).stat().st_mode & 0o7777 == 0o777
    (root / NAME / "data").write_text("kept")
    assert await disk.execute(MakeVolume(node="n", volume=NAME)) == made, "twice is as once"
    assert (root / NAME / "data").read_text() == "kept"
    for _ in range(2):
        assert await disk.execute(RemoveVolume(node="n", volume=NAME)) == VolumeRemoved(node="n", volume=NAME)
        assert os.listdir(root) == []


@pytest.mark.parametrize(
    "name", ["..", "../x", "/etc", "pvc-", "pvc-../../../etc", "", "pvc-0a1b2c3d-0000-4000-8000-00000000000a/..", NAME + "\n"]
)
async def test_no_other_name_is_a_path(root: Path, name: str) -> None:
    disk = Directories("n", root)
    for command in (MakeVolume(node="n", volume=name), RemoveVolume(node="n", volume=name)):
        answer = await disk.execute(command)
        assert isinstance(answer, VolumeOperationFailed) and "no name of a volume" in answer.message
    assert not root.exists()


async def test_those_that_hold_nothing_are_told(root: Path, tmp_path: Path) -> None:
    disk = Directories("n", root)
    assert await disk.empty() == []
    made = await disk.execute(MakeVolume(node="n", volume=NAME))
    (root / "somebody's").mkdir()
    (root / NAME.replace("a", "b")).symlink_to(tmp_path)
    (root / NAME.replace("a", "c")).mkdir()
    (root / NAME.replace("a", "c") / "data").write_text("of a claim")
    assert await Directories("n", root).empty() == [made]


async def test_links_do_not_lead_out(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("still here")
    disk = Directories("n", root)
    await disk.execute(MakeVolume(node="n", volume=NAME))
    (root / NAME / "link").symlink_to(outside)
    scrubbed = await disk.execute(ScrubVolume(node="n", volume="v", path=str(root / NAME), claim_uid="u"))
    assert scrubbed == VolumeScrubbed(node="n", volume="v", claim_uid="u") and os.listdir(root / NAME) == []
    (root / NAME / "link").symlink_to(outside)
    await disk.execute(RemoveVolume(node="n", volume=NAME))
    (root / "link").symlink_to(outside)
    answer = await disk.execute(ScrubVolume(node="n", volume="w", path=str(root / "link"), claim_uid="u"))
    assert isinstance(answer, VolumeOperationFailed), "what is to be emptied is a directory, and no link to one"
    assert (outside / "precious").read_text() == "still here"


async def test_one_claim_s_leavings_are_removed_once(tmp_path: Path) -> None:
    """A command that comes twice must not take what the next claim has written."""
    disk, scrub = Directories("n", tmp_path / "r"), ScrubVolume(node="n", volume="v", path=str(tmp_path), claim_uid="u")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("old")
    await disk.execute(scrub)
    assert os.listdir(tmp_path) == []
    (tmp_path / "new").write_text("of the next")
    assert isinstance(await disk.execute(scrub), VolumeScrubbed) and (tmp_path / "new").exists()


@pytest.mark.parametrize("path", ["/", "", "/tmp/..", "relative"])
async def test_what_is_never_emptied(tmp_path: Path, path: str) -> None:
    answer = await Directories("n", tmp_path).execute(ScrubVolume(node="n", volume="v", path=path, claim_uid="u"))
    assert isinstance(answer, VolumeOperationFailed)


async def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = await Directories("n", tmp_path / "file").execute(MakeVolume(node="n", volume=NAME))
    assert isinstance(answer, VolumeOperationFailed) and answer.message and answer.at_ns
