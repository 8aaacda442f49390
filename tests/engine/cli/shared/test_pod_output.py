"""`shipslog logs pod/NAME`, and kubectl's log of a moment: what containers wrote stays when they are gone."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shipslog.engine.cli import main
from shipslog.engine.library import Cluster, Serving
from shipslog.runtime.containers.process import ProcessNode
from shipslog.store.objects.types import core_v1


class Place:
    """A cluster on plain processes, served."""

    def __init__(self, cluster: Cluster, served: Serving) -> None:
        self.cluster, self.served = cluster, served

    async def pod(self, script: str, name: str = "web", restart: str = "Never") -> core_v1.Pod:
        container = {"name": "app", "image": "any", "command": ["/bin/sh", "-c", script]}
        made: list[core_v1.Pod] = await self.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name},
                "spec": {"containers": [container], "restartPolicy": restart},
            }
        )
        return made[0]

    async def ended(self, name: str = "web") -> core_v1.Pod:
        return await self.cluster.wait(core_v1.Pod, name, until=lambda pod: pod.status.phase == "Succeeded", timeout_s=30)

    async def shipslog(self, *words: str) -> Any:
        command = [*words, "--kubeconfig", str(self.served.kubeconfig)]
        return await asyncio.to_thread(CliRunner().invoke, main, command)

    async def get(self, path: str) -> str:
        from shipslog.engine.cli.shared.remote import Remote

        return "".join(
            part.decode() for part in await asyncio.to_thread(lambda: list(Remote.of(self.served.kubeconfig).stream(path)))
        )


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    node = ProcessNode("n", tmp_path / "processes")
    async with Cluster.open(runtime=[node]) as cluster, cluster.serve() as served:
        yield Place(cluster, served)
        await node.close(end_pods=True)


async def test_what_pods_of_a_name_wrote_one_after_the_other(place: Place) -> None:
    uids = []
    for word in ("one", "two"):
        uids.append((await place.pod(f"echo {word}")).metadata.uid)
        await place.ended()
        await place.cluster.delete("pods", "web", grace_period_s=0)
        await place.cluster.gone("pods", "web")
    while (await place.shipslog("logs", "pod/web")).output.count("gone") < 2:
        await asyncio.sleep(0.05)
    told = (await place.shipslog("logs", "pod/web")).output
    assert re.findall(r"^(==> web app|one|two)", told, re.M) == ["==> web app", "one", "==> web app", "two"]
    assert (await place.shipslog("logs", uids[0])).output == "one\n"
    stamped = (await place.shipslog("logs", uids[1], "--timestamps", "--tail", "1")).output
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\S+Z two\n", stamped)
    listed = (await place.shipslog("logs", "web", "--list")).output.splitlines()
    assert listed[0].split() == ["POD", "UID", "CONTAINER", "START", "LAST", "WRITTEN", "SIZE", "STATE"]
    assert [line.split()[1] for line in listed[1:]] == uids
    assert {line.split()[-1] for line in listed[1:]} == {"gone"}


async def test_what_is_not_there_is_told(place: Place) -> None:
    told = await place.shipslog("logs", "pod/nobody")
    assert told.exit_code == 1 and "nothing is kept" in told.output
    told = await place.shipslog("logs", "deployment/web")
    assert told.exit_code == 2 and "pod/NAME" in told.output


async def test_a_moment_has_the_log_that_it_had(place: Place) -> None:
    await place.pod("echo before; sleep 1.2; echo after")
    await place.cluster.wait(core_v1.Pod, "web", until=lambda pod: pod.status.phase == "Running", timeout_s=30)
    then = place.cluster.view.revision
    await place.ended()
    path = "api/v1/namespaces/default/pods/web/log"
    assert await place.get(f"/{path}") == "before\nafter\n"
    now = place.cluster.view.revision
    await place.cluster.delete("pods", "web", grace_period_s=0)
    await place.cluster.gone("pods", "web")
    assert await place.get(f"/at/rev/{now}/{path}") == "before\nafter\n"
    assert "after" not in await place.get(f"/at/rev/{then}/{path}")
