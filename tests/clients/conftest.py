"""A cluster behind a wire that can be cut, with a pod that answers: what every client library is tried on."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipslog.store.objects.types import core_v1

from .relay import Relay

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "app", "image": "web:1"}]},
}
SAID = "ready\nserving\n"


class Shore:
    """`kubeconfig` leads over the wire; `run` has the cluster do something."""

    def __init__(self, served: Any, relay: Relay, kubeconfig: Path) -> None:
        self.served, self.relay, self.kubeconfig = served, relay, kubeconfig

    def cut(self) -> None:
        assert self.relay.cut(), "nobody was connected"

    def run(self, work: Any) -> Any:
        return self.served.run(work)

    def config_maps(self) -> list[core_v1.ConfigMap]:
        """Those that tests made."""

        async def found(cluster: Any) -> list[core_v1.ConfigMap]:
            return [c for c in cluster.list(core_v1.ConfigMap, "default") if c.metadata.name != "kube-root-ca.crt"]

        maps: list[core_v1.ConfigMap] = self.run(found)
        return maps


def _shore(served: Any, tmp_path: Path) -> Iterator[Shore]:
    async def answers(cluster: Any) -> None:
        pod = cluster.container("web")
        pod.answer("date", stdout="noon\n")
        pod.answer("false", stderr="no\n", exit_code=3)
        pod.says(*SAID.splitlines())

    served.run(answers)
    relay = Relay(served.served.port)
    try:
        yield Shore(served, relay, relay.kubeconfig(served.kubeconfig, tmp_path / "over-the-wire"))
    finally:
        relay.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()  # what clients have left open is theirs, and no other test's


@pytest.fixture
def shore(served: Any, tmp_path: Path) -> Iterator[Shore]:
    """For plain tests."""
    yield from _shore(served, tmp_path)


@pytest.fixture
def shore_in_a_thread(_served_from_a_thread: Any, tmp_path: Path) -> Iterator[Shore]:
    """For tests with asyncio: the cluster has a loop of its own all the same."""
    yield from _shore(_served_from_a_thread, tmp_path)
