"""What a machine has of control groups of version 1, where /sys/fs/cgroup itself may be written to and where it may not."""

import os
from pathlib import Path

import pytest

from shipslog.runtime.containers.oci.config.config_json import limits
from shipslog.runtime.machine import environment
from shipslog.store.facts import ContainerLimits

LISTED = "9:name=systemd:/a\n8:cpu,cpuacct:/\n4:memory:/b\n0::/c\n"


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As systemd mounts it: the directory is read-only, and what is mounted in it is not."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and real(path, mode))
    for name in ("systemd", "cpu,cpuacct", "memory"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    return tmp_path


def test_groups_are_made_where_systemd_keeps_the_directory_read_only(read_only: Path) -> None:
    assert environment.has_groups(read_only, LISTED)
    assert environment.missing_controllers(read_only) == ("pids",)


def test_they_are_not_where_one_of_those_that_a_process_is_in_is_missing(read_only: Path) -> None:
    assert not environment.has_groups(read_only, "3:freezer:/\n" + LISTED)
    assert not environment.has_groups(read_only, "0::/\n")


def test_where_the_directory_can_be_written_to_crun_makes_what_is_missing(tmp_path: Path) -> None:
    assert environment.has_groups(tmp_path, LISTED)
    assert environment.missing_controllers(tmp_path) == environment.CONTROLLERS


def test_nothing_is_said_to_a_controller_that_is_not_there() -> None:
    wanted = ContainerLimits(cpu_request_milli=100, cpu_limit_milli=500, memory_limit_bytes=64 << 20)
    without = limits(wanted, environment.OciSettings(cgroup_version=2, missing_controllers=("cpu", "memory")))
    assert without == {}
    assert limits(wanted, environment.OciSettings(cgroup_version=2)).keys() == {"cpu", "memory"}
