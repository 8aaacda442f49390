"""What a RuntimeClass names makes the containers of its pods: runc beside crun."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.commands import (
    PullImage,
    RemovePodSandbox,
    RunPodSandbox,
    Security,
    StartContainer,
    StopContainer,
    UpdateContainerResources,
)
from shipslog.runtime.containers.oci import programs
from shipslog.runtime.containers.oci.layout import Layout
from shipslog.runtime.machine.environment import OciSettings
from shipslog.store.facts import ContainerExited, ContainerLimits, ContainerResized, ContainerStartFailed, SandboxFailed
from tests.runtime.containers.oci.test_image_volumes import written
from tests.runtime.containers.test_contract import IMAGE, UID, Bench, known

pytestmark = pytest.mark.root


def test_what_a_node_has_not_is_told() -> None:
    settings = OciSettings(runc="")
    assert (programs.check(settings, ""), programs.check(settings, "crun")) == ("crun", "crun")
    with pytest.raises(programs.HandlerUnknown, match=r'no runtime for "runc" is configured: this node has crun$'):
        programs.check(settings, "runc")
    with pytest.raises(programs.HandlerUnknown, match="this node has crun and runc"):
        programs.check(OciSettings(runc="/usr/sbin/runc"), "../../bin/sh")


def test_they_keep_apart_what_they_know(tmp_path: Path) -> None:
    layout, settings = Layout(tmp_path / "data", tmp_path / "run"), OciSettings(runc="/r")
    assert programs.command(settings, layout, "runc") == ["/r", "--root", str(tmp_path / "run/runc")]
    assert programs.state(layout, "") == programs.state(layout, "crun") == layout.crun


async def test_a_handler_that_is_not_there_fails_the_sandbox(bench: Bench) -> None:
    command = RunPodSandbox(node="n", pod_uid=UID, namespace="default", name="p", hostname="p", handler="kata")
    (failed,) = await bench.node.execute(command)
    assert isinstance(failed, SandboxFailed) and 'no runtime for "kata" is configured' in failed.message
    assert failed.reason == "FailedCreatePodSandBox" and not list((bench.place / "node/pods").iterdir())


@pytest.mark.parametrize("own_users", [False, True], ids=["machine's users", "own users"])
async def test_runc_does_what_crun_does(own_users: bool, bench: Bench) -> None:
    if shutil.which("runc", path="/usr/sbin:/usr/bin:/usr/local/bin") is None:
        pytest.skip("Debian's runc is not installed")
    users: Any = {"own_users": True} if own_users else {}
    sandbox = await bench.pod(handler="runc", **users)
    script = "trap 'echo ended; exit 4' TERM; echo up; while true; do sleep 0.1; done"
    started, *_ = await bench.run(script, memory_limit_bytes=64 << 20, security=Security(seccomp_default=True))
    await written(bench, 0, b"up\n")
    id_ = started.container_id.removeprefix("shipslog://")
    run = next(path for path in Path("/run/shipslog").iterdir() if (path / "runc" / id_).is_dir())
    assert not (run / "crun" / id_).exists()
    await bench.again(known(started, sandbox))
    output: Any = bench.node
    assert await output.exec_output(UID, "c", ("sh", "-c", "echo in; exit 2"), 10) == (2, b"in\n")
    update = UpdateContainerResources(
        node="n", pod_uid=UID, container="c", attempt=0, limits=ContainerLimits(memory_limit_bytes=96 << 20)
    )  # fmt: skip
    (resized,) = await bench.node.execute(update)
    assert isinstance(resized, ContainerResized) and not resized.failure, resized
    stop = StopContainer(node="n", pod_uid=UID, container="c", attempt=0, grace_period_s=20)
    (exited,) = await bench.node.execute(stop)
    assert isinstance(exited, ContainerExited) and exited.exit_code == 4
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    assert not (run / "runc" / id_).exists()


async def test_runc_names_what_cannot_be_started(bench: Bench) -> None:
    if shutil.which("runc", path="/usr/sbin:/usr/bin:/usr/local/bin") is None:
        pytest.skip("Debian's runc is not installed")
    await bench.pod(handler="runc")
    await bench.node.execute(PullImage(node="n", image=IMAGE, policy="IfNotPresent"))
    wrong = StartContainer(
        node="n", pod_uid=UID, namespace="default", name="p", container="c", attempt=0, image=IMAGE, command=("/no/such",)
    )
    (failed,) = await bench.node.execute(wrong)
    assert isinstance(failed, ContainerStartFailed) and "no such file or directory" in failed.message
    assert failed.reason == "RunContainerError"
