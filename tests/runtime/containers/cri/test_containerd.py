"""What containerd does with what it is asked for, where it matters to the machine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shipslog.runtime.commands import Mount, RemovePodSandbox, RunPodSandbox, VolumeSource
from shipslog.runtime.machine import linux
from shipslog.store.facts import ContainerExited, ContainerStartFailed, SandboxFailed
from tests.runtime.containers.conftest import containerd
from tests.runtime.containers.test_contract import UID, Bench, cri_node

pytestmark = pytest.mark.root
__all__ = ("containerd",)


@pytest.fixture
async def bench(tmp_path: Path, containerd: str) -> AsyncIterator[Bench]:
    bench = Bench("cri", cri_node(tmp_path, containerd), tmp_path)
    await bench.start()
    try:
        yield bench
    finally:
        await bench.node.close(end_pods=True)


async def said(bench: Bench, attempt: int) -> str:
    async with asyncio.timeout(60):
        while not any(isinstance(fact, ContainerExited) and fact.attempt == attempt for fact in bench.facts):
            await asyncio.sleep(0.05)
    return (await bench.log_of(attempt)).decode()


async def test_no_link_leads_a_sub_path_out_of_its_volume(bench: Bench, tmp_path: Path) -> None:
    host = tmp_path / "host"
    (host / "dir").mkdir(parents=True)
    (host / "dir/file").write_text("inside\n")
    (host / "out").symlink_to("/etc")
    await bench.pod(volumes=(VolumeSource(name="h", kind="hostPath", host_path=str(host)),))
    (failed,) = await bench.run("cat /m/hostname", mounts=(Mount(volume="h", path="/m", sub_path="out"),))
    assert isinstance(failed, ContainerStartFailed) and failed.reason == "CreateContainerConfigError"
    assert failed.message.startswith('failed to prepare subPath for volumeMount "h" of container "c": out')
    bench.facts += await bench.run("cat /m/file", 1, mounts=(Mount(volume="h", path="/m", sub_path="dir"),))
    assert await said(bench, 1) == "inside\n"
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    assert not linux.mounts_below(tmp_path / "cri")


async def test_what_of_the_kernel_is_closed_to_containers(bench: Bench) -> None:
    await bench.pod()
    bench.facts += await bench.run("grep -c ' /proc/' /proc/mounts; (echo 1 >/proc/sys/vm/drop_caches) 2>&1; true")
    lines = (await said(bench, 0)).split("\n")
    assert int(lines[0]) > 3 and "Read-only file system" in lines[1]


async def test_a_runtime_without_user_namespaces_says_so(bench: Bench) -> None:
    command = RunPodSandbox(node="n", pod_uid=UID, namespace="default", name="p", hostname="p", own_users=True)
    (failed,) = await bench.node.execute(command)
    assert isinstance(failed, SandboxFailed) and failed.reason == "FailedCreatePodSandBox"
    assert "does not support user namespaces" in failed.message and "containerd" in failed.message
