"""What is done for a container without starting crun, and when crun is started after all."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shipslog.runtime.containers.oci import container
from shipslog.runtime.containers.oci.recovery.records import ContainerRecord

RECORD = ContainerRecord(container_id="id", pod_uid="u", container="c", attempt=0, image_id="i")


@pytest.fixture
def place(tmp_path: Path) -> Any:
    """Of a node whose crun writes down what it is asked for, and whose groups are gone when `empty` says so."""
    crun = tmp_path / "crun-program"
    crun.write_text(f'#!/bin/sh\necho "$3 $4 $5" >> {tmp_path}/asked\n')
    crun.chmod(0o755)
    (tmp_path / "crun" / "id").mkdir(parents=True)
    (tmp_path / "exits").mkdir()
    made = SimpleNamespace(empty=True)
    made.layout = SimpleNamespace(
        crun=tmp_path / "crun",
        exits=tmp_path / "exits",
        container=lambda uid, name, attempt: tmp_path / "bundle",
        mapped=lambda container_id: tmp_path / "mapped",
        run=tmp_path,
    )
    made.settings = SimpleNamespace(crun=str(crun), cgroup_manager="cgroupfs")
    made.cgroups = SimpleNamespace(remove=lambda uid, container_id: made.empty)
    made.asked = lambda: (tmp_path / "asked").read_text().split() if (tmp_path / "asked").exists() else []
    return made


def test_what_waits_at_its_pipe_is_told_there(place: Any) -> None:
    pipe = place.layout.crun / "id" / "exec.fifo"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        container._crun_start(place, RECORD)
        assert os.read(reader, 2) == b"\0" and not pipe.exists() and not place.asked()
    finally:
        os.close(reader)


@pytest.mark.parametrize("pipe", [True, False], ids=["nobody waits", "no pipe"])
def test_else_crun_is_asked(pipe: bool, place: Any) -> None:
    if pipe:
        os.mkfifo(place.layout.crun / "id" / "exec.fifo")
    container._crun_start(place, RECORD)
    assert place.asked() == ["--cgroup-manager=cgroupfs", "start", "id"]


@pytest.mark.parametrize(("ended", "empty"), [(True, True), (True, False), (False, True)])
def test_only_what_has_ended_wholly_is_taken_away_without_crun(ended: bool, empty: bool, place: Any) -> None:
    place.empty = empty
    if ended:
        (place.layout.exits / "id").write_text("0")
    container.delete(place, RECORD)
    alone = ended and empty
    assert (place.layout.crun / "id").exists() is not alone
    assert place.asked() == ([] if alone else ["--cgroup-manager=cgroupfs", "delete", "--force"])
