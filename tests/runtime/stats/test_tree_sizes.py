"""What trees take, of which each look sees a part."""

import os
from pathlib import Path

import pytest

from shipslog.runtime.stats import tree_sizes
from shipslog.runtime.stats.tree_sizes import TreeSizes
from shipslog.runtime.stats.usage import Disk


def look(sizes: TreeSizes, path: Path) -> Disk:
    found = sizes.taken("t", path, 3)
    assert found is not None and found.at_ns == 3
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/file").write_bytes(b"x" * 100_000)
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "out").symlink_to("/")
    return tmp_path


def test_what_a_tree_takes(tree: Path) -> None:
    sizes = TreeSizes()
    found = look(sizes, tree)
    assert 100_000 <= found.used_bytes < 1 << 20 and found.used_inodes == 5 and not found.partial
    assert sizes.taken("gone", tree / "gone", 3) is None and not sizes.unfinished


def test_many_small_files_hide_no_large_one(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        (tree / f"small-{number}").touch()
    monkeypatch.setattr(tree_sizes, "ENTRIES", 4)
    sizes, opened = TreeSizes(), len(os.listdir("/proc/self/fd"))
    seen = [look(sizes, tree) for _ in range(4)]  # of 15 entries
    assert [disk.used_inodes for disk in seen] == [4, 8, 12, 15] and [disk.partial for disk in seen] == [True] * 3 + [False]
    assert seen[-1].used_bytes >= 100_000 and not sizes.unfinished
    (tree / "deep/er/file").unlink()
    again = look(sizes, tree)
    assert again.partial and again.used_bytes >= 100_000, "what it was counts until it has been seen again"
    assert sizes.unfinished == {"t": tree}
    assert [look(sizes, tree).used_inodes for _ in range(3)][-1] == 14
    look(sizes, tree)
    sizes.keep(set())
    assert not sizes.unfinished and len(os.listdir("/proc/self/fd")) == opened


def test_a_tree_that_is_another_now_is_looked_at_from_its_beginning(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_sizes, "ENTRIES", 2)
    sizes = TreeSizes()
    assert look(sizes, tree).partial
    assert look(sizes, tree / "deep").used_inodes == 2
    assert sizes.taken("t", tree / "gone", 3) is None and not sizes.unfinished
