"""Ends that a CRI runtime knows of are reported, each once, however the runtime answers meanwhile."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shipslog.runtime.containers.cri.client import ATTEMPT, CONTAINER, POD_UID, CallFailed
from shipslog.runtime.containers.cri.node import RUNNING, CriNode


class Client:
    """A runtime in which containers are what `states` says."""

    name = "test"

    def __init__(self) -> None:
        self.states: dict[str, int] = {}
        self.refuses = ""
        self.meanwhile = lambda: None

    def containers(self) -> list[Any]:
        found = [SimpleNamespace(id=name, state=state) for name, state in self.states.items()]
        self.meanwhile()
        return found

    def status(self, container_id: str) -> Any:
        if self.refuses:
            raise CallFailed(self.refuses, "no")
        labels = {POD_UID: "u", CONTAINER: container_id, ATTEMPT: "0"}
        return SimpleNamespace(id=container_id, labels=labels, exit_code=3, reason="", started_at=1, finished_at=2)


@pytest.fixture
def node(tmp_path: Path) -> CriNode:
    node = CriNode("n", tmp_path, "")
    client: Any = Client()
    node._client = client
    return node


@pytest.fixture
def told(node: CriNode) -> list[Any]:
    facts: list[Any] = []
    node._report = facts.append
    return facts


def watched(node: CriNode, *names: str) -> Any:
    for name in names:
        node._running[name] = ("u", name, 0)
    return node._client


async def test_what_could_not_be_asked_is_asked_again(node: CriNode, told: list[Any]) -> None:
    client = watched(node, "a")
    client.refuses = "UNAVAILABLE"
    with pytest.raises(CallFailed):
        await node._look()
    client.refuses = ""
    for _ in range(2):
        await node._look()
    assert [(fact.container, fact.exit_code) for fact in told] == [("a", 3)]


async def test_what_somebody_else_removed_is_lost(node: CriNode, told: list[Any]) -> None:
    watched(node, "a", "b").refuses = "NOT_FOUND"
    await node._look()
    assert [(fact.container, fact.reason) for fact in told] == [
        ("a", "ContainerStatusUnknown"),
        ("b", "ContainerStatusUnknown"),
    ]


async def test_what_starts_during_the_question_has_not_ended(node: CriNode, told: list[Any]) -> None:
    client = watched(node, "a")
    client.states["a"] = RUNNING
    client.meanwhile = lambda: watched(node, "b")
    await node._look()
    assert told == [] and set(node._running) == {"a", "b"}
