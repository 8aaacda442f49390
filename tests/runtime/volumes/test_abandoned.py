"""What pods have left that nobody knows of goes; what belongs to others stays."""

import asyncio
import os
from pathlib import Path

import pytest

from shipslog.runtime.commands import RemoteVolume, RemovePodSandbox, RunPodSandbox, VolumeSource
from shipslog.runtime.machine import linux
from shipslog.runtime.volumes.abandoned import Abandoned, pod_directories
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.facts import SandboxFailed
from shipslog.store.state import PodRuntime
from tests.runtime.containers.test_contract import real_node

LOST, KNOWN = "aaaaaaaa-2222-4333-8444-555555555555", "bbbbbbbb-2222-4333-8444-555555555555"


async def inside(owner: str, function: object, *arguments: object) -> list[str]:
    return []


def test_only_what_is_called_like_a_pod_is_one(tmp_path: Path) -> None:
    for name in (LOST, KNOWN, "lost+found", "backup", f"{LOST}.old"):
        (tmp_path / name).mkdir()
    (tmp_path / "cccccccc-2222-4333-8444-555555555555").symlink_to(tmp_path / "backup")
    (tmp_path / "dddddddd-2222-4333-8444-555555555555").touch()
    assert pod_directories(tmp_path, {KNOWN}) == [LOST]
    assert pod_directories(tmp_path / "none", ()) == []


async def test_what_cannot_be_taken_away_is_told_and_tried_again(tmp_path: Path) -> None:
    fails, tried = True, asyncio.Queue[str]()

    async def remove(uid: str) -> None:
        tried.put_nowait(uid)
        if fails and uid == LOST:
            raise VolumeFailed("its driver is gone")

    left = Abandoned(tmp_path, inside, remove)
    left.begin([LOST, KNOWN])
    try:
        async with asyncio.timeout(30):
            assert {await tried.get(), await tried.get()} == {LOST, KNOWN}
            while not left.troubles():
                await asyncio.sleep(0.01)
            assert left.troubles() == ["1 volumes that no pod knows of could not be taken back; the server's log says more"]
            fails = False
            left.look()
            assert await tried.get() == LOST
            while left.troubles():
                await asyncio.sleep(0.01)
    finally:
        await left.close()


@pytest.mark.root
async def test_a_crash_before_the_log_heard_of_a_pod_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node dies while it mounts the second volume of a pod; when it comes back the log knows of another pod alone."""
    if os.geteuid() != 0:
        pytest.skip("mounts: needs root")
    make = real_node(tmp_path)
    place, others = tmp_path / "node" / "pods", tmp_path / "others"
    (others / "precious").mkdir(parents=True)
    volumes = (
        VolumeSource(name="memory", kind="emptyDir", medium="Memory"),
        VolumeSource(name="host", kind="hostPath", host_path=str(others)),
        VolumeSource(name="cloud", kind="remote", remote=RemoteVolume(plugin="gcePersistentDisk", source={"pdName": "x"})),
    )
    first = make()
    await first.start(lambda fact: None, ())
    for uid in (LOST, KNOWN):
        command = RunPodSandbox(node="n", pod_uid=uid, namespace="default", name="p", hostname="p", volumes=volumes)
        (fact,) = await first.execute(command)
        assert isinstance(fact, SandboxFailed), "the last volume is nowhere, as it is when somebody kills the daemon before it"
    (place / "lost+found").mkdir()
    await first.close()
    second = make()
    await second.start(lambda fact: None, (PodRuntime(pod_uid=KNOWN, node="n"),))
    try:
        async with asyncio.timeout(30):
            while (place / LOST).exists():
                await asyncio.sleep(0.02)
        life = second._life  # type: ignore[attr-defined]
        assert await life.inside("", linux.mounts_below, place) == [
            str(place / KNOWN / "volumes" / "memory"),
            str(place / KNOWN / "shm"),
        ]
        assert (others / "precious").is_dir() and (place / "lost+found").is_dir()
        await second.execute(RemovePodSandbox(node="n", pod_uid=KNOWN))
    finally:
        await second.close(end_pods=True)
