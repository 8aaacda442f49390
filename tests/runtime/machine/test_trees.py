"""Trees that somebody else filled: as deep as they like, with links in the way, with mounts, with files that are kept."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipslog.runtime.machine import linux, trees

DEEP = 3_000


def deep_tree(top: Path, depth: int = DEEP, name: str = "d") -> None:
    """A chain of directories, each with a file, made without a path that names it."""
    top.mkdir(parents=True, exist_ok=True)
    at = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(depth):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=at))
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


@pytest.fixture
def top(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "top"
    made.mkdir()
    yield made
    subprocess.run(["rm", "-rf", str(made)], check=False)  # pytest's own removal is not made for such trees


def test_a_deep_tree_is_removed(top: Path) -> None:
    deep_tree(top, name="d" * 200)
    (top / "plain").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    trees.remove(top)
    assert not top.exists() and len(os.listdir("/proc/self/fd")) == before
    trees.remove(top)  # again: nothing to do
    trees.remove(top / "neither" / "there")


def test_a_wide_tree_is_removed(top: Path) -> None:
    for number in range(60):
        (top / f"{number}/a/b").mkdir(parents=True)
        for each in range(40):
            (top / f"{number}/a/{each}").touch()
    for number in range(2_500):
        (top / f"file-{number}").touch()
    (top / ".removing-0/x").mkdir(parents=True)  # a name of ours, taken already
    trees.remove(top)
    assert not top.exists()


def test_links_are_removed_and_not_followed(top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    (top / "to-directory").symlink_to(outside)
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/link").symlink_to(outside / "precious")
    os.link(outside / "precious", top / "hard")
    os.mkfifo(top / "a/pipe")
    trees.remove(top)
    assert not top.exists() and (outside / "precious").read_text() == "kept"
    link = tmp_path / "link"
    link.symlink_to(outside)
    trees.remove(link)
    assert not link.is_symlink() and (outside / "precious").exists()


def test_names_may_be_any_bytes(top: Path) -> None:
    odd = os.fsencode(top) + b"/\xff\xfe \n"
    os.makedirs(odd + b"/\x80/deeper")
    with open(odd + b"/\xe9", "wb"):
        pass
    assert len(list(trees.walk(top))) == 4
    trees.remove(top)
    assert not top.exists()


@pytest.mark.root
def test_what_is_kept_by_a_flag_is_removed(top: Path) -> None:
    if os.geteuid() != 0 or shutil.which("chattr") is None:
        pytest.skip("flags of files need root and chattr")
    (top / "kept/below").mkdir(parents=True)
    (top / "kept/file").touch()
    (top / "kept/below/file").touch()
    for path in ("kept/file", "kept/below/file", "kept/below", "kept"):
        flag = "+a" if path == "kept/below" else "+i"
        if subprocess.run(["chattr", flag, str(top / path)], capture_output=True).returncode:
            pytest.skip("this file system keeps no flags")
    trees.remove(top)
    assert not top.exists()


@pytest.mark.root
def test_a_mount_is_not_crossed(top: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounts need root")
    outside = tmp_path / "outside"
    (outside / "below").mkdir(parents=True)
    (outside / "below/precious").write_text("kept")
    (top / "a/mounted").mkdir(parents=True)
    linux.mount(str(outside), str(top / "a/mounted"), flags=linux.MS_BIND)  # of the same file system: a device says nothing
    try:
        assert (outside / "below/precious").exists()
        assert {name for _, name in trees.walk(top)} == {"a", "mounted"}
        with pytest.raises(OSError, match=r"mounted|busy"):
            trees.remove(top)
        assert (outside / "below/precious").read_text() == "kept"
    finally:
        for point in linux.mounts_below(top):
            linux.unmount(point)
    trees.remove(top)
    assert not top.exists()


def test_a_walk_sees_all_of_a_deep_tree_and_leaves_from_below(top: Path) -> None:
    deep_tree(top)
    left: list[str] = []
    seen = [name for _, name in trees.walk(top, leave=lambda at, name: left.append(name))]
    assert seen.count("file") == DEEP and seen.count("d") == DEEP == len(left)


def test_a_walk_does_not_enter_what_became_a_link(top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (top / "a").mkdir()
    seen = []
    for at, name in trees.walk(top):
        seen.append(name)
        if name == "a":
            os.rmdir("a", dir_fd=at)
            os.symlink(outside, "a", dir_fd=at)
    assert seen == ["a"]


def test_a_walk_says_when_its_directory_was_moved_away(top: Path, tmp_path: Path) -> None:
    (top / "a/b/c").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(OSError, match="moved away"):
        for _, name in trees.walk(top):
            if name == "c":
                (top / "a/b").rename(tmp_path / "elsewhere/b")
