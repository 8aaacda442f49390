"""For a process inside a user namespace of one id: see test_rootless."""

from pathlib import Path

from shipslog.runtime.commands import PullImage, RunPodSandbox, Security, StartContainer
from shipslog.store.facts import ContainerStartFailed, SandboxStarted
from tests.runtime.containers.test_contract import IMAGE, UID, real_node


async def test_another_user_is_refused_with_a_reason(tmp_path: Path) -> None:
    node = real_node(tmp_path)()
    await node.start(lambda fact: None, ())
    try:
        (made,) = await node.execute(RunPodSandbox(node="n", pod_uid=UID, namespace="default", name="p", hostname="p"))
        assert isinstance(made, SandboxStarted)
        await node.execute(PullImage(node="n", image=IMAGE, policy="IfNotPresent"))
        start = StartContainer(
            node="n", pod_uid=UID, namespace="default", name="p", container="c", attempt=0, image=IMAGE,
            command=("true",), security=Security(run_as_user=1000),
        )  # fmt: skip
        (told,) = await node.execute(start)
        assert isinstance(told, ContainerStartFailed)
        assert "user 1000 or group 0 is beyond the 1 ids of this rootless node" in told.message
    finally:
        await node.close(end_pods=True)
