"""Counters of this machine and this process: what they say is about right, and trees are looked at within bounds."""

import os
import time
from pathlib import Path

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
