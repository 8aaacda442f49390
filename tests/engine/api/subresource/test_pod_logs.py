"""What a log request is refused with, and what it asks of the runtime."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shipslog.engine.api.subresource.pod_logs import attempt_of, container_of, time_ns
from shipslog.runtime.node import LogOptions
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest
from tests.engine.api.conftest import Api, Client

PODS = "/api/v1/namespaces/default/pods"


def pod(*names: str, **status: Any) -> core_v1.Pod:
    value = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": n} for n in names]}, "status": status}
    made: core_v1.Pod = codec.from_builtins(core_v1.Pod, value, validation="Strict")[0]
    return made


def test_which_container() -> None:
    assert container_of(pod("a"), "") == "a"
    assert container_of(pod("a", "b"), "b") == "b"
    with pytest.raises(BadRequest, match=r"a container name must be specified for pod p, choose one of: \[a b\]"):
        container_of(pod("a", "b"), "")
    with pytest.raises(BadRequest, match="container c is not valid for pod p"):
        container_of(pod("a"), "c")


def test_which_attempt() -> None:
    status = {"name": "a", "ready": True, "restartCount": 2, "image": "i", "imageID": ""}
    running = status | {"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1, "containerID": "shipslog://1"}}}
    assert attempt_of(pod("a", containerStatuses=[running]), "a", previous=False) == 2
    assert attempt_of(pod("a", containerStatuses=[running]), "a", previous=True) == 2, "the runtime goes back by one"
    waiting = running | {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    assert attempt_of(pod("a", containerStatuses=[waiting]), "a", previous=True) == 3
    for reason, why in (
        ("ErrImagePull", "image can't be pulled"),
        ("ImagePullBackOff", "trying and failing to pull image"),
        ("CreateContainerConfigError", "CreateContainerConfigError"),
    ):
        waits = status | {"state": {"waiting": {"reason": reason, "message": "more than a kubelet says"}}}
        with pytest.raises(BadRequest, match=f"is waiting to start: {why}$"):
            attempt_of(pod("a", containerStatuses=[waits]), "a", previous=False)
    waiting = status | {"state": {"waiting": {"reason": "ContainerCreating"}}}
    with pytest.raises(BadRequest, match='container "a" in pod "p" is waiting to start: ContainerCreating'):
        attempt_of(pod("a", containerStatuses=[waiting]), "a", previous=False)
    with pytest.raises(BadRequest, match='previous terminated container "a" in pod "p" not found'):
        attempt_of(pod("a", containerStatuses=[waiting]), "a", previous=True)


def test_times() -> None:
    assert time_ns("2027-01-15T08:00:00Z") == 1_800_000_000 * 10**9
    with pytest.raises(BadRequest):
        time_ns("yesterday")


class Node:
    """A runtime that has one line to say."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, LogOptions]] = []

    async def close(self, *, end_pods: bool = False) -> None: ...

    async def logs(self, pod_uid: str, container: str, attempt: int, options: LogOptions) -> AsyncIterator[bytes]:
        self.asked.append((container, attempt, options))
        yield b"one\n"
        yield b"two\n"


async def test_a_log_over_http(api: Api, admin: Client) -> None:
    node = Node()
    api.cluster.runtimes["n"] = node  # type: ignore[assignment]
    body = {"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}}
    code, made = await admin.call("POST", PODS, body)
    assert code == 201, made
    code, status = await admin.call("GET", f"{PODS}/p/log")
    assert (code, status["reason"]) == (400, "BadRequest")
    container = {"name": "c", "ready": True, "restartCount": 0, "image": "i", "imageID": "", "state": {"running": {}}}
    made["status"] = {"phase": "Running", "containerStatuses": [container]}
    assert (await admin.call("PUT", f"{PODS}/p/status", made))[0] == 200
    assert await admin.call("GET", f"{PODS}/p/log?tailLines=5&timestamps=true") == (200, "one\ntwo\n")
    assert node.asked == [("c", 0, LogOptions(tail_lines=5, timestamps=True))]
    for query in ("tailLines=-1", "sinceSeconds=0", "limitBytes=0"):
        assert (await admin.call("GET", f"{PODS}/p/log?{query}"))[0] == 422, query
    code, status = await admin.call("GET", f"{PODS}/p/log?tailLines=-1&sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z")
    assert (code, status["details"]["name"], status["details"]["kind"]) == (422, "p", "PodLogOptions")
    assert [(c["reason"], c.get("field", "")) for c in status["details"]["causes"]] == [
        ("FieldValueInvalid", "tailLines"),
        ("FieldValueForbidden", ""),
    ]
    assert (await admin.call("GET", f"{PODS}/none/log"))[0] == 404
