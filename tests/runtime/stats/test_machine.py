"""Counters of this machine and this process: what they say is about right, and trees are looked at within bounds."""

import os
import time
from pathlib import Path

import pytest

from shipslog.runtime.stats import machine


def test_the_machine_grows_older() -> None:
    found = machine.whole(time.time_ns())
    assert found.cpu_ns > 0 and found.processes > 0
    assert 0 < found.working_set_bytes <= found.memory_bytes <= machine.meminfo()["MemTotal"]


def test_a_process_and_what_it_started() -> None:
    found = machine.Processes().tree(os.getpid(), 7)
    assert found is not None
    assert found.at_ns == 7 and found.memory_bytes > 1 << 20 and found.cpu_ns > 0 and found.processes >= 1
    assert machine.Processes().tree(1 << 30, 7) is None


def test_interfaces_without_the_loopback(tmp_path: Path) -> None:
    (tmp_path / "dev").write_text(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier\n"
        "    lo:       9       9    9    9    0     0          0         0        9       9    9    9    0     0       0\n"
        "  eth0:       1       2    3    4    0     0          0         0        5       6    7    8    0     0       0\n"
    )
    assert machine.interfaces(str(tmp_path / "dev")) == (machine.Interface("eth0", 1, 2, 3, 4, 5, 6, 7, 8),)


def test_what_a_tree_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/file").write_bytes(b"x" * 100_000)
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "out").symlink_to("/")
    found = machine.taken((tmp_path,), 3)
    assert found is not None
    assert 100_000 <= found.used_bytes < 1 << 20 and found.used_inodes == 5 and not found.partial
    monkeypatch.setattr(machine, "ENTRIES", 3)
    cut = machine.taken((tmp_path,), 3)
    assert cut is not None and cut.partial and cut.used_inodes == 3
    assert machine.taken((tmp_path / "gone",), 3) is None
