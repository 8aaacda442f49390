"""What a container may do to the node that runs it, and what people may do to its records: the pod goes all the same."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.commands import Mount, RemovePodSandbox, RunPodSandbox, StartContainer, VolumeSource
from shipslog.runtime.containers.oci import layout
from shipslog.runtime.containers.oci.node import OciNode
from shipslog.runtime.containers.oci.pod_sandbox import pause, sandbox
from shipslog.runtime.containers.process import ProcessNode
from shipslog.runtime.machine import trees
from shipslog.runtime.node import LeftBehind
from shipslog.store.facts import ContainerStarted, SandboxRemoved, SandboxStarted
from tests.runtime.machine.test_trees import deep_tree

from .test_contract import IMAGE, UID, real_node

pytestmark = pytest.mark.root


def by_hand(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=False).stdout


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[OciNode]:
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    made = real_node(tmp_path)()
    assert isinstance(made, OciNode)
    await made.start(lambda fact: None, ())
    try:
        yield made
    finally:
        await made.close(end_pods=True)
        by_hand("rm", "-rf", str(tmp_path / "node"))


async def run_pod(node: OciNode, uid: str = UID) -> None:
    volume = VolumeSource(name="v", kind="emptyDir")
    run = RunPodSandbox(node="n", pod_uid=uid, namespace="default", name="p", hostname="p", volumes=(volume,))
    (made,) = await node.execute(run)
    assert isinstance(made, SandboxStarted)
    start = StartContainer(
        node="n", pod_uid=uid, namespace="default", name="p", container="c", attempt=0, image=IMAGE,
        command=("sh", "-c", "exec sleep 4243"), mounts=(Mount(volume="v", path="/v"),),
    )  # fmt: skip
    (started, *_) = await node.execute(start)
    assert isinstance(started, ContainerStarted)


def left_of(node: OciNode) -> list[str]:
    """What is on the machine under the node's names."""
    places = node._life.layout
    names = [name for name in os.listdir("/run/netns") if name.startswith(layout.netns_name(node.instance, ""))]
    names += [name for name in os.listdir("/sys/class/net") if name.startswith(layout.link_name(node.instance, ""))]
    return names + list(pause.running(str(places.data / "pause")))


async def test_trees_of_any_depth_are_removed_with_their_pod(node: OciNode) -> None:
    await run_pod(node)
    pod = node._life.layout.pod(UID)
    deep_tree(pod / "volumes/v/deep", 1_100)
    deep_tree(pod / "containers/c/0/upper/deep", 1_100)
    assert await node.execute(RemovePodSandbox(node="n", pod_uid=UID)) == (SandboxRemoved(node="n", pod_uid=UID),)
    assert not pod.exists() and not left_of(node)


async def test_control_groups_of_any_depth_are_removed_with_their_pod(node: OciNode) -> None:
    await run_pod(node)
    root = node.settings.cgroup_root
    top = next((found for found in root.glob(f"**/shipslog-{node.instance}/{UID}") if found.is_dir()), None)
    if top is None:
        pytest.skip("no control groups are given to containers here")
    at = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(1_100):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    await node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    assert not top.exists()


async def test_nothing_stays_of_a_pod_whose_records_were_removed_by_hand(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    make = real_node(tmp_path)
    node = make()
    assert isinstance(node, OciNode)
    await node.start(lambda fact: None, ())
    await run_pod(node)
    assert len(left_of(node)) == 3
    (node._life.layout.pod(UID) / "sandbox.json").unlink()
    await node.close()
    again = make()
    await again.start(lambda fact: None, ())  # a daemon that comes back knows nothing of this pod
    try:
        assert not left_of(node)
    finally:
        await again.close(end_pods=True)
    assert not left_of(node)
    assert not by_hand("pgrep", "-f", "^sleep 4243")


async def test_a_pod_whose_directory_was_removed_by_hand_ends(node: OciNode) -> None:
    await run_pod(node)
    pod = node._life.layout.pod(UID)
    by_hand("rm", "-rf", str(pod))
    assert not (pod / "containers/c/0/container.json").exists()
    assert await node.execute(RemovePodSandbox(node="n", pod_uid=UID)) == (SandboxRemoved(node="n", pod_uid=UID),)
    assert not pod.exists() and not left_of(node)
    assert not by_hand("pgrep", "-f", "^sleep 4243")


async def test_an_end_says_what_it_could_not_do(node: OciNode, monkeypatch: pytest.MonkeyPatch) -> None:
    await run_pod(node)
    await run_pod(node, other := UID.replace("1", "2"))
    remove, stuck = trees.remove, node._life.layout.pod(UID)

    def refuse(path: Path) -> None:
        if path == stuck:
            raise OSError(16, "Device or resource busy", str(path))
        remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(trees, "remove", refuse)
        with pytest.raises(LeftBehind, match=f"pod {UID}.*busy") as told:
            await node.close(end_pods=True)
    assert len(told.value.left) == 1, told.value.left
    assert stuck.is_dir(), "its record stays, so that it can be tried again"
    assert not node._life.layout.pod(other).exists() and not left_of(node), "all else is done"
    await node.start(lambda fact: None, ())
    await node.close(end_pods=True)
    assert not stuck.exists()
    await node.start(lambda fact: None, ())


async def test_plain_processes_say_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = ProcessNode("n", tmp_path / "processes")
    await node.start(lambda fact: None, ())
    await node.execute(RunPodSandbox(node="n", pod_uid=UID, namespace="default", name="p", hostname="p"))
    deep_tree(tmp_path / "processes" / UID / "deep", 1_100)
    with monkeypatch.context() as patched:
        patched.setattr(trees, "remove", lambda path: (_ for _ in ()).throw(OSError(16, "busy")))
        with pytest.raises(LeftBehind, match=f"pod {UID}"):
            await node.close(end_pods=True)
    await node.close(end_pods=True)
    assert not (tmp_path / "processes" / UID).exists()


async def test_of_many_that_go_at_once_a_few_are_taken_away_at_a_time(node: OciNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread for each of hundreds left the loop no turn for seconds."""
    real, under_way, most, lock = sandbox.remove, 0, 0, threading.Lock()

    def remove(*arguments: Any) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.01)
        real(*arguments)
        with lock:
            under_way -= 1

    monkeypatch.setattr(sandbox, "remove", remove)
    uids = [f"{number:08d}-2222-4333-8444-555555555555" for number in range(60)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(node.execute(RemovePodSandbox(node="n", pod_uid=uid)) for uid in uids))
    assert 1 < most <= node.settings.workers * 2
